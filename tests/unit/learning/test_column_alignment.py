from __future__ import annotations

import random
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from factories.feature_spaces import columns, features, labels
from factories.network_models import space
from synergos.domain.feature_space import Action, Feature, Side
from synergos.domain.natural_order import natural_order
from synergos.domain.preparation import TableColumns
from synergos.learning.column_alignment import align, missing_columns_of, unseen

Headers = dict[str, dict[str, TableColumns]]

TEXTS = st.text(alphabet="abXY_0129é", min_size=1, max_size=4)
FEATURES = st.lists(st.builds(Feature, TEXTS, st.none() | TEXTS), unique=True, max_size=12)
LEVELS = st.lists(st.sampled_from(["0", "1", "2", "10", "a", "B", "-3.5", "nan"]), unique=True, min_size=1)


def by_code_point(feature: Feature) -> tuple[str, str]:
    return feature.column, feature.level or ""


def header(X: list[Feature], y: list[str]) -> TableColumns:
    return TableColumns(tuple(sorted(X, key=by_code_point)), labels(*natural_order(y)))


HEADERS = st.dictionaries(
    st.sampled_from(["worker_1", "worker_2", "worker_3"]),
    st.dictionaries(st.sampled_from(["train", "evaluate", "predict"]), st.builds(header, FEATURES, LEVELS), min_size=1),
    min_size=1,
)


def padded(names: Sequence[Feature], missing_columns: list[int]) -> list[Feature | None]:
    """What a worker makes of a table: for each position in order, an empty column is inserted there."""
    columns: list[Feature | None] = list(names)
    for position in missing_columns:
        columns.insert(position, None)
    return columns


@given(HEADERS)
def test_inserting_the_missing_columns_gives_every_table_the_same_order(headers: Headers) -> None:
    found = align(headers, Action.CLASSIFY)

    for participant, tables in headers.items():
        for purpose, table in tables.items():
            for side, X, union in ((Side.X, table.X, found.X), (Side.Y, table.y, found.y)):
                present = [feature for feature in X if feature in union]
                columns = padded(present, found.missing_columns[participant][purpose][side])
                assert len(columns) == len(union)
                assert all(name in {None, expected} for name, expected in zip(columns, union, strict=True))


@given(HEADERS)
def test_the_aligned_columns_are_the_union_of_those_that_were_trained_on(headers: Headers) -> None:
    found = align(headers, Action.CLASSIFY)
    tables = [purposes["train"] for purposes in headers.values() if "train" in purposes]

    assert set(found.X) == {name for table in tables for name in table.X}
    assert set(found.y) == {name for table in tables for name in table.y}
    assert list(found.X) == sorted(found.X, key=by_code_point)


@given(HEADERS, st.randoms(use_true_random=False))
def test_the_order_of_the_participants_does_not_matter(headers: Headers, shuffler: random.Random) -> None:
    names = list(headers)
    shuffler.shuffle(names)

    assert align({name: headers[name] for name in names}, Action.CLASSIFY) == align(headers, Action.CLASSIFY)


def test_a_column_that_one_table_lacks() -> None:
    headers: Headers = {
        "worker_1": {"train": columns(["age", "ca=0", "ca=1"], labels("0", "2"))},
        "worker_2": {
            "train": columns(["age", "ca=1", "ca=2"], labels("0", "10")),
            "evaluate": columns(["age", "ca=0", "ca=1", "ca=2"], labels("2")),
        },
    }

    found = align(headers, Action.CLASSIFY)

    assert features("age", "ca=0", "ca=1", "ca=2") == found.X
    assert found.y == labels("0", "2", "10")
    assert found.missing_columns == {
        "worker_1": {"train": {"X": [3], "y": [2]}},
        "worker_2": {"train": {"X": [1], "y": [1]}, "evaluate": {"X": [], "y": [0, 2]}},
    }


def test_equal_tables_lack_no_columns() -> None:
    table = columns(["a", "b"], labels())

    found = align({"worker_1": {"train": table}, "worker_2": {"train": table}}, Action.REGRESS)

    assert found.y == labels()
    assert found.missing_columns["worker_2"]["train"] == {"X": [], "y": []}


def test_a_table_without_label_gets_no_missing_labels() -> None:
    found = align({"worker_1": {"train": columns(["a"], labels("0", "1")), "predict": columns(["a"])}}, Action.CLASSIFY)

    assert found.missing_columns["worker_1"]["predict"] == {"X": [], "y": []}


def test_missing_columns_and_drift_of_a_later_table() -> None:
    agreed = space(Action.CLASSIFY, 3, labels=3)
    later = columns(["x000", "x002", "zip"], labels("1", "7"))

    assert missing_columns_of(later, agreed) == {"X": [1], "y": [0, 2]}
    assert unseen(later, agreed) == [Feature("zip"), Feature("target", "7")]
    assert unseen(columns(["x000"]), agreed) == []


def test_alignment_is_linear_in_columns() -> None:
    """A quadratic method would need 10^10 comparisons here."""
    wide = columns(sorted(f"column_{index}" for index in range(100_000)), labels())
    narrow = TableColumns(wide.X[::2], wide.y)

    found = align({"worker_1": {"train": wide}, "worker_2": {"train": narrow}}, Action.REGRESS)

    assert found.missing_columns["worker_2"]["train"][Side.X] == list(range(1, 100_000, 2))
