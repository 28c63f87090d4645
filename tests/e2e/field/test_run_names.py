"""What a run says and nobody reads is refused, and what is measured is told as what it is, on real programs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from grids.field_case import FieldCase

Play = Callable[[str], FieldCase]


def test_names_that_nobody_reads_are_refused_and_the_right_one_finds_all_positives(play: Play) -> None:
    case = play("11-run-names-nobody-reads")
    case.declare()
    refused: dict[str, tuple[Any, str]] = {
        "pos_weight": ([20.0], "BCELoss does not take it, BCEWithLogitsLoss would"),
        "momentun": (0.9, "did you mean momentum"),
        "learning_rate": (5.0, "did you mean lr?"),
        "batchsize": (8, "did you mean batch_size"),
        "class_weight": (
            [1, 20],
            "did you mean weight with NLLLoss or CrossEntropyLoss, or pos_weight with BCEWithLogitsLoss?",
        ),
    }
    for name, (value, reason) in refused.items():
        answer = case.declare_run(**{name: value})
        assert (answer["status"], answer["field"]) == (417, name)
        assert reason in answer["message"]

    assert case.align()["status"] == 201
    case.train()
    before = case.validations()
    assert case.declare_run(criterion="BCEWithLogitsLoss", pos_weight=[20.0])["status"] == 201
    case.train()
    after = case.validations()

    assert [record["evaluate"]["statistics"]["TPs"][1] for record in before] == [0, 0]
    assert [record["evaluate"]["statistics"]["TPs"][1] for record in after] == [9, 4]
    for record in after:
        assert record["evaluate"]["statistics"]["FNs"][1] == 0
        assert len(record["evaluate"]["classes"]) == 2
    # 96 and 64 rows, of which 9 and 4 are positives; without a positive prediction there is no precision of them.
    assert before[0]["evaluate"]["statistics"]["PPVs"][1] is None
    assert before[0]["evaluate"]["reasons"]["PPVs"] == [None, "this class is never predicted"]
    pooled = before[0]["pooled"]
    assert pooled == before[1]["pooled"]
    assert pooled["overall"]["confusion_matrix"] == [[147, 0], [13, 0]]
    assert pooled["overall"]["accuracy"] == pytest.approx(147 / 160)
    assert pooled["overall"]["balanced_accuracy"] == 0.5
    assert pooled["over"]["overall.accuracy"] == 2
