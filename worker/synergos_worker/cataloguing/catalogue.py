"""The catalogue of a worker: its folders as far as their owner lets them be published, read once as long as they look the same."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import msgspec
import structlog
from msgspec.structs import replace

from synergos.domain.catalogue import (
    FEW_ROWS,
    FOLDER,
    LARGEST,
    MOST_CLASSES,
    MOST_COLUMNS,
    MOST_FOLDERS,
    Extent,
    Published,
    PublishedFolder,
)
from synergos.domain.tags import Purpose, Tag
from synergos.errors import SynergosError, UnusableData
from synergos.tables.data_file import DataFile
from synergos.tables.metadata import METADATA
from synergos_worker.cataloguing.description_file import DESCRIPTION, Described, described
from synergos_worker.cataloguing.folders import Folders
from synergos_worker.data_root import DataRoot
from synergos_worker.dataset import Dataset, Stamp, stamp_of
from synergos_worker.disclosure.columns import levels_shown
from synergos_worker.disclosure.policy import Policy, policy_of_folder
from synergos_worker.disclosure.rounding import rows_shown
from synergos_worker.pipelines import PIPELINES

log = structlog.get_logger(__name__)

Allowed = Callable[[Tag], Sequence[Purpose]]
"""For which purposes somebody may use a folder."""

_MOST_KEPT = 2_000
_Looks = tuple[Stamp, ...]


@dataclass(frozen=True)
class _Known:
    looks: _Looks
    folder: PublishedFolder


class Catalogue:
    """What is published of a data root; any thread may ask.

    Args:
        policy: what may be told of rows whose folder has no limits of its own.
        extent: the most that is published of any folder.
        largest: bytes of JSON that all of it takes at most.
    """

    def __init__(self, root: DataRoot, policy: Policy, extent: Extent = Extent.OFF, largest: int = LARGEST) -> None:
        self._largest = largest
        self.extent = extent
        self._root = root
        self._policy = policy
        # Held while files are read: whoever else asks waits, and finds what was found.
        self._reading = threading.Lock()
        self._known: OrderedDict[Tag, _Known] = OrderedDict()

    def published(self, allowed: Allowed) -> Published:
        """What somebody is told: of folders that they may use for something, and no others.

        Args:
            allowed: asked of each folder.
        """
        if self.extent is Extent.OFF:
            return Published(extent=self.extent)
        looked_for = Folders(self._root.folder)
        found = list(islice(self._told(looked_for, allowed), MOST_FOLDERS + 1))
        shown, columns, size = list[PublishedFolder](), 0, 0
        for folder in found[:MOST_FOLDERS]:
            columns += len(folder.columns)
            size += len(msgspec.json.encode(folder))
            if columns <= MOST_COLUMNS and size <= self._largest:
                shown.append(folder)
        is_whole = looked_for.is_whole and len(shown) == len(found)
        return Published(extent=self.extent, folders=tuple(shown), is_whole=is_whole)

    def _told(self, tags: Folders, allowed: Allowed) -> Iterator[PublishedFolder]:
        for tag in tags:
            # Asked first: nothing is read for somebody who may not use it.
            if not (purposes := tuple(allowed(tag))):
                continue
            with self._reading:
                folder = self._folder(tag)
            if folder is not None:
                yield replace(folder, purposes=purposes)

    def _folder(self, tag: Tag) -> PublishedFolder | None:
        """What may be said of a folder; None where its owner wants nothing to be, or what he wants cannot be read."""
        name = "/".join(tag)
        file = DataFile(f"{name}/{DESCRIPTION}", self._root.folder.joinpath(*tag, DESCRIPTION))
        try:
            wanted = described(file)
        except UnusableData as error:
            log.warning("a folder is not published: nobody knows what its owner wants", folder=name, reason=str(error))
            return None
        extent = self.extent.no_more_than(wanted.publish or self.extent)
        if extent is Extent.OFF:
            return None
        bare = PublishedFolder(path=tag, title=wanted.title, description=wanted.description)
        try:
            dataset = self._root.dataset(tag, name)
            named = replace(bare, datatype=dataset.datatype)
            if extent is Extent.NAMES:
                return named
            looks = (*dataset.fingerprint(), *([stamp_of(file)] if file.path.exists() else ()))
            known = self._known.get(tag)
            return known.folder if known and known.looks == looks else self._read(dataset, named, wanted, looks)
        except SynergosError as error:
            log.warning("a folder is published as one that cannot be read", folder=name, reason=str(error))
            return replace(bare, is_readable=False)

    def _read(self, dataset: Dataset, named: PublishedFolder, wanted: Described, looks: _Looks) -> PublishedFolder:
        """Look through a folder's files; called by one thread at a time."""
        pipeline = PIPELINES.get(dataset.datatype, METADATA)
        policy = policy_of_folder(self._policy, dataset.metadata.disclosure, f"{dataset.name}/{METADATA}")
        minimum = FEW_ROWS if policy.is_open else max(FEW_ROWS, policy.minimum_rows)
        outline = pipeline.outline(dataset)
        classes: tuple[str, ...] = ()
        if wanted.classes and outline.rows >= minimum:
            labels = pipeline.labels(dataset)
            classes = () if labels is None else levels_shown(labels.counts, minimum, labels.listed)
        folder = replace(
            named,
            columns=outline.columns,
            options=outline.options,
            rows=rows_shown(outline.rows, minimum),
            # So many would be no classes but rows by name.
            classes=classes if len(classes) <= MOST_CLASSES else (),
        )
        # A name that is longer than any may be, or what cannot be told for another reason, takes nothing else with it.
        FOLDER.read(FOLDER.write(folder))
        self._known[named.path] = _Known(looks, folder)
        while len(self._known) > _MOST_KEPT:
            self._known.popitem(last=False)
        return folder
