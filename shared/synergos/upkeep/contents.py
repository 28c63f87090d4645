"""What a backup says of itself in ``backup.json``: from where, of when, and the digest of every file in it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import IO, Annotated, Any

import msgspec
from msgspec import Meta as Limits
from msgspec import Struct

from synergos.errors import Conflict, InvalidRequest, NotSupported, RecordNotFound
from synergos.schema import Definition

NAME = "backup.json"
FORMAT = 1
RECORDS, OUTPUTS, MLFLOW, LEDGER = "records", "outputs", "mlflow", "ledger"
"""The folders in a backup; the last is for reading, and not put back."""
_CHUNK = 2**20


class StoredFile(Struct, frozen=True, kw_only=True):
    """One file of a backup."""

    bytes: Annotated[int, Limits(ge=0)]
    sha256: Annotated[str, Limits(pattern="^[0-9a-f]{64}$")]


class Contents(Struct, frozen=True, kw_only=True):
    """What is in a backup.

    Attributes:
        synergos: the version that made it.
        made_at: when its records were what they are in it; aware.
        outputs: where the outputs folder was; records name files by it.
        mlflow: where MLflow's local store was, None where there was none.
        missing: what the records speak of and was not there.
        unfinished: how many jobs go on when a program is started on it.
        files: by path in the backup.
    """

    format: int
    synergos: str
    made_at: datetime
    outputs: str
    mlflow: str | None = None
    missing: tuple[str, ...] = ()
    unfinished: int = 0
    files: Mapping[str, StoredFile]


CONTENTS = Definition(Contents)


def write(folder: Path, contents: Contents) -> None:
    """Have a backup say what is in it; written last, so that it is whole."""
    value = msgspec.to_builtins(contents)
    (folder / NAME).write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def read(folder: Path) -> Contents:
    """What a backup says of itself, not looked at yet.

    Raises:
        RecordNotFound: the folder is no backup.
        InvalidRequest: its list of contents is damaged.
        NotSupported: a later release made it.
    """
    try:
        told: Any = json.loads((folder / NAME).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RecordNotFound(f"{folder} is no backup: there is no {NAME} in it") from None
    except (OSError, ValueError) as error:
        raise InvalidRequest(f"{folder / NAME} cannot be read: {error}") from error
    contents = CONTENTS.read(told, at=NAME)
    if contents.format > FORMAT:
        raise NotSupported(f"{folder} was made by Synergos {contents.synergos}; restore it with that release")
    return contents


def refuse_damaged(folder: Path, contents: Contents) -> None:
    """Look at every byte of a backup.

    Raises:
        Conflict: something is missing, or is not what it was; names the first such file.
    """
    for name, stored in contents.files.items():
        try:
            # No name leads out of the folder.
            path = PurePosixPath(name)
            leads_out = str(path) != name or path.is_absolute() or ".." in path.parts
            found = None if leads_out else digest_of(folder / path)
        except OSError as error:
            raise Conflict(f"the backup is damaged: {name}: {error.strerror or error}") from error
        if found != stored:
            raise Conflict(f"the backup is damaged: {name} is not what it was when it was made")


def copied(source: Path, target: Path) -> StoredFile:
    """Copy a file; readable by its owner alone, and on the disk when this returns.

    Raises:
        OSError: it cannot be written.
    """
    digest, size = hashlib.sha256(), 0
    target.parent.mkdir(parents=True, exist_ok=True)
    with source.open("rb") as read_from, target.open("wb") as write_to:
        target.chmod(0o600)
        for chunk in _chunks(read_from):
            digest.update(chunk)
            size += len(chunk)
            write_to.write(chunk)
        write_to.flush()
        os.fsync(write_to.fileno())
    return StoredFile(bytes=size, sha256=digest.hexdigest())


def digest_of(file: Path) -> StoredFile:
    """Size and digest of a file.

    Raises:
        OSError: it cannot be read.
    """
    digest, size = hashlib.sha256(), 0
    with file.open("rb") as content:
        for chunk in _chunks(content):
            digest.update(chunk)
            size += len(chunk)
    return StoredFile(bytes=size, sha256=digest.hexdigest())


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk
