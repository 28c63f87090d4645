from __future__ import annotations

import re
from typing import Any

import pytest

from factories.feature_spaces import columns, labels, prepared
from synergos.domain.agreement import share_of
from synergos.domain.feature_space import Action, Feature
from synergos.domain.preparation import Prepared
from synergos.errors import Conflict, InvalidRequest
from synergos.learning.agreement import agreement_of
from synergos.learning.agreement_notes import agreement_notes
from synergos.learning.feature_space_agreement import feature_space
from synergos.learning.near_misses import difference, look_alikes, shown

NFC, NFD = "Köln", "Ko\u0308ln"


def site(X: list[str], y: tuple[Feature, ...] = labels("0", "1"), **others: Any) -> Prepared:
    headers = {"train": columns(X, y), **others}
    named = {name.partition("=")[0]: "category" if "=" in name else "float64" for name in X}
    named |= {
        column: "float64" if level is None else "category" for table in others.values() for column, level in table.X
    }
    metadata: dict[str, Any] = {"_type": "tabular", "src_count": 9}
    return prepared(
        {
            "headers": headers,
            "schemas": dict.fromkeys(headers, named),
            "metadata": dict.fromkeys(headers, metadata),
            "digests": {"train": ["k.1"]},
        }
    )


def notes(**sites: Prepared) -> list[str]:
    space, _ = feature_space(sites, Action.CLASSIFY, shared_labels=False)
    return [note.text for note in agreement_notes(sites, space)]


@pytest.mark.parametrize(
    ("one", "other", "what"),
    [
        ("Yes", "yes", "case"),
        ("low", "low.", "a full stop"),
        ("lung left", "lungleft", "blanks"),
        (NFC, NFD, "the Unicode form of their letters"),
        ("Lung left.", "lung_left", "case, blanks, punctuation or Unicode form"),
    ],
)
def test_names_that_look_alike_are_found_with_what_they_differ_in(one: str, other: str, what: str) -> None:
    assert look_alikes([one, other, "quite another"]) == [sorted([one, other])]
    assert difference(one, other) == what


@pytest.mark.parametrize("names", [["1", "-1"], ["yes", "no"], ["0.5", "05"], ["1 2", "12"][:1]])
def test_names_that_mean_different_things_do_not_look_alike(names: list[str]) -> None:
    assert look_alikes(names) == []


def test_what_nobody_can_see_is_spelt_out() -> None:
    assert shown(NFC) == "'Köln'"
    assert shown(NFD) == r"'Ko\u0308ln'"
    assert shown("a\u00a0b\u200b c") == r"'a\xa0b\u200b c'"


def test_levels_spelt_in_two_ways_are_told_with_who_has_which() -> None:
    told = notes(a=site(["smoker=Yes", "smoker=no"]), b=site(["smoker=yes", "smoker=no"]))

    assert told == ["levels of column 'smoker': 'Yes' (a) and 'yes' (b) are not the same; they differ in case"]


def test_columns_and_labels_in_two_unicode_forms_are_told_visibly() -> None:
    told = notes(a=site([NFC, "age"], labels(NFC, "x")), b=site([NFD, "age"], labels(NFD, "x")))

    assert told == [
        r"columns: 'Ko\u0308ln' (b) and 'Köln' (a) are not the same; they differ in the Unicode form of their letters",
        r"labels: 'Ko\u0308ln' (b) and 'Köln' (a) are not the same; they differ in the Unicode form of their letters",
    ]


def test_names_that_only_some_have_are_told_by_who_has_them() -> None:
    told = notes(
        a=site(["age", "ward=n", "ward=s"], labels("0", "1")),
        b=site(["age", "bmi", "ward=s"], labels("0", "1", "2")),
        c=site(["age"], labels("0", "1")),
    )

    assert told == [
        "columns: only a, b have 'ward'",
        "columns: only b has 'bmi'",
        "labels: only b has '2'",
        "levels of column 'ward': only a has 'n'",
    ]


def test_equal_sites_have_nothing_to_be_told() -> None:
    assert notes(a=site(["age", "ward=n"]), b=site(["age", "ward=n"])) == []


def test_what_no_training_row_has_is_told_with_what_looks_like_it() -> None:
    told = notes(a=site(["age", "smoker=Yes"], evaluate=columns(["age", "late", "smoker=yes"], labels("0", "9"))))

    assert told == [
        "columns: the evaluate rows of a have 'late', which no training row has",
        "levels of column 'smoker': the evaluate rows of a have 'yes', which no training row has; 'yes' and 'Yes' differ in case",
        "labels: the evaluate rows of a have '9', which no training row has",
    ]


def test_sites_that_share_no_label_are_refused_with_what_their_labels_differ_in() -> None:
    sites = {"a": site(["age"], labels("yes", "no")), "b": site(["age"], labels("Yes", "No"))}

    with pytest.raises(
        InvalidRequest,
        match=r"^target: a shares no label with b: 2 of its 2 look like theirs and differ in case; map labels to one spelling",
    ) as refused:
        feature_space(sites, Action.CLASSIFY)
    assert not re.search("yes|no'", str(refused.value), re.IGNORECASE)

    assert feature_space(sites, Action.CLASSIFY, shared_labels=False)[0].labels == ("No", "Yes", "no", "yes")


def test_one_site_that_shares_no_label_with_any_other_is_enough() -> None:
    sites = {
        "a": site(["age"], labels("0", "1")),
        "b": site(["age"], labels("1", "2")),
        "c": site(["age"], labels("x")),
    }

    with pytest.raises(InvalidRequest, match="c shares no label with a, b: none of its 1 looks like one of theirs"):
        feature_space(sites, Action.CLASSIFY)


def test_without_auto_align_near_misses_are_told_too() -> None:
    sites = {"a": site(["s=Yes", "Age"]), "b": site(["s=yes", "age"])}

    with pytest.raises(Conflict) as refused:
        feature_space(sites, Action.CLASSIFY, auto_align=False)

    assert str(refused.value) == (
        "auto_align is off and the tables differ: a train lacks 'age', 1 level of 's'; b train lacks 'Age', 1 level of 's'. "
        "columns: 'Age' (a) and 'age' (b) are not the same; they differ in case. "
        "levels of column 's': 1 that look alike are not the same; they differ in case"
    )


def test_each_participant_s_share_says_what_of_its_data_became_an_input() -> None:
    sites = {
        "a": site(["age", "ward=n", "ward=s"], evaluate=columns(["age", "late", "ward=x"], labels("0"))),
        "b": site(["age", "bmi"]),
    }
    space, _ = feature_space(sites, Action.CLASSIFY)

    found = agreement_of(sites, space, version=3)

    a, b = found.participants["a"], found.participants["b"]
    assert (a.inputs, b.inputs) == (("age", "ward"), ("age", "bmi"))
    assert (a.tables["train"].filled, b.tables["train"].filled) == (("bmi",), ("ward",))  # type: ignore[index]
    evaluate = a.tables["evaluate"]  # type: ignore[index]
    assert evaluate.unused == (Feature("late"), Feature("ward", "x"))
    assert evaluate.lacks == (Feature("ward", "n"), Feature("ward", "s"), Feature("target", "1"))
    assert found.digests("a") == {"train": ("k.1",)}
    assert found.version == 3


def test_a_participant_is_told_no_levels_of_columns_it_lacks() -> None:
    sites = {"a": site(["age", "ward=n"]), "b": site(["age"]), "c": site(["age", "ward=s"])}
    space, _ = feature_space(sites, Action.CLASSIFY)
    found = agreement_of(sites, space, version=1)

    assert "'n'" in str(share_of(found, "a")["notes"])
    assert share_of(found, "b")["notes"] == ["columns: only a, c have 'ward'"]
