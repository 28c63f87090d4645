"""Runs: one with its hyperparameters beside those its model was trained with and what was measured of that, and the form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from synergos.foreign_json import mapping, text
from synergos_portal.orchestrator import declared, results, vocabulary
from synergos_portal.orchestrator.declared import Declared, Spot
from synergos_portal.orchestrator.jobs import Round
from synergos_portal.orchestrator.results import Trained
from synergos_portal.orchestrator.vocabulary import Vocabulary
from synergos_portal.pages.declaring import as_json, declare, delete_page, form_page, save
from synergos_portal.pages.launch.comparison import Record, labels_of, pooled
from synergos_portal.pages.losses import SHOWN_ROUNDS, as_curve, as_table, wanted_after
from synergos_portal.pages.runs import hyperparameters
from synergos_portal.pages.runs.hyperparameters import RunForm
from synergos_portal.web.current import client
from synergos_portal.web.forms import is_chosen
from synergos_portal.web.words import _

pages = Blueprint(
    "runs", __name__, url_prefix="/collaborations/<collab_id>/projects/<project_id>/experiments/<expt_id>/runs"
)

MOST_CLASSES = 100
"""Shown; all of them are in the CSV of a comparison."""


@dataclass(frozen=True)
class Compared:
    """A hyperparameter now, and as the model was trained.

    Attributes:
        is_said: whether the run says it; else the default holds.
        differs: whether the model was trained with another value.
    """

    name: str
    now: Any
    trained: Any
    is_said: bool
    differs: bool


@pages.route("/new", methods=["GET", "POST"])
def new(collab_id: str, project_id: str, expt_id: str) -> ResponseReturnValue:
    """Declare one."""
    return _declaring(Spot.of(collab_id, project_id, expt_id), None)


@pages.get("/=/<run_id>")
@pages.get("/<own_id:run_id>")
def show(collab_id: str, project_id: str, expt_id: str, run_id: str) -> ResponseReturnValue:
    """One of them: what it says, what its model was trained with, and what came of it."""
    spot = Spot.of(collab_id, project_id, expt_id, run_id)
    found = declared.read(client(), spot)
    if (answer := as_json(found)) is not None:
        return answer
    words = vocabulary.read(client())
    model = results.newest(client(), spot)
    validations = results.validations(client(), spot)
    lost = _newest_rounds(spot, model)
    return render_template(
        "runs/show.html",
        record=found,
        model=model,
        compared=_compared(found.fields, model, words),
        measured=measured(validations, {} if model is None else model.figures),
        rounds=lost,
        participants=list(dict.fromkeys(who for each in lost for who in each.participants)),
    )


@pages.get("/<run_id>/losses")
def losses(collab_id: str, project_id: str, expt_id: str, run_id: str) -> ResponseReturnValue:
    """The curve: what the rounds of its training have lost, after one of them."""
    spot = Spot.of(collab_id, project_id, expt_id, run_id)
    model = results.newest(client(), spot)
    return as_curve([] if model is None else results.rounds(client(), spot, model, wanted_after()))


@pages.get("/<run_id>/rounds")
def rounds(collab_id: str, project_id: str, expt_id: str, run_id: str) -> ResponseReturnValue:
    """All rounds of its training, for other programs."""
    spot = Spot.of(collab_id, project_id, expt_id, run_id)
    model = results.newest(client(), spot)
    return as_table([] if model is None else results.all_rounds(client(), spot, model), "rounds")


@pages.route("/<run_id>/edit", methods=["GET", "POST"])
def edit(collab_id: str, project_id: str, expt_id: str, run_id: str) -> ResponseReturnValue:
    """Change its hyperparameters."""
    spot = Spot.of(collab_id, project_id, expt_id, run_id)
    found = declared.read(client(), spot)
    form, words = _form(found), vocabulary.read(client())
    form.run_id.data = run_id
    form.begin_with(found.revision)
    if not _uploaded(form) and form.is_sent:
        # Not a change of fields: what is left empty is said no more.
        kept = {name: value for name, value in found.fields.items() if name in hyperparameters.WITHOUT_EFFECT}
        body = {**kept, "run_id": run_id, **hyperparameters.declared(form.typed, words)}
        if saved := save(form, spot, declared.replace, body):
            return saved
    return _shown(form, words, spot, is_new=False)


@pages.route("/<run_id>/copy", methods=["GET", "POST"])
def copy(collab_id: str, project_id: str, expt_id: str, run_id: str) -> ResponseReturnValue:
    """Declare another one with the same hyperparameters."""
    outer = Spot.of(collab_id, project_id, expt_id)
    return _declaring(outer, declared.read(client(), outer.within(run_id)))


@pages.route("/<run_id>/delete", methods=["GET", "POST"])
def delete(collab_id: str, project_id: str, expt_id: str, run_id: str) -> ResponseReturnValue:
    """Delete it with its models and what was measured."""
    return delete_page(Spot.of(collab_id, project_id, expt_id, run_id))


def _newest_rounds(run: Spot, model: Trained | None) -> list[Round]:
    """Those of the table, the newest first."""
    if model is None:
        return []
    count = model.figures.get("rounds")
    after = max(0, count - SHOWN_ROUNDS) if isinstance(count, int) else 0
    return list(results.rounds(client(), run, model, after))[: -SHOWN_ROUNDS - 1 : -1]


def _declaring(outer: Spot, source: Declared | None) -> ResponseReturnValue:
    form, words = _form(source), vocabulary.read(client())
    if not _uploaded(form) and form.is_sent:
        body = {"run_id": form.run_id.data, **hyperparameters.declared(form.typed, words)}
        if saved := declare(form, outer, form.run_id.data, body):
            return saved
    return _shown(form, words, outer, is_new=True, source=source)


def _form(source: Declared | None) -> RunForm:
    """The form as it was sent, or with what is there."""
    form = RunForm.sent()
    if request.method == "POST":
        form.typed = hyperparameters.read(request.form.items())
    elif source is not None:
        form.typed = hyperparameters.typed_in(
            {name: value for name, value in source.fields.items() if name not in hyperparameters.WITHOUT_EFFECT}
        )
    return form


def _uploaded(form: RunForm) -> bool:
    """Whether nothing is to be saved yet: a file is shown, or what follows from a choice."""
    act = request.form.get("act", "") if request.method == "POST" else ""
    # What whoever has chosen a file and saves at once has not seen is not saved, and what was typed is not saved in its place.
    if act == "upload" or (act != "refresh" and is_chosen(form.file)):
        form.upload()
        return True
    return act == "refresh"


def _shown(
    form: RunForm, words: Vocabulary, spot: Spot, *, is_new: bool, source: Declared | None = None
) -> ResponseReturnValue:
    project = declared.read(client(), Spot(spot.ids[:2]))
    groups = hyperparameters.groups_of(form.typed, words, text(project.fields.get("action")), form.wrong)
    copied = None if source is None else source.spot
    return form_page("run", form, spot, _("New run"), is_new=is_new, source=copied, groups=groups)


def _compared(run: Mapping[str, object], model: Trained | None, words: Vocabulary) -> list[Compared]:
    usual = hyperparameters.defaults(words)
    now, then = _said(run), {} if model is None else _said(model.said)
    used = {} if model is None else model.hyperparameters
    names = dict.fromkeys([*usual, *now, *then])
    return [
        Compared(
            name,
            now.get(name, usual.get(name)),
            used.get(name, then.get(name, usual.get(name))),
            name in now,
            model is not None and now.get(name, usual.get(name)) != then.get(name, usual.get(name)),
        )
        for name in names
    ]


def _said(run: Mapping[str, object]) -> dict[str, object]:
    ignored = hyperparameters.WITHOUT_EFFECT | hyperparameters.NO_HYPERPARAMETERS
    return {name: value for name, value in run.items() if value is not None and name not in ignored}


@dataclass(frozen=True)
class Figures:
    """What was measured of the rows of one participant, or of all.

    Attributes:
        participant: None for all together.
        names: of the statistics that each class has.
        classes: each class's label with its statistics, in the order of ``names``; so many of them at most as are shown.
    """

    participant: str | None
    overall: Mapping[str, object]
    names: Sequence[str]
    classes: Sequence[tuple[str, Sequence[Any]]]
    count: int

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to be shown."""
        return not self.overall and not self.classes


def measured(validations: Sequence[Record], figures: Mapping[str, object]) -> list[Figures]:
    """What was measured of a model: of all participants together, then of each; over all rows, and class by class.

    Args:
        figures: of the model, which those are told who are told no validation.
    """
    together = pooled(validations) or mapping(figures.get("pooled"))
    own = {str(mapping(each["key"]).get("participant_id")): mapping(each.get("evaluate")) for each in validations}
    found = [_figures(None, together), *(_figures(who, own[who]) for who in sorted(own))]
    return [each for each in found if not each.is_empty]


def _figures(participant: str | None, told: Mapping[str, object]) -> Figures:
    statistics = mapping(told.get("statistics"))
    by_class = {name: value for name, value in statistics.items() if isinstance(value, list)}
    count = max(map(len, by_class.values()), default=0)
    whole = {name: value for name, value in by_class.items() if len(value) == count}
    rows = zip(*whole.values(), strict=True)
    labels = [str(label) for label in labels_of(told, count)]
    classes = list(zip(labels, rows, strict=False))[:MOST_CLASSES]
    overall = {**statistics, **mapping(told.get("overall"))}
    return Figures(
        participant,
        {name: value for name, value in overall.items() if isinstance(value, int | float | str)},
        list(whole),
        classes,
        count,
    )
