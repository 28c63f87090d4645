"""How far a project is: who takes part with what, and what has come of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from synergos.foreign_json import items, mapping, objects, whole
from synergos_portal.orchestrator import grids
from synergos_portal.orchestrator.client import Client, Query
from synergos_portal.orchestrator.declared import Spot
from synergos_portal.orchestrator.problems import Refused

Rows = Mapping[str, int]
"""How many, by what they are for."""
MOST_PROJECTS = 12
"""Of one collaboration, whose rows are asked for."""
_MOST_MODELS = 50
"""Of a project, among which the newest is looked for."""
_WHO_ALONE: Query = {"relations": "none", "fields": "role"}
_PURPOSES = ("train", "evaluate", "predict")


@dataclass(frozen=True)
class Member:
    """A participant of a project.

    Attributes:
        project: the id of the project.
        nodes: where its workers are, in words.
        tags: how many datasets it brings, by purpose.
    """

    id: str
    project: str
    role: str
    nodes: Sequence[str]
    tags: Mapping[str, int]


@dataclass(frozen=True)
class Cycle:
    """What there is of a project.

    Attributes:
        has_alignment: whether participants have agreed on inputs, and nothing has undone that.
        experiments: how many; ``runs``, ``models`` and ``validated`` alike.
    """

    members: Sequence[Member]
    has_alignment: bool
    experiments: int
    runs: int
    models: int
    validated: int

    @property
    def training(self) -> int:
        """How many participants bring rows to train on."""
        return sum(bool(member.tags.get("train")) for member in self.members)


def read(client: Client, project: Spot, counts: Mapping[str, int]) -> Cycle:
    """How far a project is.

    Args:
        counts: how many records of each kind hang under it.
    """
    return Cycle(
        members=members(client, project),
        has_alignment=is_aligned(client, project),
        experiments=counts.get("Experiment", 0),
        runs=counts.get("Run", 0),
        models=counts.get("Model", 0),
        validated=counts.get("Validation", 0),
    )


def members(client: Client, spot: Spot) -> list[Member]:
    """The participants of a project with what they bring, or of a collaboration without; nobody where nobody may know them."""
    query: Query = {} if len(spot.ids) > 1 else _WHO_ALONE
    return [_member(each) for each in all_told(client, *spot.parts, "registrations", query=query)]


def all_told(client: Client, *parts: str, query: Query | None = None) -> list[dict[str, object]]:
    """Records, of the results of a stage for example; none where there are none yet, or whoever asks may not know them."""
    try:
        return list(client.records(dict[str, object], *parts, query=query).items)
    except Refused as error:
        if not error.is_untold:
            raise
        return []


def is_aligned(client: Client, project: Spot) -> bool:
    """Whether participants have agreed on inputs, and nothing has undone that."""
    return bool(all_told(client, "train", *project.project, "alignments", query={"limit": 1, "fields": "doc_id"}))


def _member(record: Mapping[str, object]) -> Member:
    key, relations = mapping(record.get("key")), mapping(record.get("relations"))
    nodes = [value for name, value in sorted(record.items()) if name.startswith("node_") and isinstance(value, dict)]
    tags = objects(relations.get("Tag"))
    return Member(
        str(key.get("participant_id")),
        str(key.get("project_id")),
        str(record.get("role") or ""),
        [_node(node) for node in nodes],
        {purpose: sum(len(items(tag.get(purpose))) for tag in tags) for purpose in _PURPOSES},
    )


def _node(node: Mapping[str, object]) -> str:
    if "host" in node:
        return f"{node['host']}:{node.get('f_port')}"
    return str(node.get("fingerprint") or "")[:12]


@dataclass(frozen=True)
class Reach:
    """Whether the workers of a participant can be reached.

    Attributes:
        is_known: whether all have been asked.
        problems: what is wrong, in the orchestrator's words.
    """

    reachable: int = 0
    of: int = 0
    is_known: bool = True
    problems: Sequence[str] = ()

    @property
    def is_reachable(self) -> bool:
        """Whether all of them can."""
        return self.reachable == self.of


@dataclass(frozen=True)
class Standing:
    """How those who take part stand.

    Attributes:
        rows: that are used, by project and participant; of whom nobody may know there is nothing.
        reach: by participant, likewise; None where nobody was asked.
        others: how many projects there are whose rows were not asked for.
    """

    rows: Mapping[str, Mapping[str, Rows]] = field(default_factory=dict)
    reach: Mapping[str, Reach] | None = None
    others: int = 0

    @property
    def is_open(self) -> bool:
        """Whether something is still being asked."""
        return self.reach is None or not all(each.is_known for each in self.reach.values())


def of_project(client: Client, project: Spot, *, is_trained: bool, asks_nodes: bool) -> Standing:
    """Of those who take part in a project.

    Args:
        is_trained: whether it has a model.
        asks_nodes: whether workers are asked, which takes two seconds where one does not answer.
    """
    reached = reach(client, project) if asks_nodes else None
    return Standing({project.id: rows(client, project, is_trained=is_trained)}, reached)


def of_collaboration(client: Client, collaboration: Spot, members: Sequence[Member]) -> Standing:
    """Of those who take part in a collaboration; of :data:`MOST_PROJECTS` of its projects how many rows."""
    projects = list(dict.fromkeys(member.project for member in members))
    shown = projects[:MOST_PROJECTS]
    used = {project: rows(client, collaboration.within(project), is_trained=True) for project in shown}
    return Standing(used, reach(client, collaboration), len(projects) - len(shown))


def rows(client: Client, project: Spot, *, is_trained: bool) -> Mapping[str, Rows]:
    """How many rows the newest training has used, by participant, or were agreed on where there is none."""
    if is_trained:
        # A run that is trained again keeps its place in the list.
        asked: Query = {"limit": _MOST_MODELS, "order": "newest", "fields": "participants,trained_at"}
        models = all_told(client, "train", *project.project, "models", query=asked)
        newest = max(models, key=lambda each: str(each.get("trained_at") or ""), default={})
        told = newest.get("participants")
        if used := {str(each.get("id")): _counts(each.get("rows")) for each in objects(told)}:
            return used
    agreed = all_told(client, "train", *project.project, "alignments", query={"fields": "agreement"})
    return {str(mapping(each.get("key")).get("participant_id")): _agreed(each) for each in agreed}


def reach(client: Client, spot: Spot) -> Mapping[str, Reach]:
    """Whether the workers that are registered for a project, or any of a collaboration, can be reached now."""
    try:
        nodes = grids.nodes(client, spot.key, None)
    except Refused as error:
        if not error.is_untold:
            raise
        return {}
    by_participant: dict[str, list[grids.Node]] = {}
    for node in nodes:
        by_participant.setdefault(str(node.key.get("participant_id")), []).append(node)
    return {who: _reach(own) for who, own in by_participant.items()}


def _reach(nodes: Sequence[grids.Node]) -> Reach:
    workers = {node.worker: node.is_reachable for node in nodes}
    return Reach(
        sum(state is True for state in workers.values()),
        len(workers),
        None not in workers.values(),
        tuple(dict.fromkeys(node.problem for node in nodes if node.problem)),
    )


def _agreed(alignment: Mapping[str, object]) -> Rows:
    tables = mapping(mapping(alignment.get("agreement")).get("tables"))
    return _counts({purpose: mapping(table).get("rows") for purpose, table in tables.items()})


def _counts(told: object) -> dict[str, int]:
    return {name: count for name, each in mapping(told).items() if (count := whole(each)) is not None}
