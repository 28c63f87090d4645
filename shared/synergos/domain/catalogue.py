"""A catalogue: what a worker publishes of the datasets it has, before anybody aligns; never what stands in a cell."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, TypeAlias

from msgspec import Meta as Limits
from msgspec import Struct

from synergos.domain.tags import Purpose
from synergos.schema import Definition

MOST_FOLDERS = 500
MOST_COLUMNS = 20_000
"""Of all folders together."""
MOST_CLASSES = 1_000
"""Of one folder; with more of them a label names rows rather than classes."""
LARGEST = 2**20
"""Bytes of JSON that all of it takes at most."""
FEW_ROWS = 10
"""Fewer than so many rows are said to be few, and no more is said of them."""

Name: TypeAlias = Annotated[str, Limits(max_length=1024)]
Sentence: TypeAlias = Annotated[str, Limits(max_length=2000)]


class Extent(StrEnum):
    """How much is published, each time with all before it."""

    OFF = "off"
    """Nothing."""
    NAMES = "names"
    """Which folders there are, and of which kind."""
    SCHEMA = "schema"
    """Their columns and types, about how many rows there are, and classes where the owner allows that."""

    def no_more_than(self, other: Extent) -> Extent:
        """The lesser of two."""
        return min(self, other, key=list(Extent).index)


class PublishedColumn(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A column of a table.

    Attributes:
        name: as all participants are to call it; of the label its own.
        unit: of numbers, where that is declared.
    """

    name: Name
    type: Name
    unit: Name | None = None
    is_label: bool = False


class PublishedRows(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """About how many rows there are.

    Attributes:
        about: rounded; None where they are few.
        fewer_than: a number above that of rows, where they are few.
    """

    about: Annotated[int, Limits(ge=FEW_ROWS, le=2**53)] | None = None
    fewer_than: Annotated[int, Limits(ge=FEW_ROWS, le=2**53)] | None = None

    def __str__(self) -> str:
        """In words."""
        return f"fewer than {self.fewer_than} rows" if self.about is None else f"about {self.about} rows"


class PublishedFolder(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A dataset folder.

    Attributes:
        path: the tokens of the tag that names it.
        datatype: ``tabular``, ``image``, …; empty where it cannot be read.
        purposes: that its owner lets whoever asks use it for, in the project that they ask for.
        title: as its owner says, as ``description``.
        options: of images, how they are read.
        rows: None where nothing is said of them.
        classes: labels, where the owner allows to name them.
        is_readable: whether it can be read as it is; why not, its owner is told alone.
    """

    path: Annotated[tuple[Name, ...], Limits(min_length=1, max_length=64)]
    datatype: Name = ""
    purposes: tuple[Purpose, ...] = ()
    title: Sentence = ""
    description: Sentence = ""
    columns: Annotated[tuple[PublishedColumn, ...], Limits(max_length=MOST_COLUMNS)] = ()
    options: Mapping[Name, Any] = {}
    rows: PublishedRows | None = None
    classes: Annotated[tuple[Name, ...], Limits(max_length=MOST_CLASSES)] = ()
    is_readable: bool = True


class Published(Struct, frozen=True, kw_only=True):
    """All that a worker publishes to somebody.

    Attributes:
        is_whole: whether no folder had to be left out because there are too many.
    """

    extent: Extent
    folders: Annotated[tuple[PublishedFolder, ...], Limits(max_length=MOST_FOLDERS)] = ()
    is_whole: bool = True


# A participant's: not repeated in errors.
PUBLISHED = Definition(Published, quotes=False)
FOLDER = Definition(PublishedFolder, quotes=False)
