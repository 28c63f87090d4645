"""Architectures and hyperparameters are uploaded, shown, and declared as they were."""

from __future__ import annotations

import json
from html import unescape
from io import BytesIO

import pytest

from fakes.declared_grid import LINEAR, OF_EXPERIMENT, OF_PROJECT, Grid
from fakes.orchestration import (
    LAYERS,
)
from support.forms import fields

FILES: list[tuple[bytes, str]] = [
    (b"", "not JSON"),
    (b"{", "not JSON"),
    (b"\xff\xfe", "not JSON"),
    (b'{"a": NaN}', "not JSON"),
    (b"[" * 100 + b"]" * 100, "levels of nesting"),
    (b"[" * 100_000 + b"]" * 100_000, "levels of nesting"),
    (b"3", "expected"),
    (b'"text"', "expected"),
    (b"null", "expected"),
    (b'[{"a": "\\ud800"}]', "half a surrogate pair"),
    (b'[{"a": 1, "a": 2}]', "is there twice"),
    (b"[%s]" % (b"9" * 400), "64 bits"),
]


OF_LAYERS = [
    *FILES,
    (b"[]", "at least one"),
    (b"[3]", "expected an object"),
    (b'[{"l_type": 3, "structure": {}}]', "model[0].l_type"),
    (b'[{"l_type": "Linear", "structure": []}]', "model[0].structure"),
    (b'[{"l_type": "Linear", "structure": {}, "extra": 1}]', "model[0].extra"),
    (json.dumps([LAYERS[0]] * 201).encode(), "at most 200"),
    (b'{"lr": 0.1}', "expected a list"),
]


OF_HYPERPARAMETERS = [*FILES, (b"{}", "at least one"), (b'[{"lr": 1}]', "expected an object")]


@pytest.mark.parametrize(
    ("page", "content", "why"),
    [
        *((f"{OF_PROJECT}/experiments/new", *each) for each in OF_LAYERS),
        *((f"{OF_EXPERIMENT}/runs/new", *each) for each in OF_HYPERPARAMETERS),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_wrong_file_is_refused_in_words_and_nothing_is_stored(
    unchanged: Grid, page: str, content: bytes, why: str
) -> None:
    before = unchanged.rest.data("GET", "/ttp/connect/collaborations")

    # Whichever button is pressed: what is declared is never something else than the file that was chosen.
    for act in ("upload", "save"):
        sent = {**LINEAR, "expt_id": "new", "run_id": "new", "act": act, "file": (BytesIO(content), "definition.json")}
        answer = unchanged.visitor.send(page, sent)

        assert answer.status_code == 422
        assert why in unescape(answer.text)
        assert 'href="#file"' in answer.text
    assert unchanged.rest.data("GET", "/ttp/connect/collaborations") == before


def test_no_file_is_told_too(unchanged: Grid) -> None:
    answer = unchanged.visitor.send(f"{OF_PROJECT}/experiments/new", {**LINEAR, "act": "upload"})

    assert answer.status_code == 422
    assert "Choose a file first" in answer.text


@pytest.mark.parametrize("act", ["upload", "save"])
def test_an_uploaded_architecture_is_shown_and_then_declared_as_it_was(grid: Grid, act: str) -> None:
    model = [
        {
            "is_input": True,
            "l_type": "Conv1d",
            "structure": {"in_channels": 1, "out_channels": 4, "kernel_size": [3]},
            "activation": "relu",
        },
        {"is_input": False, "l_type": "Flatten", "structure": {}, "activation": ""},
        {
            "is_input": False,
            "l_type": "Linear",
            "structure": {"in_features": 4, "out_features": 1, "bias": False},
            "activation": "",
        },
    ]
    file = (BytesIO(json.dumps(model).encode()), "architecture.json")

    shown = grid.visitor.send(f"{OF_PROJECT}/experiments/new", {"act": act, "file": file})
    answer = grid.visitor.post(
        f"{OF_PROJECT}/experiments/new", {**fields(shown.text), "expt_id": "uploaded", "act": "save"}
    )

    assert (shown.status_code, answer.status_code) == (200, 303)
    assert grid.rest.data("GET", f"/ttp/connect{answer.location}")["model"] == model


def test_uploaded_hyperparameters_are_shown_and_then_declared_as_they_were(grid: Grid) -> None:
    said = {
        "algorithm": "FedAdam",
        "server_lr": 0.5,
        "rounds": 4,
        "lr": 1e-05,
        "optimizer": "Adam",
        "betas": [0.8, 0.9],
        "amsgrad": True,
    }
    file = (BytesIO(json.dumps(said).encode()), "hyperparameters.json")

    shown = grid.visitor.send(f"{OF_EXPERIMENT}/runs/new", {"act": "upload", "file": file})
    answer = grid.visitor.post(f"{OF_EXPERIMENT}/runs/new", {**fields(shown.text), "run_id": "uploaded", "act": "save"})

    assert (shown.status_code, answer.status_code) == (200, 303)
    stored = grid.rest.data("GET", f"/ttp/connect{answer.location}")
    assert {name: stored[name] for name in said} == said
