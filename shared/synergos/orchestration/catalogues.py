"""What participants publish of their datasets: as it was found last, and asked for again when somebody wants to know."""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from itertools import islice
from typing import Any

from synergos.domain import grid
from synergos.domain.catalogue import PUBLISHED, Published, PublishedFolder
from synergos.domain.catalogue_comparison import Comparison, compared
from synergos.domain.keys import ProjectKey, RegistrationKey
from synergos.domain.records import Ids, Kind, Record
from synergos.domain.tags import Purpose, Tag, declared_tags
from synergos.errors import InvalidRequest
from synergos.orchestration.access import Access
from synergos.orchestration.caller import Caller
from synergos.records.catalogues import FORGOTTEN, Catalogues, Kept, Place
from synergos.records.paging import EVERYTHING, PIECE_BYTES, Page, Part, Selection
from synergos.records.store import RecordStore

EVERY = timedelta(seconds=10)
"""Between two times that a worker is asked."""
PATIENCE_SECONDS = 2.0
"""For which somebody who wants to know waits for those that are being asked."""
_TURN_SECONDS = 0.05
_MOST_WANTED = 500
"""Nodes that one request has asked."""
_AT_ONCE = 10
"""Registrations whose catalogues are in memory at a time: each may be a mebibyte."""
_COMPARED = 100
"""Participants that are laid side by side."""

Fingerprints = Mapping[tuple[Purpose, Tag], str | None]
"""Of tagged datasets; None for one that cannot be read."""
Dataset = tuple[str, Purpose, Tag]
"""By whose it is, what it is tagged for, and its folder."""
Found = tuple[str | None, datetime]
"""The fingerprint of a dataset, None where it cannot be read, and when that was told."""


@dataclass(frozen=True)
class NodeCatalogue:
    """What is known of one node.

    Attributes:
        index: which node of its participant it is.
        kept: None where it was never asked.
    """

    index: int
    kept: Kept | None

    @cached_property
    def published(self) -> Published | None:
        """What it publishes; None where nobody knows, or cannot read it."""
        if self.kept is None or self.kept.content is None:
            return None
        try:
            return PUBLISHED.read(self.kept.content)
        except InvalidRequest:
            return None

    @property
    def fingerprints(self) -> Fingerprints:
        """In which state it has found tagged datasets."""
        said: Any = ((self.kept and self.kept.content) or {}).get("fingerprints", [])
        try:
            return {(Purpose(each["purpose"]), tuple(each["tag"])): each["fingerprint"] for each in said}
        except (TypeError, ValueError, KeyError):
            return {}


@dataclass(frozen=True)
class CatalogueView:
    """What one participant publishes in one project.

    Attributes:
        tags: what it has tagged.
    """

    key: RegistrationKey
    nodes: tuple[NodeCatalogue, ...]
    tags: Mapping[Purpose, Sequence[Tag]]

    @property
    def newest(self) -> NodeCatalogue | None:
        """The node that has answered last; None where none ever has."""
        answered = [(each.kept.seen_at, each) for each in self.nodes if each.kept is not None and each.kept.seen_at]
        return max(answered, key=lambda each: each[0])[1] if answered else None

    @property
    def published(self) -> Published | None:
        """What that one publishes."""
        return None if self.newest is None else self.newest.published

    @property
    def problem(self) -> str | None:
        """Why a node gave no answer when it was asked last; None where all did."""
        return next((each.kept.problem for each in self.nodes if each.kept and each.kept.problem), None)

    @property
    def fingerprints(self) -> Iterator[tuple[Dataset, Found]]:
        """In which state its nodes have found what is tagged."""
        for node in self.nodes:
            if node.kept is not None and node.kept.seen_at is not None:
                for dataset, fingerprint in node.fingerprints.items():
                    yield (self.key.participant_id, *dataset), (fingerprint, node.kept.seen_at)

    @property
    def size(self) -> int:
        """About how many bytes an answer with it takes."""
        return 200 + sum(
            200 + 80 * len(folder.columns) for folder in (self.published.folders if self.published else ())
        )

    @property
    def compared(self) -> tuple[PublishedFolder, ...]:
        """The folders that are laid beside those of others: those tagged for training, all where none are."""
        folders = () if self.published is None else self.published.folders
        tagged = {tuple(tag) for tag in self.tags.get(Purpose.TRAIN, ())}
        return tuple(each for each in folders if not tagged or each.path in tagged)


class PublishedCatalogues:
    """The catalogues of what is registered in one record store.

    Args:
        wake: has workers asked at once; None for a program for which nobody asks any.
        grids: the sub-grids whose nodes there is somebody to ask; None where it is all.
    """

    def __init__(
        self,
        store: RecordStore,
        wake: Callable[[], None] | None = None,
        access: Access | None = None,
        grids: Callable[[], Container[int]] | None = None,
    ) -> None:
        self._store = store
        self._catalogues = Catalogues(store)
        self._wake = wake
        self._access = access or Access(store)
        self._grids = grids

    def find(
        self, caller: Caller, ids: Ids, page: Page = EVERYTHING, patience: float = PATIENCE_SECONDS
    ) -> Part[CatalogueView]:
        """What participants publish that are registered with these ids, in order of registration.

        Whoever was not asked in the last seconds is asked now.

        Args:
            patience: seconds to wait for those that are being asked.

        Raises:
            NotPermitted: the caller may read none of the registrations, whichever there are.
        """
        wanted = self._access.narrowed(caller, Kind.REGISTRATION, Selection(ids))
        records = self._store.select(Kind.REGISTRATION, wanted, page)
        views, size = list[CatalogueView](), 0
        for view in (view for some in self._views(records.items, patience) for view in some):
            views.append(view)
            size += view.size
            if size >= PIECE_BYTES and len(views) < len(records.items):
                return Part(views, records.items[len(views) - 1]["doc_id"])
        return Part(views, records.after)

    def compare(self, caller: Caller, project: ProjectKey) -> tuple[list[CatalogueView], Comparison]:
        """What the participants of a project publish, side by side; of those that the caller may not read nothing.

        Raises:
            RecordNotFound: there is no such project.
            NotPermitted: as :meth:`find`.
        """
        self._store.get(Kind.PROJECT, project)
        views = list(islice(self._readable(caller, project), _COMPARED))
        if not views:
            # Of what concerns nobody but others nothing is told, as where there is nothing.
            self._access.check_reading(caller, Kind.REGISTRATION, project)
        return views, compared({view.key.participant_id: view.compared for view in views})

    def _readable(self, caller: Caller, project: ProjectKey) -> Iterator[CatalogueView]:
        part = self.find(caller, project, Page(_COMPARED))
        while True:
            yield from part.items
            if part.after is None:
                return
            part = self.find(caller, project, Page(_COMPARED, part.after), 0.0)

    def fingerprints(self, project: ProjectKey, patience: float = PATIENCE_SECONDS) -> dict[Dataset, Found]:
        """In which state workers have found the tagged datasets of a project, and when; what was told last counts."""
        found: dict[Dataset, Found] = {}
        for some in self._views(self._store.find(Kind.REGISTRATION, project), patience):
            for dataset, told in (each for view in some for each in view.fingerprints):
                if dataset not in found or told[1] > found[dataset][1]:
                    found[dataset] = told
        return found

    def _views(self, records: Sequence[Record], patience: float) -> Iterator[list[CatalogueView]]:
        """What is known of registrations, some at a time, after whoever was asked long ago has been asked again."""
        nodes = {
            (RegistrationKey.of(record["key"]), index): node.nonce or ""
            for record in records
            for index, node in enumerate(grid.nodes_of(record))
        }
        self._look(nodes, patience)
        for first in range(0, len(records), _AT_ONCE):
            some = records[first : first + _AT_ONCE]
            known = self._catalogues.of([RegistrationKey.of(record["key"]) for record in some])
            yield [self._view(record, nodes, known) for record in some]

    def _look(self, nodes: Mapping[Place, str], patience: float) -> None:
        """Have nodes asked that were asked long ago, and wait for them a little."""
        if self._wake is None or not nodes:
            return
        known = self._known(nodes)
        now = self._store.database.now()
        grids = None if self._grids is None else self._grids()
        due = [
            place
            for place, nonce in nodes.items()
            if (grids is None or place[1] in grids) and not _is_fresh(known.get(place), nonce, now)
        ][:_MOST_WANTED]
        # Whom nobody has asked though somebody wanted to know, as a TTP of an earlier release asks nobody, is not waited for again.
        wanted = {
            place: nodes[place] for place in due if not _is_wanted(known.get(place), nodes[place], now - FORGOTTEN / 2)
        }
        soon = now - timedelta(seconds=PATIENCE_SECONDS)
        awaited = [place for place in due if place in wanted or _is_wanted(known[place], nodes[place], soon)]
        if wanted:
            self._catalogues.want(wanted, now)
            self._wake()
        self._await(awaited, time.monotonic() + patience)

    def _await(self, places: Sequence[Place], until: float) -> None:
        while places and time.monotonic() < until:
            known = self._known(places)
            places = [place for place in places if place not in known or _is_waited_for(known[place])]
            if places:
                time.sleep(_TURN_SECONDS)

    def _known(self, places: Iterable[Place]) -> dict[Place, Kept]:
        return self._catalogues.of(list(dict.fromkeys(key for key, _ in places)), with_content=False)

    def _view(self, record: Record, nodes: Mapping[Place, str], known: Mapping[Place, Kept]) -> CatalogueView:
        key = RegistrationKey.of(record["key"])
        own = [
            NodeCatalogue(place[1], _of_this_registration(known.get(place), nonce))
            for place, nonce in nodes.items()
            if place[0] == key
        ]
        return CatalogueView(key, tuple(own), self._tags(key))

    def _tags(self, key: RegistrationKey) -> Mapping[Purpose, Sequence[Tag]]:
        for record in self._store.find(Kind.TAG, key):
            try:
                return declared_tags(record)
            except InvalidRequest:
                return {}
        return {}


def _is_fresh(kept: Kept | None, nonce: str, now: datetime) -> bool:
    return kept is not None and kept.registered == nonce and kept.asked_at is not None and now - kept.asked_at < EVERY


def _is_wanted(kept: Kept | None, nonce: str, since: datetime) -> bool:
    """Whether somebody has wanted to know of a node since then, which nobody has asked yet."""
    return kept is not None and kept.registered == nonce and kept.wanted_at > since and _is_waited_for(kept)


def _is_waited_for(kept: Kept) -> bool:
    return kept.asked_at is None or kept.asked_at < kept.wanted_at


def _of_this_registration(kept: Kept | None, nonce: str) -> Kept | None:
    """What is known of a node, without what was said as it was registered otherwise, perhaps by another worker."""
    if kept is None or kept.registered == nonce:
        return kept
    return replace(kept, asked_at=None, seen_at=None, problem=None, content=None)
