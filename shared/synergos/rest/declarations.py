"""What all declared records have in common: declare, read, change, delete."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from synergos.domain.identifiers import check_identifier
from synergos.domain.records import OWN_FIELDS, RECORD_TYPES, Ids, Kind, payload_of
from synergos.errors import RecordNotFound
from synergos.records.store import Record, RecordStore
from synergos.rest.services import Services
from synergos.rest.shapes import Shape, shape
from synergos.rest.validation import Schema

_NOT_DECLARED = OWN_FIELDS | {"relations", "link"}


class Declarations:
    """The declared records of one kind; a subclass says what is particular to it.

    Attributes:
        singular: how the kind is called in ``method`` where one record is meant; ``plural`` where several may be.
        id_field: the field of a declaration's body that names the record, None where the URL does.
        parents: the kinds that must be there before, outermost first.
        settled: fields that are ours to write, and ignored in a body.
    """

    kind: ClassVar[Kind]
    singular: ClassVar[str]
    plural: ClassVar[str]
    schema: ClassVar[Schema]
    id_field: ClassVar[str | None] = None
    parents: ClassVar[tuple[Kind, ...]] = ()
    settled: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, services: Services) -> None:
        self.services = services
        self.store: RecordStore = services.store

    def find(self, ids: Ids) -> list[Shape]:
        """All records with these ids."""
        return [self.show(record) for record in self.store.find(self.kind, ids)]

    def read(self, ids: Ids) -> Shape:
        """One record."""
        return self.show(self.store.get(self.kind, ids))

    def declare(self, ids: Ids, body: Mapping[str, Any]) -> Shape:
        """Declare a record; one that was declared before is replaced."""
        self.schema.check(body)
        key = self._key(ids, body)
        payload = self.checked(self._fields(body), key)
        with self.store.transaction():
            for parent in self.parents:
                self.store.get(parent, key)
            before = self._stored(key)
            self.settle(before, self.store.put(self.kind, key, payload))
            return self.show_declared(self.store.get(self.kind, key))

    def change(self, ids: Ids, body: Mapping[str, Any]) -> Shape:
        """Replace the fields given, keep the others."""
        changes = {name: value for name, value in self._fields(body).items() if name != self.id_field}
        with self.store.transaction():
            before = self.store.get(self.kind, ids)
            payload = payload_of(before) | changes
            named = {} if self.id_field is None else {self.id_field: ids[self._own_id]}
            self.schema.check(payload | named)
            self.checked(payload, ids)
            self.settle(before, self.store.merge(self.kind, ids, changes))
            return self.read(ids)

    def delete(self, ids: Ids) -> Shape:
        """Delete a record with everything under it; it is shown as it was."""
        with self.store.transaction():
            shown = self.read(ids)
            self.store.delete(self.kind, ids)
            return shown

    # What a subclass may say otherwise

    def checked(self, payload: dict[str, Any], ids: Ids) -> dict[str, Any]:
        """The payload to store under these ids, after whatever a schema cannot check."""
        return payload

    def settle(self, before: Record | None, after: Record) -> None:
        """Do away with what no longer holds; called in the transaction of the change."""

    def show(self, record: Record) -> Shape:
        """A record as it is answered."""
        has_relations = bool(RECORD_TYPES[self.kind].relations)
        return shape(record, self.store.relations(self.kind, record["key"]) if has_relations else None)

    def show_declared(self, record: Record) -> Shape:
        """A record as its declaration is answered."""
        return self.show(record)

    @property
    def _own_id(self) -> str:
        return RECORD_TYPES[self.kind].key_fields[-1]

    def _key(self, ids: Ids, body: Mapping[str, Any]) -> dict[str, str]:
        if self.id_field is None:
            return dict(ids)
        return {**ids, self._own_id: check_identifier(body[self.id_field], self.id_field)}

    def _fields(self, body: Mapping[str, Any]) -> dict[str, Any]:
        ignored = _NOT_DECLARED | self.settled | set(RECORD_TYPES[self.kind].key_fields)
        return {name: value for name, value in body.items() if name not in ignored}

    def _stored(self, key: Ids) -> Record | None:
        try:
            return self.store.get(self.kind, key)
        except RecordNotFound:
            return None
