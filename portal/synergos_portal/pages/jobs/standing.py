"""How a job stands, in words: in one sentence, as a row of a table, and participant by participant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from synergos_portal.orchestrator.jobs import Awaited, Event, Job, Round
from synergos_portal.pages.jobs.events import clock, purpose
from synergos_portal.web.filters import Remembered, moment, seconds, state
from synergos_portal.web.links import links_to
from synergos_portal.web.words import _, lazy

STAGES: Mapping[str, str] = {
    "check": lazy("trial alignment"),
    "preprocess": lazy("alignment"),
    "train": lazy("training"),
    "validate": lazy("validation"),
    "predict": lazy("prediction"),
}


@Remembered
def stage(name: str | None) -> str:
    """What a job does, as a noun."""
    return str(STAGES.get(name or "", name or _("job")))


def is_unfinished(found: Iterable[Job]) -> bool:
    """Whether more will happen to any of them."""
    return any(job.is_unfinished for job in found)


def sentence(job: Job) -> str:
    """Who or what it waits for, how far it is, why not, or how it ended."""
    if job.error is not None:
        return job.error.message
    if job.state == "completed":
        return _("Done.")
    if job.awaited:
        return " ".join(_wait(each) for each in job.awaited)
    if not job.has_begun:
        return _not_begun(job)
    if job.state == "archiving":
        return _("Done at the TTP; what came of it is being stored.")
    if job.round is not None and job.rounds:
        left = _(" About %(time)s left.", time=seconds(job.seconds_left)) if job.seconds_left else ""
        return _("Round %(round)s of %(rounds)s is done.", round=job.round, rounds=job.rounds) + left
    return _("It has begun.") if job.is_unfinished else _("Nothing more is known of it.")


def _wait(awaited: Awaited) -> str:
    told = {"who": awaited.participant or _("a participant"), "until": clock(awaited.until)}
    text = _("Waiting for %(who)s until %(until)s, for %(what)s", **told, what=purpose(awaited.purpose))
    return f"{text}: {awaited.reason}." if awaited.reason else f"{text}."


def _not_begun(job: Job) -> str:
    if job.first is not None:
        before = _("Waits until job %(job)s has ended.", job=job.first[:8])
        return f"{before} {_place_in_line(job.position)}".strip()
    if job.waits_because is not None:
        why = _("Waits: %(reason)s.", reason=job.waits_because)
        return f"{why} {_place_in_line(job.position)}".strip()
    return _("It is next.")


def _place_in_line(position: int | None) -> str:
    return _("Before it come: %(count)s.", count=position) if position else ""


class Row(NamedTuple):
    """What a table shows of a job, in the reader's language and in this order.

    Attributes:
        blamed: whose worker it is about, where the sentence does not say so; else empty.
        moving: the job, where it can be said how much of it is done; else None.
    """

    id: str
    state: str
    address: str
    title: str
    about: str
    blamed: str
    sentence: str
    moving: Job | None
    accepted: str
    took: str


def rows(jobs: Iterable[Job]) -> list[Row]:
    """A row for each job, put together at once, so that fifty of them take little longer than one."""
    address, shown, worked_on = links_to("jobs.shown", "job_id"), state.for_reader(), stage.for_reader()
    when, duration = moment.for_reader(), seconds.for_reader()
    return [
        Row(
            job.id,
            shown(job.state),
            address(job.id),
            f"{worked_on(job.stage)} {job.id[:8]}",
            job.about,
            _blamed(job),
            sentence(job),
            job if job.is_unfinished and job.fraction is not None else None,
            when(job.created_at),
            duration(took(job)),
        )
        for job in jobs
    ]


def took(job: Job) -> float | None:
    """How many seconds it has taken, from when it was last taken up."""
    if job.started_at is None or job.finished_at is None:
        return None
    begun, ended = datetime.fromisoformat(job.started_at), datetime.fromisoformat(job.finished_at)
    return (ended - begun).total_seconds()


def _blamed(job: Job) -> str:
    if job.error is None or not job.error.participant or job.error.participant in job.error.message:
        return ""
    return job.error.participant


@dataclass
class Participant:
    """A row of the table of participants.

    Attributes:
        rows: it brings, by purpose.
        loss: its training loss in the newest round that it took part in.
        state: ``here``, ``was_here``, ``awaited``, ``absent``, ``left_out``, ``failed`` or ``unknown``.
    """

    id: str
    state: str = "unknown"
    rows: Mapping[str, int] = field(default_factory=dict)
    loss: float | None = None
    seen_at: str | None = None
    reason: str | None = None
    until: str | None = None


PARTICIPANT_STATES: Mapping[str, tuple[str, str, str]] = {
    "here": (lazy("takes part"), "success", "✓"),
    "was_here": (lazy("took part"), "success", "✓"),
    "awaited": (lazy("waited for"), "warning", "◷"),
    "absent": (lazy("no part at present"), "warning", "!"),
    "left_out": (lazy("left out"), "warning", "!"),
    "failed": (lazy("failed"), "danger", "✕"),
    "unknown": (lazy("not heard of yet"), "secondary", "…"),
}
"""A word, Bootstrap's colour and a sign for each."""
_STATES = {
    "session_opened": "here",
    "back": "here",
    "present": "here",
    "awaited": "awaited",
    "given_up": "absent",
    "absent": "absent",
    "left_out": "left_out",
}


def participants(job: Job, events: Sequence[Event], rounds: Sequence[Round]) -> list[Participant]:
    """Everybody who works on it, or has, in the order in which they were heard of."""
    found: dict[str, Participant] = {}

    def row(who: str) -> Participant:
        return found.setdefault(who, Participant(who))

    for who in job.participants:
        row(who)
    for event in events:
        if event.participant is not None and event.event in _STATES:
            _note(row(event.participant), event)
    for each in rounds:
        for who, loss in each.participants.items():
            row(who).loss = loss
            row(who).seen_at = max(row(who).seen_at or "", each.at or "") or None
    for who, loss in job.losses.items():
        row(who).loss = loss if loss is not None else row(who).loss
    _now(job, found)
    return list(found.values())


def _note(participant: Participant, event: Event) -> None:
    participant.state = _STATES[event.event]
    reason = event.about.get("reason")
    participant.reason = str(reason) if reason and participant.state != "here" else None
    if participant.state == "here":
        participant.seen_at = event.at
    if isinstance(rows := event.about.get("rows"), Mapping):
        participant.rows = {str(name): count for name, count in rows.items() if isinstance(count, int)}


def _now(job: Job, found: dict[str, Participant]) -> None:
    """What its record says at present, which is newer than any event."""

    def row(who: str) -> Participant:
        return found.setdefault(who, Participant(who))

    for name in ("left_out", "absent"):
        for who, reason in job.told(name).items():
            row(who).state, row(who).reason = name, reason
    if job.is_unfinished:
        for wait in job.awaited:
            if wait.participant is not None:
                waited = row(wait.participant)
                waited.state, waited.reason, waited.until = "awaited", wait.reason, wait.until
    else:
        for each in found.values():
            # An alignment that has ended well was everybody's; nobody has opened a session for it.
            is_told = each.state == "here" or (each.state == "unknown" and job.state == "completed")
            each.state = "was_here" if is_told else each.state
    if job.error is not None and job.error.participant is not None:
        blamed = row(job.error.participant)
        blamed.state, blamed.reason = "failed", job.error.message
