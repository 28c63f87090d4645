"""Registrations: a participant takes part in a project, with these worker nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

from synergos import bodies
from synergos.bodies.declarations import Node, Registration
from synergos.domain import grid
from synergos.domain.keys import ProjectKey, RegistrationKey
from synergos.domain.reachability import Probe
from synergos.domain.records import Ids, Kind, payload_of, restrict
from synergos.errors import InvalidRequest
from synergos.orchestration.alignment_invalidation import invalidate_without
from synergos.orchestration.caller import Caller
from synergos.orchestration.declarations import Declarations
from synergos.orchestration.node_check import Others, check_nodes
from synergos.orchestration.shares import Shares
from synergos.orchestration.view import View
from synergos.records.store import Record, RecordStore


class Registrations(Declarations[Registration]):
    """The registrations of participants for projects."""

    kind = Kind.REGISTRATION
    schema = bodies.REGISTRATION
    parents = (Kind.COLLABORATION, Kind.PROJECT, Kind.PARTICIPANT)

    def __init__(self, store: RecordStore, shares: Shares, probe: Probe | None = None) -> None:
        super().__init__(store, shares)
        self._probe = probe

    def declare(self, caller: Caller, ids: Ids, body: Mapping[str, Any]) -> View:
        """See :class:`~synergos.orchestration.declarations.Declarations`; each node is asked what it is first.

        Raises:
            InvalidRequest: a node is no worker's, its ports are exchanged, or another participant of the project has it.
        """
        warnings = self._looked_at(ids, self.schema.read(self._own(body)).by_name)
        view = super().declare(caller, ids, body)
        return replace(view, warnings=(*warnings, *view.warnings))

    def change(self, caller: Caller, ids: Ids, body: Mapping[str, Any]) -> View:
        """See :class:`~synergos.orchestration.declarations.Declarations`; the nodes that change are asked what they are first."""
        stored = payload_of(self.store.get(self.kind, ids))
        changed = self.schema.read(self.schema.known(stored | self._own(body))).by_name
        warnings = self._looked_at(ids, {name: node for name, node in changed.items() if name in body})
        return replace(super().change(caller, ids, body), warnings=tuple(warnings))

    def checked(self, declared: Registration, payload: dict[str, Any], ids: Ids) -> dict[str, Any]:
        """Refuse a number of nodes that are not there, and nodes beyond that number."""
        expected, nodes = declared.n_count, declared.nodes
        present = next(index for index in count() if index not in nodes)
        if present < expected:
            raise InvalidRequest(f"is required: n_count is {expected}", f"node_{present}")
        if len(nodes) > expected:
            surplus = min((index for index in nodes if index >= expected), key=str)
            raise InvalidRequest(f"node_{surplus} is there, so expected more than {expected}", "n_count")
        return payload

    def release(self, record: Record) -> None:
        """Nobody goes on in what was agreed with somebody who has left."""
        invalidate_without(self.store, RegistrationKey.of(record["key"]))

    def _looked_at(self, ids: Ids, nodes: Mapping[str, Node]) -> list[str]:
        # Before the transaction: nobody who wants to write waits for a network.
        registered = self._others(ids)
        for name, node in nodes.items():
            _refuse_shared(name, node, registered, ids["participant_id"])
        if self._probe is None:
            return []
        known = {record["key"]["participant_id"] for record in self.store.find(Kind.PARTICIPANT)}
        return check_nodes(nodes, self._probe, Others(known - {ids["participant_id"]}, registered))

    def _others(self, ids: Ids) -> list[grid.Node]:
        """The nodes of the project's other participants."""
        return [
            node
            for record in self.store.find(self.kind, restrict(ids, Kind.PROJECT))
            if record["key"]["participant_id"] != ids["participant_id"]
            for node in grid.nodes_of(record)
        ]

    def views(self, records: Sequence[Record]) -> list[View]:
        """With what is needed of their project and participant; what these say at length is theirs to show."""
        actions = self.store.said(Kind.PROJECT, {ProjectKey.of(record["key"]) for record in records}, "action")

        def parents(record: Record) -> dict[Kind, Record]:
            action = actions.get(ProjectKey.of(record["key"]))
            return {Kind.PROJECT: {"action": action}, Kind.PARTICIPANT: {"id": record["key"]["participant_id"]}}

        return [replace(view, parents=parents(view.record)) for view in super().views(records)]

    def view(self, record: Record) -> View:
        """With what collaboration, project and participant say at this moment."""
        found = {parent: self.store.find(parent, restrict(record["key"], parent)) for parent in self.parents}
        # A parent that is being deleted takes the registration along; until then it says nothing.
        return replace(
            super().view(record), parents={parent: records[0] for parent, records in found.items() if records}
        )


def _refuse_shared(name: str, node: Node, registered: Sequence[grid.Node], participant: str) -> None:
    """Two participants at one worker would be one participant twice, with the same rows."""
    for other in registered:
        if (node.host, node.f_port) == (other.host, other.command_port):
            raise InvalidRequest(
                f"{node.host}:{node.f_port} is registered for {other.participant_id}; expected a worker of {participant}'s own",
                name,
            )
