"""What is kept and for how long, in the words of ``--keep``."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from synergos.errors import InvalidRequest, UnknownName
from synergos.time_spans import read_span

_FORMS = {
    "models": "a number, as models=5",
    "predictions": "a time, as predictions=90d",
    "rounds": "a time, as rounds=1d",
}


@dataclass(frozen=True)
class Retention:
    """What is to be kept; None for what is left alone.

    Attributes:
        models: so many trainings of each run before the newest.
        predictions: those written in so much time before now.
        rounds: of jobs that have ended, or that no record knows, those written in so much time before now.
    """

    models: int | None = None
    predictions: timedelta | None = None
    rounds: timedelta | None = None

    @classmethod
    def read(cls, wanted: Sequence[str], kinds: Collection[str] = tuple(_FORMS)) -> Retention:
        """As somebody says it: ``models=5``, ``predictions=90d``, ``rounds=12h``.

        Args:
            kinds: what there is where it is said.

        Raises:
            InvalidRequest: there is no such word, one stands twice, or its value is none.
        """
        found: dict[str, int | timedelta] = {}
        for text in wanted:
            name, _, value = text.partition("=")
            if name not in kinds:
                where = "something that is kept" if name not in _FORMS else "something that is kept here"
                raise UnknownName(name, kinds, "--keep", where, listed=list(kinds))
            if name in found:
                raise InvalidRequest(f"{name} is said twice", "--keep")
            found[name] = _count(value) if name == "models" else _time(name, value)
        return cls(**found)  # type: ignore[arg-type]


def _count(text: str) -> int:
    if not re.fullmatch(r"\d{1,6}", text):
        raise InvalidRequest(f"expected {_FORMS['models']}, got {text[:40]!r}", "--keep")
    return int(text)


def _time(name: str, text: str) -> timedelta:
    found = read_span(text, "hdw")
    if found is None:
        raise InvalidRequest(f"expected {_FORMS[name]} (h, d or w), got {text[:40]!r}", "--keep")
    return found
