"""What participants publish of their datasets, as pages show it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from synergos_portal.orchestrator.client import Client, Listing, Query
from synergos_portal.orchestrator.participants import Place

PART = "catalogue"


@dataclass(frozen=True)
class Column:
    """A column of a table."""

    name: str
    type: str
    unit: str | None = None
    is_label: bool = False


@dataclass(frozen=True)
class Rows:
    """About how many there are, or that they are few."""

    about: int | None = None
    fewer_than: int | None = None


@dataclass(frozen=True)
class Folder:
    """A dataset folder.

    Attributes:
        purposes: that it may be used for in the project.
        used_for: that it is tagged for there.
    """

    path: tuple[str, ...]
    datatype: str = ""
    purposes: tuple[str, ...] = ()
    title: str = ""
    description: str = ""
    columns: tuple[Column, ...] = ()
    options: Mapping[str, object] = field(default_factory=dict)
    rows: Rows | None = None
    classes: tuple[str, ...] = ()
    is_readable: bool = True
    used_for: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its path as people write it."""
        return "/".join(self.path)


@dataclass(frozen=True)
class Publication:
    """What one participant publishes in one project.

    Attributes:
        extent: how much; None as long as nobody knows.
        problem: why its worker said nothing when it was asked last.
    """

    key: Place
    extent: str | None = None
    folders: tuple[Folder, ...] = ()
    seen_at: str | None = None
    problem: str | None = None


@dataclass(frozen=True)
class Use:
    """What a folder is to a project.

    Attributes:
        purposes: that it is tagged for; none where it only might be.
    """

    key: Place
    purposes: tuple[str, ...]
    allowed: tuple[str, ...]


@dataclass(frozen=True)
class FolderOfParticipant:
    """A folder with all projects that see it."""

    participant_id: str
    folder: Folder
    uses: tuple[Use, ...]
    seen_at: str | None

    @property
    def used(self) -> tuple[Use, ...]:
        """The projects that use it."""
        return tuple(use for use in self.uses if use.purposes)


@dataclass(frozen=True)
class ColumnOfAll:
    """One column, as each participant of a project declares it."""

    name: str
    is_label: bool
    by: Mapping[str, Column]
    differs: bool


@dataclass(frozen=True)
class Compared:
    """A participant whose folders are laid beside those of others."""

    participant_id: str
    extent: str | None = None
    folders: tuple[tuple[str, ...], ...] = ()
    problem: str | None = None


@dataclass(frozen=True)
class Comparison:
    """What the participants of a project publish, side by side."""

    participants: tuple[Compared, ...]
    columns: tuple[ColumnOfAll, ...]
    differences: tuple[str, ...]


def listed(client: Client, query: Query) -> Listing[Publication]:
    """A page of what participants publish, by registration."""
    return client.records(Publication, PART, query=query)


def compared(client: Client, collab_id: str, project_id: str) -> Comparison:
    """What the participants of a project publish, side by side."""
    return client.record(Comparison, PART, collab_id, project_id)


def folders_of(client: Client, participant_id: str, collab_id: str, project_id: str) -> Publication | None:
    """What one participant publishes in a project, for tags to be picked from; None where it is not registered."""
    ids = {"participant_id": participant_id, "collab_id": collab_id, "project_id": project_id}
    found = listed(client, {**ids, "limit": 1}).items
    return found[0] if found else None


def by_folder(publications: Iterable[Publication]) -> list[FolderOfParticipant]:
    """The folders of some publications, each once however many projects see it, by participant and path."""
    found: dict[tuple[str, tuple[str, ...]], list[tuple[Publication, Folder]]] = {}
    for publication in publications:
        for folder in publication.folders:
            found.setdefault((publication.key.participant_id, folder.path), []).append((publication, folder))
    return [_merged(who, seen) for (who, _), seen in sorted(found.items(), key=lambda each: each[0])]


def _merged(who: str, seen: Sequence[tuple[Publication, Folder]]) -> FolderOfParticipant:
    # What says most of it: one worker of several may publish less.
    _, folder = max(seen, key=lambda each: (each[1].is_readable, len(each[1].columns)))
    uses = tuple(Use(publication.key, each.used_for, each.purposes) for publication, each in seen)
    return FolderOfParticipant(who, folder, uses, max((each.seen_at or "" for each, _ in seen), default="") or None)
