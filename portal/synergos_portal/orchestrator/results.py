"""What came of runs: their models, what was measured, and their losses round by round; and files, handed on as they come."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from synergos_portal.orchestrator.client import Client
from synergos_portal.orchestrator.problems import Refused

HISTORY = "global_loss_history.json"
_NOT_THERE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT})
_SERIES = ("evaluate", "train")
_PIECE = 64 * 1024
_TOLD = (
    "Content-Type",
    "Content-Length",
    "Content-Range",
    "Content-Disposition",
    "Accept-Ranges",
    "ETag",
    "Last-Modified",
)


@dataclass(frozen=True)
class RunIds:
    """One run."""

    collab_id: str
    project_id: str
    expt_id: str
    run_id: str

    @property
    def named(self) -> dict[str, str]:
        """The ids by name."""
        return dict(vars(self))

    @property
    def project(self) -> tuple[str, ...]:
        """Of the route of its project."""
        return ("collaborations", self.collab_id, "projects", self.project_id)

    def files(self, version: int | None = None) -> tuple[str, ...]:
        """The route of its files, or of those of one training."""
        versions = () if version is None else ("versions", str(version))
        return ("train", *self.project, "models", self.expt_id, self.run_id, *versions, "artifacts")


@dataclass(frozen=True)
class Artifact:
    """A file of a run.

    Attributes:
        bytes: its size.
    """

    name: str
    bytes: int
    sha256: str
    media_type: str


@dataclass(frozen=True)
class File:
    """A file on its way.

    Attributes:
        status: whether it is whole, a part, or the same as before.
        headers: what is told of it.
    """

    status: int
    headers: list[tuple[str, str]]
    pieces: Iterator[bytes]


@dataclass(frozen=True)
class _VersionKey:
    version: int


@dataclass(frozen=True)
class Training:
    """One training of a run, whose files are kept."""

    key: _VersionKey
    is_current: bool = False
    trained_at: str | None = None

    @property
    def number(self) -> int:
        """Which it is."""
        return self.key.version


def run(client: Client, ids: RunIds) -> Mapping[str, Any]:
    """The record of a run.

    Raises:
        Refused: there is none.
    """
    parts = ("connect", *ids.project, "experiments", ids.expt_id, "runs", ids.run_id)
    return client.record(dict, *parts, query={"relations": "none"})


def model(client: Client, ids: RunIds) -> Mapping[str, Any] | None:
    """The record of its model; None where it is not trained as it stands."""
    found = _found(client, "train", *ids.project, "models", ids.expt_id, ids.run_id)
    return found[0] if found else None


def validations(client: Client, ids: RunIds) -> Sequence[Mapping[str, Any]]:
    """What was measured of its model, of each participant."""
    return _found(client, "evaluate", *ids.project, "validations", ids.expt_id, ids.run_id)


def losses(client: Client, ids: RunIds, version: int | None = None) -> Mapping[str, Mapping[int, float]]:
    """The losses of its training, or of an earlier one, by series and round: ``evaluate`` and ``train``; nothing where it has none."""
    try:
        content = client.answer("GET", *ids.files(version), HISTORY)
    except Refused as error:
        if error.status in _NOT_THERE:
            return {}
        raise
    return {name: _by_round(content.get(name)) for name in _SERIES}


def artifacts(client: Client, ids: RunIds, version: int | None = None) -> Sequence[Artifact]:
    """The files of a run, or of one of its trainings."""
    return client.records(Artifact, *ids.files(version)).items


def trainings(client: Client, ids: RunIds) -> Sequence[Training]:
    """The trainings of a run that are kept, oldest first."""
    parts = ("train", *ids.project, "models", ids.expt_id, ids.run_id, "versions")
    return client.records(Training, *parts, query={"fields": "is_current,trained_at"}).items


@contextmanager
def file(client: Client, parts: Sequence[str], headers: Mapping[str, str]) -> Iterator[File]:
    """A file, whole or in the part that is asked for; it is never held in memory as a whole.

    Args:
        headers: what is asked of it: which part, and whether it has changed.

    Raises:
        Refused: there is none.
    """
    # As it lies on disk, and not compressed for the way: its length is that of the file.
    with client.stream(*parts, headers={**headers, "Accept-Encoding": "identity"}) as answer:
        told = [(name, answer.headers[name]) for name in _TOLD if name in answer.headers]
        yield File(answer.status_code, told, answer.iter_content(_PIECE))


def _found(client: Client, *parts: str) -> list[dict[str, Any]]:
    try:
        return list(client.records(dict[str, Any], *parts).items)
    except Refused as error:
        if error.status in _NOT_THERE:
            return []
        raise


def _by_round(told: object) -> dict[int, float]:
    if not isinstance(told, Mapping):
        return {}
    # A loss that is not finite is null.
    known = {
        int(each): float(loss)
        for each, loss in told.items()
        if str(each).isdecimal() and isinstance(loss, int | float) and not isinstance(loss, bool)
    }
    return dict(sorted(known.items()))
