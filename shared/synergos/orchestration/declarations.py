"""What all declared records have in common: declare, read, change, delete."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Generic, TypeVar

from synergos.domain.damage import DamagedPayload
from synergos.domain.identifiers import check_identifier, check_new_identifier, check_told_apart
from synergos.domain.records import NOT_DECLARED, OWN_FIELDS, RECORD_TYPES, Ids, Kind, payload_of, restrict
from synergos.errors import InvalidRequest, RecordNotFound
from synergos.orchestration.caller import Caller
from synergos.orchestration.shares import Shares
from synergos.orchestration.view import View
from synergos.records.paging import EVERYTHING, Page, Part, Selection
from synergos.records.store import Record, RecordStore
from synergos.schema import Definition

Body = TypeVar("Body")

SHOWN_OF_DELETED = 4 * 2**20
"""Bytes of what hung under a record that was deleted; all of them are held until they are answered with."""


class Declarations(Generic[Body]):
    """The declared records of one kind; a subclass says what is particular to it.

    What is stored is the body itself, without what is ours to say. Ids that the URL says may be in the body as well, where
    they have to be the same.

    Attributes:
        schema: what a body has to be.
        id_field: the field of a declaration's body that names the record, None where the ids do.
        parents: the kinds that must be there before, outermost first.
        derived: fields that are ours to write, and ignored in a body.
    """

    kind: ClassVar[Kind]
    schema: Definition[Body]
    id_field: ClassVar[str | None] = None
    parents: ClassVar[tuple[Kind, ...]] = ()
    derived: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, store: RecordStore, shares: Shares) -> None:
        self.store = store
        self.shares = shares

    def find(self, caller: Caller, ids: Ids, page: Page = EVERYTHING, *, around: bool = True) -> Part[View]:
        """The records with these ids, in order of creation.

        Args:
            around: whether to look for what they hang under and what hangs under them, which may be much.
        """
        found = self.store.select(self.kind, Selection(ids), page)
        return Part(self.views(found.items), found.after) if around else found.map(View)

    def read(self, caller: Caller, ids: Ids) -> View:
        """One record.

        Raises:
            RecordNotFound: there is none.
        """
        return self.view(self.store.get(self.kind, ids))

    def declare(self, caller: Caller, ids: Ids, body: Mapping[str, Any]) -> View:
        """Declare a record; one that was declared before is replaced, and a warning says so where it said something else.

        Raises:
            InvalidRequest: a field is wrong; names it.
            RecordNotFound: what it is to hang under is not there.
            QuotaExceeded: its collaboration would have more than it may.
        """
        declared = self.schema.read(self._own(body))
        key = self._key(ids, body)
        _check_ids(body, key)
        payload = self.checked(declared, self._fields(body), key)
        with self.store.transaction():
            for parent in self.parents:
                self.store.get(parent, key)
            before = self._stored(key)
            if before is None:
                self._check_new(key)
            with self.shares.declaring(self.kind, restrict(key, self.kind)):
                after = self.store.put(self.kind, key, payload)
            self.after_change(_readable(before, after), after)
            return replace(self.read(caller, key), warnings=self._replaced(before, after))

    def change(self, caller: Caller, ids: Ids, body: Mapping[str, Any]) -> View:
        """Replace the fields given, keep the others.

        Raises:
            InvalidRequest: a field is wrong; names it.
            RecordNotFound: there is no such record.
            QuotaExceeded: its collaboration would have more than it may.
        """
        named = {} if self.id_field is None else {self.id_field: ids[self._own_id]}
        _check_ids(body, {**ids, **named})
        self.schema.check_names(self._own(body))
        changes = {name: value for name, value in self._fields(body).items() if name != self.id_field}
        with self.store.transaction():
            before = self.store.get(self.kind, ids)
            payload = payload_of(before) | changes
            # Records of earlier versions may hold more than can be declared now.
            self.checked(self.schema.read(self.schema.known(payload) | named), payload, ids)
            with self.shares.declaring(self.kind, restrict(ids, self.kind)):
                after = self.store.merge(self.kind, ids, changes)
            self.after_change(_readable(before, after), after)
            return self.read(caller, ids)

    def delete(self, caller: Caller, ids: Ids) -> View:
        """Delete a record with everything under it; it is shown as it was.

        Raises:
            RecordNotFound: there is no such record.
        """
        with self.store.transaction():
            shown = _kept(self.read(caller, ids))
            self.release(shown.record)
            self.store.delete(self.kind, ids)
            return shown

    # What a subclass may say otherwise

    def checked(self, declared: Body, payload: dict[str, Any], ids: Ids) -> dict[str, Any]:
        """The payload to store under these ids, after whatever a definition cannot check.

        Args:
            declared: the same as the definition reads it.
        """
        return payload

    def after_change(self, before: Record | None, after: Record) -> None:
        """Do away with what no longer holds; called in the transaction of the change.

        Args:
            before: the record as it was; ``after`` itself where that was damaged, and nobody knows.
        """

    def release(self, record: Record) -> None:
        """Do away with what does not hold without a record; called in the transaction of its deletion, before it."""

    def views(self, records: Sequence[Record]) -> list[View]:
        """Records with what hangs under each, as lists show them."""
        if not RECORD_TYPES[self.kind].relations:
            return [View(record) for record in records]
        beneath = self.store.beneath(self.kind, records)
        return [View(record, beneath.of(record["doc_id"])) for record in records]

    def view(self, record: Record) -> View:
        """A record with what hangs under it, as it is shown alone."""
        [view] = self.views([record])
        return view

    def _replaced(self, before: Record | None, after: Record) -> tuple[str, ...]:
        """What whoever took a new id for this record has to know."""
        if before is None:
            return ()
        old, new = payload_of(before), payload_of(after)
        others = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
        if not others:
            return ()
        own = after["key"][self._own_id]
        return (f"{own!r} was declared before and has been replaced; what differs: {', '.join(others)}",)

    @property
    def _own_id(self) -> str:
        return RECORD_TYPES[self.kind].key_fields[-1]

    def _key(self, ids: Ids, body: Mapping[str, Any]) -> dict[str, str]:
        if self.id_field is None:
            return dict(ids)
        return {**ids, self._own_id: check_identifier(body[self.id_field], self.id_field)}

    def _check_new(self, key: Ids) -> None:
        """Refuse an id that no new record may have; those of earlier versions keep theirs."""
        if self.id_field is not None:
            own = check_new_identifier(key[self._own_id], self.id_field)
            check_told_apart(own, self.store.ids_beside(self.kind, key), self.id_field)

    def _own(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """What a body says beside the ids of the URL and what is ours to say."""
        own = self._fields(body)
        return own if self.id_field is None or self.id_field not in body else own | {self.id_field: body[self.id_field]}

    def _fields(self, body: Mapping[str, Any]) -> dict[str, Any]:
        # A client that sends an answer back, changed, is not refused for what else is in it.
        ignored = NOT_DECLARED | self.derived | set(RECORD_TYPES[self.kind].key_fields)
        return {name: value for name, value in body.items() if name not in ignored}

    def _stored(self, key: Ids) -> Record | None:
        try:
            return self.store.get(self.kind, key)
        except RecordNotFound:
            return None


def _readable(before: Record | None, after: Record) -> Record | None:
    return after if isinstance(before, DamagedPayload) else before


def _kept(view: View) -> View:
    """The same, read while it is there; of what hangs under it, beyond so many bytes, only what it is."""
    if view.relations is None:
        return view
    taken = 0

    def short(record: Record) -> Record:
        nonlocal taken
        taken += _size(record)
        return record if taken <= SHOWN_OF_DELETED else {name: record[name] for name in OWN_FIELDS}

    return replace(view, relations={name: [short(each) for each in found] for name, found in view.relations.items()})


def _size(record: Record) -> int:
    try:
        return len(json.dumps(payload_of(record)))
    except (ValueError, TypeError, RecursionError):
        # It is damaged, and shown as such.
        return 0


def _check_ids(body: Mapping[str, Any], ids: Ids) -> None:
    """Refuse an id in a body that is another than the one it stands for."""
    for name, known in ids.items():
        if body.get(name) not in (None, known):
            raise InvalidRequest(f"expected {known!r}, as the URL has it, or nothing", name)
