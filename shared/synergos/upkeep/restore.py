"""A backup is put in place: files first, then the records that speak of them, by the names they have now."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select, update

from synergos.domain.records import Kind
from synergos.errors import Conflict
from synergos.records.changes import set_apart
from synergos.records.schema import Schema
from synergos.records.shares import recount
from synergos.records.tables import RECORDS as TABLES
from synergos.upkeep import contents
from synergos.upkeep.backup import Place
from synergos.upkeep.contents import MLFLOW, OUTPUTS, RECORDS, Contents

_SPEAK_OF_FILES = (Kind.MODEL, Kind.MODEL_VERSION, Kind.STUDY)


def restore(folder: Path, place: Place, tell: Callable[[str], None] = lambda _step: None) -> Contents:
    """Put a backup in place; what was in it. When this fails, nothing of it is left there.

    Args:
        folder: the backup.
        place: with no record store, and with folders that are empty or not there.
        tell: told what is being done.

    Raises:
        RecordNotFound: the folder is no backup.
        NotSupported: a later release made it.
        Conflict: it is damaged, of another kind of database, or something is in its way.
        OSError: something cannot be read or written.
    """
    found = contents.read(folder)
    copy = folder / RECORDS / place.records.name
    if f"{RECORDS}/{copy.name}" not in found.files:
        raise Conflict(
            f"the backup's records are not of the kind of database that is named: there is no {copy.name} in it"
        )
    folders = {OUTPUTS: place.outputs, MLFLOW: None if found.mlflow is None else place.mlflow}
    place.records.refuse_filled()
    for target in folders.values():
        _refuse_filled(target)
    tell("looking at every file")
    contents.refuse_damaged(folder, found)
    made: list[Path] = []
    try:
        tell(f"{len(found.files)} files")
        for name in found.files:
            kind, _, rest = name.partition("/")
            target = folders.get(kind)
            if target is not None:
                _copy(folder / name, target / rest, target, made)
        if found.mlflow and place.mlflow:
            _rename_tracked(place.mlflow, found.mlflow)
        tell("the records")
        with place.records.filled_from(copy) as connection:
            is_current = Schema().is_current(connection)
            _rename(connection, found.outputs, str(place.outputs.absolute()))
            if is_current:
                # Names of other lengths take other room; older records are counted when they are brought up to date.
                recount(connection)
                set_apart(connection)
    except BaseException:
        for path in made:
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
        raise
    return found


def _refuse_filled(target: Path | None) -> None:
    if target is not None and any(not path.name.startswith(".") and path.suffix != ".md" for path in _listed(target)):
        raise Conflict(f"{target} is not empty; move away what is there, or name another folder")


def _listed(folder: Path) -> Iterator[Path]:
    return folder.iterdir() if folder.is_dir() else iter(())


def _copy(source: Path, target: Path, root: Path, made: list[Path]) -> None:
    first = root / target.relative_to(root).parts[0]
    if first not in made:
        if first.exists():
            raise Conflict(f"{first} is there already; move it away, or name another folder")
        made.append(first)
    contents.copied(source, target)


def _rename(connection: Connection, before: str, now: str) -> None:
    """Have the records name their files where those lie now."""
    if before == now:
        return
    for kind in _SPEAK_OF_FILES:
        table = TABLES[kind]
        for number, payload in connection.execute(select(table.c.doc_id, table.c.payload)).all():
            renamed = _renamed(payload, before, now)
            if renamed != payload:
                connection.execute(update(table).where(table.c.doc_id == number).values(payload=renamed))


def _renamed(value: Any, before: str, now: str) -> Any:
    match value:
        case str() if value.startswith(f"{before}/"):
            return now + value.removeprefix(before)
        case Mapping():
            return {name: _renamed(each, before, now) for name, each in value.items()}
        case list():
            return [_renamed(each, before, now) for each in value]
        case _:
            return value


def _rename_tracked(folder: Path, before: str) -> None:
    """Have MLflow's store name its artifacts where those lie now."""
    old, new = Path(before).as_uri(), folder.absolute().as_uri()
    with closing(sqlite3.connect(folder / "mlflow.db")) as connection, connection:
        for table, column in (("experiments", "artifact_location"), ("runs", "artifact_uri")):
            connection.execute(
                f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE substr({column}, 1, ?) = ?",  # noqa: S608
                (new, len(old) + 1, len(old), old),
            )
