"""What all declared records have in common: declare, read, change, delete."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import ClassVar, Generic, TypeVar

from synergos.domain.damage import DamagedPayload
from synergos.domain.identifiers import check_identifier, check_new_identifier, check_told_apart
from synergos.domain.records import NOT_DECLARED, OWN_FIELDS, RECORD_TYPES, Ids, Kind, Record, payload_of, restrict
from synergos.errors import InvalidRequest, RecordNotFound
from synergos.orchestration.access import Access
from synergos.orchestration.caller import Caller
from synergos.orchestration.revision import revision_of
from synergos.orchestration.shares import Shares
from synergos.orchestration.terms import AS_EVER, Terms
from synergos.orchestration.view import Relations, View
from synergos.records.paging import EVERYTHING, Page, Part, Selection
from synergos.records.store import RecordStore
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

    def __init__(self, store: RecordStore, shares: Shares, access: Access | None = None) -> None:
        self.store = store
        self.shares = shares
        self.access = access or Access(store)

    def find(
        self,
        caller: Caller,
        ids: Ids,
        page: Page = EVERYTHING,
        *,
        around: bool = True,
        relations: Relations = Relations.FULL,
    ) -> Part[View]:
        """The records with these ids, in order of creation.

        Args:
            around: whether to look for what they hang under and what hangs under them.
            relations: how much of the latter, which may be much.

        Raises:
            NotPermitted: the caller may read none of them, whichever there are.
        """
        found = self.store.select(self.kind, self.access.narrowed(caller, self.kind, Selection(ids)), page)
        views = self.views(found.items) if around else [View(record) for record in found.items]
        return Part(self._told(caller, views, relations), found.after)

    def read(self, caller: Caller, ids: Ids, relations: Relations = Relations.FULL) -> View:
        """One record.

        Args:
            relations: how much of what hangs under it.

        Raises:
            RecordNotFound: there is none.
            NotPermitted: the caller may not, whether or not there is one.
        """
        self.access.check_reading(caller, self.kind, ids)
        [told] = self._told(caller, [self.view(self.store.get(self.kind, ids))], relations)
        return told

    def _told(self, caller: Caller, views: Sequence[View], relations: Relations) -> list[View]:
        """What somebody is told of views, and of what hangs under them so much; where that is not all, none of it is read."""
        sight = self.access.sight(caller)
        if relations is Relations.FULL:
            return [sight.view(view) for view in views]
        told = [sight.view(replace(view, relations=None)) for view in views]
        if relations is Relations.NONE or not RECORD_TYPES[self.kind].relations:
            return told
        counts = self.store.count_beneath(self.kind, [view.record for view in views], sight.readable)
        return [replace(view, counts=counts[view.record["doc_id"]]) for view in told]

    def revision(self, record: Record) -> str:
        """What stands for a record as it was read: what is declared in it, and nothing that we write there ourselves."""
        return revision_of(self._declared(record))

    def declare(self, caller: Caller, ids: Ids, body: Mapping[str, object], terms: Terms = AS_EVER) -> View:
        """Declare a record; one that was declared before is replaced, and a warning says so where it said something else.

        Raises:
            InvalidRequest: a field is wrong; names it.
            ConditionFailed: what is there is not as ``terms`` has it.
            NotPermitted: it is another's.
            RecordNotFound: what it is to hang under is not there.
            QuotaExceeded: its collaboration would have more than it may.
        """
        declared = self.schema.read(self._own(body))
        key = self._key(ids, body)
        self.access.check_declaring(caller, self.kind, key)
        _check_ids(body, key)
        payload = self.checked(declared, self._fields(body), key)
        with self.writing(terms):
            for parent in self.parents:
                self.store.get(parent, key)
            # Once more: somebody else may have taken the id meanwhile.
            self.access.check_declaring(caller, self.kind, key)
            before = self._stored(key)
            terms.check(self._named(key), self._seen(caller, before), self.id_field)
            if before is None:
                self._check_new(key)
            with self.shares.declaring(self.kind, restrict(key, self.kind)):
                after = self.store.put(self.kind, key, payload)
            self.access.note_declared(caller, self.kind, key, is_new=before is None)
            self.after_change(_readable(before, after), after)
            return self._answer(caller, key, terms, (*self._replaced(before, after), *self.notes(after)))

    def change(self, caller: Caller, ids: Ids, body: Mapping[str, object], terms: Terms = AS_EVER) -> View:
        """Replace the fields given, keep the others.

        Raises:
            InvalidRequest: a field is wrong; names it.
            ConditionFailed: what is there is not as ``terms`` has it.
            NotPermitted: it is another's.
            RecordNotFound: there is no such record.
            QuotaExceeded: its collaboration would have more than it may.
        """
        self.access.check_declaring(caller, self.kind, ids)
        named = {} if self.id_field is None else {self.id_field: ids[self._own_id]}
        _check_ids(body, {**ids, **named})
        self.schema.check_names(self._own(body))
        changes = {name: value for name, value in self._fields(body).items() if name != self.id_field}
        with self.writing(terms):
            self.access.check_declaring(caller, self.kind, ids)
            before = self.store.get(self.kind, ids)
            terms.check(self._named(ids), self._seen(caller, before))
            payload = payload_of(before) | changes
            # Records of earlier versions may hold more than can be declared now.
            self.checked(self.schema.read(self._said(payload) | named), payload, ids)
            with self.shares.declaring(self.kind, restrict(ids, self.kind)):
                after = self.store.merge(self.kind, ids, changes)
            self.after_change(_readable(before, after), after)
            return self._answer(caller, ids, terms, self.notes(after))

    def check(self, caller: Caller, ids: Ids, terms: Terms) -> None:
        """Return when a record is there, and as it has to be.

        Raises:
            RecordNotFound: there is none.
            ConditionFailed: it is not as ``terms`` has it.
        """
        terms.check(self._named(ids), self._seen(caller, self.store.get(self.kind, ids)))

    def delete(self, caller: Caller, ids: Ids, terms: Terms = AS_EVER) -> View:
        """Delete a record with everything under it; it is shown as it was.

        Raises:
            RecordNotFound: there is no such record.
            ConditionFailed: it is not as ``terms`` has it.
            NotPermitted: it is another's.
        """
        with self.writing(terms):
            self.access.check_deleting(caller, self.kind, ids)
            self.check(caller, ids, terms)
            shown = _kept(self.read(caller, ids))
            self.release(shown.record)
            self.store.delete(self.kind, ids)
            self.access.note_deleted(self.kind, ids)
            return shown

    # What a subclass may say otherwise

    def checked(self, declared: Body, payload: dict[str, object], ids: Ids) -> dict[str, object]:
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

    def notes(self, after: Record) -> Iterable[str]:
        """What whoever changed a record has to know of others, though nothing was refused; called in the transaction of its change."""
        return ()

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

    def writing(self, terms: Terms) -> AbstractContextManager[None]:
        """The transaction of a change, of which nothing stays where it is only tried."""
        return self.store.rehearsal() if terms.is_rehearsal else self.store.transaction()

    def _answer(self, caller: Caller, key: Ids, terms: Terms, warnings: Iterable[str]) -> View:
        view = self.read(caller, key)
        view = replace(view, warnings=(*warnings, *view.warnings))
        # What is undone at the end of the transaction cannot be read after it.
        return _kept(view) if terms.is_rehearsal else view

    def _named(self, key: Ids) -> str:
        return f"{self.kind.value.lower()} {key[self._own_id]!r}"

    def _seen(self, caller: Caller, record: Record | None) -> dict[str, object] | None:
        """What a caller sees declared in a stored record."""
        return None if record is None else self._declared(self.access.sight(caller).record(record))

    def _declared(self, record: Record) -> dict[str, object]:
        return {name: value for name, value in payload_of(record).items() if name not in self.derived}

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

    def _key(self, ids: Ids, body: Mapping[str, object]) -> dict[str, str]:
        if self.id_field is None:
            return dict(ids)
        return {**ids, self._own_id: check_identifier(body[self.id_field], self.id_field)}

    def _check_new(self, key: Ids) -> None:
        """Refuse an id that no new record may have; those of earlier versions keep theirs."""
        if self.id_field is not None:
            own = check_new_identifier(key[self._own_id], self.id_field)
            check_told_apart(own, self.store.ids_beside(self.kind, key), self.id_field)

    def _own(self, body: Mapping[str, object]) -> dict[str, object]:
        """What a body says beside the ids of the URL and what is ours to say."""
        own = self._fields(body)
        return own if self.id_field is None or self.id_field not in body else own | {self.id_field: body[self.id_field]}

    def _said(self, payload: Mapping[str, object]) -> dict[str, object]:
        """What was declared of a stored payload, without what is ours to write."""
        return self.schema.known({name: value for name, value in payload.items() if name not in self.derived})

    def _fields(self, body: Mapping[str, object]) -> dict[str, object]:
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


def _check_ids(body: Mapping[str, object], ids: Ids) -> None:
    """Refuse an id in a body that is another than the one it stands for."""
    for name, known in ids.items():
        if body.get(name) not in (None, known):
            raise InvalidRequest(f"expected {known!r}, as the URL has it, or nothing", name)
