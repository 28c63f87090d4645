"""Digests of datasets: another one means that some byte that matters has changed, and it tells nothing of what it was.

They are keyed (BLAKE2b, RFC 7693), as whoever knows all of a small dataset but one cell could otherwise find that one by trying. The
key stays with the participant; digests made with different keys cannot be compared, which the name of the key in front shows.
Each orchestrator is told those of a key of its own for each project, derived from that one: who has two of them, of two orchestrators or
two projects, does not learn whether they are of the same data.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from synergos.domain.keys import ProjectKey
from synergos.domain.tags import Purpose
from synergos.errors import FeatureDrift
from synergos.tables.data_file import DataFile, unreadable
from synergos.tables.stopping import refuse_unwanted
from synergos_worker.dataset import Dataset, Stamp, stamp_of

DIGEST_KEY = ".digest_key"
"""The file of the key, where a worker is told no other."""

_KEY_BYTES = 32
_NAME_BYTES = 4
_DIGEST_BYTES = 20
_MOMENT = 2.0
"""Seconds; a file changed so recently may change again and look the same, as clocks of file systems are coarse."""


_PIECE = 2**20


@dataclass(frozen=True)
class Audience:
    """Who is told digests, and of what: no two can compare theirs.

    Attributes:
        project: whose data it is.
        orchestrator: the fingerprint of a director, or of a TTP that belongs to none; empty for whoever has not shown who it is.
    """

    project: ProjectKey
    orchestrator: str = ""


class Digests:
    """Digests of datasets; what was read once is not read again as long as it looks the same.

    Args:
        key: makes the key, when it is first needed.
        keep: of how many files the digests are remembered.
        clock: seconds since the epoch.
    """

    def __init__(self, key: Callable[[], bytes], keep: int = 200_000, clock: Callable[[], float] = time.time) -> None:
        self._make_key = key
        self._keep = keep
        self._clock = clock
        self._key: bytes | None = None
        self._known: dict[Stamp, bytes] = {}
        # Guards what is known, between request threads and the one that prepares; files are read outside it.
        self._lock = threading.Lock()

    def of(self, dataset: Dataset) -> str:
        """The digest of a dataset's files, names and contents, as this worker compares it; nobody is told it as it is.

        Raises:
            UnusableData: a file cannot be read.
        """
        digest = hashlib.blake2b(key=self._own_key(), digest_size=_DIGEST_BYTES)
        for file in dataset.files:
            name = file.name.encode("utf-8", "surrogateescape")
            digest.update(len(name).to_bytes(4, "big") + name + self._content(file))
        return digest.hexdigest()

    def told(self, digests: Iterable[str], audience: Audience) -> tuple[str, ...]:
        """Digests of :meth:`of` as one orchestrator is told them of a project, with the name of their key in front."""
        project = audience.project
        words = [audience.orchestrator, project.collab_id, project.project_id]
        said = json.dumps(words).encode()
        key = hashlib.blake2b(said, key=self._own_key(), digest_size=_KEY_BYTES, person=b"for an audience").digest()
        name = hashlib.blake2b(key, digest_size=_NAME_BYTES, person=b"name of the key").hexdigest()
        return tuple(
            f"{name}.{hashlib.blake2b(digest.encode(), key=key, digest_size=_DIGEST_BYTES).hexdigest()}"
            for digest in digests
        )

    def _own_key(self) -> bytes:
        if self._key is None:
            self._key = self._make_key()
        return self._key

    def _content(self, file: DataFile) -> bytes:
        stamp = stamp_of(file)
        with self._lock:
            known = self._known.get(stamp)
        if known is not None:
            return known
        try:
            with file.path.open("rb", buffering=0) as opened:
                digest = _digest_of(opened)
        except OSError as error:
            raise unreadable(file.name, error) from error
        if stamp == stamp_of(file) and max(stamp.modified, stamp.changed) < (self._clock() - _MOMENT) * 1e9:
            with self._lock:
                while len(self._known) >= self._keep:
                    del self._known[next(iter(self._known))]
                self._known[stamp] = digest
        return digest


def _digest_of(file: io.FileIO) -> bytes:
    digest, piece = hashlib.blake2b(digest_size=_KEY_BYTES), memoryview(bytearray(_PIECE))
    while count := file.readinto(piece):
        digest.update(piece[:count])
        refuse_unwanted()
    return digest.digest()


def refuse_changed(agreed: Sequence[str], found: Sequence[str], names: Sequence[str], purpose: Purpose) -> None:
    """Refuse datasets that are not what they were at alignment; digests that were made with another key say nothing.

    Args:
        agreed: the digests at alignment.
        names: of the datasets.

    Raises:
        FeatureDrift: names the first that has changed.
    """
    if len(agreed) != len(found):
        raise FeatureDrift(f"{purpose}: other datasets were there at alignment; align the project again")
    for before, now, name in zip(agreed, found, names, strict=True):
        is_comparable = before.partition(".")[0] == now.partition(".")[0]
        if is_comparable and before != now:
            raise FeatureDrift(
                f"{purpose}: the data in {name} has changed since the alignment; align the project again"
            )


def key_in(path: Path) -> bytes:
    """The key that a file holds; it is made where there is none, for its owner's eyes alone.

    Raises:
        OSError: it can neither be read nor made.
        ValueError: the file holds something else.
    """
    if not path.exists():
        _make(path)
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES:
        raise ValueError(f"it holds no key of {_KEY_BYTES} bytes in hexadecimal digits")
    return key


def _make(path: Path) -> None:
    """Write a new key whole or not at all; where two do so at once, the first one's is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(_KEY_BYTES) + "\n")
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
