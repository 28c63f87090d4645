"""``mapping.csv``: which image files a dataset has, in which order, and their labels."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TypeAlias

from synergos.domain.feature_space import Action
from synergos.errors import UnusableData
from synergos.tables.data_file import DataFile
from synergos.tables.rows import FileRows, read_rows
from synergos.tables.schema import TARGET, Column, ColumnType, Schema
from synergos.tables.text_format import TextFormat
from synergos_worker.dataset import Dataset

MAPPING = "mapping.csv"
IMAGE = "image"

Files: TypeAlias = dict[str, DataFile]
Rows: TypeAlias = dict[int, str]

_LISTED = 20
"""How many rows a complaint names."""
_FORMS: dict[str, Callable[[str], str]] = {
    "in upper and lower case": str.casefold,
    "in its Unicode form (é as one character or as two)": partial(unicodedata.normalize, "NFC"),
    "in upper and lower case and its Unicode form": lambda name: unicodedata.normalize("NFC", name).casefold(),
}


@dataclass(frozen=True)
class Pictures:
    """The rows of one ``mapping.csv``.

    Attributes:
        files: one per row; a file may come more than once.
        rows: the same rows, with the label as their only column where they have one.
    """

    files: tuple[DataFile, ...]
    rows: FileRows


@dataclass(frozen=True)
class MappingFile:
    """A ``mapping.csv`` that was read, its paths not looked at yet.

    Attributes:
        known: the files of its dataset, by name.
        paths: one per row, as names of files; empty where no path is written.
    """

    name: str
    rows: FileRows
    known: Files
    paths: tuple[str, ...]

    def wrong_paths(self) -> UnusableData | None:
        """All rows that name no file of the dataset's folder, in one complaint; None when every row names one."""
        wrong = {number: path for number, path in enumerate(self.paths, start=1) if path not in self.known}
        return UnusableData(_what_is_wrong(wrong, self.known), self.name) if wrong else None

    def pictures(self) -> Pictures:
        """The files that the rows name.

        Raises:
            UnusableData: some name none of the dataset's folder.
        """
        if (wrong := self.wrong_paths()) is not None:
            raise wrong
        folder = self.known[self.name].path.parent
        return Pictures(tuple(_inside(folder, self.known[path]) for path in self.paths), self.rows)


def read_mapping(dataset: Dataset, action: Action) -> MappingFile:
    """Read a dataset's mapping. Its ``target`` may be missing.

    Raises:
        UnusableData: there is none, or its header is wrong.
    """
    name = f"{dataset.name}/{MAPPING}"
    known = {file.name: file for file in dataset.files}
    if name not in known:
        raise UnusableData(f"there is no {MAPPING} in the folder", dataset.name)
    rows = _read(known[name], TextFormat.declared(dataset.metadata), action)
    # What leads up or out is not among the files of the folder.
    paths = (f"{dataset.name}/{PurePosixPath(cell.strip())}" if cell else "" for cell in rows.ids[IMAGE])
    return MappingFile(name, rows, known, tuple(paths))


def _read(file: DataFile, written: TextFormat, action: Action) -> FileRows:
    """The rows of a mapping: what names the image is carried as it is written."""
    label = ColumnType.CATEGORY if action is Action.CLASSIFY else ColumnType.FLOAT64
    schema = Schema(file.name, {IMAGE: Column(kind=ColumnType.ID), TARGET: Column(kind=label)})
    return read_rows(file, schema, written, _check_header)


def _check_header(columns: Sequence[str], name: str) -> None:
    if list(columns) not in ([IMAGE, TARGET], [IMAGE]):
        # Without a header line the names would be cells; they are not repeated.
        raise UnusableData(f"expected the header {IMAGE},{TARGET}", name)


def _what_is_wrong(wrong: Rows, known: Files) -> str:
    """What is wrong with rows of a mapping: their numbers, not their cells; and where people would not see it, in what a path differs."""
    alike: dict[str, list[int]] = {}
    for difference, form in _FORMS.items():
        names = {form(name) for name in known}
        told = {number for numbers in alike.values() for number in numbers}
        near = [number for number, path in wrong.items() if number not in told and form(path) in names]
        if near:
            alike[difference] = near
    expected = f"{_numbered(list(wrong))}: expected the path of a file in the dataset's folder"
    if len(wrong) == 1:
        return expected + "".join(f"; there is one whose path differs {difference} only" for difference in alike)
    return expected + "".join(
        f"; for {_numbered(numbers)} there is one whose path differs {difference} only"
        for difference, numbers in alike.items()
    )


def _numbered(rows: Sequence[int]) -> str:
    more = f" and {len(rows) - _LISTED} more" if len(rows) > _LISTED else ""
    return f"row{'s' if len(rows) > 1 else ''} {', '.join(map(str, rows[:_LISTED]))}{more}"


def _inside(folder: Path, file: DataFile) -> DataFile:
    if file.path.is_symlink() and not file.path.resolve().is_relative_to(folder.resolve()):
        raise UnusableData("is a link that leads out of the dataset's folder", file.name)
    return file
