"""Where what participants publish differs is said by column and in sentences, before anybody aligns."""

from __future__ import annotations

from typing import Any

import pytest

from synergos.domain.catalogue import PublishedColumn, PublishedFolder
from synergos.domain.catalogue_comparison import compared


def column(name: str, kind: str = "float64", **more: Any) -> PublishedColumn:
    return PublishedColumn(name=name, type=kind, **more)


def table(*columns: PublishedColumn, **more: Any) -> list[PublishedFolder]:
    return [PublishedFolder(path=("heart",), datatype="tabular", columns=columns, **more)]


AGE, LABEL = column("age"), column("target", "category", is_label=True)


def test_where_all_is_alike_nothing_differs() -> None:
    found = compared({"a": table(AGE, LABEL), "b": table(LABEL, column("age", "int32"))})

    assert found.differences == ()
    assert [(each.name, each.differs, each.lacking) for each in found.columns] == [
        ("age", False, ()),
        ("label", False, ()),
    ]


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        ([column("age", "category"), LABEL], "column 'age' is a number at a and a category at b"),
        ([column("age", unit="days"), LABEL], "column 'age' is in no unit at a and days at b"),
        ([LABEL], "column 'age' is at a, and not at b"),
        ([AGE, LABEL, column("bmi")], "column 'bmi' is at b, and not at a"),
        ([AGE], "the label is at a, and not at b"),
        ([AGE, column("target", is_label=True)], "the label is a category at a and a number at b"),
    ],
)
def test_what_differs_is_said_in_a_sentence(other: list[PublishedColumn], sentence: str) -> None:
    assert compared({"a": table(AGE, LABEL), "b": table(*other)}).differences == (sentence,)


def test_a_label_may_be_called_differently_by_each() -> None:
    ill = column("outcome", "category", is_label=True)

    assert compared({"a": table(AGE, LABEL), "b": table(AGE, ill)}).differences == ()


def test_what_tells_rows_apart_and_folders_nobody_describes_are_not_compared() -> None:
    folders = {"a": table(AGE, LABEL, column("patient", "id")), "b": table(AGE, LABEL), "c": table(), "d": []}

    assert compared(folders).differences == ()


def test_tables_and_images_and_how_those_are_read_are_told_apart() -> None:
    small, large = (
        [PublishedFolder(path=("scans",), datatype="image", options={"size": [side, side]})] for side in (8, 16)
    )

    assert compared({"a": table(AGE), "b": small}).differences == ("the data is tabular at a and image at b",)
    assert compared({"a": small, "b": large}).differences == ("option 'size' is [8, 8] at a and [16, 16] at b",)
