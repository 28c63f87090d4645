"""What a project file holds, put together from what requests look like; one definition checks it and is its JSON Schema.

python -m synergos.federation.shape > docs/schemas/federation.schema.json
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

from synergos.bodies.declarations import (
    Family,
    Hyperparameters,
    Id,
    Layers,
    Node,
    Profile,
    Question,
    Role,
    Services,
    Tag,
)
from synergos.bodies.stages import Agreeing, Search
from synergos.domain.feature_space import Action
from synergos.domain.search_space import DescribedSpace
from synergos.schema import Definition

JsonFile: TypeAlias = Annotated[str, Meta(min_length=1)]
"""The path of a JSON file, from the folder of the project file on, that has what could stand in its place."""


class CollaborationTable(Services, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who works together, and where their services are."""

    id: Id


class ProjectTable(Question, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One question put to the participants' data."""

    id: Id
    action: Action
    incentives: Mapping[str, object] = {}


class ParticipantTable(Profile, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An organisation, its workers, and which of its datasets it brings to the project."""

    role: Role = Role.GUEST
    nodes: Annotated[Sequence[Node], Meta(min_length=1, description="its workers, one for each sub-grid")]
    tags: Tag | UnsetType = UNSET


class StudyTable(Search, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A search for good hyperparameters of the experiment, for synergos tune; a text as search_space is a JSON file."""

    search_space: Annotated[DescribedSpace, Meta(max_length=100)] | JsonFile
    optimize_mode: Annotated[str, Meta(description="max or min; left out: as is the metric's nature")] | UnsetType = (
        UNSET
    )


class ExperimentTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A model to train, and what it is trained with; a text as model or as a run is a JSON file."""

    family: Family = None
    model: Layers | JsonFile
    runs: Mapping[str, Hyperparameters | JsonFile] = {}
    studies: Mapping[str, StudyTable] = {}


class ProjectFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What synergos apply declares at an orchestrator: a project of a collaboration, and all that belongs to it."""

    collaboration: CollaborationTable
    project: ProjectTable
    participants: Annotated[Mapping[str, ParticipantTable], Meta(description="by id")] = {}
    experiments: Annotated[Mapping[str, ExperimentTable], Meta(description="by id")] = {}
    alignment: Annotated[Agreeing | UnsetType, Meta(description="how synergos align asks")] = UNSET


PROJECT_FILE = Definition(ProjectFile)


def published() -> dict[str, object]:
    """The JSON Schema, as ``docs/schemas/federation.schema.json`` has it."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "federation.toml of Synergos",
        **PROJECT_FILE.json_schema,
    }
