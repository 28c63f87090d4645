"""``schema.json``: what the columns of a dataset's files hold."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from synergos.errors import UnusableData
from synergos.tables.data_file import DataFile

SCHEMA = "schema.json"
CATEGORY = "category"
TARGET = "target"
_NUMERIC = re.compile(r"u?int(8|16|32|64)|float(16|32|64)")


def read_schema(files: Iterable[DataFile], csv: DataFile) -> dict[str, str]:
    """The schema for a csv file: the one beside it, else the nearest one above it among ``files``, those of its dataset.

    Raises:
        UnusableData: there is none, or it is not ``{column: dtype}``.
    """
    known = {file.name: file for file in files}
    places = [str(folder / SCHEMA) for folder in PurePosixPath(csv.name).parents]
    file = next((known[place] for place in places if place in known), None)
    if file is None:
        raise UnusableData(f"there is no {SCHEMA} beside it", csv.name)
    schema = file.json()
    for column, dtype in schema.items():
        if not isinstance(dtype, str) or (dtype != CATEGORY and not _NUMERIC.fullmatch(dtype)):
            found = json.dumps(dtype)[:40]
            raise UnusableData(
                f"column {column!r}: expected category, int32, int64, float32 or float64, got {found}", file.name
            )
    return schema
