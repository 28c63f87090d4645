"""Preprocess: the participants' columns and labels become one feature space, and the networks are fitted to it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from synergos.domain.feature_space import FeatureSpace
from synergos.domain.grid import Node
from synergos.domain.records import Kind
from synergos.domain.tags import Meta
from synergos.errors import InvalidRequest
from synergos.learning.federated_statistics import feature_space
from synergos.learning.fitting import fit_layers
from synergos_ttp.commands import WorkerCommands
from synergos_ttp.control import Control
from synergos_ttp.limits import Limits
from synergos_ttp.patience import insist
from synergos_ttp.scope import Scope


def preprocess(scope: Scope, limits: Limits, control: Control) -> dict[str, Any]:
    """Align the project.

    Returns:
        ``spacers`` per participant, the ``feature_space``, the ``fitted`` layers per experiment, ``auto_fix``, and
        the training ``rows`` per participant.

    Raises:
        SynergosError: a participant's data cannot be read or does not fit the others'; the message names it.
    """
    action = scope.action()
    nodes = scope.nodes()
    tags = {node.participant_id: scope.tags(node.participant_id) for node in nodes}
    control.report({"fraction": 0.0, "participants": list(tags)})

    def prepare(node: Node) -> dict[str, Any]:
        own = tags[node.participant_id]
        with WorkerCommands(node, limits) as worker:
            # Who does not answer at all is probably registered at a wrong address: that is said at once.
            worker.greet()
            return insist(lambda: worker.prepare(scope.project, action, own, control), limits.rejoin, control.check)

    def confirm(node: Node) -> None:
        participant = node.participant_id
        own, spacers = tags[participant], alignment.spacers[participant]
        with WorkerCommands(node, limits) as worker:
            insist(lambda: worker.align(scope.project, action, own, spacers, space), limits.rejoin, control.check)

    with ThreadPoolExecutor(max_workers=len(nodes), thread_name_prefix="participant") as pool:
        polled = dict(zip(tags, pool.map(prepare, nodes), strict=True))
        space, alignment = feature_space(polled, action, bool(scope.job.parameters.get("auto_align", True)))
        list(pool.map(confirm, nodes))
    auto_fix = bool(scope.job.parameters.get("auto_fix", True))
    return {
        "spacers": alignment.spacers,
        "feature_space": space.to_dict(),
        "fitted": _fitted(scope, space) if auto_fix else {},
        "auto_fix": auto_fix,
        "rows": {who: data["metadata"][Meta.TRAIN]["src_count"] for who, data in polled.items()},
    }


def _fitted(scope: Scope, space: FeatureSpace) -> dict[str, Any]:
    fitted = {}
    for experiment in scope.store.find(Kind.EXPERIMENT, scope.project):
        expt_id = experiment["key"]["expt_id"]
        try:
            fitted[expt_id] = fit_layers(experiment["model"], space)
        except InvalidRequest as error:
            raise InvalidRequest(
                f"experiment {expt_id!r} cannot be fitted to the data: {error}", error.field
            ) from error
    return fitted
