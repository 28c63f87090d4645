"""What came of runs: their models and where those come from, what was measured, losses round by round; and files, handed on as they come."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain

import msgspec

from synergos.foreign_json import mapping, number, text
from synergos_portal.orchestrator import jobs
from synergos_portal.orchestrator.client import Client
from synergos_portal.orchestrator.cycle import all_told
from synergos_portal.orchestrator.declared import Spot
from synergos_portal.orchestrator.jobs import Round
from synergos_portal.orchestrator.problems import Refused

HISTORY = "global_loss_history.json"
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
class Artifact:
    """A file of a run."""

    name: str
    bytes: int
    sha256: str


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

    @property
    def number(self) -> int:
        """Which it is."""
        return self.key.version


def record(client: Client, run: Spot) -> Mapping[str, object]:
    """The record of a run.

    Raises:
        Refused: there is none.
    """
    return client.record(dict, *run.parts, query={"relations": "none"})


def model(client: Client, run: Spot) -> Mapping[str, object] | None:
    """The record of its model; None where it is not trained as it stands."""
    found = all_told(client, "train", *run.project, "models", *run.ids[2:])
    return found[0] if found else None


def validations(client: Client, run: Spot) -> list[dict[str, object]]:
    """What was measured of its model, of each participant."""
    return all_told(client, "evaluate", *run.project, "validations", *run.ids[2:])


def losses(client: Client, run: Spot, version: int | None = None) -> Mapping[str, Mapping[int, float]]:
    """The losses of its training, or of an earlier one, by series and round: ``evaluate`` and ``train``; nothing where it has none."""
    try:
        content = client.answer("GET", *files_of(run, version), HISTORY)
    except Refused as error:
        if not error.is_untold:
            raise
        return {}
    return {name: _by_round(content.get(name)) for name in _SERIES}


def artifacts(client: Client, run: Spot, version: int | None = None) -> Sequence[Artifact]:
    """The files of a run, or of one of its trainings."""
    return client.records(Artifact, *files_of(run, version)).items


def trainings(client: Client, run: Spot) -> Sequence[Training]:
    """The trainings of a run that are kept, oldest first."""
    parts = ("train", *run.project, "models", *run.ids[2:], "versions")
    return client.records(Training, *parts, query={"fields": "is_current"}).items


def files_of(run: Spot, version: int | None = None) -> tuple[str, ...]:
    """The route of a run's files, or of those of one training."""
    versions = () if version is None else ("versions", str(version))
    return ("train", *run.project, "models", *run.ids[2:], *versions, "artifacts")


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


def _by_round(told: object) -> dict[int, float]:
    # A loss that is not finite is null.
    known = {
        int(each): loss
        for each, value in mapping(told).items()
        if each.isdecimal() and (loss := number(value)) is not None
    }
    return dict(sorted(known.items()))


@dataclass(frozen=True)
class Trained:
    """The newest training of a run.

    Attributes:
        is_current: whether its model is shown as the run's.
        said: the hyperparameters that the run said when it was trained.
        hyperparameters: all of them, those that were not said included, where they are told.
        figures: rounds, losses, and the statistics of a validation.
    """

    version: int
    is_current: bool
    trained_at: str | None
    job: str | None
    said: Mapping[str, object]
    hyperparameters: Mapping[str, object]
    figures: Mapping[str, object] = field(default_factory=dict)


def newest(client: Client, run: Spot) -> Trained | None:
    """The newest training of a run; None where it was never trained."""
    parts = ("train", *run.project, "models", *run.ids[2:], "versions")
    found = all_told(client, *parts, query={"limit": 1, "order": "newest"})
    return _trained(found[0]) if found else None


def rounds(client: Client, run: Spot, model: Trained, after: int = 0) -> Iterator[Round]:
    """What the rounds of a training have lost, those after one of them.

    Its job tells it, by participant too; of a job that tells nothing any more, the file that the training has left.
    """
    of_job = iter(()) if model.job is None else jobs.rounds(client, model.job, after)
    try:
        first = next(of_job, None)
    except Refused as error:
        if not error.is_untold:
            raise
        first = None
    return _of_file(client, run, model, after) if first is None else chain([first], of_job)


def all_rounds(client: Client, run: Spot, model: Trained) -> list[Round]:
    """What all rounds of a training have lost: of very many a job keeps some, and the file has all."""
    found = {each.round: each for each in _of_file(client, run, model, after=0)}
    found |= {each.round: each for each in rounds(client, run, model)}
    return [found[number] for number in sorted(found)]


def _of_file(client: Client, run: Spot, model: Trained, after: int) -> Iterator[Round]:
    found = losses(client, run, None if model.is_current else model.version)
    train, evaluate = found.get("train", {}), found.get("evaluate", {})
    # Rounds are counted from 0 there.
    for each in sorted({*train, *evaluate}):
        if each >= after:
            yield Round(each + 1, 1, train=train.get(each), evaluate=evaluate.get(each))


def _trained(record: Mapping[str, object]) -> Trained:
    version = mapping(record.get("key")).get("version") or record.get("version")
    return Trained(
        version=int(version) if isinstance(version, int | float | str) else 0,
        is_current=bool(record.get("is_current")),
        trained_at=text(record.get("trained_at")),
        job=text(record.get("job")),
        said=mapping(mapping(record.get("definition")).get("run")),
        hyperparameters=mapping(record.get("hyperparameters")),
        figures=mapping(record.get("figures")),
    )


@dataclass(frozen=True)
class RunKey:
    """Which run."""

    collab_id: str
    project_id: str
    expt_id: str
    run_id: str


@dataclass(frozen=True)
class Node:
    """One part of it.

    Attributes:
        about: what is known of it, as it was when the model was trained.
        changes: what has changed since, in sentences.
    """

    id: str
    kind: str
    title: str
    participant_id: str | None = None
    about: Mapping[str, object] = field(default_factory=dict)
    changes: tuple[str, ...] = ()


class Edge(msgspec.Struct, frozen=True, kw_only=True, rename={"before": "from", "after": "to"}):
    """From what something was made, to what was made of it."""

    before: str
    after: str


@dataclass(frozen=True)
class Change:
    """One sentence, and the part it is about."""

    node: str
    text: str


@dataclass(frozen=True)
class Lineage:
    """All of it.

    Attributes:
        state: ``untrained``, ``current`` or ``changed``.
    """

    key: RunKey
    state: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    changes: tuple[Change, ...]


def lineage(client: Client, run: Spot, *, version: str | None = None) -> Lineage:
    """The lineage of a run.

    Args:
        version: the number of one of its trainings; the newest without it.

    Raises:
        Refused: there is no such run or training.
    """
    return client.record(Lineage, "lineage", *run.ids, query={"version": version})
