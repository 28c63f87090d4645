"""Where the datasets that participants publish differ, before anybody aligns: by column, and in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from synergos.domain.catalogue import PublishedColumn, PublishedFolder

LABEL = "label"
"""What the label of all is called here: each may call it differently."""


@dataclass(frozen=True)
class ColumnOfAll:
    """One column, as participants declare it.

    Attributes:
        name: as all are to call it; of the label :data:`LABEL`.
        by: how each declares it that has it, by participant.
        lacking: participants that have tables without it.
        differs: whether they do not declare it alike, or some lack it.
    """

    name: str
    is_label: bool
    by: Mapping[str, PublishedColumn]
    lacking: tuple[str, ...]
    differs: bool


@dataclass(frozen=True)
class Comparison:
    """What participants of a project publish, side by side.

    Attributes:
        folders: those that are compared, by participant; of one that has tagged some for training those, else all.
        columns: in the order in which they come first.
        differences: sentences, none where nothing differs.
    """

    folders: Mapping[str, tuple[PublishedFolder, ...]] = field(default_factory=dict)
    columns: tuple[ColumnOfAll, ...] = ()
    differences: tuple[str, ...] = ()


def compared(folders: Mapping[str, Sequence[PublishedFolder]]) -> Comparison:
    """Lay side by side what participants publish.

    Args:
        folders: by participant; of who publishes no columns nothing is compared.
    """
    readable = {who: tuple(each for each in some if each.is_readable) for who, some in folders.items()}
    described = {who: some for who, some in readable.items() if any(each.columns or each.options for each in some)}
    tables = {who: _columns(some) for who, some in described.items()}
    tables = {who: columns for who, columns in tables.items() if columns}
    names = dict.fromkeys(name for columns in tables.values() for name in columns)
    columns = tuple(_of_all(name, tables) for name in names)
    differences = [
        *_kinds(described),
        *_options(described),
        *(each for column in columns for each in _in_words(column)),
    ]
    return Comparison({who: tuple(some) for who, some in folders.items()}, columns, tuple(differences))


def _columns(folders: Sequence[PublishedFolder]) -> dict[str, PublishedColumn]:
    found: dict[str, PublishedColumn] = {}
    for folder in folders:
        for column in folder.columns:
            # What tells rows apart is nobody else's.
            if column.type != "id":
                found.setdefault(LABEL if column.is_label else column.name, column)
    return found


def _of_all(name: str, tables: Mapping[str, Mapping[str, PublishedColumn]]) -> ColumnOfAll:
    by = {who: columns[name] for who, columns in tables.items() if name in columns}
    lacking = tuple(who for who in tables if who not in by)
    kinds = {(_kind(column), column.unit) for column in by.values()}
    is_label = any(column.is_label for column in by.values())
    return ColumnOfAll(name, is_label, by, lacking, differs=bool(lacking) or len(kinds) > 1)


def _kind(column: PublishedColumn) -> str:
    """What a type comes to: widths of numbers have the wider in common."""
    return "number" if column.type.startswith(("int", "uint", "float")) else column.type


def _in_words(column: ColumnOfAll) -> Iterator[str]:
    what = "the label" if column.is_label else f"column {column.name!r}"
    if column.lacking:
        yield f"{what} is at {', '.join(column.by)}, and not at {', '.join(column.lacking)}"
    kinds = _grouped({who: _kind(each) for who, each in column.by.items()})
    if len(kinds) > 1:
        yield f"{what} is {_each(kinds, 'a ')}"
    units = _grouped({who: each.unit or "" for who, each in column.by.items()})
    if len(units) > 1:
        yield f"{what} is in {_each({unit or 'no unit': who for unit, who in units.items()})}"


def _kinds(folders: Mapping[str, Sequence[PublishedFolder]]) -> Iterator[str]:
    found = _grouped({who: ", ".join(sorted({each.datatype for each in some})) for who, some in folders.items()})
    if len(found) > 1:
        yield f"the data is {_each(found)}"


def _options(folders: Mapping[str, Sequence[PublishedFolder]]) -> Iterator[str]:
    said: dict[str, dict[str, str]] = {}
    for who, some in folders.items():
        for folder in some:
            for name, value in folder.options.items():
                said.setdefault(name, {}).setdefault(who, str(value))
    for name, by in said.items():
        if len(found := _grouped(by)) > 1:
            yield f"option {name!r} is {_each(found)}"


def _grouped(said: Mapping[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for who, what in said.items():
        found.setdefault(what, []).append(who)
    return found


def _each(said: Mapping[str, Sequence[str]], article: str = "") -> str:
    return " and ".join(f"{article}{what} at {', '.join(who)}" for what, who in said.items())
