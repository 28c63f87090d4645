"""Deleting: a page says what goes along, and wants the name typed."""

from __future__ import annotations

from flask import flash, render_template
from flask.typing import ResponseReturnValue
from wtforms.fields import BooleanField, StringField

from synergos_portal.orchestrator import declared
from synergos_portal.orchestrator.declared import Spot
from synergos_portal.orchestrator.problems import Refused
from synergos_portal.pages.declaring.editing import DeclaredForm
from synergos_portal.web.current import client
from synergos_portal.web.way import address_of, lead_to
from synergos_portal.web.words import _, lazy, ngettext


class DeleteForm(DeclaredForm):
    """Whoever deletes something types what it is called."""

    saves = False
    name = StringField(lazy("Its name, to be sure"))
    keep_files = BooleanField(lazy("Leave files of models and results where they are"))


def delete_page(spot: Spot) -> ResponseReturnValue:
    """What goes along, and the deletion itself."""
    found, form = declared.read(client(), spot), DeleteForm.sent()
    form.begin_with(found.revision)
    if form.is_sent and form.name.data != spot.id:
        form.name.errors = [_("Type %(name)s exactly as it is written.", name=spot.id)]
    elif form.is_sent:
        try:
            files = declared.delete(client(), spot, form.revision.data or "", keep_files=form.keep_files.data)
        except Refused as error:
            form.take_change(error, lambda: declared.read(client(), spot).revision)
        else:
            flash(_("%(name)s was deleted.", name=spot.id))
            if waiting := len(files.get("waiting") or []):
                text = ngettext(
                    "Files are still to be removed at one place that is away.",
                    "Files are still to be removed at %(num)s places that are away.",
                    waiting,
                )
                flash(text)
            return lead_to(spot.outer)
    values = {"form": form, "found": found, "goes": _goes_along(found), "back": address_of(spot)}
    return render_template("declaring/delete.html", **values), 422 if form.all_errors else 200


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
