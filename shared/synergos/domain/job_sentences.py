"""A job's events in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from synergos.domain.job_event import JobEvent, JobEventKind


def sentence(event: JobEvent) -> str:
    """What happened, as one sentence; who is not told is "a participant"."""
    return _SENTENCES[event.kind](event.participant or "a participant", event.about)


def _taken_up(_who: str, about: Mapping[str, object]) -> str:
    by = f" by {about['ttp']}" if about.get("ttp") else ""
    where = f" on sub-grid {about['grid']}" if about.get("grid") is not None else ""
    return f"Taken up{' again' if about.get('is_resumed') else ''}{by}{where}."


def _training(_who: str, about: Mapping[str, object]) -> str:
    after = about.get("after")
    if after:
        return f"The training goes on after round {after} of {about.get('rounds')}."
    return f"A training of {about.get('rounds')} rounds begins."


def _session(who: str, about: Mapping[str, object]) -> str:
    rows = about.get("rows")
    told = (
        ", ".join(f"{count} rows to {purpose}" for purpose, count in rows.items()) if isinstance(rows, Mapping) else ""
    )
    return f"{who} takes part{f' with {told}' if told else ''}."


def _round(_who: str, about: Mapping[str, object]) -> str:
    loss = about.get("loss")
    return f"Round {about.get('round')} of {about.get('rounds')} is done{'' if loss is None else f', loss {loss:.4g}'}."


def _awaited(who: str, about: Mapping[str, object]) -> str:
    told = f"Waiting for {who} until {about.get('until')}, for {about.get('for')}"
    return f"{told}: {about['reason']}" if about.get("reason") else f"{told}."


def _with_reason(text: str, about: Mapping[str, object]) -> str:
    return f"{text}: {about['reason']}" if about.get("reason") else f"{text}."


def _asked(_who: str, about: Mapping[str, object]) -> str:
    by = about.get("by") or "Somebody"
    return f"Cancelled because {about['because']}." if about.get("because") else f"{by} asked for it to be cancelled."


def _retried(_who: str, about: Mapping[str, object]) -> str:
    text = f"It failed, and is tried again after {about.get('seconds')} s"
    return f"{text}: {about['error']}" if about.get("error") else f"{text}."


def _owner_lost(_who: str, about: Mapping[str, object]) -> str:
    return f"{about.get('ttp') or 'The program'} that ran it ended or was not heard of any more; the job is to go on."


def _ended(_who: str, about: Mapping[str, object]) -> str:
    error, state = about.get("error"), str(about.get("state")).capitalize()
    message = error.get("message") if isinstance(error, Mapping) else None
    return f"{state}: {message}" if message else f"{state}."


_SENTENCES: Mapping[JobEventKind, Callable[[str, Mapping[str, object]], str]] = {
    JobEventKind.ACCEPTED: lambda _who, _about: "Accepted.",
    JobEventKind.TAKEN_UP: _taken_up,
    JobEventKind.WORK_BEGAN: lambda _who, about: _begun(about.get("participants")),
    JobEventKind.TRAINING_BEGAN: _training,
    JobEventKind.SESSION_OPENED: _session,
    JobEventKind.ROUND_DONE: _round,
    JobEventKind.AWAITED: _awaited,
    JobEventKind.BACK: lambda who, _about: f"{who} is back; the job goes on.",
    JobEventKind.GIVEN_UP: lambda who, _about: f"{who} is not waited for any longer.",
    JobEventKind.ABSENT: lambda who, about: _with_reason(f"{who} has no part in round {about.get('round')}", about),
    JobEventKind.PRESENT: lambda who, about: f"{who} has a part again, in round {about.get('round')}.",
    JobEventKind.LEFT_OUT: lambda who, about: _with_reason(f"{who} is left out", about),
    JobEventKind.SHORTENED: lambda who, about: _with_reason(
        f"Of the update of {who} in round {about.get('round')} less counts than there is", about
    ),
    JobEventKind.WEIGHT_LIMITED: lambda who, about: (
        f"{who} says that it has {about.get('rows')} rows; {about.get('counted')} of them count."
    ),
    JobEventKind.UNSEALED: lambda who, _about: f"{who} shows no identity: what is asked of it goes unsealed.",
    JobEventKind.RETRIED: _retried,
    JobEventKind.HELD: lambda who, _about: (
        f"{who} has something to approve first; the job makes room for others until then."
    ),
    JobEventKind.INTERRUPTED: lambda _who, _about: "The program that runs it is being stopped; the job is to go on.",
    JobEventKind.OWNER_LOST: _owner_lost,
    JobEventKind.CANCEL_ASKED: _asked,
    JobEventKind.MORE: lambda _who, _about: "More happened in this attempt than is kept.",
    JobEventKind.ENDED: _ended,
}


def _begun(participants: object) -> str:
    named = ", ".join(map(str, participants)) if isinstance(participants, list | tuple) else ""
    return f"Begun at {named}." if named else "Begun."
