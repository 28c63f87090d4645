"""Tags: which of its datasets a participant brings to a project, and what for."""

from __future__ import annotations

from collections.abc import Mapping

from synergos import bodies
from synergos.bodies.declarations import Tag
from synergos.domain.keys import RegistrationKey
from synergos.domain.records import Ids, Kind, Record
from synergos.domain.tags import Purpose, check_nesting, check_tags
from synergos.orchestration.alignment_invalidation import brings_data, invalidate_alignment, invalidate_without
from synergos.orchestration.caller import Caller
from synergos.orchestration.declarations import Declarations
from synergos.orchestration.terms import AS_EVER, Terms
from synergos.orchestration.view import View


class Tags(Declarations[Tag]):
    """The tags of registrations."""

    kind = Kind.TAG
    schema = bodies.TAG
    parents = (Kind.COLLABORATION, Kind.PROJECT, Kind.PARTICIPANT, Kind.REGISTRATION)

    def declare(self, caller: Caller, ids: Ids, body: Mapping[str, object], terms: Terms = AS_EVER) -> View:
        """See :class:`~synergos.orchestration.declarations.Declarations`; tags that are no lists of lists say how to write them."""
        _check_nesting(body)
        return super().declare(caller, ids, body, terms)

    def change(self, caller: Caller, ids: Ids, body: Mapping[str, object], terms: Terms = AS_EVER) -> View:
        """As :meth:`declare`, of the purposes given."""
        _check_nesting(body)
        return super().change(caller, ids, body, terms)

    def checked(self, declared: Tag, payload: dict[str, object], ids: Ids) -> dict[str, object]:
        """Refuse tags that leave the data folder; purposes nothing was said of have none."""
        tags = {purpose.value: payload.get(purpose.value, []) for purpose in Purpose}
        for purpose, value in tags.items():
            check_tags(value, purpose)
        return {**payload, **tags}

    def after_change(self, before: Record | None, after: Record) -> None:
        """Other data to learn from or to measure on means that nothing is agreed any more."""
        purposes = (Purpose.TRAIN, Purpose.EVALUATE)
        if all((before or {}).get(purpose, []) == after.get(purpose, []) for purpose in purposes):
            return
        did = {
            (False, True): "has joined it",
            (True, False): "has left it",
        }.get((brings_data(before), brings_data(after)), "has declared other tags")
        invalidate_alignment(self.store, after["key"], f"participant {after['key']['participant_id']!r} {did}")

    def release(self, record: Record) -> None:
        """Nobody goes on in what was agreed with somebody who brings nothing any more."""
        invalidate_without(self.store, RegistrationKey.of(record["key"]))


def _check_nesting(body: Mapping[str, object]) -> None:
    for purpose in Purpose:
        check_nesting(body.get(purpose.value), purpose.value)
