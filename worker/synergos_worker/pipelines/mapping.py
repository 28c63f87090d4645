"""``mapping.csv``: which image files a dataset has, in which order, and their labels."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from synergos.domain.feature_space import Action
from synergos.errors import UnusableData
from synergos.tables.data_file import DataFile
from synergos.tables.rows import FileRows, read_rows
from synergos.tables.schema import TARGET, Column, ColumnType, Schema
from synergos.tables.text_format import TextFormat
from synergos_worker.dataset import Dataset

MAPPING = "mapping.csv"
IMAGE = "image"


@dataclass(frozen=True)
class Pictures:
    """The rows of one ``mapping.csv``.

    Attributes:
        files: one per row; a file may come more than once.
        rows: the same rows, with the label as their only column where they have one.
    """

    files: tuple[DataFile, ...]
    rows: FileRows


def read_mapping(dataset: Dataset, action: Action) -> Pictures:
    """Read a dataset's mapping. Its ``target`` may be missing.

    Raises:
        UnusableData: there is none, its header is wrong, or a row names no file of the dataset folder.
    """
    name = f"{dataset.name}/{MAPPING}"
    known = {file.name: file for file in dataset.files}
    if name not in known:
        raise UnusableData(f"there is no {MAPPING} in the folder", dataset.name)
    rows = _read(known[name], TextFormat.declared(dataset.metadata), action)
    folder = known[name].path.parent
    files = []
    for number, cell in enumerate(rows.ids[IMAGE], start=1):
        # What leads up or out is not among the files of the folder; the cell itself is not repeated.
        path = f"{dataset.name}/{PurePosixPath(cell.strip())}" if cell else ""
        if path not in known:
            expected = f"row {number}: expected the path of a file in the dataset's folder"
            raise UnusableData(f"{expected}{_nearly(path, known)}", name)
        files.append(_inside(folder, known[path]))
    return Pictures(tuple(files), rows)


def _read(file: DataFile, written: TextFormat, action: Action) -> FileRows:
    """The rows of a mapping: what names the image is carried as it is written."""
    label = ColumnType.CATEGORY if action is Action.CLASSIFY else ColumnType.FLOAT64
    schema = Schema(file.name, {IMAGE: Column(kind=ColumnType.ID), TARGET: Column(kind=label)})
    return read_rows(file, schema, written, _check_header)


def _check_header(columns: Sequence[str], name: str) -> None:
    if list(columns) not in ([IMAGE, TARGET], [IMAGE]):
        # Without a header line the names would be cells; they are not repeated.
        raise UnusableData(f"expected the header {IMAGE},{TARGET}", name)


def _nearly(path: str, known: Mapping[str, DataFile]) -> str:
    """How a path differs from that of a file there is, where people would not see it."""
    alike: dict[str, Callable[[str], str]] = {
        "in upper and lower case": str.casefold,
        "in its Unicode form (é as one character or as two)": partial(unicodedata.normalize, "NFC"),
        "in upper and lower case and its Unicode form": lambda name: unicodedata.normalize("NFC", name).casefold(),
    }
    for difference, form in alike.items():
        if form(path) in {form(name) for name in known}:
            return f"; there is one whose path differs {difference} only"
    return ""


def _inside(folder: Path, file: DataFile) -> DataFile:
    if file.path.is_symlink() and not file.path.resolve().is_relative_to(folder.resolve()):
        raise UnusableData("is a link that leads out of the dataset's folder", file.name)
    return file
