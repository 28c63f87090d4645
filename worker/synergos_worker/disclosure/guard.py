"""What a worker tells about a table: its columns, their statistics and its labels, as far as its policy lets them leave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from msgspec import structs

from synergos.domain.feature_space import FeatureSpace
from synergos.domain.preparation import Statistics
from synergos.domain.tags import Purpose
from synergos.errors import UnusableData
from synergos.tables.cells import Levels
from synergos.tables.schema import TARGET
from synergos_worker.disclosure.columns import count_shown, is_identifier, levels_shown, sums_shown
from synergos_worker.disclosure.rows import are_enough
from synergos_worker.pipelines import Contents, Description
from synergos_worker.tables import LoadedTable


def refuse_few_rows(loaded: LoadedTable, purpose: Purpose) -> None:
    """Refuse to tell anything of rows that are too few, whatever it is.

    Raises:
        UnusableData: fewer of them differ than the policy's minimum; says how many there have to be, never how many there are.
    """
    policy = loaded.policy
    if not policy.is_open and not are_enough(loaded.pipeline.contents(loaded.table).rows, policy.minimum_rows):
        raise UnusableData(f"has fewer than {policy.minimum_rows} distinct rows, {_OWNERS_MINIMUM}", f"tags.{purpose}")


def description(loaded: LoadedTable, purpose: Purpose) -> Description:
    """Header, schema and metadata of a table.

    Raises:
        UnusableData: a column to train on tells rows apart, or nothing of the columns or labels may be told; names the column.
    """
    pipeline, policy = loaded.pipeline, loaded.policy
    if policy.is_open:
        return pipeline.describe(loaded.table)
    contents = pipeline.contents(loaded.table)
    if purpose is Purpose.TRAIN:
        _refuse_identifiers(contents)
    shown = _levels(contents, policy.minimum_rows)
    labels = shown.pop(TARGET, None)
    found = pipeline.describe(pipeline.showing(loaded.table, shown, labels))
    found = _with_rough_cells(_with_large_files(found, policy.minimum_rows), policy.minimum_rows)
    if purpose is Purpose.TRAIN:
        _refuse_nothing(contents, found, policy.minimum_rows)
    return found


def refuse_untold_labels(loaded: LoadedTable, space: FeatureSpace) -> None:
    """Refuse rows to train on that have a label which nobody may tell: it could not be learned.

    Raises:
        UnusableData: there are such rows; names no label.
    """
    labels = loaded.pipeline.contents(loaded.table).labels
    if loaded.policy.is_open or labels is None or set(labels.levels) <= set(space.labels):
        return
    raise UnusableData(
        f"has a label in fewer than {loaded.policy.minimum_rows} rows that no other participant told either, so that it cannot "
        "be learned; list the labels that may be told in schema.json (levels), or leave out those rows",
        TARGET,
    )


def statistics(loaded: LoadedTable) -> Statistics:
    """This participant's part of what scaling and filling are fitted on."""
    if loaded.policy.is_open:
        return loaded.pipeline.fit(loaded.table)
    contents, minimum = loaded.pipeline.contents(loaded.table), loaded.policy.minimum_rows
    if not contents.numbers and not contents.categories:
        return Statistics()
    shown = _levels(contents, minimum)
    return Statistics(
        numeric={
            name: sums_shown(cells, minimum, contents.bounds.get(name, (None, None)))
            for name, cells in contents.numbers.items()
        },
        categorical={
            name: {level: count_shown(counts.get(level, 0), minimum) for level in shown[name]}
            for name, counts in _counts(contents.categories).items()
        },
    )


_OWNERS_MINIMUM = (
    "the minimum that its owner has set for anything to be told of them (--minimum_rows, or disclosure in metadata.json), or that the "
    "alignment was asked with (minimum_rows)"
)


def _levels(contents: Contents, minimum: int) -> dict[str, tuple[str, ...]]:
    """The levels that may be told, by column; those of the label under its name."""
    return {
        name: levels_shown(counts, minimum, contents.listed.get(name))
        for name, counts in _counts(_all(contents)).items()
    }


def _all(contents: Contents) -> dict[str, Levels]:
    return {**contents.categories, **({} if contents.labels is None else {TARGET: contents.labels})}


def _counts(categories: Mapping[str, Levels]) -> dict[str, dict[str, int]]:
    return {
        name: dict(
            zip(
                column.levels,
                np.bincount(column.codes[column.codes >= 0], minlength=len(column.levels)).tolist(),
                strict=True,
            )
        )
        for name, column in categories.items()
    }


def _with_large_files(found: Description, minimum: int) -> Description:
    """The same without the files that hold few rows: pictures are files of one row, and a file can be one patient's."""
    files = {name: count_shown(count, minimum) for name, count in found.metadata.files.items()}
    shown = {name: count for name, count in files.items() if count}
    return replace(found, metadata=structs.replace(found.metadata, files=shown)) if files else found


def _with_rough_cells(found: Description, minimum: int) -> Description:
    """The same with how many cells were missing, unreadable or filled in as numbers of rows are told."""
    cells = {
        column: {what: count_shown(count, minimum) for what, count in counts.items()}
        for column, counts in found.metadata.cells.items()
    }
    shown = {column: counts for column, counts in cells.items() if any(counts.values())}
    return replace(found, metadata=structs.replace(found.metadata, cells=shown)) if cells else found


def _refuse_identifiers(contents: Contents) -> None:
    for name, counts in _counts(_all(contents)).items():
        if name not in contents.listed and is_identifier(counts, contents.count):
            raise UnusableData(
                "has more levels than half of its rows, as identifiers and free text have; declare it 'id' (carried into the "
                "predictions and nowhere else) or 'ignore' in schema.json, or list there the levels that may be told",
                name,
            )


def _refuse_nothing(contents: Contents, found: Description, minimum: int) -> None:
    if contents.labels is not None and not found.header.y:
        raise UnusableData(f"has no label in {minimum} rows or more, {_OWNERS_MINIMUM}", TARGET)
    if (contents.numbers or contents.categories) and not found.header.X:
        raise UnusableData(f"has no column with a level in {minimum} rows or more, {_OWNERS_MINIMUM}", "tags.train")
