"""Losses and confusion matrices: as frames, as tables in a notebook, and as pictures."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synergos.driver import DriverError
from synergos.driver.confusion import ConfusionMatrix
from synergos.driver.curves import RocCurves
from synergos.driver.frames import frame_of
from synergos.driver.histories import History
from synergos.driver.losses import global_losses, local_losses
from synergos.errors import NotSupported

KEY = {"collab_id": "c", "project_id": "p", "expt_id": "e", "run_id": "r"}
PNG = b"\x89PNG\r\n\x1a\n"


def history() -> History:
    together = global_losses({"train": {"0": 2.0, "10": 0.5, "9": None}, "evaluate": {"0": 3.0}})
    return History(KEY, [*together, *local_losses("bank $a$", {"0": 4.0, "9": 1.0})])


def matrix() -> ConfusionMatrix:
    return ConfusionMatrix("e/r, 2 participants", ["no", "yes"], [[30, 10], [0, 60]])


def test_a_history_has_a_row_for_each_origin_series_and_round() -> None:
    frame = history().frame

    assert list(frame.columns) == [*KEY, "origin", "series", "round", "loss"]
    assert frame[["origin", "series", "round"]].to_numpy().tolist() == [
        ["ttp", "train", 0],
        ["ttp", "train", 9],
        ["ttp", "train", 10],
        ["ttp", "evaluate", 0],
        ["bank $a$", "local", 0],
        ["bank $a$", "local", 9],
    ]


def test_a_history_shows_a_column_for_each_curve() -> None:
    table = history().table

    assert list(table.index) == [0, 9, 10]
    assert list(table.columns) == ["train", "evaluate", "bank $a$"]
    assert table.iloc[0].to_list() == [2.0, 3.0, 4.0]
    assert "Losses of c/p/e/r" in repr(history())


def test_a_history_is_drawn_with_a_line_for_each_curve() -> None:
    picture = history().plot(log=True)

    assert [line.get_label() for line in picture.axes.get_lines()] == ["train", "evaluate", r"bank \$a\$"]
    assert picture.axes.get_yscale() == "log"
    assert picture._repr_png_().startswith(PNG)


def test_a_name_that_matplotlib_would_leave_out_is_in_the_legend() -> None:
    picture = History(KEY, list(local_losses("_ward", {"0": 1.0}))).plot()
    legend = picture.axes.get_legend()

    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == [" _ward"]


def test_a_history_of_nothing_is_drawn_empty() -> None:
    assert History(KEY, []).plot().axes.get_lines() == []
    assert History(KEY, []).table.empty


def test_a_matrix_has_its_classes_by_name() -> None:
    frame = matrix().frame

    assert frame.loc["no", "yes"] == 10
    assert (frame.index.name, frame.columns.name) == ("true", "predicted")
    assert matrix().shares() == [[0.75, 0.25], [0.0, 1.0]]


def test_a_matrix_is_drawn_with_its_counts_or_shares() -> None:
    assert [text.get_text() for text in matrix().plot().axes.texts] == ["30", "10", "0", "60"]
    assert [text.get_text() for text in matrix().plot(shares=True).axes.texts] == ["0.75", "0.25", "0.00", "1.00"]


def test_a_matrix_says_of_what_is_withheld_nothing() -> None:
    told = {"overall": {"confusion_matrix": [[30, None], None]}, "classes": ["no", None]}
    found = ConfusionMatrix.of("e/r, w1", told)

    assert found.counts == ((30, None), (None, None))
    assert found.frame.isna().to_numpy().tolist() == [[False, True], [True, True]]
    assert [text.get_text() for text in found.plot().axes.texts] == ["30", "–", "–", "–"]
    assert found.classes == ("no", "(other)")


@pytest.mark.parametrize(
    ("figures", "why"),
    [
        (
            {"overall": {"confusion_matrix": None}, "reasons": {"overall.confusion_matrix": "no row has a label"}},
            "no row has",
        ),
        ({"statistics": {"R2": 0.5}, "overall": {"rows": 4}}, "a regression has none"),
        ({}, "a regression has none"),
    ],
)
def test_why_there_is_no_matrix_is_said(figures: dict[str, Any], why: str) -> None:
    with pytest.raises(DriverError, match=rf"there is no confusion matrix of e/r: {why}"):
        ConfusionMatrix.of("e/r", figures)


TOLD = {
    "classes": ["no", "yes"],
    # Rows 4 and 6; of the 6, three score at least 0.9 and one of the others does.
    "curves": [None, {"thresholds": [0.9, 0.5, 0.0], "TPs": [3, 6, 6], "FPs": [1, 2, 4]}],
}


def roc() -> RocCurves:
    return RocCurves.of("e/r, w1", TOLD)


def test_the_curve_of_a_class_has_its_rates_at_each_threshold() -> None:
    frame = roc().frame
    second = frame[frame["label"] == "yes"]

    assert second["threshold"].tolist() == [float("inf"), 0.9, 0.5, 0.0]
    assert second["TPR"].tolist() == [0.0, 0.5, 1.0, 1.0]
    assert second["FPR"].tolist() == [0.0, 0.25, 0.5, 1.0]
    assert second["precision"].tolist()[1:] == [0.75, 0.75, 0.6]


def test_of_two_classes_the_first_has_the_mirror_image() -> None:
    first, second = roc().classes

    assert first.name == "no"
    assert [(point.true_positives, point.false_positives) for point in first.points] == [(0, 0), (2, 0), (3, 3), (4, 6)]
    # Trapezoids: 0.25 × 0.25 + 0.25 × 0.75 + 0.5 × 1.
    assert [first.area, second.area] == pytest.approx([0.75, 0.75])
    assert roc().table["area"].tolist() == [first.area, second.area]


def test_curves_are_drawn_with_their_areas() -> None:
    legends = [line.get_label() for line in roc().plot().axes.get_lines()]

    assert legends[1:] == ["no (area 0.750)", "yes (area 0.750)"]
    assert roc().plot()._repr_png_().startswith(PNG)
    assert len(roc().plot_precision().axes.get_lines()) == 2


def test_a_class_without_rows_has_no_rates_and_no_area() -> None:
    found = RocCurves.of(
        "e/r", {"classes": ["a"], "curves": [{"thresholds": [0.5, 0.0], "TPs": [0, 0], "FPs": [1, 2]}]}
    )

    assert found.classes[0].area is None
    assert found.frame["TPR"].isna().all()
    found.plot()


@pytest.mark.parametrize(
    ("figures", "why"),
    [
        (
            {"classes": ["a", "b"], "curves": [None, None], "reasons": {"curves": ["few", "too few rows"]}},
            "too few rows",
        ),
        ({"reasons": {"curves": ["there are more than 20 classes"] * 30}}, "there are more than 20 classes"),
        ({"statistics": {"R2": 0.5}}, "a regression has none, nor has what an older release measured"),
        ({"classes": ["a", "b"], "overall": {}}, "a regression has none, nor has what an older release measured"),
    ],
)
def test_why_there_are_no_curves_is_said(figures: dict[str, Any], why: str) -> None:
    with pytest.raises(DriverError, match=f"^there are no curves of e/r: {why}$"):
        RocCurves.of("e/r", figures)


EVIL = "<script>alert(1)</script>"


@pytest.mark.parametrize(
    "shown",
    [
        History({"run_id": EVIL}, list(local_losses(EVIL, {"0": 1.0}))),
        ConfusionMatrix(EVIL, [EVIL, "b"], [[1, 2], [3, 4]]),
        RocCurves.of(EVIL, {**TOLD, "classes": [EVIL, "b"]}),
        frame_of([{EVIL: EVIL}]),
    ],
    ids=["history", "matrix", "curves", "frame"],
)
def test_nothing_in_them_is_taken_for_html(shown: Any) -> None:
    assert "<script" not in shown._repr_html_()
    assert "&lt;script&gt;" in shown._repr_html_()


def test_a_terminal_is_told_nothing_but_text() -> None:
    evil = "\x1b[2J"
    for shown in (
        History({"run_id": evil}, list(local_losses(evil, {"0": 1.0}))),
        ConfusionMatrix(evil, [evil, "b"], [[1, 2], [3, 4]]),
        RocCurves.of(evil, {**TOLD, "classes": [evil, "b"]}),
    ):
        assert "\x1b" not in repr(shown)
        assert "[2J" in repr(shown)


def test_a_picture_is_written_to_a_file(tmp_path: Path) -> None:
    picture = matrix().plot()

    assert picture.save(tmp_path / "m.png").read_bytes().startswith(PNG)
    assert repr(picture) == "Picture('e/r, 2 participants'); save('picture.png') writes it"


@pytest.mark.parametrize(
    "draw", [lambda: history().plot(), lambda: matrix().plot(), lambda: roc().plot()], ids=["history", "matrix", "roc"]
)
def test_who_has_no_matplotlib_is_told_what_to_install(
    draw: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)

    with pytest.raises(NotSupported) as refused:
        draw()

    assert str(refused.value) == (
        "a picture needs matplotlib.figure, which is not installed: pip install 'synergos[plots]'"
    )
