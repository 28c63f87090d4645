"""Deleting what a project file declares, and nothing else: what holds something of others stays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from synergos.domain.records import RECORD_TYPES, Kind
from synergos.domain.study import TRIAL_PREFIX
from synergos.driver import Driver
from synergos.federation.applying import Deed, Done
from synergos.federation.comparison import read_if_there
from synergos.federation.declared import Declared, Record, declared_by
from synergos.federation.federation import Federation

_HOLDS: Mapping[Kind, Sequence[Kind]] = {
    Kind.COLLABORATION: (Kind.PROJECT,),
    Kind.PROJECT: (Kind.EXPERIMENT, Kind.REGISTRATION),
    Kind.EXPERIMENT: (Kind.RUN,),
    Kind.PARTICIPANT: (Kind.REGISTRATION,),
}
"""What is declared under a record, and deleted with it."""
_RESULTS = (Kind.MODEL, Kind.VALIDATION, Kind.PREDICTION)

Name = tuple[Kind, tuple[str, ...]]


@dataclass(frozen=True)
class Fate:
    """What is to become of one record of the file.

    Attributes:
        deed: deleted, not there, or stays.
        reasons: why it stays.
        results: how many of each kind go with it.
    """

    declared: Declared
    deed: Deed
    reasons: tuple[str, ...] = ()
    results: Mapping[Kind, int] = field(default_factory=dict)


def fates(driver: Driver, federation: Federation) -> list[Fate]:
    """What is to become of each record of a file, innermost first.

    Args:
        driver: it raises errors.

    Raises:
        DriverError: the orchestrator does not answer.
    """
    found: list[Fate] = []
    going: set[Name] = set()
    for declared in reversed(declared_by(federation)):
        fate = _fate(declared, read_if_there(driver, declared), going)
        if fate.deed is Deed.DELETED:
            going.add((declared.kind, declared.ids))
        found.append(fate)
    return found


def destroy(driver: Driver, planned: Sequence[Fate], *, keep_files: bool = False) -> Iterator[Done]:
    """Delete what is to be deleted, in order; each is told when it is done.

    Args:
        driver: it raises errors.
        keep_files: leave models, predictions and other files where they are.

    Raises:
        DriverError: the next one could not be deleted; what was told before is done, and nothing else.
    """
    for fate in planned:
        notes = fate.reasons
        if fate.deed is Deed.DELETED:
            notes = tuple(_of_files(fate.declared.delete(driver, keep_files=keep_files)))
        yield Done(fate.declared, fate.deed, notes)


def _of_files(answer: Mapping[str, Any]) -> Iterator[str]:
    """What is still there of the files of something that was deleted."""
    files = answer.get("files", {})
    for each in files.get("waiting", ()):
        reason = f": {each['reason']}" if each.get("reason") else ""
        yield f"files at {each['place']} are still to be removed{reason}"
    yield from files.get("stay", ())


def _fate(declared: Declared, record: Record | None, going: set[Name]) -> Fate:
    if record is None:
        return Fate(declared, Deed.ABSENT)
    others = [_name(*each) for each in _beneath(declared.kind, record) if each not in going]
    if others:
        return Fate(declared, Deed.STAYS, (f"it has {', '.join(others)}",))
    results: Mapping[Kind, int] = {}
    if declared.kind is Kind.RUN:
        results = {kind: len(record["relations"].get(kind, ())) for kind in _RESULTS}
    return Fate(declared, Deed.DELETED, results=results)


def _beneath(kind: Kind, record: Record) -> Iterator[Name]:
    for held in _HOLDS.get(kind, ()):
        for each in record["relations"].get(held, ()):
            ids = tuple(each["key"][name] for name in RECORD_TYPES[held].key_fields)
            # The run of a trial is a result of its experiment's study.
            if held is not Kind.RUN or not ids[-1].startswith(TRIAL_PREFIX):
                yield held, ids


def _name(kind: Kind, ids: tuple[str, ...]) -> str:
    return f"{kind.lower()} {ids[-1]}"
