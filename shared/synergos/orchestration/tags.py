"""Tags: which of its datasets a participant brings to a project, and what for."""

from __future__ import annotations

from typing import Any

from synergos.domain.records import Ids, Kind
from synergos.domain.tags import Meta, check_tags
from synergos.orchestration import schemas
from synergos.orchestration.agreement import forget_agreement
from synergos.orchestration.declarations import Declarations
from synergos.orchestration.schemas.declarations import Tag
from synergos.records.store import Record


class Tags(Declarations[Tag]):
    """The tags of registrations."""

    kind = Kind.TAG
    schema = schemas.TAG
    parents = (Kind.COLLABORATION, Kind.PROJECT, Kind.PARTICIPANT, Kind.REGISTRATION)

    def checked(self, declared: Tag, payload: dict[str, Any], ids: Ids) -> dict[str, Any]:
        """Refuse tags that leave the data folder; purposes nothing was said of have none."""
        tags = {meta.value: payload.get(meta.value, []) for meta in Meta}
        for meta, value in tags.items():
            check_tags(value, meta)
        return {**payload, **tags}

    def settle(self, before: Record | None, after: Record) -> None:
        """Other data to learn from or to measure on means that nothing is agreed any more."""
        metas = (Meta.TRAIN, Meta.EVALUATE)
        if before is None or any(before.get(meta) != after.get(meta) for meta in metas):
            forget_agreement(self.store, after["key"])
