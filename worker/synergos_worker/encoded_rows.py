"""The examples of large tables, which give way to them: a bounded number is kept, and sessions of one feature space share them."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from synergos.domain.feature_space import FeatureSpace
from synergos.domain.outputs import MissingColumns
from synergos.domain.tags import Purpose, Tag
from synergos_worker.disclosure.policy import Policy
from synergos_worker.pipelines import Examples
from synergos_worker.tables import LoadedTable, State, Tables

_LARGE = 2**25
"""Bytes from which on a table that can be read again is not worth its memory beside its examples."""


@dataclass(frozen=True)
class Encoded:
    """Rows as a network takes them.

    Attributes:
        policy: what may be told of them.
    """

    examples: Examples
    policy: Policy


@dataclass(frozen=True)
class _Made:
    """Examples, and what they were made of; of anything else they have to be made anew."""

    of: tuple[State, FeatureSpace, MissingColumns | None]
    encoded: Encoded
    used: float = field(default_factory=time.monotonic)


class EncodedRows:
    """Makes examples of tables.

    Args:
        keep: of how many tables examples stay in memory, those of large ones.
        large: bytes from which on a table gives way to its examples.
        most: bytes that the examples kept have together, beside those used last; None for any number.
    """

    def __init__(self, tables: Tables, keep: int, large: int = _LARGE, most: int | None = None) -> None:
        self._tables = tables
        self._keep = keep
        self._large = large
        self._most = most
        self._made: OrderedDict[tuple[Purpose, tuple[Tag, ...]], _Made] = OrderedDict()
        # Guards what is kept, between threads that open sessions; held for moments only.
        self._lock = threading.Lock()

    def get(
        self,
        purpose: Purpose,
        tags: Sequence[Tag],
        space: FeatureSpace,
        missing: MissingColumns | None,
        fitting: Callable[[], LoadedTable],
        set_aside: Callable[[int], None],
    ) -> Encoded:
        """The rows of all tags of one purpose.

        Args:
            missing: what they lack of the feature space, as was agreed.
            fitting: reads their table and sees that it fits the feature space; not called where that was seen before.
            set_aside: is told how many rows there are, before they are made or taken from those kept; what it raises is raised.

        Raises:
            FeatureDrift: they do not fit.
            UnusableData: they cannot be read.
        """
        key = (purpose, tuple(tags))
        of = (self._tables.state(purpose, tags), space, missing)
        with self._lock:
            made = self._made.get(key)
            if made is not None and made.of == of:
                self._made[key] = replace(made, used=time.monotonic())
                self._made.move_to_end(key)
            else:
                # What is out of date makes room before the new ones are made.
                self._made.pop(key, None)
                made = None
        if made is not None:
            # Not while others wait: it may take a while, and these may have to give way for it.
            set_aside(len(made.encoded.examples.inputs))
            return made.encoded
        loaded = fitting()
        set_aside(loaded.count)
        gives_way = loaded.table.spare_bytes >= self._large and self._tables.give_up(loaded)
        encoded = Encoded(loaded.pipeline.transform(loaded.table, space, uses_up=gives_way), loaded.policy)
        # As it was read: files may have changed since they were looked at.
        if gives_way and (loaded.fingerprint, loaded.digests) == of[0]:
            self._remember(key, _Made(of, encoded))
        return encoded

    @property
    def bytes(self) -> int:
        """What the examples kept take."""
        with self._lock:
            return self._size()

    @property
    def oldest(self) -> float | None:
        """See :class:`synergos_worker.memory.Spare`; what a session has is the session's, and nothing of it is kept from it."""
        with self._lock:
            return next((made.used for made in self._made.values()), None)

    def drop_oldest(self) -> bool:
        """Keep no longer what has not been used for longest; whether there was any."""
        with self._lock:
            if not self._made:
                return False
            self._made.popitem(last=False)
            return True

    def _remember(self, key: tuple[Purpose, tuple[Tag, ...]], made: _Made) -> None:
        with self._lock:
            self._made[key] = made
            while len(self._made) > 1 and (len(self._made) > self._keep or self._are_too_large()):
                self._made.popitem(last=False)

    def _are_too_large(self) -> bool:
        return self._most is not None and self._size() > self._most

    def _size(self) -> int:
        return sum(made.encoded.examples.inputs.nbytes for made in self._made.values())
