"""How dates, numbers and states are shown, in the reader's language."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial, update_wrapper
from typing import Any, Generic, ParamSpec, TypeVar

import flask_babel
from flask import Flask
from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from synergos_portal.web import words
from synergos_portal.web.words import _, lazy

Given = ParamSpec("Given")
Shown = TypeVar("Shown")

_MOST = 512
"""Of what is shown so, for each way: lists show the same again and again, and the library takes long for a date."""

NOTHING = "–"
"""What is shown where there is nothing to show."""

ROLES = {"guest": lazy("guest"), "host": lazy("host"), "arbiter": lazy("arbiter")}
"""What a registration may say that a participant is."""
STATES = {
    "queued": (lazy("waiting"), "secondary", "◷"),
    "waiting": (lazy("waiting"), "secondary", "◷"),
    "pending": (lazy("waiting"), "secondary", "◷"),
    "archiving": (lazy("being filed"), "primary", "▶"),
    "running": (lazy("running"), "primary", "▶"),
    "completed": (lazy("completed"), "success", "✓"),
    "failed": (lazy("failed"), "danger", "✕"),
    "cancelled": (lazy("cancelled"), "warning", "■"),
    "cancelling": (lazy("being cancelled"), "warning", "■"),
    "pruned": (lazy("stopped early"), "warning", "✂"),
    "ok": (lazy("fine"), "success", "✓"),
    "degraded": (lazy("with problems"), "warning", "!"),
    "reachable": (lazy("reachable"), "success", "✓"),
    "unreachable": (lazy("not reachable"), "danger", "✕"),
}
"""A word, Bootstrap's colour and a sign for each state: nobody has to tell them apart by colour."""


def install(app: Flask) -> None:
    """Have templates of an application show things so."""
    ways: dict[str, Callable[..., object]] = {
        "moment": moment,
        "number": number,
        "percent": percent,
        "seconds": seconds,
        "state": state,
        "role": role,
        "or_nothing": or_nothing,
    }
    for name, function in ways.items():
        app.jinja_env.filters[name] = _by_reader(function)


def _by_reader(show: Callable[..., object]) -> Callable[..., object]:
    """Have what a template itself says, as in ``"running"|state``, shown by who reads it, and not once as it is compiled."""

    if isinstance(show, Remembered):
        kept = show.kept

        # A list has several in each row: nothing stands between them and what is kept.
        @pass_context
        def again(_context: Context, *arguments: object) -> object:
            return kept(words.chosen(), *arguments)

        return again

    @pass_context
    def shown(_context: Context, *arguments: object, **named: object) -> object:
        return show(*arguments, **named)

    return shown


class Remembered(Generic[Given, Shown]):
    """Shows the same again as it was shown before, in each language.

    Args:
        show: what is done the first time, with arguments that can be hashed.

    Attributes:
        kept: the same of a language, which comes before the arguments.
    """

    def __init__(self, show: Callable[Given, Shown]) -> None:
        @lru_cache(_MOST)
        def kept(_language: str, *arguments: Any, **named: Any) -> Shown:
            return show(*arguments, **named)

        self.kept: Callable[..., Shown] = kept
        update_wrapper(self, show)

    def for_reader(self) -> Callable[..., Shown]:
        """The same for the reader's language, which is looked up once: for rows of a list."""
        return partial(self.kept, words.chosen())

    def __call__(self, *arguments: Given.args, **named: Given.kwargs) -> Shown:
        """Show it in the reader's language."""
        return self.kept(words.chosen(), *arguments, **named)


@Remembered
def moment(when: str | datetime | None) -> Markup | str:
    """A date and a time of day, as ``<time>`` with the exact one."""
    read = when if isinstance(when, datetime) else _read(when)
    if read is None:
        return NOTHING
    # Month by name: day and month are not told apart otherwise by everybody who reads English.
    shown = flask_babel.format_datetime(read.astimezone(UTC), "d MMM y, HH:mm")
    return Markup('<time datetime="{}" title="{} UTC">{}</time>').format(
        read.isoformat(timespec="seconds"), read.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S"), shown
    )


@Remembered
def number(value: float | str | None, digits: int = 4) -> str:
    """A number with so many significant digits; whole ones as they are."""
    if value is None or isinstance(value, str):
        return value or NOTHING
    if value != value or value in (float("inf"), float("-inf")):
        return str(value)
    if value == int(value) and abs(value) < 1e15:
        return str(flask_babel.format_decimal(int(value)))
    if abs(value) < 1e-4 or abs(value) >= 1e6:
        return str(flask_babel.format_scientific(float(f"{value:.{digits}g}"), "0.###E0"))
    places = max(0, digits - len(str(int(abs(value)))) + (1 if abs(value) < 1 else 0))
    return str(flask_babel.format_decimal(float(f"{value:.{digits}g}"), f"#,##0.{'#' * max(places, digits)}"))


@Remembered
def percent(share: float | None) -> str:
    """A share between 0 and 1."""
    return NOTHING if share is None else str(flask_babel.format_percent(share))


@Remembered
def seconds(count: float | None) -> str:
    """How long something takes."""
    if count is None:
        return NOTHING
    if count < 1:
        return _("less than a second")
    return str(flask_babel.format_timedelta(timedelta(seconds=round(count)), threshold=1.2))


@Remembered
def state(name: str | None) -> Markup:
    """A state as a badge: a sign and a word, and a colour besides."""
    word, colour, sign = STATES.get(name or "", (name or NOTHING, "secondary", "•"))
    return Markup(
        '<span class="badge text-bg-light border border-{0} state state-{0}"><span aria-hidden="true">{1}</span> {2}</span>'
    ).format(colour, sign, str(word))


def role(name: str | None) -> str:
    """What a participant is in a project."""
    return NOTHING if name is None else str(ROLES.get(name, name))


def or_nothing(value: object) -> object:
    """The value, or a dash where there is none."""
    return NOTHING if value in (None, "", [], {}) else value


def _read(when: str | None) -> datetime | None:
    try:
        read = datetime.fromisoformat(when or "")
    except ValueError:
        return None
    return read if read.tzinfo else read.replace(tzinfo=UTC)
