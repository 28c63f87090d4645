"""Images: image files, a folder of them, or a frame that names them in its column ``image``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from synergos.domain.feature_space import FeatureSpace
from synergos.errors import UnusableData
from synergos.images.options import ImageOptions, shown
from synergos.images.pictures import read_pixels, scaled
from synergos.learning.datatypes.image import IMAGE
from synergos.model.readers.reader import Choice, ReadRows, Rows, checked, files_in, paths_of
from synergos.tables.data_file import DataFile
from synergos.tables.metadata import METADATA, parse_metadata
from synergos.tables.rows import read_rows
from synergos.tables.schema import TARGET, Column, ColumnType, Schema
from synergos.tables.text_format import TextFormat

COLUMN = IMAGE.column
MAPPING = "mapping.csv"
_NO_IMAGES = (".csv", ".json", ".txt", ".md")


class ImageReader:
    """Pixels, as the options that were agreed make inputs of them."""

    name = IMAGE.name

    def read(self, rows: Rows, space: FeatureSpace, choice: Choice) -> ReadRows:
        """See :class:`~synergos.model.readers.reader.Reader`."""
        if isinstance(rows, pd.DataFrame):
            files, about = _named(rows, choice), pd.DataFrame(index=rows.index)
            ids = {name: [None if pd.isna(cell) else str(cell) for cell in rows[name]] for name in choice.keep}
        else:
            files = [file for path in map(checked, paths_of(rows)) for file in _files(path)]
            about, ids = pd.DataFrame({"file": [file.name for file in files], "row": 1}), {}
        if not files:
            raise UnusableData("there is no image", "rows")
        options = ImageOptions.of(space.options, "manifest.json")
        pixels = read_pixels(files, options, _not_to_be_fitted(files, options))
        return ReadRows(about, scaled(pixels, options), ids=ids)


def _not_to_be_fitted(files: Sequence[DataFile], options: ImageOptions) -> frozenset[DataFile]:
    """Those whose folder asks for no size; as at a worker, an image is changed only where its owner says so.

    Raises:
        UnusableData: a folder asks for something else than the model was trained with.
    """
    folders = {file.path.parent for file in files}
    fitted = {folder for folder in folders if _asks_for_size(folder, options)}
    return frozenset(file for file in files if file.path.parent not in fitted)


def _asks_for_size(folder: Path, agreed: ImageOptions) -> bool:
    """Whether the ``metadata.json`` of a folder has its images made to fit; what it says has to be what was agreed."""
    metadata = DataFile(METADATA, folder / METADATA)
    if not metadata.path.is_file():
        return False
    name = f"{folder.name}/{METADATA}"
    asked = parse_metadata(metadata.json(), name).operations
    own, model = ImageOptions.of(asked, name).to_dict(), agreed.to_dict()
    for option in asked:
        if own[option] is not None and own[option] != model.get(option):
            raise UnusableData(
                f"operations.{option} is {shown(own[option])}, and the model was trained with {shown(model.get(option))}",
                name,
            )
    return own["size"] is not None


def _named(rows: pd.DataFrame, choice: Choice) -> list[DataFile]:
    known = {COLUMN, TARGET, *choice.keep, *choice.ignore}
    if COLUMN not in rows or any(name not in rows for name in choice.keep):
        raise UnusableData(f"expected the columns {', '.join([COLUMN, *choice.keep])}", "rows")
    if unknown := [place for place, name in enumerate(rows.columns, start=1) if name not in known]:
        raise UnusableData(f"column number {unknown[0]} is not known; leave it out, keep or ignore it", "rows")
    return [DataFile(Path(path).name, checked(Path(path))) for path in rows[COLUMN]]


def _files(path: Path) -> Sequence[DataFile]:
    """An image, or those of a folder: in the order of its ``mapping.csv`` where there is one, else by path."""
    if not path.is_dir():
        return _mapped(path, path.parent) if path.name == MAPPING else [DataFile(path.name, path)]
    if (path / MAPPING).is_file():
        return _mapped(path / MAPPING, path)
    return [file for file in files_in(path) if not file.name.lower().endswith(_NO_IMAGES)]


def _mapped(mapping: Path, folder: Path) -> list[DataFile]:
    schema = Schema(mapping.name, {COLUMN: Column(kind=ColumnType.ID), TARGET: Column(kind=ColumnType.IGNORE)})
    rows = read_rows(DataFile(mapping.name, mapping), schema, _written(folder), _check_header)
    inside = folder.resolve()
    files = []
    for number, cell in enumerate(rows.ids[COLUMN], start=1):
        name = (cell or "").strip()
        path = folder / name
        if not path.is_file() or not path.resolve().is_relative_to(inside):
            raise UnusableData(f"row {number}: expected the path of a file in its folder", mapping.name)
        files.append(DataFile(f"{folder.name}/{name}", path))
    return files


def _written(folder: Path) -> TextFormat:
    """How its mapping is written, as the ``metadata.json`` of a folder says."""
    metadata = DataFile(METADATA, folder / METADATA)
    return TextFormat.declared(parse_metadata(metadata.json(), METADATA)) if metadata.path.is_file() else TextFormat()


def _check_header(columns: Sequence[str], name: str) -> None:
    if list(columns) not in ([COLUMN, TARGET], [COLUMN]):
        raise UnusableData(f"expected the header {COLUMN},{TARGET}", name)
