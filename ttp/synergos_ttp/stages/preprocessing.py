"""Preprocess: the participants' columns and labels become one feature space, and the models are fitted to it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, wait
from typing import TypeVar

from msgspec import structs

from synergos.domain.agreement import AGREEMENT, share_of
from synergos.domain.feature_space import FeatureSpace, Unseen
from synergos.domain.grid import Node
from synergos.domain.outputs import ALIGNED, Aligned, Checked
from synergos.domain.preparation import Prepared
from synergos.domain.records import Kind
from synergos.domain.tags import Purpose
from synergos.errors import InvalidRequest, JobStopped, NotNeeded, WorkerMistaken
from synergos.learning import families
from synergos.learning.agreement import agreement_of
from synergos.learning.feature_space_agreement import feature_space
from synergos.learning.told_space import told
from synergos.program.log_context import ContextPool, about_participant
from synergos.records.agreements import agreement_version
from synergos_ttp.control import Control
from synergos_ttp.events import ParticipantLeftOut, WorkStarted
from synergos_ttp.holds import JobHeld
from synergos_ttp.stages.scope import Scope
from synergos_ttp.workers.checked import blaming
from synergos_ttp.workers.commands import WorkerCommands
from synergos_ttp.workers.limits import Limits
from synergos_ttp.workers.retry import CONFIRMING, PREPARING, retry_while_lost

Result = TypeVar("Result")


def preprocess(scope: Scope, limits: Limits, control: Control) -> Aligned:
    """Align the project.

    Raises:
        SynergosError: a participant's data cannot be read or does not fit the others'; the message names it.
    """
    return _agreed(scope, limits, control, is_kept=True)


def check(scope: Scope, limits: Limits, control: Control) -> Checked:
    """Find out what the participants would agree on; raises what :func:`preprocess` does, and nobody keeps anything."""
    found = _agreed(scope, limits, control, is_kept=False)
    return Checked(
        agreement=structs.replace(found.agreement, version=0),
        feature_space=found.feature_space,
        missing_columns=found.missing_columns,
        fitted=found.fitted,
    )


def _agreed(scope: Scope, limits: Limits, control: Control, *, is_kept: bool) -> Aligned:
    action = scope.action()
    # Who brings no data, or none yet, has nothing to agree on, and blocks nobody.
    everybody = scope.tags()
    tags = {who: declared for who, declared in everybody.items() if declared}
    nodes = [node for node in scope.nodes() if node.participant_id in tags]
    control.publish(WorkStarted(tuple(tags)))
    for who in everybody:
        if who not in tags:
            control.publish(ParticipantLeftOut(who, "it declared no tags"))

    asked = scope.job.parameters
    given_up = threading.Event()
    # Nodes by instance, between the participants' threads; each sets its own once.
    met = dict[str, Node]()

    def check() -> None:
        control.check()
        if given_up.is_set():
            raise NotNeeded("another participant failed")

    def worker_at(node: Node) -> WorkerCommands:
        return WorkerCommands(node, limits, check, scope.asker, traced=control.trace.at(node.participant_id))

    def prepare(node: Node) -> Prepared:
        worker = worker_at(node)
        # Who does not answer at all is probably registered at a wrong address: that is said at once.
        _refuse_met(node, worker.greet().instance, met)
        return retry_while_lost(
            worker,
            lambda: worker.prepare(scope.project, action, tags[node.participant_id], asked.get("minimum_rows")),
            PREPARING,
            control.publish,
        )

    def confirm(node: Node, part: Mapping[str, object] | None = None) -> None:
        participant = node.participant_id
        worker = worker_at(node)
        missing_columns = alignment.missing_columns[participant]
        own, digests = told(space, columns[participant]), polled[participant].digests
        retry_while_lost(
            worker,
            lambda: worker.align(scope.project, action, tags[participant], missing_columns, own, digests, part),
            CONFIRMING,
            control.publish,
        )

    def tell(node: Node) -> None:
        confirm(node, share_of(agreement, node.participant_id))

    polled = dict(zip(tags, _each(nodes, prepare, given_up), strict=True))
    space, alignment = feature_space(
        polled,
        action,
        bool(asked.get("auto_align", True)),
        Unseen(asked.get("unseen", Unseen.MISSING)),
        shared_labels=bool(asked.get("shared_labels", True)),
        minimum_rows=asked.get("minimum_rows"),
    )
    agreement = agreement_of(polled, space, agreement_version(scope.store, scope.project) + 1)
    columns = {who: found.columns for who, found in polled.items()}
    _each(nodes, confirm, given_up)
    auto_fix = bool(asked.get("auto_fix", True))
    fitted = _fitted(scope, space) if auto_fix else {}
    if is_kept:
        # Only now: nobody is to keep what somebody else refuses.
        _each(nodes, tell, given_up)
    return ALIGNED.read(
        {
            "spacers": alignment.missing_columns,
            "feature_space": space.to_dict(),
            "fitted": fitted,
            "auto_fix": auto_fix,
            "rows": {who: found.rows(Purpose.TRAIN) for who, found in polled.items() if Purpose.TRAIN in found.headers},
            "columns": columns,
            "agreement": AGREEMENT.write(agreement),
        }
    )


def _refuse_met(node: Node, instance: str | None, met: dict[str, Node]) -> None:
    """Refuse one worker for two participants: its rows would count twice.

    Args:
        instance: of the worker at this node; None where it does not say.
        met: the nodes so far.
    """
    first = node if instance is None else met.setdefault(instance, node)
    if first.participant_id != node.participant_id:
        who, address = node.participant_id, node.command_address
        raise WorkerMistaken(
            f"{address} is the worker of {first.participant_id}, registered as {first.command_address}", who
        )


def _each(nodes: Sequence[Node], work: Callable[[Node], Result], given_up: threading.Event) -> list[Result]:
    """Do ``work`` for all nodes at the same time; as soon as one fails, the others are told not to go on."""

    def at(node: Node) -> Result:
        with about_participant(node.participant_id), blaming(node.participant_id):
            return work(node)

    with ContextPool(max_workers=len(nodes), thread_name_prefix="participant") as pool:
        futures = [pool.submit(at, node) for node in nodes]
        pending = set(futures)
        while pending:
            done, pending = wait(pending, return_when=FIRST_EXCEPTION)
            # Where an owner has to decide first, it is of interest who else has to.
            if not all(isinstance(future.exception(), JobHeld | None) for future in done):
                given_up.set()
    failures = [error for future in futures if (error := future.exception()) is not None]
    if held := [error for error in failures if isinstance(error, JobHeld)]:
        failures = [
            *(error for error in failures if not isinstance(error, JobHeld | NotNeeded)),
            JobHeld.together(held),
        ]
    # What somebody failed with comes before those that were only told to stop because of it.
    for error in sorted(failures, key=lambda error: isinstance(error, NotNeeded | JobStopped)):
        raise error
    return [future.result() for future in futures]


def _fitted(scope: Scope, space: FeatureSpace) -> dict[str, families.Architecture]:
    fitted = dict[str, families.Architecture]()
    for experiment in scope.store.find(Kind.EXPERIMENT, scope.project):
        expt_id = experiment["key"]["expt_id"]
        try:
            fitted[expt_id] = families.named_in(experiment).fit(experiment["model"], space)
        except InvalidRequest as error:
            raise InvalidRequest(
                f"experiment {expt_id!r} cannot be fitted to the data: {error}", error.field
            ) from error
    return fitted
