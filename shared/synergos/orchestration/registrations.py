"""Registrations: a participant takes part in a project, with these worker nodes."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import Any

from synergos.domain.records import Ids, Kind, restrict
from synergos.errors import InvalidRequest
from synergos.orchestration import schemas
from synergos.orchestration.declarations import Declarations
from synergos.orchestration.schemas.declarations import Registration
from synergos.orchestration.view import View
from synergos.records.store import Record


class Registrations(Declarations[Registration]):
    """The registrations of participants for projects."""

    kind = Kind.REGISTRATION
    schema = schemas.REGISTRATION
    parents = (Kind.COLLABORATION, Kind.PROJECT, Kind.PARTICIPANT)

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

    def view(self, record: Record) -> View:
        """With what collaboration, project and participant say at this moment."""
        found = {parent: self.store.find(parent, restrict(record["key"], parent)) for parent in self.parents}
        # A parent that is being deleted takes the registration along; until then it says nothing.
        return replace(
            super().view(record), parents={parent: records[0] for parent, records in found.items() if records}
        )
