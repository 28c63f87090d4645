"""Registrations: a participant takes part in a project, with these worker nodes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count

from synergos import bodies
from synergos.bodies.declarations import Node, Registration
from synergos.domain import grid
from synergos.domain.addresses import shown
from synergos.domain.keys import ProjectKey, RegistrationKey
from synergos.domain.reachability import Probe
from synergos.domain.records import Ids, Kind, Record, payload_of, restrict
from synergos.errors import InvalidRequest
from synergos.orchestration.access import Access
from synergos.orchestration.alignment_invalidation import invalidate_without
from synergos.orchestration.caller import Caller
from synergos.orchestration.declarations import Declarations
from synergos.orchestration.invitations import may_return, withdraw
from synergos.orchestration.node_check import Others, check_nodes
from synergos.orchestration.shares import Shares
from synergos.orchestration.terms import AS_EVER, Terms
from synergos.orchestration.view import View
from synergos.records.store import RecordStore

_NODE = re.compile(r"node_\d+")


class Registrations(Declarations[Registration]):
    """The registrations of participants for projects."""

    kind = Kind.REGISTRATION
    schema = bodies.REGISTRATION
    parents = (Kind.COLLABORATION, Kind.PROJECT, Kind.PARTICIPANT)
    derived = frozenset({grid.REVISION})

    def __init__(
        self, store: RecordStore, shares: Shares, probe: Probe | None = None, access: Access | None = None
    ) -> None:
        super().__init__(store, shares, access)
        self._probe = probe

    def declare(self, caller: Caller, ids: Ids, body: Mapping[str, object], terms: Terms = AS_EVER) -> View:
        """See :class:`~synergos.orchestration.declarations.Declarations`; each node is asked what it is first.

        Raises:
            InvalidRequest: a node is no worker's, its ports are exchanged, or another participant of the project has it.
        """
        # Nobody has an address looked at who may not register it.
        self.access.check_declaring(caller, self.kind, ids)
        warnings = self._looked_at(caller, ids, self.schema.read(self._own(body)).by_name)
        view = super().declare(caller, ids, body, terms)
        return replace(view, warnings=(*warnings, *view.warnings))

    def change(self, caller: Caller, ids: Ids, body: Mapping[str, object], terms: Terms = AS_EVER) -> View:
        """See :class:`~synergos.orchestration.declarations.Declarations`; the nodes that change are asked what they are first."""
        self.access.check_declaring(caller, self.kind, ids)
        stored = payload_of(self.store.get(self.kind, ids))
        changed = self.schema.read(self._said(stored) | self._own(body)).by_name
        warnings = self._looked_at(caller, ids, {name: node for name, node in changed.items() if name in body})
        return replace(super().change(caller, ids, body, terms), warnings=tuple(warnings))

    def checked(self, declared: Registration, payload: dict[str, object], ids: Ids) -> dict[str, object]:
        """Refuse a number of nodes that are not there, and nodes beyond that number."""
        expected, nodes = declared.n_count, declared.nodes
        present = next(index for index in count() if index not in nodes)
        if present < expected:
            raise InvalidRequest(f"is required: n_count is {expected}", f"node_{present}")
        if len(nodes) > expected:
            surplus = min((index for index in nodes if index >= expected), key=str)
            raise InvalidRequest(f"node_{surplus} is there, so expected more than {expected}", "n_count")
        return {**payload, **self._still_known(payload, ids)}

    def _still_known(self, payload: Mapping[str, object], ids: Ids) -> dict[str, object]:
        """The nodes that are declared again where they were: the identity that one has shown is still known."""
        records = self.store.find(self.kind, restrict(ids, self.kind))
        known_at = {
            (node.host, node.command_port): node.fingerprint for record in records for node in grid.nodes_of(record)
        }
        nodes = {name: node for name, node in payload.items() if _NODE.fullmatch(name) and isinstance(node, dict)}
        return {
            name: {**node, "fingerprint": known}
            for name, node in nodes.items()
            if "fingerprint" not in node and (known := known_at.get((grid.host_of(node), node["f_port"]))) is not None
        }

    def after_change(self, before: Record | None, after: Record) -> None:
        """Count changes of a registration: its nodes consent to each, also to one that is as an earlier one was."""
        if before is None or before["created_at"] != after["created_at"]:
            return
        if payload_of(before) != payload_of(after):
            self.store.merge(self.kind, after["key"], {grid.REVISION: before.get(grid.REVISION, 0) + 1})

    def delete(self, caller: Caller, ids: Ids, terms: Terms = AS_EVER) -> View:
        """See :class:`~synergos.orchestration.declarations.Declarations`; whom the collaboration belongs to takes the invitation back."""
        with self.store.transaction():
            view = super().delete(caller, ids, terms)
            leave = withdraw if self.access.owns(caller, ids["collab_id"]) else may_return
            leave(self.store, ids)
            return view

    def release(self, record: Record) -> None:
        """Nobody goes on in what was agreed with somebody who has left."""
        invalidate_without(self.store, RegistrationKey.of(record["key"]))

    def _looked_at(self, caller: Caller, ids: Ids, nodes: Mapping[str, Node]) -> list[str]:
        # Before the transaction: nobody who wants to write waits for a network.
        registered, are_named = self._others(ids), self.access.owns(caller, ids["collab_id"])
        for name, node in nodes.items():
            node.refuse_half(name)
            _refuse_shared(name, node, Others((), registered, are_named), ids["participant_id"])
        if self._probe is None:
            return []
        known = {record["key"]["participant_id"] for record in self.store.find(Kind.PARTICIPANT)}
        return check_nodes(nodes, self._probe, Others(known - {ids["participant_id"]}, registered, are_named))

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


def _refuse_shared(name: str, node: Node, others: Others, participant: str) -> None:
    """Two participants at one worker would be one participant twice, with the same rows."""
    where = node.place[:2]
    for other in others.nodes:
        if where == (other.host, other.command_port):
            whose = other.participant_id if others.are_named else "another participant"
            raise InvalidRequest(
                f"{shown(*where)} is registered for {whose}; expected a worker of {participant}'s own",
                name,
            )
