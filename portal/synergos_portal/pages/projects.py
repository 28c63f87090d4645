"""Projects: one with its checklist, participants and experiments, and its declaration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from wtforms.fields import SelectField, TextAreaField

from synergos.foreign_json import items, mapping
from synergos_portal.orchestrator import cycle, declared, invitations
from synergos_portal.orchestrator.cycle import Cycle
from synergos_portal.orchestrator.declared import Declared, Spot
from synergos_portal.orchestrator.participants import Place
from synergos_portal.pages.declaring import (
    DeclaredForm,
    as_json,
    declare,
    delete_page,
    form_page,
    name_field,
    save,
)
from synergos_portal.web.current import client, may_act_for, may_orchestrate, own_participant, person
from synergos_portal.web.forms import labelled
from synergos_portal.web.links import link
from synergos_portal.web.listing import Column, Wanted, list_page
from synergos_portal.web.live import fragment, pace
from synergos_portal.web.words import _, lazy, ngettext

pages = Blueprint("projects", __name__, url_prefix="/collaborations/<collab_id>/projects")

COLUMNS = (
    Column[Declared]("expt_id", lambda row: row.id),
    Column[Declared]("layers", lambda row: len(items(row.fields.get("model")))),
    Column[Declared]("runs", lambda row: row.count("Run")),
    Column[Declared]("models", lambda row: row.count("Model")),
    Column[Declared]("validations", lambda row: row.count("Validation")),
)


class ProjectForm(DeclaredForm):
    """What is declared of a project."""

    project_id = name_field()
    action = SelectField(
        lazy("What it does"),
        choices=labelled(
            {"classify": lazy("classify: tell classes apart"), "regress": lazy("regress: predict numbers")}
        ),
        validate_choice=False,
        description=lazy("What the participants' labels are: classes, or numbers."),
    )
    incentives = TextAreaField(
        lazy("Incentives"),
        description=lazy("Shown and used by nothing: a line each, as in gold: hospital_1, hospital_2."),
    )

    @property
    def declaration(self) -> dict[str, object]:
        """As the orchestrator takes it."""
        return {"project_id": self.project_id.data, "action": self.action.data, "incentives": self._incentives()}

    @staticmethod
    def values_of(fields: Mapping[str, object]) -> dict[str, object]:
        """The values of its fields for what is declared."""
        incentives = mapping(fields.get("incentives"))
        return {"action": fields.get("action"), "incentives": "\n".join(map(_line, incentives.items()))}

    def _incentives(self) -> dict[str, object]:
        lines = [line.partition(":") for line in (self.incentives.data or "").splitlines() if line.strip()]
        return {name.strip(): [each.strip() for each in value.split(",") if each.strip()] for name, _, value in lines}


@pages.route("/new", methods=["GET", "POST"])
def new(collab_id: str) -> ResponseReturnValue:
    """Declare one."""
    return _declaring(Spot.of(collab_id), ProjectForm.sent({"action": "classify"}))


@pages.get("/=/<project_id>")
@pages.get("/<own_id:project_id>")
def show(collab_id: str, project_id: str) -> ResponseReturnValue:
    """One of them: what is done, what is left, who takes part, what is tried."""
    spot = Spot.of(collab_id, project_id)
    found = declared.read(client(), spot)
    if (answer := as_json(found)) is not None:
        return answer
    far = cycle.read(client(), spot, found.counts)
    experiments = declared.listed(client(), spot, {"limit": 1, "order": "newest"}).items
    steps = steps_of(spot, far, experiments[0].spot if experiments else None)
    # A worker that is away is waited for: whoever reads the page does not, unless they have asked for that.
    asks_nodes = bool(request.args.get("asked"))
    standing = cycle.of_project(client(), spot, is_trained=far.models > 0, asks_nodes=asks_nodes)
    return list_page(
        "projects/show.html",
        lambda query: declared.listed(client(), spot, query),
        Wanted.of_request(),
        COLUMNS,
        record=found,
        cycle=far,
        members=far.members,
        standing=standing,
        spot=spot,
        invited=None if person() is None else invitations.within(client(), spot),
        registered={Place(collab_id, project_id, member.id) for member in far.members},
        pace=pace(unfinished=standing.is_open),
        steps=steps,
        following=next((step for step in steps if not step.is_done), None),
    )


@pages.get("/<project_id>/live")
def live(collab_id: str, project_id: str) -> ResponseReturnValue:
    """Who takes part with how many rows, and whether its workers can be reached now."""
    spot = Spot.of(collab_id, project_id)
    found = declared.read(client(), spot)
    standing = cycle.of_project(client(), spot, is_trained=found.count("Model") > 0, asks_nodes=True)
    members = cycle.members(client(), spot)
    values = {"record": found, "members": members, "standing": standing}
    return fragment("projects/show.html", unfinished=standing.is_open, **values)


@pages.route("/<project_id>/edit", methods=["GET", "POST"])
def edit(collab_id: str, project_id: str) -> ResponseReturnValue:
    """Change what it does."""
    spot = Spot.of(collab_id, project_id)
    found = declared.read(client(), spot)
    form = ProjectForm.sent(ProjectForm.values_of(found.fields))
    form.project_id.data = project_id
    form.begin_with(found.revision)
    if form.is_sent and (saved := save(form, spot, declared.change, form.declaration)):
        return saved
    return _shown(form, spot, is_new=False)


@pages.route("/<project_id>/copy", methods=["GET", "POST"])
def copy(collab_id: str, project_id: str) -> ResponseReturnValue:
    """Declare another one that asks the same."""
    found = declared.read(client(), Spot.of(collab_id, project_id))
    return _declaring(Spot.of(collab_id), ProjectForm.sent(ProjectForm.values_of(found.fields)), found.spot)


@pages.route("/<project_id>/delete", methods=["GET", "POST"])
def delete(collab_id: str, project_id: str) -> ResponseReturnValue:
    """Delete it with all that lies in it."""
    return delete_page(Spot.of(collab_id, project_id))


def _declaring(outer: Spot, form: ProjectForm, source: Spot | None = None) -> ResponseReturnValue:
    if form.is_sent and (saved := declare(form, outer, form.project_id.data, form.declaration)):
        return saved
    return _shown(form, outer, is_new=True, source=source)


def _shown(form: ProjectForm, spot: Spot, *, is_new: bool, source: Spot | None = None) -> ResponseReturnValue:
    return form_page("project", form, spot, _("New project"), is_new=is_new, source=source)


def _line(incentive: tuple[str, Any]) -> str:
    name, value = incentive
    shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return f"{name}: {shown}"


@dataclass(frozen=True)
class Step:
    """A step of the checklist.

    Attributes:
        done: how far it is, in words, where anything is there.
        is_done: whether the next one can be taken.
        address: where it is done; None where whoever reads it does not do it.
    """

    name: str
    done: str
    is_done: bool
    verb: str
    address: str | None


def steps_of(project: Spot, cycle: Cycle, experiment: Spot | None) -> Sequence[Step]:
    """All steps, in order.

    Args:
        experiment: the one that a first run is declared of.
    """
    registered, brings = len(cycle.members), cycle.training
    may = may_orchestrate(project.ids[0])
    own = own_participant()
    participants = (
        link("participants.listed") if may else None if own is None else link("participants.show", participant_id=own)
    )
    silent = next((member.id for member in cycle.members if not member.tags.get("train")), None)
    naming = participants
    if silent is not None:
        naming = link("participants.tags", participant_id=silent, **project.key) if may_act_for(silent) else None
    launch = link("launch.launchpad", **project.key) if may else None
    new_run = link("runs.new", **experiment.key) if may and experiment is not None else None
    return [
        Step(
            _("Participants are registered"),
            ngettext("one is", "%(num)s are", registered) if registered else "",
            registered > 0,
            _("Register participants"),
            participants,
        ),
        Step(
            _("They say which data they bring"),
            ngettext("one brings data to train on", "%(num)s bring data to train on", brings) if brings else "",
            brings > 0,
            _("Name the data"),
            naming,
        ),
        Step(
            _("There is an experiment: a network to train"),
            ngettext("one", "%(num)s", cycle.experiments) if cycle.experiments else "",
            cycle.experiments > 0,
            _("New experiment"),
            link("experiments.new", **project.key) if may else None,
        ),
        Step(
            _("It has a run: how to train it"),
            ngettext("one", "%(num)s", cycle.runs) if cycle.runs else "",
            cycle.runs > 0,
            _("New run"),
            new_run,
        ),
        Step(
            _("Participants' data is aligned"),
            _("it is") if cycle.has_alignment else "",
            cycle.has_alignment,
            _("Align"),
            launch,
        ),
        Step(
            _("Runs are trained"),
            ngettext("one is", "%(num)s are", cycle.models) if cycle.models else "",
            cycle.models > 0,
            _("Train"),
            launch,
        ),
        Step(
            _("Models are validated"),
            ngettext("one result", "%(num)s results", cycle.validated) if cycle.validated else "",
            cycle.validated > 0,
            _("Validate"),
            launch,
        ),
    ]
