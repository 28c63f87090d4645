"""What stands for a record as it was seen."""

from __future__ import annotations

import pytest

from synergos.orchestration.revision import changed_since, is_of, revision_of

FIELDS = {"rounds": 3, "lr": 0.1, "model": [{"l_type": "Linear"}], "structure, with = ~ and 名": None}


@pytest.mark.parametrize(
    ("now", "changed"),
    [
        (FIELDS, []),
        ({**FIELDS, "lr": 0.2}, ["lr"]),
        ({**FIELDS, "model": [{"l_type": "LSTM"}], "rounds": None}, ["model", "rounds"]),
        ({**FIELDS, "momentum": 0.9}, ["momentum"]),
        ({name: value for name, value in FIELDS.items() if value}, ["structure, with = ~ and 名"]),
        ({**FIELDS, "rounds": 3.0}, ["rounds"]),
        ({}, sorted(FIELDS)),
    ],
)
def test_a_revision_tells_what_has_changed_since(now: dict[str, object], changed: list[str]) -> None:
    revision = revision_of(FIELDS)

    assert changed_since(revision, now) == changed
    assert is_of(revision, now) is (not changed)


def test_the_order_of_fields_is_no_change() -> None:
    assert revision_of(FIELDS) == revision_of(dict(reversed(FIELDS.items())))


def test_a_revision_is_plain_text_whatever_the_fields_are_called() -> None:
    revision = revision_of(FIELDS)

    assert revision.isascii()
    assert not set(revision) & set('"\\ ;')


def test_a_record_of_many_fields_has_a_short_revision_that_tells_that_something_has_changed() -> None:
    fields = {f"node_{number}": number for number in range(1000)}
    revision = revision_of(fields)

    assert len(revision) == 32
    assert is_of(revision, fields)
    assert not is_of(revision, {**fields, "node_7": 0})
    assert changed_since(revision, {**fields, "node_7": 0}) == []
