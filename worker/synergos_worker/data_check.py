"""A check of a participant's data: everything an alignment would refuse there, found without one, as much as can be seen at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from synergos.domain.feature_space import Action
from synergos.domain.tags import Purpose
from synergos_worker.data_root import DataRoot
from synergos_worker.disclosure.policy import Policy
from synergos_worker.findings import Findings
from synergos_worker.pipelines import PIPELINES
from synergos_worker.preparation import prepare
from synergos_worker.tables import Tables, Tags

_TABLES = 1


@dataclass(frozen=True)
class Problem:
    """What an alignment would refuse.

    Attributes:
        field: the file or tag it is about, where it is about one.
    """

    message: str
    field: str | None


@dataclass(frozen=True)
class Report:
    """What a check found.

    Attributes:
        files: those that could be read, with how many rows each, by purpose.
    """

    action: Action
    files: Mapping[Purpose, Mapping[str, int]]
    problems: tuple[Problem, ...]

    def to_dict(self) -> dict[str, object]:
        """As JSON-able values."""
        return {
            "action": self.action.value,
            "files": {purpose.value: dict(files) for purpose, files in self.files.items()},
            "problems": [{"field": problem.field, "message": problem.message} for problem in self.problems],
        }


def check(root: DataRoot, policy: Policy, tags: Tags, action: Action | None = None) -> Report:
    """Check the datasets of all purposes.

    Args:
        action: what the project does; when it is not said, what the labels allow: to classify, unless less would be refused
            to regress.
    """
    if action is not None:
        return _check(root, policy, tags, action)
    classify, regress = (_check(root, policy, tags, each) for each in (Action.CLASSIFY, Action.REGRESS))
    return regress if set(regress.problems) < set(classify.problems) else classify


def _check(root: DataRoot, policy: Policy, tags: Tags, action: Action) -> Report:
    found = Findings()
    files: dict[Purpose, Mapping[str, int]] = {}
    tables = Tables(root, _TABLES, policy)
    for purpose, some in tags.items():
        for position, tag in enumerate(some):
            with found.noted():
                dataset = root.dataset(tag, f"tags.{purpose}[{position}]")
                pipeline = PIPELINES.get(dataset.datatype, "datatype")
                found.add(pipeline.problems(dataset, action, needs_labels=purpose is not Purpose.PREDICT))
        with found.noted():
            result = prepare(tables, action, {purpose: some})
            files[purpose] = result.metadata[purpose].files
    if len(tags) > 1:
        with found.noted():
            prepare(tables, action, tags)
    return Report(action, files, tuple(Problem(str(problem), problem.field) for problem in found))
