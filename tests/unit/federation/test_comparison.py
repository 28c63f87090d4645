"""What is compared, before an orchestrator is asked."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from synergos import Driver
from synergos.errors import InvalidRequest
from synergos.federation import Federation
from synergos.federation.comparison import Difference, compare
from synergos.federation.declared import declared_by
from synergos.federation.template import TEMPLATE

NOBODY = Driver("synergos.invalid", 1, raise_errors=True)


def federation(text: str = TEMPLATE) -> Federation:
    return Federation(Path("federation.toml"), text, tomllib.loads(text))


def test_what_the_driver_would_not_send_is_told_with_its_line_and_nobody_is_asked() -> None:
    # No file that was read says this.
    flat = TEMPLATE.replace('evaluate = [["evaluate"]]\npredict', 'evaluate = ["evaluate"]\npredict')

    with pytest.raises(InvalidRequest, match=r"^federation.toml, line 39: evaluate: expected a list of folders"):
        compare(NOBODY, federation(flat))


def test_what_is_declared_is_the_body_that_the_driver_would_send() -> None:
    wanted = {str(each): each.wanted for each in declared_by(federation())}

    assert wanted["project risk"] == {"action": "classify", "incentives": {}}
    assert wanted["tags hospital_2"] == {"train": [["train"]], "evaluate": [["evaluate"]], "predict": []}
    assert wanted["registration hospital_2"] == {
        "role": "guest",
        "n_count": 1,
        "node_0": {"host": "10.0.0.12", "port": 8020, "f_port": 5000, "log_msgs": False, "verbose": False},
    }
    assert wanted["run logistic/first"].keys() >= {"rounds", "lr", "algorithm", "optimizer"}
    assert not {"run_id", "expt_id"} & wanted["run logistic/first"].keys()


def test_what_hangs_under_a_record_comes_after_it_and_experiments_last() -> None:
    assert [str(each) for each in declared_by(federation())] == [
        *("collaboration heart", "project risk"),
        *("participant hospital_1", "registration hospital_1", "tags hospital_1"),
        *("participant hospital_2", "registration hospital_2", "tags hospital_2"),
        *("experiment logistic", "run logistic/first"),
    ]


@pytest.mark.parametrize(
    ("stored", "declared", "told"),
    [
        (None, 0.9, "momentum: – → 0.9"),
        ("a", "b", 'momentum: "a" → "b"'),
        ([1, 2], None, "momentum: [1, 2] → –"),
        ({"a": "x" * 60}, True, f'momentum: {{"a": "{"x" * 32}… → true'),
    ],
)
def test_a_difference_is_told_in_one_line(stored: object, declared: object, told: str) -> None:
    assert str(Difference("momentum", stored, declared)) == told


def test_an_identity_that_a_worker_has_shown_is_no_difference_unless_the_file_names_one() -> None:
    node = {"host": "10.0.0.12", "port": 8020, "f_port": 5000, "fingerprint": "a" * 64}
    record = {"role": "guest", "n_count": 1, "node_0": node}
    open_, pinned = (
        next(each for each in declared_by(federation(text)) if str(each) == "registration hospital_2")
        for text in (TEMPLATE, TEMPLATE.replace("f_port = 5000 }]", f'f_port = 5000, fingerprint = "{"b" * 64}" }}]'))
    )

    assert "fingerprint" not in open_.declared_in(record)["node_0"]
    assert pinned.declared_in(record)["node_0"]["fingerprint"] == "a" * 64
    assert pinned.wanted["node_0"]["fingerprint"] == "b" * 64
