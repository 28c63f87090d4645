"""The checklist of a project: the steps of a cycle, how far each is, and the next one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from synergos_portal.orchestrator.cycle import Cycle
from synergos_portal.orchestrator.declared import Spot
from synergos_portal.web.current import may_act_for, may_orchestrate, own_participant
from synergos_portal.web.links import link
from synergos_portal.web.words import _, ngettext


@dataclass(frozen=True)
class Step:
    """A step.

    Attributes:
        done: how far it is, in words, where anything is there.
        is_done: whether the next one can be taken.
        verb: what its button says.
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
