"""What a validation found becomes metrics: by participant and pooled, by number and name of the class."""

from __future__ import annotations

from synergos.domain.outputs import MEASURED, Validated, Validation
from synergos.learning.pooling import pooled
from synergos_ttp.tracking.points import points_of

FOUND = MEASURED.read(
    {
        "statistics": {"TPs": [3, 1], "TNs": [1, 3], "FPs": [0, 1], "FNs": [1, 0], "TPRs": [0.75, None]},
        "classes": ["no", None],
        "overall": {"rows": 5, "accuracy": 0.8, "confusion_matrix": [[3, 1], [0, 1]]},
        "reasons": {},
        "res_path": "x",
    }
)


def test_figures_of_classes_are_named_by_number_and_by_label() -> None:
    validated = Validated(participants={"p1": Validation(evaluate=FOUND)})

    found = {point.name: point.value for point in points_of(validated)}

    assert found["p1_TPs_class_0"] == found["p1_TPs_label_no"] == 3
    assert found["p1_TPs_class_1"] == 1
    assert not any("None" in name for name in found)
    # What is not defined is no metric.
    assert "p1_TPRs_class_1" not in found
    assert (found["p1_overall_rows"], found["p1_overall_accuracy"]) == (5, 0.8)
    assert not any("confusion" in name for name in found)


def test_all_participants_together_are_there_once() -> None:
    together = pooled({"p1": FOUND, "p2": FOUND})
    assert together is not None
    validated = Validated(participants={who: Validation(evaluate=FOUND, pooled=together) for who in ("p1", "p2")})

    names = [point.name for point in points_of(validated)]

    assert len(names) == len(set(names))
    found = {point.name: point.value for point in points_of(validated)}
    assert (found["pooled_TPs_class_0"], found["pooled_TPs_label_no"], found["pooled_overall_rows"]) == (6, 6, 10)
