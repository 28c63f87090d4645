"""Editing and deleting on condition: who saves second is told what has been changed, and saves again only knowing that."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, ClassVar

from flask import Response, flash, render_template, request
from flask.typing import ResponseReturnValue
from wtforms.fields import BooleanField, FileField, HiddenField, StringField
from wtforms.validators import DataRequired, Length

from synergos.foreign_json import items
from synergos_portal.orchestrator import declared
from synergos_portal.orchestrator.client import Client
from synergos_portal.orchestrator.declared import Declared, Spot
from synergos_portal.orchestrator.problems import Refused
from synergos_portal.web.current import client
from synergos_portal.web.forms import Form, confirm_page, is_chosen, uploaded_json
from synergos_portal.web.links import address_of, lead_to, way_to
from synergos_portal.web.words import _, lazy, ngettext


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

    def is_saved(self, save: Callable[[str], object], revision: Callable[[], str | None]) -> bool:
        """Save what was read in the state that it is handed; False where that was refused, and the form shows why (:meth:`take_change`)."""
        try:
            save(self.revision.data or "")
        except Refused as error:
            self.take_change(error, revision)
            return False
        return True


class EndingForm(DeclaredForm):
    """Whoever ends something types what it is called."""

    saves = False
    name = StringField(lazy("Its name, to be sure"))

    def is_sure(self, name: str) -> bool:
        """Whether it was sent, with the right name."""
        if not self.is_sent:
            return False
        if self.name.data != name:
            self.name.errors = [_("Type %(name)s exactly as it is written.", name=name)]
            return False
        return True


class DeleteForm(EndingForm):
    """Whoever deletes something declared says what becomes of files, too."""

    keep_files = BooleanField(lazy("Leave files of models and results where they are"))


def name_field() -> StringField:
    """The field of what something is called."""
    return StringField(
        lazy("Name"),
        [DataRequired(), Length(max=128)],
        description=lazy("It becomes part of addresses and folders, and stays as it is."),
    )


def take_file(field: FileField, show: Callable[[Any], None]) -> None:
    """Show what an uploaded file says in place of what was there; what is wrong with it stands at its field, and all else stays.

    Args:
        show: is handed what was read; raises :class:`ValueError` where that is not what it should be, and says so in words.
    """
    if not is_chosen(field):
        field.errors = [_("Choose a file first.")]
        return
    try:
        show(uploaded_json(field))
    except ValueError as error:
        field.errors = [_("This file was not taken: %(why)s", why=str(error))]


def form_page(
    kind: str,
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
        kind: of what is declared, as the template tells them apart.
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
    page = render_template("declaring.html", kind=kind, form=form, spot=spot, is_new=is_new, **told, **values)
    return page, 422 if form.all_errors else 200


def declare(
    form: DeclaredForm,
    outer: Spot,
    new_id: str | None,
    body: Mapping[str, object],
    names: Mapping[str, str] | None = None,
) -> ResponseReturnValue | None:
    """Declare something new; None where it was not taken, and the form says why.

    Args:
        outer: what it is to lie in.
        names: see :meth:`~synergos_portal.web.forms.Form.take`.
    """
    try:
        warnings = declared.declare(client(), outer, body)
    except Refused as error:
        form.take(error, names)
        return None
    return lead_to(outer.within(str(new_id)), warnings)


def save(
    form: DeclaredForm,
    spot: Spot,
    change: Callable[[Client, Spot, Mapping[str, object], str], Sequence[str]],
    body: Mapping[str, object],
    names: Mapping[str, str] | None = None,
) -> ResponseReturnValue | None:
    """Save what is there as the form has it; None where it was not taken, and the form says why.

    Args:
        change: how.
        names: see :meth:`~synergos_portal.web.forms.Form.take`.
    """
    try:
        warnings = change(client(), spot, body, form.revision.data or "")
    except Refused as error:
        form.take_change(error, lambda: declared.read(client(), spot).revision, names)
        return None
    return lead_to(spot, warnings)


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


def delete_page(spot: Spot) -> ResponseReturnValue:
    """What goes along, and the deletion itself."""
    found, form = declared.read(client(), spot), DeleteForm.sent()
    form.begin_with(found.revision)
    if form.is_sure(spot.id):
        try:
            files = declared.delete(client(), spot, form.revision.data or "", keep_files=form.keep_files.data)
        except Refused as error:
            form.take_change(error, lambda: declared.read(client(), spot).revision)
        else:
            flash(_("%(name)s was deleted.", name=spot.id))
            if waiting := len(items(files.get("waiting"))):
                text = ngettext(
                    "Files are still to be removed at one place that is away.",
                    "Files are still to be removed at %(num)s places that are away.",
                    waiting,
                )
                flash(text)
            return lead_to(spot.outer)
    goes = ", ".join(_goes_along(found))
    return confirm_page(
        form,
        _("Delete %(name)s", name=spot.id),
        _("This cannot be undone. Jobs and studies that are at work on it are cancelled first."),
        _("Deleted along with it: %(what)s.", what=goes) if goes else _("Nothing hangs under it."),
        _("It is called %(name)s", name=spot.id),
        verb=_("Delete"),
        back=address_of(spot),
        is_dangerous=True,
        way=way_to(spot),
        step=_("Delete"),
    )


def _goes_along(found: declared.Declared) -> list[str]:
    """What is deleted with something, in words."""
    count = found.count
    texts = [
        ngettext("one project", "%(num)s projects", count("Project")) if count("Project") else "",
        ngettext("one experiment", "%(num)s experiments", count("Experiment")) if count("Experiment") else "",
        ngettext("one run", "%(num)s runs", count("Run")) if count("Run") else "",
        ngettext("one registration", "%(num)s registrations", count("Registration")) if count("Registration") else "",
        ngettext("one trained model", "%(num)s trained models", count("Model")) if count("Model") else "",
        ngettext("one validation", "%(num)s validations", count("Validation")) if count("Validation") else "",
        ngettext("one prediction", "%(num)s predictions", count("Prediction")) if count("Prediction") else "",
    ]
    return [text for text in texts if text]
