"""A removal: files that are to go because what they belonged to was deleted, and the one place where they lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias
from uuid import uuid4

from synergos.domain.grid import Node
from synergos.domain.keys import CollaborationKey, ExperimentKey, ProjectKey, RunKey
from synergos.domain.tags import Purpose

FolderKey: TypeAlias = CollaborationKey | ProjectKey | ExperimentKey | RunKey
"""What has a folder of its own below each outputs folder."""

_KEYS: tuple[type[FolderKey], ...] = (RunKey, ExperimentKey, ProjectKey, CollaborationKey)

ORCHESTRATOR = "orchestrator"


def folder_key(ids: Mapping[str, str]) -> FolderKey:
    """The innermost thing with a folder that these ids name."""
    return next(key for key in _KEYS if all(name in ids for name in key.fields())).of(ids)


@dataclass(frozen=True)
class Removal:
    """Files of one deleted thing, at one place.

    Attributes:
        folder: whose folder it is; all of it goes, or only that of a purpose.
        purpose: of the results that go, where the rest stays.
        grid: the sub-grid whose TTP sees to it; None where the orchestrator itself does: a basic TTP, or a director.
        node: the worker where the files are; None for the outputs folder of whoever sees to it.
        created_at: when it was deleted; what was written since belongs to something else. Aware.
        tried_at: when it was last tried in vain.
        reason: why it was in vain.
    """

    folder: FolderKey
    created_at: datetime
    purpose: Purpose | None = None
    grid: int | None = None
    node: Node | None = None
    id: str = field(default_factory=lambda: uuid4().hex)
    tried_at: datetime | None = None
    reason: str | None = None

    @property
    def place(self) -> str:
        """Where the files are, for people: a participant's id, the orchestrator, or a sub-grid's TTP."""
        if self.node is not None:
            return self.node.participant_id
        return ORCHESTRATOR if self.grid is None else f"TTP of sub-grid {self.grid}"
