"""A data type that only tests know: signals of one length, each in one line of ``signals.json``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from synergos.domain.feature_space import Action, FeatureSpace
from synergos.domain.natural_order import natural_order
from synergos.domain.preparation import Prepared, Statistics, TableColumns, TableMetadata
from synergos.domain.tags import Purpose
from synergos.errors import FeatureDrift, InvalidRequest
from synergos.learning.column_alignment import Alignment
from synergos.learning.datatypes import DATATYPES
from synergos.schema import Definition
from synergos.tables.data_file import DataFile
from synergos_worker.dataset import Dataset
from synergos_worker.pipelines import PIPELINES, Contents, Description, Examples
from synergos_worker.pipelines.labels import Labels
from synergos_worker.pipelines.pipeline import LabelCounts, Origins, Outline

LEVELS_OF_VOLTAGE = 5


class SignalMetadata(TableMetadata, frozen=True, kw_only=True):
    """What is said of signals beside how many there are."""

    length: int


class Signals:
    """The TTP's half: all signals have one length; a row is (1, length)."""

    name = "signal"
    metadata = Definition(SignalMetadata, quotes=False)

    def agree(self, polled: Mapping[str, Prepared], alignment: Alignment, action: Action) -> FeatureSpace:
        lengths = {SignalMetadata.of(found.metadata[Purpose.TRAIN]).length: who for who, found in polled.items()}
        if len(lengths) > 1:
            raise InvalidRequest(f"signals differ in length: {lengths}", "length")
        return FeatureSpace(self.name, action, (), alignment.y, (1, *lengths))

    def drift(self, metadata: TableMetadata, space: FeatureSpace) -> list[str]:
        length, agreed = SignalMetadata.of(metadata).length, space.input_shape[-1]
        return [] if length == agreed else [f"length {length} (agreed: {agreed})"]

    def columns(self, space: FeatureSpace) -> tuple[str, ...]:
        return ("signal",)

    def codes(self, space: FeatureSpace) -> int:
        return LEVELS_OF_VOLTAGE


@dataclass(frozen=True)
class SignalTable:
    """Signals (N, length) of one file."""

    origins: Origins
    values: NDArray[np.float32]
    labels: Labels
    spare_bytes: int = 0

    @property
    def bytes(self) -> int:
        return self.values.nbytes + self.labels.values.nbytes


class SignalPipeline:
    """The worker's half."""

    name = Signals.name

    def reads(self, file_name: str) -> bool:
        return file_name.endswith(".json")

    def row_files(self, dataset: Dataset) -> Sequence[DataFile]:
        return dataset.files_ending("signals.json")

    def outline(self, dataset: Dataset) -> Outline:
        return Outline(self.read([dataset], Action.CLASSIFY, needs_labels=False).labels.values.size)

    def labels(self, dataset: Dataset) -> LabelCounts | None:
        return None

    def read(
        self, datasets: Sequence[Dataset], action: Action, *, needs_labels: bool, room: int | None = None
    ) -> SignalTable:
        [file] = [file for dataset in datasets for file in dataset.files if file.name.endswith("signals.json")]
        content = file.json()
        levels = tuple(natural_order(content["target"]))
        codes = np.array([levels.index(label) for label in content["target"]], dtype=np.int32)
        values = np.array(content["signals"], dtype=np.float32)
        return SignalTable(((file.name, len(values)),), values, Labels(codes, levels))

    def problems(self, dataset: Dataset, action: Action, *, needs_labels: bool) -> Iterator[InvalidRequest]:
        return iter(())

    def fit(self, table: SignalTable) -> Statistics:
        return Statistics()

    def describe(self, table: SignalTable) -> Description:
        count, length = table.values.shape
        metadata = SignalMetadata(datatype=self.name, rows=count, files=dict(table.origins), length=length)
        return Description(TableColumns((), table.labels.header), {"target": "category"}, metadata)

    def contents(self, table: SignalTable) -> Contents:
        rows = (value.tobytes() + code.tobytes() for value, code in zip(table.values, table.labels.values, strict=True))
        return Contents(len(table.values), rows, labels=table.labels.classes)

    def showing(
        self, table: SignalTable, levels: Mapping[str, Sequence[str]], labels: Sequence[str] | None
    ) -> SignalTable:
        shown = table.labels.showing(labels) if labels else None
        return table if shown is None else replace(table, labels=shown)

    def transform(self, table: SignalTable, space: FeatureSpace, *, uses_up: bool = False) -> Examples:
        if differing := Signals().drift(self.describe(table).metadata, space):
            raise FeatureDrift(differing[0])
        return Examples(table.values[:, np.newaxis], table.labels.targets(space), table.origins)


@contextmanager
def known_signals() -> Iterator[None]:
    """Inside it, signals are a data type of TTP and workers."""
    with DATATYPES.having(Signals()), PIPELINES.having(SignalPipeline()):
        yield


def write_signals(root: Path, tag: Sequence[str], count: int, length: int = 12, seed: int = 0) -> None:
    """Write a dataset of noisy signals that rise or fall."""
    rng = np.random.default_rng(seed)
    slopes = np.where(np.arange(count) % 2, 1.0, -1.0)
    values = slopes[:, np.newaxis] * np.linspace(-1, 1, length) + rng.normal(0, 0.3, (count, length))
    labels = ["rising" if slope > 0 else "falling" for slope in slopes]
    folder = root.joinpath(*tag)
    folder.mkdir(parents=True)
    (folder / "metadata.json").write_text(json.dumps({"datatype": Signals.name}))
    (folder / "signals.json").write_text(json.dumps({"signals": values.tolist(), "target": labels}))
