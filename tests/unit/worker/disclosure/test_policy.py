from __future__ import annotations

import pytest

from synergos.errors import UnusableData
from synergos_worker.disclosure.policy import OPEN, STRICT, Mode, Policy, policy_of_folder, strictest

WORKER = Policy(Mode.STRICT, 20)


def test_a_folder_that_says_nothing_has_the_limits_of_its_worker() -> None:
    assert policy_of_folder(WORKER, None, "a/metadata.json") == WORKER
    assert policy_of_folder(OPEN, None, "a/metadata.json") == OPEN


def test_a_folders_own_minimum_counts_for_it() -> None:
    assert policy_of_folder(WORKER, {"minimum_rows": 5}, "a/metadata.json").minimum_rows == 5
    assert policy_of_folder(WORKER, {}, "a/metadata.json").minimum_rows == 20


def test_a_folders_limits_hold_on_an_open_worker_too() -> None:
    assert policy_of_folder(OPEN, {"minimum_rows": 50}, "a/metadata.json") == Policy(Mode.STRICT, 50)


@pytest.mark.parametrize("wrong", [{"minimum_rows": 0}, {"minimum_row": 5}, {"minimum_rows": "5"}, [], "open"])
def test_limits_that_are_none_are_refused(wrong: object) -> None:
    with pytest.raises(UnusableData, match="disclosure") as refused:
        policy_of_folder(WORKER, wrong, "a/metadata.json")

    assert refused.value.field == "a/metadata.json"


def test_rows_of_several_folders_have_the_strictest_limits() -> None:
    assert strictest([OPEN, STRICT, WORKER]) == WORKER
    assert strictest([OPEN, OPEN]) == OPEN
