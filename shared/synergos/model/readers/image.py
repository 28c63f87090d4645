"""Images: image files, a folder of them, or a frame that names them in its column ``image``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from synergos.domain.feature_space import FeatureSpace
from synergos.errors import UnusableData
from synergos.images.options import ImageOptions
from synergos.images.pictures import read_pixels, scaled
from synergos.learning.datatypes.image import IMAGE
from synergos.model.readers.reader import Choice, ReadRows, Rows, checked, files_in, paths_of
from synergos.tables.data_file import DataFile

COLUMN = "image"
MAPPING = "mapping.csv"
_NO_IMAGES = (".csv", ".json", ".txt", ".md")


class ImageReader:
    """Pixels, as the options that were agreed make inputs of them."""

    name = IMAGE.name

    def columns(self, space: FeatureSpace) -> tuple[str, ...]:
        """See :class:`~synergos.model.readers.reader.Reader`."""
        return (COLUMN,)

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
        return ReadRows(about, scaled(read_pixels(files, options), options), ids=ids)


def _named(rows: pd.DataFrame, choice: Choice) -> list[DataFile]:
    known = {COLUMN, "target", *choice.keep, *choice.ignore}
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
    # Names as they are written: "01" is one, and so is "NA".
    frame = pd.read_csv(mapping, dtype="str", keep_default_na=False, encoding="utf-8-sig")
    if COLUMN not in frame:
        raise UnusableData(f"expected a column {COLUMN}", mapping.name)
    inside = folder.resolve()
    files = []
    for number, name in enumerate(frame[COLUMN], start=1):
        path = folder / str(name).strip()
        if not path.is_file() or not path.resolve().is_relative_to(inside):
            raise UnusableData(f"row {number}: expected the path of a file in its folder", mapping.name)
        files.append(DataFile(f"{folder.name}/{str(name).strip()}", path))
    return files
