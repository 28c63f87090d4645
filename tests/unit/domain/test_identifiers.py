from __future__ import annotations

import pytest

from synergos.domain.identifiers import MAXIMUM_BYTES, check_identifier, check_new_identifier, check_told_apart
from synergos.domain.keys import RunKey
from synergos.errors import InvalidRequest


@pytest.mark.parametrize(
    "value", ["r1", "a" * 128, "漢" * 66, "console", "aux1", "com10", "con-1", "x:y", "Größe 2 (b)"]
)
def test_what_people_call_things_is_a_new_id(value: str) -> None:
    assert check_new_identifier(value, "run_id") == value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("漢" * 67, "at most 200 bytes in UTF-8, got 201"),
        ("é" * 128, "at most 200 bytes in UTF-8, got 256"),
        *(
            (name, "the name of a device")
            for name in ("CON", "con", "Prn", "aux.txt", "NUL.tar.gz", "aux .b", "com1", "LPT9")
        ),
        ("COM¹", "the name of a device"),
        ("ｃｏｎ", "the name of a device"),
        ("nul:x", "the name of a device"),
    ],
)
def test_what_a_file_system_may_not_hold_is_no_new_id_but_one_that_may_be_there(value: str, expected: str) -> None:
    with pytest.raises(InvalidRequest, match=expected) as refused:
        check_new_identifier(value, "expt_id")

    assert refused.value.field == "expt_id"
    assert check_identifier(value, "expt_id") == value


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Con1", "con1"),
        ("ﬁt", "fit"),
        ("\N{KELVIN SIGN}", "k"),
        ("straße", "STRASSE"),
        ("é", "e\N{COMBINING ACUTE ACCENT}"),
        ("Σας", "σασ"),
    ],
)
def test_ids_that_look_the_same_are_not_both_there(one: str, other: str) -> None:
    with pytest.raises(InvalidRequest, match="cannot be told from") as refused:
        check_told_apart(one, ["another", other], "run_id")

    assert refused.value.field == "run_id"


def test_ids_that_differ_are_and_so_is_the_one_itself() -> None:
    check_told_apart("run", ["run", "run1", "ran", "rün"], "run_id")


def test_a_worker_is_asked_for_nothing_that_no_folder_can_be_called() -> None:
    ids = {"collab_id": "c", "project_id": "p", "expt_id": "e", "run_id": "漢" * 128}

    with pytest.raises(InvalidRequest, match="at most 255 bytes in UTF-8, got 384") as refused:
        RunKey.checked(ids)

    assert refused.value.field == "run_id"
    # What was declared before the rule for new ids, and has its folder, goes on.
    longer = {**ids, "run_id": "漢" * (MAXIMUM_BYTES // 3 + 1)}
    assert RunKey.checked(longer) == longer
