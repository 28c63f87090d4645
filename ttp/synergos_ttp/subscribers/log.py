"""A job's events in the log. The ids of the job are in every line of its thread already."""

from __future__ import annotations

import structlog

from synergos_ttp.events import (
    Event,
    JobEnded,
    JobStarted,
    ParticipantAwaited,
    ParticipantLeftOut,
    ParticipantLost,
    ParticipantNotAwaited,
    ParticipantTransfers,
    ParticipantUnsealed,
    RoundDone,
    RoundJudged,
    TrainingStarted,
    UpdateShortened,
    WeightLimited,
)
from synergos_ttp.outcomes import Cancelled, Completed, Failed, Held, Interrupted, Lost, Outcome, Pruned

log = structlog.get_logger(__name__)


def write_log(event: Event) -> None:
    """Write an event down."""
    match event:
        case JobStarted(job):
            log.info("job started", stage=job.stage, grid=job.grid, attempt=job.attempts)
        case TrainingStarted(past=past) if past.train:
            log.info("training goes on", round=max(past.train) + 1)
        case RoundDone():
            log.debug("round done", round=event.number, absent=len(event.absent))
        case RoundJudged():
            log.debug("round judged", round=event.number, missing=len(event.missing))
        case ParticipantLost():
            log.warning("left out of a round", round=event.number, participant=event.participant, reason=event.reason)
        case UpdateShortened():
            log.warning(
                "an update is shortened", round=event.number, participant=event.participant, reason=event.reason
            )
        case WeightLimited():
            log.warning("a weight is limited", participant=event.participant, rows=event.rows, counted_as=event.counted)
        case ParticipantLeftOut():
            log.warning("left out", participant=event.participant, reason=event.reason)
        case ParticipantAwaited():
            until = event.until.isoformat(timespec="seconds")
            log.warning("waiting for a participant", reason=event.reason, wanted=event.purpose, until=until)
        case ParticipantNotAwaited():
            log.info("a participant is not waited for any more")
        case ParticipantTransfers():
            log.info(
                "a transfer takes long",
                participant=event.participant,
                direction=event.direction,
                bytes=event.done,
                of=event.of,
                rate=round(event.rate),
            )
        case ParticipantUnsealed():
            log.warning("a worker shows no identity: what is asked of it goes unsealed", participant=event.participant)
        case JobEnded(outcome=outcome):
            _write_end(outcome)


def _write_end(outcome: Outcome) -> None:
    match outcome:
        case Completed():
            log.info("job completed")
        case Cancelled(error) | Pruned(error):
            log.warning("job cancelled", reason=error.message)
        case Failed(error, retry_in):
            log.warning("job failed", reason=error.message, again_in=retry_in)
        case Held(holds):
            log.info("job is put back until owners have decided", participants=[hold.participant for hold in holds])
        case Interrupted(reason):
            log.warning("job interrupted", reason=reason)
        case Lost(reason):
            log.warning("job is not held any more", reason=reason)
