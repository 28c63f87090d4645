"""Validate and predict: a trained model is measured at the participants; only statistics come back."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from msgspec import UNSET

from synergos.domain.feature_space import FeatureSpace
from synergos.domain.grid import Node
from synergos.domain.outputs import MEASURED, PREDICTED, Measured, Predicted, Validated, Validation
from synergos.domain.records import Record
from synergos.domain.tags import Purpose, check_tags
from synergos.errors import (
    Conflict,
    FeatureDrift,
    InvalidRequest,
    RecordNotFound,
    SynergosError,
    WireFormatError,
    WorkerRefused,
)
from synergos.learning import families
from synergos.learning.column_alignment import missing_columns_of
from synergos.learning.exports import read_weights
from synergos.learning.feature_space_agreement import drift
from synergos.learning.pooling import pooled
from synergos.learning.possible_figures import check_figures
from synergos.orchestration import preconditions
from synergos.wire import encode
from synergos_ttp.control import Control
from synergos_ttp.events import ParticipantLeftOut, WorkStarted
from synergos_ttp.stages.scope import Scope
from synergos_ttp.workers.commands import Tags, WorkerCommands
from synergos_ttp.workers.limits import Limits
from synergos_ttp.workers.participant import JobParticipant, OpenSession
from synergos_ttp.workers.retry import PREPARING, retry_while_lost
from synergos_ttp.workers.session_group import SessionContent, Sessions

_NAMED_AT_MOST = 5
_MEASURING = {Purpose.EVALUATE: "its validation", Purpose.PREDICT: "its predictions"}


def validate(scope: Scope, limits: Limits, control: Control) -> Validated:
    """Measure the run's model on every participant's evaluation rows, or on one participant's.

    A participant without evaluation tags has no part in it; one whose rows cannot be used is left out, and that is told.

    Raises:
        Conflict: the run is not trained, the project not aligned any more, or nobody has evaluation rows.
        SynergosError: a participant failed in another way, or nobody's rows can be used.
    """
    model = scope.model()
    preconditions.agreed_feature_space(scope.store, scope.project)
    wanted = scope.keys.get("participant_id")
    tags = scope.tags()
    columns = scope.columns()
    members = [
        JobParticipant(
            node,
            tags[node.participant_id],
            {},
            {purpose: rows for purpose, rows in scope.rows(node.participant_id).items() if purpose is Purpose.EVALUATE},
            columns=columns.get(node.participant_id),
            digests=scope.digests(node.participant_id),
        )
        for node in scope.nodes()
        if wanted in (None, node.participant_id) and Purpose.EVALUATE in tags[node.participant_id]
    ]
    if not members:
        raise Conflict(f"{wanted or 'no participant'} declared {'no ' if wanted else ''}tags for evaluation")
    found = _measure(scope, model, members, Purpose.EVALUATE, limits, control)
    measured = {who: result for who, result in found.items() if isinstance(result, Measured)}
    for who, error in found.items():
        if isinstance(error, SynergosError):
            if not measured or not _is_its_own(error):
                raise error
            control.publish(ParticipantLeftOut(who, str(error)))
    together = pooled(measured) or UNSET
    return Validated(
        participants={who: Validation(evaluate=result, pooled=together) for who, result in measured.items()}
    )


def predict(scope: Scope, limits: Limits, control: Control) -> Predicted:
    """Have one participant use the run's model on new rows.

    Raises:
        Conflict: the run is not trained.
        FeatureDrift: the new rows are of another kind than those the model was trained on.
    """
    model = scope.model()
    space = FeatureSpace.from_dict(model["feature_space"])
    participant = scope.keys["participant_id"]
    node = _node_of(scope, participant)
    tags: Tags = {Purpose.PREDICT: check_tags(scope.job.parameters["tags"], "tags")}
    worker = WorkerCommands(node, limits, control.check, scope.asker, traced=control.trace.at(participant))
    worker.greet()
    polled = retry_while_lost(
        worker,
        lambda: worker.prepare(scope.project, space.action, tags, space.asked_minimum),
        PREPARING,
        control.publish,
    )
    header = polled.headers[Purpose.PREDICT]
    if strange := drift(header, polled.metadata[Purpose.PREDICT], space):
        named = ", ".join(strange[:_NAMED_AT_MOST]) + (", …" if len(strange) > _NAMED_AT_MOST else "")
        raise FeatureDrift(f"{participant}: the rows to predict are not as those the model was trained on: {named}")
    missing_columns = {str(Purpose.PREDICT): missing_columns_of(header, space)}
    rows = {Purpose.PREDICT: polled.rows(Purpose.PREDICT)}
    member = JobParticipant(node, tags, missing_columns, rows, columns=polled.columns, digests=polled.digests)
    [result] = _measure(scope, model, [member], Purpose.PREDICT, limits, control).values()
    if isinstance(result, SynergosError):
        raise result
    predicted = {"predict": MEASURED.write(result), "tags": tags, "alignment": missing_columns}
    return PREDICTED.read({participant: predicted})


def _node_of(scope: Scope, participant: str) -> Node:
    for node in scope.nodes():
        if node.participant_id == participant:
            return node
    raise RecordNotFound(f"{participant!r} is not registered for project {scope.keys['project_id']!r}")


def _measure(
    scope: Scope,
    model: Record,
    members: Sequence[JobParticipant],
    purpose: Purpose,
    limits: Limits,
    control: Control,
) -> dict[str, Measured | SynergosError]:
    """What each participant measured, or how it failed, as soon as one did."""
    recipe = families.recipe_in(model)
    content = SessionContent(scope.run, recipe, (purpose,), scope.asker, scope.session_secret, scope.search())
    control.publish(WorkStarted(tuple(member.id for member in members)))
    message = encode(read_weights(model, recipe.family), {})

    def measure(session: OpenSession) -> Measured:
        session.data.load(message)
        found = session.commands.measure(scope.run, session.id, purpose)
        try:
            check_figures(found, session.rows.get(purpose, 0), recipe.space)
        except InvalidRequest as error:
            raise WireFormatError(f"its statistics are not possible: {error}", session.member.id) from None
        return found

    with Sessions(members, content, limits, control, needed=1) as sessions:
        return sessions.attempt(measure, purpose=_MEASURING[purpose], seconds=limits.measuring)


def _is_its_own(error: SynergosError) -> bool:
    """Whether it is nobody else's trouble: a worker says that its rows are no use, or says what cannot be.

    That its data has changed since the alignment is everybody's.
    """
    if isinstance(error, WorkerRefused):
        return error.status in {HTTPStatus.EXPECTATION_FAILED, HTTPStatus.UNPROCESSABLE_ENTITY}
    return isinstance(error, WireFormatError)
