"""What is chosen from where it may be much: of very much a part is offered, and a text in the address narrows it down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import request
from wtforms.fields import SelectField

TEXT = "containing"
"""The argument that says what is to be in the names."""
MOST = 500
_LONGEST = 128


@dataclass(frozen=True)
class Narrowed:
    """What is offered of names.

    Attributes:
        shown: the first of those that have the text in them.
        fitting: how many have it in them.
        is_much: whether there are more than are offered at a time, with any text.
    """

    text: str
    shown: Sequence[str]
    fitting: int
    is_much: bool


def narrow(names: Sequence[str], most: int) -> Narrowed:
    """Those of some names that have the text of the address in them, so many at most."""
    text = request.args.get(TEXT, "").strip()[:_LONGEST]
    fitting = [name for name in names if text.casefold() in name.casefold()]
    return Narrowed(text, fitting[:most], len(fitting), len(names) > most)


def narrow_choices(field: SelectField) -> Narrowed:
    """Leave a field those of its choices that are offered by what they are called, and the one that is chosen.

    To be called once what was sent is validated: any of them may be sent.
    """
    choices: list[Any] = list(field.choices or ())
    found = narrow([str(each.label) for each in choices], MOST)
    offered = set(found.shown)
    field.choices = [each for each in choices if str(each.label) in offered or each.value == field.data]
    return found
