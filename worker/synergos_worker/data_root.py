"""Where a participant's datasets lie: from path tokens to a folder below the data root, and never outside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from synergos.domain.tags import Tag, check_tag
from synergos.errors import UnknownName, UnusableData
from synergos.permission.use import FILE_NAME
from synergos.tables.data_file import DataFile, unreadable
from synergos.tables.metadata import METADATA, METADATA_FILE, parse_metadata
from synergos_worker.cataloguing.description_file import DESCRIPTION
from synergos_worker.dataset import Dataset
from synergos_worker.left_over_files import files_below
from synergos_worker.pipelines import PIPELINES


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
            reads = PIPELINES.get(_datatype(content, metadata.name), "datatype").reads
            files = tuple(self._file(path) for path in paths if reads(path.name))
        except OSError as error:
            raise unreadable(name, error) from error
        return Dataset(name, parse_metadata(content, metadata.name), files)

    def _paths(self, name: str, field: str) -> list[Path]:
        folder = self.folder / name
        if not self._holds(folder):
            raise UnusableData(f"{name!r} leads out of the data folder", field)
        if not folder.is_dir():
            raise UnusableData(f"there is no folder {name!r} in the data folder of this worker", field)
        # Who may use a folder, and what is published of it, is no part of what it holds.
        found = (path for path in files_below(folder) if path.name not in {FILE_NAME, DESCRIPTION})
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


def _check_names(content: Mapping[str, object], name: str) -> None:
    try:
        METADATA_FILE.check_names(content)
    except UnknownName as error:
        raise UnusableData(str(error), name) from None


def _datatype(content: Mapping[str, object], name: str) -> str:
    datatype = content.get("datatype")
    if datatype is None:
        # Under another name, perhaps: a key that nobody reads is refused with the one it may stand for.
        _check_names(content, name)
        raise UnusableData(f"datatype: is required; expected {' or '.join(PIPELINES.names)}", name)
    if datatype not in PIPELINES.names:
        problem = UnknownName(datatype, PIPELINES.names, "datatype", f"one of {', '.join(PIPELINES.names)}")
        raise UnusableData(str(problem), name)
    return str(datatype)
