"""Studies: all of them, one as it goes on, its end before its time, and its best trial made a run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from flask import Blueprint, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from wtforms.fields import StringField
from wtforms.validators import DataRequired, Length

from synergos.domain.study import StudyState
from synergos_portal.orchestrator import studies
from synergos_portal.orchestrator.studies import Study, Trial, WholeStudy
from synergos_portal.pages.jobs.standing import STAGES
from synergos_portal.web.current import client
from synergos_portal.web.filters import NOTHING, moment, number, or_nothing, state
from synergos_portal.web.forms import Confirmation, Form, confirm_page
from synergos_portal.web.links import Step, go_to, lead_to, link, links_to, way_to
from synergos_portal.web.listing import Column, Wanted, as_file, list_page
from synergos_portal.web.live import fragment, knows, pace
from synergos_portal.web.words import _, lazy, ngettext

pages = Blueprint("studies", __name__, url_prefix="/studies")

SORTS = ("number", "objective", "state")
COLUMNS = (
    Column[Study]("id", lambda row: row.id),
    Column[Study]("collab_id", lambda row: row.keys.get("collab_id")),
    Column[Study]("project_id", lambda row: row.keys.get("project_id")),
    Column[Study]("expt_id", lambda row: row.keys.get("expt_id")),
    Column[Study]("state", lambda row: row.state),
    Column[Study]("metric", lambda row: row.metric),
    Column[Study]("optimize_mode", lambda row: row.optimize_mode),
    Column[Study]("trials", lambda row: row.begun),
    Column[Study]("max_trial_num", lambda row: row.max_trial_num),
    Column[Study]("best", lambda row: row.best and row.best.objective),
    Column[Study]("best_run", lambda row: row.best and row.best.run_id),
    Column[Study]("created_at", lambda row: row.created_at),
    Column[Study]("finished_at", lambda row: row.finished_at),
)
_FILTERS = ("collab_id", "project_id", "expt_id", "state")


class BestForm(Form):
    """What the best trial is called as a run."""

    run_id = StringField(
        lazy("Name of the run"),
        [DataRequired(), Length(max=128)],
        description=lazy(
            "It gets all hyperparameters of the trial, and can be trained, compared and changed like any other."
        ),
    )


@pages.get("")
def listed() -> ResponseReturnValue:
    """All studies, 50 a page."""
    return list_page(
        "launch/studies.html",
        lambda query: studies.listed(client(), query),
        Wanted.of_request(*_FILTERS),
        COLUMNS,
        states=list(StudyState),
        rows=rows,
    )


@pages.get("/<study_id>")
def show(study_id: str) -> ResponseReturnValue:
    """One study with its trials."""
    if request.args.get("as") == "json":
        return jsonify(studies.record(client(), study_id))
    study = studies.read(client(), study_id)
    kind = request.args.get("format")
    if kind in ("csv", "json"):
        return as_file(kind, iter(study.trials), _trial_columns(study), f"study-{study_id}")
    return render_template("launch/study.html", pace=pace(unfinished=not study.is_final), **_shown(study))


@pages.get("/<study_id>/live")
@knows("sort")
def live(study_id: str) -> ResponseReturnValue:
    """The same, as it moves."""
    study = studies.read(client(), study_id)
    return fragment("launch/study.html", unfinished=not study.is_final, **_shown(study))


@pages.route("/<study_id>/stop", methods=["GET", "POST"])
def stop(study_id: str) -> ResponseReturnValue:
    """Say what stopping means, and stop it."""
    if request.method == "POST":
        studies.stop(client(), study_id)
        return go_to("studies.show", study_id=study_id)
    study = studies.read(client(), study_id)
    running = study.counts.get("running", 0)
    what = _(
        "No new trial is started, and those that run are cancelled: what they have trained so far is lost. Trials that have ended stay, with their models."
    )
    return confirm_page(
        Confirmation.sent(),
        _("Stop a study"),
        *([] if study.is_final else [what]),
        verb=ngettext("Stop it, and cancel %(num)s trial", "Stop it, and cancel %(num)s trials", running),
        back=link("studies.show", study_id=study_id),
        stay=_("Let it go on"),
        is_dangerous=True,
        way=_way_to(study),
        nothing=_("This study has ended already.") if study.is_final else "",
    )


@pages.route("/<study_id>/best", methods=["GET", "POST"])
def best(study_id: str) -> ResponseReturnValue:
    """Make the best trial a run with a name of its own."""
    study = studies.read(client(), study_id)
    form = BestForm.sent()
    texts = []
    if (trial := study.best) is not None:
        name = str(form.run_id.data)
        if form.is_sent and form.is_taken(lambda: studies.make_run(client(), study, trial, name)):
            return lead_to(study.experiment.within(name))
        reached = {"number": trial.number, "metric": study.metric, "value": number(trial.objective)}
        texts = [
            _("Trial %(number)d reached %(metric)s %(value)s, the best so far.", **reached),
            ", ".join(f"{name} {or_nothing(value)}" for name, value in trial.hyperparameters.items()),
        ]
    return confirm_page(
        form,
        _("Make the best trial a run"),
        *texts,
        verb=_("Declare the run"),
        back=link("studies.show", study_id=study_id),
        way=_way_to(study),
        nothing="" if texts else _("No trial of this study has been trained and validated, so there is no best one."),
    )


def _way_to(study: WholeStudy) -> list[Step]:
    itself = Step(_("Study of %(name)s", name=study.experiment.id), link("studies.show", study_id=study.id))
    return [*way_to(study.experiment), itself]


def _shown(study: WholeStudy) -> dict[str, object]:
    sort = request.args.get("sort", "number")
    return {
        "study": study,
        "trials": _sorted(study, sort if sort in SORTS else "number"),
        "sort": sort,
        "stages": STAGES,
        "has_reasons": any(trial.reason for trial in study.trials),
    }


def _sorted(study: WholeStudy, sort: str) -> Sequence[Trial]:
    """The trials, the newest, the best, or those of one state first."""
    if sort == "objective":
        sign = 1 if study.least_is_best else -1
        return sorted(study.trials, key=lambda trial: (trial.objective is None, sign * (trial.objective or 0)))
    newest = sorted(study.trials, key=lambda trial: -1 if trial.number is None else trial.number, reverse=True)
    return sorted(newest, key=lambda trial: trial.state) if sort == "state" else newest


def _trial_columns(study: WholeStudy) -> list[Column[Trial]]:
    def searched(name: str) -> Column[Trial]:
        return Column(f"hyperparameters.{name}", lambda trial: trial.hyperparameters.get(name))

    names = dict.fromkeys(name for trial in study.trials for name in trial.hyperparameters)
    return [
        Column("number", lambda trial: trial.number),
        Column("run_id", lambda trial: trial.run_id),
        Column("state", lambda trial: trial.state),
        Column("objective", lambda trial: trial.objective),
        *(searched(name) for name in names),
        Column("reason", lambda trial: trial.reason),
        Column("finished_at", lambda trial: trial.finished_at),
    ]


_ABOUT = ("collab_id", "project_id", "expt_id")


class Row(NamedTuple):
    """What a table shows of a study, in the reader's language and in this order.

    Attributes:
        direction: which values of the metric are best, in words; empty where that is not known.
        trials: how many were begun, of how many.
    """

    state: str
    address: str
    title: str
    about: str
    metric: str
    direction: str
    trials: str
    best: str
    begun: str
    ended: str


def rows(studies: Iterable[Study]) -> list[Row]:
    """A row for each study."""
    address, shown = links_to("studies.show", "study_id"), state.for_reader()
    when, figure = moment.for_reader(), number.for_reader()
    directions = {True: _("smallest is best"), False: _("largest is best")}
    return [
        Row(
            shown(study.state),
            address(study.id),
            study.id[:8],
            " / ".join(study.keys[name] for name in _ABOUT if name in study.keys),
            study.metric or NOTHING,
            directions[study.least_is_best] if study.optimize_mode else "",
            f"{study.begun} / {study.max_trial_num or NOTHING}",
            figure(study.best.objective if study.best else None),
            when(study.created_at),
            when(study.finished_at),
        )
        for study in studies
    ]
