"""Editing on condition: who saves second is told what has been changed, and saves again only knowing that."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from wtforms.fields import HiddenField

from synergos_portal.orchestrator.client import Client
from synergos_portal.orchestrator.declared import Declared, read
from synergos_portal.orchestrator.problems import Refused
from synergos_portal.web.forms import Form
from synergos_portal.web.words import _


class DeclaredForm(Form):
    """A form of something that is declared.

    Attributes:
        changed: what others have changed since it was read, with what it says now.
    """

    revision = HiddenField()

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.changed: Mapping[str, object] = {}
        super().__init__(*arguments, **options)

    def begin_with(self, found: Declared) -> None:
        """Remember what it is a form of, where it has not been sent yet."""
        if not self.revision.data:
            self.revision.data = found.revision or ""

    def take_change(self, error: Refused, client: Client, found: Declared, names: Mapping[str, str]) -> None:
        """Show why something was not saved; what others have changed meanwhile stands there, and saving again is of that state."""
        if error.status != HTTPStatus.PRECONDITION_FAILED:
            self.take(error, names)
            return
        now = read(client, found.spot)
        self.changed = error.changed
        self.revision.data = now.revision or ""
        self.problems.append(error.message)
        self.problems.append(_("Your values are still here. Saving again replaces what the other has saved."))


def said(text: str | None) -> Any:
    """What somebody has typed: a number where it is one, else as it is, so that the orchestrator says what is wrong with it."""
    typed = (text or "").strip()
    for kind in (int, float):
        try:
            # Not every digit that Python knows is one of JSON's.
            return kind(typed) if typed.isascii() and "_" not in typed else typed
        except ValueError:
            continue
    return typed


def typed(value: object) -> str:
    """A value as somebody would have typed it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return ", ".join(typed(each) for each in value)
    return repr(value) if isinstance(value, float) else str(value)
