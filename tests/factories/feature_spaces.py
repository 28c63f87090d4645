"""Short ways to write features, labels, and what a worker says of its datasets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import to_builtins

from synergos.domain.feature_space import LABEL, Feature
from synergos.domain.preparation import STATISTICS, TOLD, Prepared, Statistics, TableColumns
from synergos.learning.possible_preparation import read_preparation


def feature(text: str) -> Feature:
    """``age`` is a numeric column, ``sex=0`` a level of a categorical one."""
    column, is_level, level = text.partition("=")
    return Feature(column, level if is_level else None)


def features(*texts: str) -> tuple[Feature, ...]:
    return tuple(map(feature, texts))


def labels(*levels: str) -> tuple[Feature, ...]:
    """The column of labels with each level; alone without any."""
    return tuple(Feature(LABEL, level) for level in levels) or (Feature(LABEL),)


def columns(X: Iterable[str], y: Iterable[Feature] = ()) -> TableColumns:
    return TableColumns(features(*X), tuple(y))


def prepared(said: Mapping[str, Any]) -> Prepared:
    """What a worker said, as JSON has it or with parts as they are typed."""
    return read_preparation(TOLD.read(to_builtins(said)))


def statistics(**said: Mapping[str, Any]) -> Statistics:
    """What a worker said of training rows: ``numeric`` and ``categorical``."""
    return STATISTICS.read(said)
