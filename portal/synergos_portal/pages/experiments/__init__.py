"""Experiments: one with its layers asked for and as fitted and its runs, and the editor of layers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from synergos.foreign_json import items
from synergos_portal.orchestrator import declared, vocabulary
from synergos_portal.orchestrator.declared import Declared, Spot
from synergos_portal.orchestrator.vocabulary import Family
from synergos_portal.pages.declaring import as_json, declare, delete_page, form_page, save
from synergos_portal.pages.experiments import layers
from synergos_portal.pages.experiments.layers import ExperimentForm
from synergos_portal.web.current import client
from synergos_portal.web.filters import number, or_nothing
from synergos_portal.web.forms import is_chosen
from synergos_portal.web.links import links_to
from synergos_portal.web.listing import Column, Wanted, list_page
from synergos_portal.web.words import _

pages = Blueprint("experiments", __name__, url_prefix="/collaborations/<collab_id>/projects/<project_id>/experiments")

COLUMNS = (
    Column[Declared]("run_id", lambda row: row.id),
    Column[Declared]("algorithm", lambda row: row.fields.get("algorithm")),
    Column[Declared]("rounds", lambda row: row.fields.get("rounds")),
    Column[Declared]("epochs", lambda row: row.fields.get("epochs")),
    Column[Declared]("lr", lambda row: row.fields.get("lr")),
    Column[Declared]("is_trained", lambda row: row.count("Model") > 0),
    Column[Declared]("validations", lambda row: row.count("Validation")),
)


@pages.route("/new", methods=["GET", "POST"])
def new(collab_id: str, project_id: str) -> ResponseReturnValue:
    """Declare one."""
    return _declaring(Spot.of(collab_id, project_id), None)


@pages.get("/=/<expt_id>")
@pages.get("/<own_id:expt_id>")
def show(collab_id: str, project_id: str, expt_id: str) -> ResponseReturnValue:
    """One of them: what was asked for, what alignment made of it, and its runs."""
    spot = Spot.of(collab_id, project_id, expt_id)
    found = declared.read(client(), spot)
    if (answer := as_json(found)) is not None:
        return answer
    asked, fitted = items(found.fields.get("model")), items(found.fields.get("fitted_model"))
    pairs = [
        (asked[index] if index < len(asked) else None, fitted[index] if index < len(fitted) else None)
        for index in range(max(len(asked), len(fitted)))
    ]
    return list_page(
        "experiments/show.html",
        lambda query: declared.listed(client(), spot, query),
        Wanted.of_request(),
        COLUMNS,
        record=found,
        pairs=pairs,
        is_fitted=bool(fitted),
        rows=rows,
    )


class Row(NamedTuple):
    """What a table shows of a run, in the reader's language and in this order.

    Attributes:
        path: with its experiment, as a comparison names it.
        compare: what its box is called to those who hear it.
    """

    path: str
    compare: str
    address: str
    name: str
    algorithm: object
    rounds: str
    epochs: str
    lr: str
    is_trained: bool
    validations: str


def rows(runs: Iterable[Declared]) -> list[Row]:
    """A row for each run, put together at once."""
    compare, figure = _("Compare %(name)s"), number.for_reader()
    address = links_to("runs.show", "collab_id", "project_id", "expt_id", "run_id")
    return [
        Row(
            run.path,
            compare % {"name": run.id},
            address(*run.spot.ids),
            run.id,
            or_nothing(run.fields.get("algorithm")),
            figure(run.fields.get("rounds")),
            figure(run.fields.get("epochs")),
            figure(run.fields.get("lr")),
            run.counts.get("Model", 0) > 0,
            figure(run.counts.get("Validation", 0)),
        )
        for run in runs
    ]


@pages.route("/<expt_id>/edit", methods=["GET", "POST"])
def edit(collab_id: str, project_id: str, expt_id: str) -> ResponseReturnValue:
    """Change its layers."""
    spot = Spot.of(collab_id, project_id, expt_id)
    found = declared.read(client(), spot)
    words = vocabulary.read(client()).layers
    form = _form(found, words)
    form.expt_id.data = expt_id
    form.begin_with(found.revision)
    if _edited(form) is None and form.is_sent:
        body = {"model": layers.model_of(form.rows, words)}
        if saved := save(form, spot, declared.change, body):
            return saved
    return _shown(form, words, spot, is_new=False)


@pages.route("/<expt_id>/copy", methods=["GET", "POST"])
def copy(collab_id: str, project_id: str, expt_id: str) -> ResponseReturnValue:
    """Declare another one with the same layers."""
    return _declaring(Spot.of(collab_id, project_id), declared.read(client(), Spot.of(collab_id, project_id, expt_id)))


@pages.route("/<expt_id>/delete", methods=["GET", "POST"])
def delete(collab_id: str, project_id: str, expt_id: str) -> ResponseReturnValue:
    """Delete it with its runs and their models."""
    return delete_page(Spot.of(collab_id, project_id, expt_id))


def _declaring(outer: Spot, source: Declared | None) -> ResponseReturnValue:
    words = vocabulary.read(client()).layers
    form = _form(source, words)
    family = {"family": source.fields["family"]} if source is not None and source.fields.get("family") else {}
    if _edited(form) is None and form.is_sent:
        body = {"expt_id": form.expt_id.data, "model": layers.model_of(form.rows, words), **family}
        if saved := declare(form, outer, form.expt_id.data, body):
            return saved
    return _shown(form, words, outer, is_new=True, source=source)


def _form(source: Declared | None, words: Family) -> ExperimentForm:
    """The form as it was sent, or with the layers of what is there."""
    form = ExperimentForm.sent()
    if request.method == "POST":
        form.rows = layers.read(request.form.items(), words)
    elif source is not None and source.fields.get("model"):
        form.rows = layers.of_model(source.fields["model"])
    else:
        form.rows = [layers.Layer("Linear")]
    return form


def _edited(form: ExperimentForm) -> str | None:
    """What was done to the rows, where nothing is to be saved yet."""
    act = request.form.get("act", "") if request.method == "POST" else ""
    # What whoever has chosen a file and saves at once has not seen is not saved, and what was typed is not saved in its place.
    if act == "upload" or (act in ("", "save") and is_chosen(form.file)):
        form.upload()
        return "upload"
    if act in ("", "save"):
        return None
    form.rows, form.focus = layers.edited(form.rows, act, request.form.get("added", "Linear"))
    return act


def _shown(
    form: ExperimentForm, words: Family, spot: Spot, *, is_new: bool, source: Declared | None = None
) -> ResponseReturnValue:
    rows = [(row, layers.inputs_of(index, row, words)) for index, row in enumerate(form.rows)]
    names = [part.name for part in words.layers]
    about = {part.name: part.description for part in words.layers if part.description}
    values = {"rows": rows, "names": names, "about": about, "activations": words.activations}
    copied = None if source is None else source.spot
    return form_page("experiment", form, spot, _("New experiment"), is_new=is_new, source=copied, **values)
