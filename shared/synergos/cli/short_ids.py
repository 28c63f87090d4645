"""Ids that nobody types: of jobs and studies their beginning is enough, and is all that is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise, takewhile
from typing import TypeVar

from synergos import Driver
from synergos.cli.exits import NOT_FOUND_STATUS
from synergos.driver import DriverError
from synergos.errors import InvalidRequest
from synergos.foreign_json import objects, text

T = TypeVar("T")

SHORTEST = 8
"""Characters of an id that are shown at least."""
PAGE = 1000
_MOST_NAMED = 5
"""How many of several ids that are meant an error names."""


def shortened(ids: Iterable[str]) -> dict[str, str]:
    """As many characters of each id as tell it from the others."""
    ordered = sorted(set(ids))
    length = max((_common(one, other) + 1 for one, other in pairwise(ordered)), default=0)
    return {name: name[: max(SHORTEST, length)] for name in ordered}


def with_jobs(driver: Driver, given: Sequence[str], call: Callable[[list[str]], T]) -> T:
    """What a call makes of jobs, whose ids may be given by their beginnings.

    Raises:
        InvalidRequest: several begin so.
        DriverError: whatever the call raises; 404 where no job begins so.
    """
    return _with_ids(given, call, lambda: _job_ids(driver), "job")


def with_study(driver: Driver, given: str, call: Callable[[str], T]) -> T:
    """What a call makes of a study, whose id may be given by its beginning; errors are those of :func:`with_jobs`."""
    return _with_ids([given], lambda ids: call(ids[0]), lambda: _study_ids(driver), "study")


def with_removal(driver: Driver, given: str, call: Callable[[str], T]) -> T:
    """What a call makes of a removal, likewise."""
    return _with_ids([given], lambda ids: call(ids[0]), lambda: _removal_ids(driver), "removal")


def _common(one: str, other: str) -> int:
    """How many characters two ids begin with that are the same."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _with_ids(given: Sequence[str], call: Callable[[list[str]], T], ids: Callable[[], Iterator[str]], noun: str) -> T:
    try:
        return call(list(given))
    except DriverError as error:
        # A whole id costs no look at the others.
        if error.status != NOT_FOUND_STATUS:
            raise
        known = list(ids())
        meant = [_meant(beginning, known, noun) for beginning in given]
        if meant == list(given):
            raise
        return call(meant)


def _meant(beginning: str, known: Sequence[str], noun: str) -> str:
    found = [name for name in known if name.startswith(beginning)]
    if beginning in found or not found:
        return beginning
    if len(found) > 1:
        named = ", ".join(list(shortened(found).values())[:_MOST_NAMED])
        more = "" if len(found) <= _MOST_NAMED else f" and {len(found) - _MOST_NAMED} more"
        raise InvalidRequest(f"{beginning!r} is the beginning of {len(found)} ids: {named}{more}", noun.upper())
    return found[0]


def _job_ids(driver: Driver) -> Iterator[str]:
    return _paged(lambda **page: driver.jobs.read_all(fields=["state"], **page))


def _study_ids(driver: Driver) -> Iterator[str]:
    return _paged(lambda **page: driver.optimizations.studies(fields=["state"], **page))


def _removal_ids(driver: Driver) -> Iterator[str]:
    return _paged(driver.removals.read_all)


def _paged(read: Callable[..., Mapping[str, object]]) -> Iterator[str]:
    """The ids of a list, the newest first, a page at a time."""
    cursor: str | None = None
    while True:
        answer = read(order="newest", limit=PAGE, cursor=cursor)
        yield from (str(item["id"]) for item in objects(answer["data"]))
        if not (cursor := text(answer.get("next"))):
            return
