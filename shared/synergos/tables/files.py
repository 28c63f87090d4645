"""Files of rows by their names, and what a file is that is none."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from synergos.errors import UnusableData
from synergos.tables.columnar import open_columnar
from synergos.tables.data_file import DataFile, unreadable
from synergos.tables.delimited import open_delimited
from synergos.tables.source import Expected, Source
from synergos.tables.text_format import TextFormat

TEXT = (".csv", ".csv.gz")
_COLUMNAR: Mapping[str, str] = {".parquet": "Parquet", ".feather": "Feather"}
ENDINGS = (*TEXT, *_COLUMNAR)
OTHERS = (
    ".xlsx",
    ".xlsm",
    ".xls",
    ".xlsb",
    ".ods",
    ".numbers",
    ".zip",
    ".tsv",
    ".txt",
    ".sav",
    ".sas7bdat",
    ".dta",
    ".rds",
)
"""Endings of files that people take for what can be read here; they are named in a folder that has nothing else."""

_SHOWN = "csv, csv.gz, Parquet or Feather"
_BEGINNINGS: Mapping[bytes, str] = {
    b"\xd0\xcf\x11\xe0": "an Excel workbook (xls), or another old Office file",
    b"PAR1": "a Parquet file; name it .parquet",
    b"ARROW1": "a Feather file; name it .feather",
    b"FEA1": "a Feather file of version 1; write it as version 2",
    b"\x1f\x8b": "compressed with gzip; name it .csv.gz",
    b"BZh": "compressed with bzip2",
    b"\xfd7zXZ": "compressed with xz",
    b"(\xb5/\xfd": "compressed with zstd",
    b"7z\xbc\xaf": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"%PDF": "a PDF document",
    b"{\\rtf": "an RTF document",
    b"SQLite format 3": "an SQLite database",
    b"$FL2": "an SPSS file",
    b"$FL3": "an SPSS file",
    b"<stata_dta>": "a Stata file",
}
_IN_ARCHIVES: Mapping[str, str] = {
    "xl/": "an Excel workbook (xlsx)",
    "word/": "a Word document",
    "content.xml": "an OpenDocument file (ods)",
    "Index/": "a Numbers document",
}


def is_table(name: str) -> bool:
    """Whether a file is one of rows, by its name."""
    return name.lower().endswith(ENDINGS)


def is_text(name: str) -> bool:
    """Whether it is one of delimited text, by its name."""
    return name.lower().endswith(TEXT)


def check_forms(files: Sequence[DataFile]) -> None:
    """Refuse files that seem to be one table in two formats, whose rows would count twice.

    Raises:
        UnusableData: names both.
    """
    taken: dict[str, str] = {}
    for file in files:
        stem = _stem(file.name)
        if other := taken.get(stem):
            raise UnusableData(f"has the name of {other} in another format; expected each table once", file.name)
        taken[stem] = file.name


def open_table(file: DataFile, written: TextFormat, expected: Expected) -> Source:
    """Open a file of rows and check its structure.

    Args:

    Raises:
        UnusableData: it is not what its name says, cannot be read, or not every row has as many cells as the header.
    """
    what = _other(file)
    ending = next((ending for ending in _COLUMNAR if file.name.lower().endswith(ending)), None)
    if ending and (what is None or ending in what):
        columnar = open_columnar(file, _COLUMNAR[ending])
        expected.check(columnar.columns, file.name)
        return columnar
    if what:
        raise UnusableData(f"is {what}; expected {_SHOWN}", file.name)
    return open_delimited(file, written, expected)


def none_found(name: str, others: Sequence[DataFile]) -> UnusableData:
    """The failure of a folder without a file of rows.

    Args:
        others: files that are none, by their names, but may be what is meant.
    """
    if not others:
        return UnusableData(f"there is no csv file in it, nor {_SHOWN.removeprefix('csv, ')}", name)
    what = _other(others[0]) or f"named {PurePosixPath(others[0].name).suffix}"
    return UnusableData(
        f"there is no file of rows in its folder, and this is {what}; expected {_SHOWN}", others[0].name
    )


def _other(file: DataFile) -> str | None:
    """What a file is, by its content, that is to be text and is none."""
    try:
        with file.path.open("rb") as binary:
            beginning = binary.read(16)
    except OSError as error:
        raise unreadable(file.name, error) from error
    if beginning.startswith(b"PK\x03\x04"):
        return _archive(file)
    is_gzip = file.name.lower().endswith(".gz")
    return next(
        (
            what
            for mark, what in _BEGINNINGS.items()
            if beginning.startswith(mark) and not (is_gzip and mark == b"\x1f\x8b")
        ),
        None,
    )


def _archive(file: DataFile) -> str:
    try:
        with zipfile.ZipFile(file.path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError):
        names = []
    return next(
        (what for part, what in _IN_ARCHIVES.items() if any(name.startswith(part) for name in names)), "a zip archive"
    )


def _stem(name: str) -> str:
    low = name.lower()
    return low.removesuffix(next(ending for ending in reversed(ENDINGS) if low.endswith(ending)))
