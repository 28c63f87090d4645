"""How often a day a permission was made use of is known after a restart, and no two take the same last one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from synergos.errors import Conflict
from synergos.permission.counts import Counts, Line, Spent, Taken

DAILY = Line("heart/syft.pub.yaml", "synergos/*/*/train", "1" * 64, 2)
OTHER = Line("lung/syft.pub.yaml", "synergos/*/*/train", "1" * 64, 1)


def take(counts: Counts, *lines: Line) -> Line | None:
    """The line of which none is left; None where one of each was taken."""
    found = counts.take([[line] for line in lines])
    return found.line if isinstance(found, Spent) else None


def test_there_are_so_many_a_day_also_after_a_restart(tmp_path: Path) -> None:
    path, day = tmp_path / "uses.json", ["2026-11-26"]

    taken = [take(Counts(path, lambda: day[0]), DAILY) for _ in range(3)]
    day[0] = "2026-11-27"

    assert taken == [None, None, DAILY]
    assert take(Counts(path, lambda: day[0]), DAILY) is None


def test_a_clock_that_goes_back_begins_no_day_anew(tmp_path: Path) -> None:
    day = ["2026-11-26"]
    counts = Counts(tmp_path / "uses.json", lambda: day[0])

    assert take(counts, OTHER) is None
    day[0] = "2026-11-25"
    assert take(counts, OTHER) == OTHER


def test_of_several_that_are_taken_together_none_is_when_one_is_used_up(tmp_path: Path) -> None:
    counts = Counts(tmp_path / "uses.json", lambda: "2026-11-26")
    take(counts, OTHER)

    assert take(counts, DAILY, OTHER) == OTHER
    assert counts.of([DAILY, OTHER]) == {DAILY: 0, OTHER: 1}


def test_what_came_to_nothing_is_given_back(tmp_path: Path) -> None:
    counts = Counts(tmp_path / "uses.json", lambda: "2026-11-26")
    taken = counts.take([[OTHER]])
    assert isinstance(taken, Taken)
    counts.give_back(taken)

    assert take(counts, OTHER) is None


def test_what_was_taken_before_midnight_is_not_given_back_after_it(tmp_path: Path) -> None:
    day = ["2026-11-26"]
    counts = Counts(tmp_path / "uses.json", lambda: day[0])
    taken = counts.take([[OTHER]])
    day[0] = "2026-11-27"
    assert take(counts, OTHER) is None
    assert isinstance(taken, Taken)

    counts.give_back(taken)

    assert take(counts, OTHER) == OTHER


def test_of_several_lines_that_is_taken_of_which_most_is_left_when_it_is(tmp_path: Path) -> None:
    counts = Counts(tmp_path / "uses.json", lambda: "2026-11-26")
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: counts.take([[DAILY, OTHER]]), range(16)))

    assert sum(isinstance(each, Taken) for each in taken) == DAILY.most + OTHER.most
    assert counts.of([DAILY, OTHER]) == {DAILY: DAILY.most, OTHER: OTHER.most}


def test_what_is_counted_for_a_day_that_has_not_come_says_so(tmp_path: Path) -> None:
    day = ["2036-11-26"]
    counts = Counts(tmp_path / "uses.json", lambda: day[0])
    take(counts, OTHER)
    day[0] = "2026-11-26"

    with capture_logs() as logged:
        found = [counts.take([[OTHER]]), counts.take([[OTHER]])]

    assert found == [Spent(OTHER, [OTHER], "2036-11-26", "2026-11-26")] * 2
    assert [(each["day"], each["today"]) for each in logged] == [("2036-11-26", "2026-11-26")]


def test_a_limit_that_is_changed_counts_what_was(tmp_path: Path) -> None:
    counts = Counts(tmp_path / "uses.json", lambda: "2026-11-26")
    take(counts, OTHER)
    more = Line(OTHER.file, OTHER.pattern, OTHER.who, 2)

    assert [take(counts, more), take(counts, more)] == [None, more]


def test_those_who_come_at_the_same_time_get_no_more(tmp_path: Path) -> None:
    counts = Counts(tmp_path / "uses.json", lambda: "2026-11-26")
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: take(counts, DAILY), range(16)))

    assert taken.count(None) == DAILY.most


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"day": 5}', '{"counts": []}', '{"counts": {"a": -1}}', '{"counts": {"a": true}}']
)
def test_a_damaged_file_counts_nothing_as_unused(tmp_path: Path, content: str) -> None:
    (tmp_path / "uses.json").write_text(content)

    with pytest.raises(Conflict):
        take(Counts(tmp_path / "uses.json", lambda: "2026-11-26"), DAILY)
