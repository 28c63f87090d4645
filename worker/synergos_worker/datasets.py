"""Tagged datasets: from path tokens to a folder below the data root, and never outside it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from synergos.domain.tags import Tag, check_tag
from synergos.errors import UnknownName, UnusableData

METADATA = "metadata.json"
SCHEMA = "schema.json"
DATATYPES = ("tabular", "image", "text")

Fingerprint = tuple[tuple[str, int, int], ...]
"""Name, size and modification time (ns) of every file that matters: another one means that something changed."""


@dataclass(frozen=True)
class DataFile:
    """One file of a dataset.

    Attributes:
        name: its path below the data root, as errors and exports show it.
    """

    name: str
    path: Path

    def json(self) -> dict[str, Any]:
        """Its content as a JSON object.

        Raises:
            UnusableData: it cannot be read, or is no JSON object.
        """
        try:
            content = json.loads(self.path.read_text(encoding="utf-8-sig"))
        except OSError as error:
            raise unreadable(self.name, error) from error
        except (ValueError, RecursionError) as error:
            raise UnusableData("is not JSON", self.name) from error
        if not isinstance(content, dict):
            raise UnusableData(f"expected a JSON object, found a {type(content).__name__}", self.name)
        return content


@dataclass(frozen=True)
class Dataset:
    """The folder one tag names.

    Attributes:
        name: the tag as a path below the data root.
        datatype: which pipeline it is for.
        files: the files in it and below it that can matter, ordered by path.
        operations: what its ``metadata.json`` says under that name, unchecked.
    """

    name: str
    datatype: str
    files: tuple[DataFile, ...]
    operations: object = field(default_factory=dict)

    def files_ending(self, suffix: str) -> tuple[DataFile, ...]:
        """Its files of one type, ordered by path."""
        return tuple(file for file in self.files if file.name.lower().endswith(suffix))

    def fingerprint(self) -> Fingerprint:
        """What its files look like from outside, now.

        Raises:
            UnusableData: a file is gone.
        """
        return tuple(_stamp(file) for file in self.files)


class DataRoot:
    """The folder that holds all of a participant's datasets."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()

    def dataset(self, tag: Tag, field: str) -> Dataset:
        """The dataset that ``tag`` names.

        Raises:
            UnusableData: there is no such folder, it has no usable ``metadata.json``, or a link leads out of the data root.
            InvalidRequest: the tag is no list of plain folder names.
        """
        name = "/".join(check_tag(tag, field))
        try:
            paths = self._paths(name, field)
            metadata = self._metadata(paths, name, field)
            content = metadata.json()
            datatype = _datatype(content, metadata.name)
            # The files of an image dataset can have any name.
            files = tuple(self._file(path) for path in paths if datatype == "image" or _is_table_or_json(path))
        except OSError as error:
            raise unreadable(name, error) from error
        return Dataset(name, datatype, files, content.get("operations", {}))

    def _paths(self, name: str, field: str) -> list[Path]:
        folder = self.folder / name
        if not self._holds(folder):
            raise UnusableData(f"{name!r} leads out of the data folder", field)
        if not folder.is_dir():
            raise UnusableData(f"there is no folder {name!r} in the data folder of this worker", field)
        # Links to folders are not followed: they could go in circles.
        found = [Path(place, file) for place, _, names in os.walk(folder, onerror=_stop) for file in names]
        return sorted(found, key=lambda path: path.relative_to(folder).parts)

    def _metadata(self, paths: list[Path], name: str, field: str) -> DataFile:
        path = self.folder / name / METADATA
        if path not in paths:
            raise UnusableData(f"the folder {name!r} has no {METADATA}", field)
        return self._file(path)

    def _file(self, path: Path) -> DataFile:
        name = path.relative_to(self.folder).as_posix()
        # Only a link can lead anywhere from a folder that does not.
        if path.is_symlink() and not self._holds(path):
            raise UnusableData("is a link that leads out of the data folder", name)
        if not path.is_file():
            raise UnusableData("is not a file that can be read", name)
        return DataFile(name, path)

    def _holds(self, path: Path) -> bool:
        try:
            return path.resolve().is_relative_to(self.folder)
        except RuntimeError:  # how Python 3.11 reports links that go in circles
            return False


def unreadable(name: str, error: OSError) -> UnusableData:
    """The failure to raise when a file cannot be read; ``name`` is its path below the data root."""
    return UnusableData(f"cannot be read: {error.strerror or type(error).__name__}", name)


def _stop(error: OSError) -> None:
    raise error


def _is_table_or_json(path: Path) -> bool:
    return path.name.lower().endswith((".csv", ".json"))


def _datatype(content: Mapping[str, Any], name: str) -> str:
    datatype = content.get("datatype")
    if datatype not in DATATYPES:
        problem = UnknownName(datatype, DATATYPES, "datatype", f"one of {', '.join(DATATYPES)}")
        raise UnusableData(str(problem), name)
    return str(datatype)


def _stamp(file: DataFile) -> tuple[str, int, int]:
    try:
        status = file.path.stat()
    except OSError as error:
        raise unreadable(file.name, error) from error
    return file.name, status.st_size, status.st_mtime_ns
