"""Editing on condition: who saves second is told what has been changed, and saves again only knowing that."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, ClassVar

from flask import Response, render_template, request
from flask.typing import ResponseReturnValue
from wtforms.fields import HiddenField, StringField
from wtforms.validators import DataRequired, Length

from synergos_portal.orchestrator.declared import Declared, Spot
from synergos_portal.orchestrator.problems import Refused
from synergos_portal.web.forms import Form
from synergos_portal.web.way import address_of
from synergos_portal.web.words import _, lazy


class DeclaredForm(Form):
    """A form of something that is declared.

    Attributes:
        changed: what others have changed since it was read, with what it says now.
    """

    revision = HiddenField()
    saves: ClassVar[bool] = True
    """Whether it has values that are saved; one that ends something has none."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.changed: Mapping[str, object] = {}
        super().__init__(*arguments, **options)

    def begin_with(self, revision: str | None) -> None:
        """Remember of what state it is a form, where it has not been sent yet."""
        if not self.revision.data:
            self.revision.data = revision or ""

    def take_change(
        self, error: Refused, revision: Callable[[], str | None], names: Mapping[str, str] | None = None
    ) -> None:
        """Show why something was not saved; what others have changed meanwhile stands there, and saving again is of that state.

        Args:
            revision: gives that of the state that is there now.
            names: see :meth:`~synergos_portal.web.forms.Form.take`.
        """
        if error.status != HTTPStatus.PRECONDITION_FAILED:
            self.take(error, names)
            return
        self.changed = error.changed
        self.revision.data = revision() or ""
        self.problems.append(error.message)
        if self.saves:
            self.problems.append(_("Your values are still here. Saving again replaces what the other has saved."))


def name_field() -> StringField:
    """The field of what something is called."""
    return StringField(
        lazy("Name"),
        [DataRequired(), Length(max=128)],
        description=lazy("It becomes part of addresses and folders, and stays as it is."),
    )


def form_page(
    template: str,
    form: DeclaredForm,
    spot: Spot,
    new: str,
    *,
    is_new: bool,
    source: Spot | None = None,
    **values: object,
) -> ResponseReturnValue:
    """The page of a form, of something new or of what is there.

    Args:
        spot: what is edited, or what something new is to lie in.
        new: what the page of something new is called.
        source: what it is a copy of.
    """
    title = _("Copy of %(name)s", name=source.id) if source is not None else new
    told = {
        "title": title if is_new else _("Edit %(name)s", name=spot.id),
        "step": new if is_new else _("Edit"),
        "submit": _("Declare") if is_new else _("Save"),
        "back": address_of(spot),
    }
    page = render_template(template, form=form, spot=spot, is_new=is_new, **told, **values)
    return page, 422 if form.all_errors else 200


def as_json(found: Declared) -> Response | None:
    """A record for other programs, where that is what is asked for."""
    if request.args.get("as") != "json":
        return None
    told = {"key": found.spot.key, **found.fields, "counts": dict(found.counts)}
    return Response(json.dumps(told, ensure_ascii=False) + "\n", mimetype="application/json")


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
