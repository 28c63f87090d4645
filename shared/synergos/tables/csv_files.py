"""Reading one csv file by its schema: columns checked, cells coerced, no row left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synergos.errors import UnusableData
from synergos.tables.cells import Levels, as_levels, as_numbers
from synergos.tables.data_file import DataFile, unreadable
from synergos.tables.names import listed
from synergos.tables.schema import CATEGORY, SCHEMA, TARGET

_SHOWN = 5


@dataclass(frozen=True)
class CsvRows:
    """The rows of one file, columns in the file's order.

    Attributes:
        dtypes: of the columns that are not entirely empty.
        numbers: one row per row of the file, one column per entry of ``numeric``; NaN where a cell is missing.
    """

    name: str
    count: int
    dtypes: Mapping[str, str]
    numeric: tuple[str, ...]
    numbers: NDArray[np.float64]
    categorical: Mapping[str, Levels]


def read_csv(file: DataFile, schema: Mapping[str, str]) -> CsvRows:
    """Read a csv file. A label column may be missing; every other column of the schema may not.

    Raises:
        UnusableData: it cannot be read, has no row, or its columns are not those of the schema.
    """
    frame = read_frame(file, [column for column, dtype in schema.items() if dtype == CATEGORY])
    if frame.empty:
        raise UnusableData("has no row", file.name)
    # Cells that pandas could not read as numbers: looked at one distinct cell at a time.
    columns = [str(name) for name in frame.columns]
    texts = {name: Levels(*as_levels(frame[name])) for name in columns if frame.dtypes[name].kind not in "iuf"}
    filled = _filled(frame, texts)
    _compare(file.name, frame, filled, schema)
    numeric = tuple(column for column in filled if schema[column] != CATEGORY)
    return CsvRows(
        name=file.name,
        count=len(frame),
        dtypes={column: schema[column] for column in filled},
        numeric=numeric,
        numbers=_numbers(file.name, frame, numeric, texts),
        categorical={column: texts[column] for column in filled if schema[column] == CATEGORY},
    )


def read_frame(file: DataFile, text_columns: Sequence[str]) -> pd.DataFrame:
    """A csv file as it is; the cells of ``text_columns`` stay text.

    Raises:
        UnusableData: it cannot be read, or is no csv file with a header line.
    """
    try:
        frame = pd.read_csv(
            file.path,
            dtype=dict.fromkeys(text_columns, "str"),
            encoding="utf-8-sig",
            low_memory=False,
        )
    except OSError as error:
        raise unreadable(file.name, error) from error
    # What these say can quote the file, so it is left out.
    except pd.errors.EmptyDataError:
        raise UnusableData("is empty", file.name) from None
    except (pd.errors.ParserError, ValueError, OverflowError):
        raise UnusableData("cannot be read as comma-separated UTF-8 text with a header line", file.name) from None
    if not isinstance(frame.index, pd.RangeIndex):
        raise UnusableData("its rows have more cells than its header line", file.name)
    return frame


def _filled(frame: pd.DataFrame, texts: Mapping[str, Levels]) -> list[str]:
    """The columns in which something stands; blanks and quotation marks are nothing."""
    present = frame.notna().any(axis=0).to_numpy()
    return [name for name in frame.columns[present] if name not in texts or texts[name].levels]


def _numbers(
    name: str, frame: pd.DataFrame, columns: Sequence[str], texts: Mapping[str, Levels]
) -> NDArray[np.float64]:
    """The numeric columns as one block."""
    block = np.empty((len(frame), len(columns)))
    parsed = [index for index, column in enumerate(columns) if column not in texts]
    block[:, parsed] = frame[[columns[index] for index in parsed]].to_numpy(dtype=np.float64)
    for index, column in enumerate(columns):
        if column in texts:
            block[:, index] = as_numbers(texts[column].codes, texts[column].levels)
    block[~np.isfinite(block)] = np.nan
    if nowhere := [columns[index] for index in np.flatnonzero(np.isnan(block).all(axis=0)).tolist()]:
        raise UnusableData(f"expected numbers in column {listed(nowhere)}, found none", name)
    return block


def _compare(name: str, frame: pd.DataFrame, filled: Sequence[str], schema: Mapping[str, str]) -> None:
    """Refuse a file whose columns are not those of its schema, columns that are entirely empty aside."""
    if not set(frame.columns) & set(schema):
        # Without a header line the names would be cells; they are not repeated.
        raise UnusableData(f"its first line names no column of its {SCHEMA}; expected {listed(list(schema))}", name)
    if missing := [column for column in schema if column not in frame.columns and column != TARGET]:
        raise UnusableData(f"column {listed(missing)} of its {SCHEMA} is missing", name)
    # Said by their place: in a damaged first line, names can be cells.
    places = [place for place, column in enumerate(frame.columns, start=1) if column in filled and column not in schema]
    if places:
        shown = ", ".join(map(str, places[:_SHOWN]))
        raise UnusableData(f"column number {shown} of its first line is not in its {SCHEMA}", name)
