"""How far a job is, as its TTP writes it into its record while it runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

import msgspec
from msgspec import UNSET, Struct, UnsetType

from synergos.errors import InvalidRequest
from synergos.schema import Definition


class RoundLosses(Struct, frozen=True, kw_only=True):
    """What a round has lost; None where a loss is not known, or no number.

    Attributes:
        train: the mean over participants.
        evaluate: of the model that the round began with.
        participants: on each one's training rows; None for those who had no part in the round.
    """

    train: float | None
    evaluate: float | None
    participants: Mapping[str, float | None]


class AwaitedWorker(Struct, frozen=True, kw_only=True):
    """A participant whose worker is waited for.

    Attributes:
        since: ISO 8601, as ``until``.
        purpose: what it is to do.
        approval: whether it is there, and its owner has something to decide first.
    """

    participant: str
    since: str
    until: str
    purpose: str = msgspec.field(name="for")
    reason: str
    approval: bool | UnsetType = UNSET


class SlowTransfer(Struct, frozen=True, kw_only=True):
    """A message to a participant's worker, or its answer, that takes long to pass.

    Attributes:
        direction: ``sending`` to it or ``receiving`` from it.
        done: bytes that have passed, ``of`` how many.
        rate: bytes a second.
    """

    participant: str
    direction: str
    done: int = msgspec.field(name="bytes")
    of: int
    rate: int


class JobProgress(Struct, frozen=True, kw_only=True):
    """All that is known; what is not known yet, or nothing for such a job, is unset.

    Attributes:
        fraction: from 0 to 1.
        participants: those who work on it.
        left_out: why others do not, by participant.
        round: how many are done.
        checkpoints: evaluation losses by the number of rounds after which trials are compared.
        absent: why others had no part in the newest round, by participant.
        shortened: whose update counted less than there was of it in the newest round, and why, by participant.
        waiting_for: whose workers do not answer at present, or whose owners have something to decide.
        transfers: what takes long to pass between the TTP and which participant, and how far it is.
        unsealed: whose workers show no identity, so that nothing that is asked of them is sealed.
        last_error: of an attempt after which it is tried again.
        updated_at: when that was so, ISO 8601.
    """

    fraction: float | UnsetType = UNSET
    participants: Sequence[str] | UnsetType = UNSET
    left_out: Mapping[str, str] | UnsetType = UNSET
    round: int | UnsetType = UNSET
    rounds: int | UnsetType = UNSET
    losses: RoundLosses | UnsetType = UNSET
    checkpoints: Mapping[str, float | None] | UnsetType = UNSET
    absent: Mapping[str, str] | UnsetType = UNSET
    shortened: Mapping[str, str] | UnsetType = UNSET
    seconds_left: float | UnsetType = UNSET
    waiting_for: Sequence[AwaitedWorker] | UnsetType = UNSET
    transfers: Sequence[SlowTransfer] | UnsetType = UNSET
    unsealed: Sequence[str] | UnsetType = UNSET
    last_error: str | UnsetType = UNSET
    updated_at: str | UnsetType = UNSET


JOB_PROGRESS = Definition(JobProgress)
_AWAITED_WORKER = Definition(AwaitedWorker)


def waiting_for(progress: Mapping[str, object], awaited: Sequence[AwaitedWorker]) -> dict[str, object]:
    """A progress, as JSON has it, that says whom the job waits for: these, or nobody."""
    others = {name: value for name, value in progress.items() if name != "waiting_for"}
    return {**others, "waiting_for": [_AWAITED_WORKER.write(each) for each in awaited]} if awaited else others


def awaited_owners(progress: Mapping[str, object]) -> list[AwaitedWorker]:
    """Of a progress as JSON has it, whose owners have something to decide before the job can go on."""
    waits = progress.get("waiting_for")
    found = []
    for wait in waits if isinstance(waits, list) else ():
        # Of whatever release wrote it: what cannot be read says of nobody that they have to decide.
        with suppress(InvalidRequest):
            found.append(_AWAITED_WORKER.read(wait))
    return [each for each in found if each.approval is True]
