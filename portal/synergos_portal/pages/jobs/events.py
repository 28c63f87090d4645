"""A job's events in the reader's language, and how long ago they are told apart by attempts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby

import flask_babel

from synergos.foreign_json import mapping, texts, whole
from synergos_portal.orchestrator.jobs import Event
from synergos_portal.web.filters import number
from synergos_portal.web.words import _, ngettext


@dataclass(frozen=True)
class Attempt:
    """What happened in one attempt, the newest first.

    Attributes:
        number: from 1; 0 is what came before the first.
    """

    number: int
    events: Sequence[Event]


def by_attempt(events: Sequence[Event]) -> list[Attempt]:
    """Events attempt by attempt, the newest first."""
    newest_first = sorted(events, key=lambda event: event.number, reverse=True)
    return [Attempt(attempt, list(found)) for attempt, found in groupby(newest_first, key=lambda event: event.attempt)]


def words(event: Event) -> str:
    """What happened; of a kind that this release does not know, the orchestrator's own sentence."""
    say = _SAID.get(event.event)
    return event.sentence if say is None else say(event.participant or _("a participant"), event.about)


def sign(event: Event) -> str:
    """Bootstrap's colour for what asks for attention, and nothing for the rest."""
    return _SIGNS.get(event.event, "")


def clock(when: object) -> str:
    """A time of day with seconds, in UTC."""
    try:
        read = datetime.fromisoformat(str(when))
    except ValueError:
        return str(when)
    return _("%(time)s UTC", time=flask_babel.format_time(read.astimezone(UTC), "HH:mm:ss", rebase=False))


def purpose(said: object) -> str:
    """What somebody is waited for to do."""
    text = str(said or "")
    first, _blank, rest = text.rpartition(" ")
    if first == "round":
        return _("round %(number)s", number=rest)
    known = {
        "its session": _("its session"),
        "its datasets": _("its datasets"),
        "its part in the agreement": _("its part in the agreement"),
    }
    return known.get(text, text)


def _taken_up(_who: str, about: Mapping[str, object]) -> str:
    where = about.get("ttp")
    if about.get("is_resumed"):
        return _("Taken up again by %(ttp)s.", ttp=where) if where else _("Taken up again.")
    return _("Taken up by %(ttp)s.", ttp=where) if where else _("Taken up.")


def _training(_who: str, about: Mapping[str, object]) -> str:
    rounds, after = about.get("rounds"), about.get("after")
    if after:
        return _("The training goes on after round %(after)s of %(rounds)s.", after=after, rounds=rounds)
    return _("A training of %(rounds)s rounds begins.", rounds=rounds)


def _work(_who: str, about: Mapping[str, object]) -> str:
    named = ", ".join(texts(about.get("participants")))
    return _("Begun at %(participants)s.", participants=named) if named else _("Begun.")


def _session(who: str, about: Mapping[str, object]) -> str:
    rows = mapping(about.get("rows"))
    counts = ", ".join(f"{_number(count)} {purposes().get(name, name)}" for name, count in rows.items())
    return (
        _("%(who)s takes part. Rows: %(rows)s.", who=who, rows=counts) if counts else _("%(who)s takes part.", who=who)
    )


def _number(told: object) -> str:
    return number(told if isinstance(told, float | int | str) else None)


def purposes() -> Mapping[str, str]:
    """What rows are for."""
    return {"train": _("to train"), "evaluate": _("to evaluate"), "predict": _("to predict")}


def _round(_who: str, about: Mapping[str, object]) -> str:
    said = {"round": about.get("round"), "rounds": about.get("rounds")}
    if about.get("loss") is None:
        return _("Round %(round)s of %(rounds)s is done.", **said)
    return _("Round %(round)s of %(rounds)s is done, loss %(loss)s.", **said, loss=_number(about["loss"]))


def _awaited(who: str, about: Mapping[str, object]) -> str:
    until, what = clock(about.get("until")), purpose(about.get("for"))
    return _with_reason(_("Waiting for %(who)s until %(until)s, for %(what)s", who=who, until=until, what=what), about)


def _cancel(_who: str, about: Mapping[str, object]) -> str:
    if about.get("because"):
        return _("To be cancelled: %(reason)s.", reason=about["because"])
    if about.get("by"):
        return _("%(who)s asked for it to be cancelled.", who=about["by"])
    return _("Somebody asked for it to be cancelled.")


def _retried(_who: str, about: Mapping[str, object]) -> str:
    after = _number(about.get("seconds"))
    reason = {"reason": about.get("error")}
    return _with_reason(_("It failed, and is tried again after %(seconds)s s", seconds=after), reason)


def _held(who: str, about: Mapping[str, object]) -> str:
    text = _("Put back until the owner of the data of %(who)s has decided; other jobs go on meanwhile", who=who)
    return _with_reason(text, about)


def _owner_lost(_who: str, about: Mapping[str, object]) -> str:
    if about.get("ttp"):
        return _(
            "%(ttp)s, which ran it, ended or was not heard of any more. The job goes on elsewhere.", ttp=about["ttp"]
        )
    return _("The program that ran it ended. The job goes on from the rounds that are done.")


def _ended(_who: str, about: Mapping[str, object]) -> str:
    states = {"completed": _("Completed"), "failed": _("Failed"), "cancelled": _("Cancelled")}
    state = str(about.get("state"))
    return _with_reason(states.get(state, state), {"reason": mapping(about.get("error")).get("message")})


def _with_reason(text: str, about: Mapping[str, object]) -> str:
    return f"{text}: {about['reason']}" if about.get("reason") else f"{text}."


def _absent(who: str, about: Mapping[str, object]) -> str:
    return _with_reason(_("%(who)s has no part in round %(round)s", who=who, round=about.get("round")), about)


def _shortened(who: str, about: Mapping[str, object]) -> str:
    text = _("Of the update of %(who)s in round %(round)s less counts than there is", who=who, round=about.get("round"))
    return _with_reason(text, about)


def _limited(who: str, about: Mapping[str, object]) -> str:
    rows = whole(about.get("rows")) or 0
    return ngettext(
        "%(who)s says that it has %(num)s row; %(counted)s counts.",
        "%(who)s says that it has %(num)s rows; %(counted)s of them count.",
        rows,
        who=who,
        counted=about.get("counted"),
    )


_SAID: Mapping[str, Callable[[str, Mapping[str, object]], str]] = {
    "accepted": lambda _who, _about: _("Accepted."),
    "taken_up": _taken_up,
    "work_began": _work,
    "training_began": _training,
    "session_opened": _session,
    "round_done": _round,
    "awaited": _awaited,
    "back": lambda who, _about: _("%(who)s is back; the job goes on.", who=who),
    "given_up": lambda who, _about: _("%(who)s is not waited for any longer.", who=who),
    "absent": _absent,
    "present": lambda who, about: _("%(who)s has a part again, in round %(round)s.", who=who, round=about.get("round")),
    "left_out": lambda who, about: _with_reason(_("%(who)s is left out", who=who), about),
    "shortened": _shortened,
    "weight_limited": _limited,
    "unsealed": lambda who, _about: _("%(who)s shows no identity: what is asked of it goes unsealed.", who=who),
    "retried": _retried,
    "held": _held,
    "interrupted": lambda _who, _about: _(
        "The program that runs it is being stopped. The job goes on when it is back."
    ),
    "owner_lost": _owner_lost,
    "cancel_asked": _cancel,
    "more": lambda _who, _about: _("More happened in this attempt than is kept."),
    "ended": _ended,
}
_SIGNS = {
    "awaited": "warning",
    "given_up": "danger",
    "absent": "warning",
    "left_out": "warning",
    "shortened": "warning",
    "weight_limited": "warning",
    "retried": "warning",
    "held": "warning",
    "owner_lost": "warning",
    "back": "success",
    "present": "success",
}
