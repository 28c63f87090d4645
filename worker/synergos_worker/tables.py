"""Tables read from tagged datasets: kept in memory, a bounded number of them, and read again when a file changes."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from weakref import WeakSet

from synergos.domain.feature_space import Action
from synergos.domain.tags import Purpose, Tag
from synergos.errors import UnusableData
from synergos.tables.metadata import METADATA
from synergos_worker.data_root import DataRoot
from synergos_worker.dataset import Dataset, Fingerprint
from synergos_worker.digests import Audience, Digests, refuse_changed
from synergos_worker.disclosure.policy import STRICT, Mode, Policy, policy_of_folder, strictest
from synergos_worker.pipelines import PIPELINES, Pipeline, Table

Tags = Mapping[Purpose, Sequence[Tag]]
State = tuple[Fingerprint, tuple[str, ...]]
"""What the files of some tags look like from outside, and the digests of their datasets."""

_TRIES = 3
_Key = tuple[Action, bool, tuple[Tag, ...]]


class Use:
    """That somebody has a table."""


def _nothing() -> None:
    """Nobody has to make room."""


@dataclass(frozen=True)
class LoadedTable:
    """The rows of all tags of one purpose, with the pipeline that read them.

    Attributes:
        policy: what may be told of them.
        digests: of the datasets, in the order of their tags.
        use: of whoever was given the table, and lasts as long as they keep it.
        uses: of everybody who was given it.
    """

    pipeline: Pipeline[Any]
    table: Table
    datatype: str
    fingerprint: Fingerprint
    policy: Policy
    digests: tuple[str, ...] = ()
    use: Use | None = None
    uses: WeakSet[Use] = field(default_factory=WeakSet)

    @property
    def count(self) -> int:
        """How many rows there are."""
        return sum(count for _, count in self.table.origins)

    def telling(self, minimum_rows: int | None) -> LoadedTable:
        """The same, of which what fewer rows share is not told either; nothing that its owner withholds is told for it.

        Args:
            minimum_rows: as whoever asks wants it; None where that is left to the owner.
        """
        if minimum_rows is None:
            return self
        return replace(self, policy=strictest([self.policy, Policy(Mode.STRICT, minimum_rows)]))


@dataclass(frozen=True)
class _Kept:
    """A table that is remembered.

    Attributes:
        bytes: that it takes.
        used: when it was asked for last, in monotonic seconds.
    """

    loaded: LoadedTable
    bytes: int
    used: float

    @property
    def is_in_use(self) -> bool:
        """Whether somebody has it, so that to forget it would free nothing."""
        return bool(self.loaded.uses)


class Tables:
    """Reads tables, one at a time, and remembers the ones used last, as long as sessions leave room for them.

    Args:
        keep: how many tables stay in memory.
        policy: what may be told of rows whose folder has no limits of its own.
        room: bytes that one table may take; None for all that are free.
        digests: tells that a file has changed, whatever it looks like from outside.
        most: bytes that the tables kept have together, beside the one used last; None for any number.
        make_room: called when one more table is kept, whose memory others may need.
    """

    def __init__(
        self,
        root: DataRoot,
        keep: int,
        policy: Policy = STRICT,
        digests: Digests | None = None,
        room: int | None = None,
        most: int | None = None,
        make_room: Callable[[], None] = _nothing,
    ) -> None:
        self._root = root
        self._digests = digests or Digests(lambda: secrets.token_bytes(32))
        self._keep = keep
        self._policy = policy
        self._room = room
        self._most = most
        self._make_room = make_room
        self._loaded: OrderedDict[_Key, _Kept] = OrderedDict()
        # Held while files are read: whoever else wants a table waits, and then finds it in memory.
        self._reading = threading.Lock()
        # Guards what is remembered, between whoever reads and whoever needs its memory; held for moments only.
        self._changing = threading.Lock()

    def get(self, action: Action, purpose: Purpose, tags: Sequence[Tag]) -> LoadedTable:
        """The table of all tags of one purpose, as its files are now.

        Raises:
            UnusableData: names the tag, file or column, and what was expected.
        """
        needs_labels = purpose is not Purpose.PREDICT
        key = (action, needs_labels, tuple(tags))
        with self._reading:
            for _ in range(_TRIES):
                datasets = self._datasets(purpose, tags)
                fingerprint, digests = _fingerprint(datasets), tuple(map(self._digests.of, datasets))
                if (known := self._known(key, (fingerprint, digests))) is not None:
                    return known
                policy = self._policy_for(datasets)
                found = _load(datasets, action, needs_labels, fingerprint, policy, f"tags.{purpose}", self._room)
                if _fingerprint(self._datasets(purpose, tags)) == fingerprint:
                    return self._remembered(key, replace(found, digests=digests))
            raise UnusableData("its files are being written; try again when that is done", f"tags.{purpose}")

    def give_up(self, loaded: LoadedTable) -> bool:
        """Forget a table, unless somebody else was given it and has it still; if not, whoever asks may use it up."""
        with self._changing:
            if any(use is not loaded.use for use in loaded.uses):
                return False
            for key in [key for key, known in self._loaded.items() if known.loaded.table is loaded.table]:
                del self._loaded[key]
            return True

    @property
    def bytes(self) -> int:
        """What the tables kept take."""
        with self._changing:
            return self._size()

    @property
    def oldest(self) -> float | None:
        """See :class:`synergos_worker.memory.Spare`."""
        with self._changing:
            key = self._oldest()
            return None if key is None else self._loaded[key].used

    def drop_oldest(self) -> bool:
        """See :class:`synergos_worker.memory.Spare`."""
        with self._changing:
            key = self._oldest()
            if key is not None:
                del self._loaded[key]
            return key is not None

    def state(self, purpose: Purpose, tags: Sequence[Tag]) -> State:
        """What the files of some tags are now.

        Raises:
            UnusableData: they cannot be found.
        """
        datasets = self._datasets(purpose, tags)
        return _fingerprint(datasets), tuple(map(self._digests.of, datasets))

    def digest(self, purpose: Purpose, tag: Tag, audience: Audience) -> str | None:
        """The digest of one dataset as it is now, for an orchestrator; None where it cannot be read."""
        try:
            [found] = self.told(self.state(purpose, [tag])[1], audience)
        except UnusableData:
            return None
        return found

    def told(self, digests: Iterable[str], audience: Audience) -> tuple[str, ...]:
        """The digests that tables and states have, as an orchestrator is told them."""
        return self._digests.told(digests, audience)

    def refuse_changed(
        self, purpose: Purpose, tags: Sequence[Tag], agreed: Sequence[str] | None, audience: Audience
    ) -> tuple[str, ...]:
        """Refuse datasets that are not what they were at alignment, without reading them if they look as they did.

        Args:
            agreed: their digests at alignment; None where they are not known, and nothing is refused.

        Returns:
            Their digests as they are now, in the order of the tags, as that orchestrator is told them.

        Raises:
            FeatureDrift: names the first that has changed.
            UnusableData: one is gone.
        """
        datasets = self._datasets(purpose, tags)
        found = self.told(map(self._digests.of, datasets), audience)
        if agreed is not None:
            refuse_changed(agreed, found, [dataset.name for dataset in datasets], purpose)
        return found

    def fingerprint(self, tags: Tags) -> Fingerprint | None:
        """What the files of all tags look like now; None when they cannot all be found."""
        try:
            return tuple(
                stamp for purpose, some in tags.items() for stamp in _fingerprint(self._datasets(purpose, some))
            )
        except UnusableData:
            return None

    def _known(self, key: _Key, state: State) -> LoadedTable | None:
        """A table that is remembered as its files are now; one that is out of date makes room before the new one is read."""
        with self._changing:
            kept = self._loaded.get(key)
            if kept is None:
                return None
            if (kept.loaded.fingerprint, kept.loaded.digests) != state:
                del self._loaded[key]
                return None
            self._loaded[key] = replace(kept, used=time.monotonic())
            self._loaded.move_to_end(key)
            return _lent(kept.loaded)

    def _remembered(self, key: _Key, found: LoadedTable) -> LoadedTable:
        size = found.table.bytes
        with self._changing:
            self._loaded[key] = _Kept(found, size, time.monotonic())
            # Whatever there is no room for: whoever asked has it.
            while len(self._loaded) > 1 and (len(self._loaded) > self._keep or self._are_too_large()):
                self._loaded.popitem(last=False)
            lent = _lent(found)
        self._make_room()
        return lent

    def _are_too_large(self) -> bool:
        return self._most is not None and self._size() > self._most

    def _size(self) -> int:
        return sum(kept.bytes for kept in self._loaded.values())

    def _oldest(self) -> _Key | None:
        return next((key for key, kept in self._loaded.items() if not kept.is_in_use), None)

    def _policy_for(self, datasets: Sequence[Dataset]) -> Policy:
        return strictest(
            policy_of_folder(self._policy, dataset.metadata.disclosure, f"{dataset.name}/{METADATA}")
            for dataset in datasets
        )

    def _datasets(self, purpose: Purpose, tags: Sequence[Tag]) -> list[Dataset]:
        found = [self._root.dataset(tag, f"tags.{purpose}[{position}]") for position, tag in enumerate(tags)]
        # Before they are looked through, which of a large file takes long.
        _refuse_too_large(found, self._room)
        return found


def _lent(known: LoadedTable) -> LoadedTable:
    """The same for somebody; under the lock, so that nobody gives it up meanwhile."""
    use = Use()
    known.uses.add(use)
    return replace(known, use=use)


def _refuse_too_large(datasets: Sequence[Dataset], room: int | None) -> None:
    """Refuse files of rows that have more bytes together than their rows may."""
    sizes = {
        file.name: file.size()
        for dataset in datasets
        for file in PIPELINES.get(dataset.datatype, METADATA).row_files(dataset)
    }
    if room is not None and (size := sum(sizes.values())) > room:
        largest = max(sizes, key=lambda name: sizes[name])
        raise UnusableData(
            f"has {sizes[largest]:,} of the {size:,} bytes that are to be read; there is room for {room:,} (--session_memory)",
            largest,
        )


def _fingerprint(datasets: Sequence[Dataset]) -> Fingerprint:
    return tuple(stamp for dataset in datasets for stamp in dataset.fingerprint())


def _load(
    datasets: Sequence[Dataset],
    action: Action,
    needs_labels: bool,
    fingerprint: Fingerprint,
    policy: Policy,
    field: str,
    room: int | None,
) -> LoadedTable:
    datatypes = {dataset.datatype: dataset.name for dataset in datasets}
    if len(datatypes) > 1:
        listed = ", ".join(f"{datatype} ({name})" for datatype, name in datatypes.items())
        raise UnusableData(f"expected datasets of one type, found {listed}", field)
    datatype = datasets[0].datatype
    pipeline = PIPELINES.get(datatype, field)
    _refuse_files_twice(datasets, pipeline, field)
    table = pipeline.read(datasets, action, needs_labels=needs_labels, room=room)
    return LoadedTable(pipeline, table, datatype, fingerprint, policy)


def _refuse_files_twice(datasets: Sequence[Dataset], pipeline: Pipeline[Any], field: str) -> None:
    """Refuse rows that would come twice, because tags are nested or one of two names is a link."""
    first: dict[tuple[int, int], tuple[Dataset, str]] = {}
    for dataset in datasets:
        for file in pipeline.row_files(dataset):
            other, name = first.setdefault(file.identity(), (dataset, file.name))
            if other is not dataset:
                raise UnusableData(
                    f"{other.name} and {dataset.name} both reach {file.name}; expected one of them", field
                )
            if name != file.name:
                raise UnusableData(f"is the same file as {name}; expected one of them", file.name)
