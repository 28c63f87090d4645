"""Registrations: a participant takes part in a project, with these worker nodes."""

from __future__ import annotations

from itertools import count
from typing import Any

from synergos.domain.records import Ids, Kind, restrict
from synergos.errors import InvalidRequest
from synergos.records.store import Record
from synergos.rest import schemas
from synergos.rest.declarations import Declarations
from synergos.rest.shapes import Shape, joined_registration


class Registrations(Declarations):
    """The registrations of participants for projects."""

    kind = Kind.REGISTRATION
    singular = "registration"
    plural = "registrations"
    schema = schemas.REGISTRATION
    parents = (Kind.COLLABORATION, Kind.PROJECT, Kind.PARTICIPANT)

    def checked(self, payload: dict[str, Any], ids: Ids) -> dict[str, Any]:
        """Refuse a number of nodes that are not there, and nodes beyond that number."""
        expected = payload["n_count"]
        names = {name for name in payload if name.startswith("node_")}
        present = next(index for index in count() if f"node_{index}" not in names)
        if present < expected:
            raise InvalidRequest(f"is required: n_count is {expected}", f"node_{present}")
        if len(names) > expected:
            surplus = min(name for name in names if int(name.removeprefix("node_")) >= expected)
            raise InvalidRequest(f"{surplus} is there, so expected more than {expected}", "n_count")
        return payload

    def show(self, record: Record) -> Shape:
        """With what collaboration, project and participant say at this moment."""
        found = (self.store.find(parent, restrict(record["key"], parent)) for parent in self.parents)
        # A parent that is being deleted takes the registration along; until then it says nothing.
        collaboration, project, participant = (records[0] if records else {} for records in found)
        return joined_registration(super().show(record), collaboration, project, participant)
