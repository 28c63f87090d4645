"""What a session is opened with at a worker, as docs/wire-formats.md, section 1, has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import UNSET, Struct, UnsetType, field

from synergos.domain.feature_space import Action
from synergos.domain.outputs import MissingColumns
from synergos.domain.tags import Purpose, Tag
from synergos.learning.families import Architecture
from synergos.schema import Definition


class Search(Struct, frozen=True, kw_only=True):
    """What the trials of a study have in common.

    Attributes:
        space: what each draws its hyperparameters from, by name.
        fixed: the others that are not left at their defaults.
        model: as it was declared; unset where no part of it is searched.
    """

    space: Mapping[str, object]
    fixed: Mapping[str, object]
    model: Architecture | UnsetType = UNSET


class SessionRequest(Struct, frozen=True, kw_only=True):
    """The body.

    Attributes:
        participant: whose session it is.
        owner: what all sessions of one job at this participant are known by, and no other's.
        digests: of the datasets at alignment; the worker refuses what has changed since.
        family: of the model; unset for the default.
        participants: how many a round takes; unset where none is run.
        search: of the study whose trial the run is; unset where it is none.
        session_id: 32 hex digits; unset until it is sent.
    """

    participant: str = field(name="id")
    owner: str
    action: Action
    tags: Mapping[Purpose, Sequence[Tag]]
    missing_columns: Mapping[str, MissingColumns] = field(name="alignments")
    digests: Mapping[Purpose, Sequence[str]]
    family: str | UnsetType = UNSET
    architecture: Architecture
    feature_space: Mapping[str, object]
    hyperparameters: Mapping[str, object]
    participants: int | UnsetType = UNSET
    search: Search | UnsetType = UNSET
    purposes: tuple[Purpose, ...] = field(name="metas")
    session_id: str | UnsetType = UNSET


SESSION_REQUEST = Definition(SessionRequest)
