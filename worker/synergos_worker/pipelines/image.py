"""Images: files named in a ``mapping.csv`` become (channels, height, width), all of one size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from synergos.domain.feature_space import Action, FeatureSpace
from synergos.domain.preparation import Statistics, TableColumns
from synergos.errors import FeatureDrift, InvalidRequest, UnusableData
from synergos.images.decoding import decode
from synergos.images.options import ImageOptions, shown
from synergos.images.pictures import Pixels, read_pixels, scaled
from synergos.learning.datatypes.image import IMAGE, ImageMetadata
from synergos.tables.data_file import DataFile
from synergos.tables.metadata import METADATA
from synergos.tables.never_trained import NeverTrained
from synergos.tables.schema import CATEGORY, TARGET
from synergos_worker.dataset import Dataset
from synergos_worker.findings import Findings
from synergos_worker.pipelines.labels import Labels, label_counts, read_labels
from synergos_worker.pipelines.mapping import MAPPING, MappingFile, read_mapping
from synergos_worker.pipelines.pipeline import Contents, Description, Examples, LabelCounts, Origins, Outline


@dataclass(frozen=True)
class ImageTable:
    """Images of several datasets, one after another.

    Attributes:
        files: the mappings, each with how many rows it has.
        options: with the size that all images now have.
        labels: None where the images have none.
    """

    origins: Origins
    files: Origins
    pixels: Pixels
    options: ImageOptions
    labels: Labels | None

    @property
    def bytes(self) -> int:
        """Its pixels and labels."""
        return self.pixels.nbytes + (0 if self.labels is None else self.labels.values.nbytes)

    @property
    def spare_bytes(self) -> int:
        """None worth mentioning: pixels are bytes, a quarter of the examples."""
        return 0


class ImagePipeline:
    """Pixels stay bytes until a session needs them as numbers; nothing is fitted on the data."""

    name = IMAGE.name

    def reads(self, file_name: str) -> bool:
        """Any: the mapping names them."""
        return True

    def row_files(self, dataset: Dataset) -> Sequence[DataFile]:
        """See :class:`~synergos_worker.pipelines.pipeline.Pipeline`."""
        return [file for file in dataset.files if file.name == f"{dataset.name}/{MAPPING}"]

    def read(
        self, datasets: Sequence[Dataset], action: Action, *, needs_labels: bool, room: int | None = None
    ) -> ImageTable:
        """See :class:`~synergos_worker.pipelines.pipeline.Pipeline`."""
        options = _shared_options(datasets)
        mappings = [read_mapping(dataset, action) for dataset in datasets]
        # Labels and paths first: they are read in no time, and decoding for nothing is not.
        labels = _labels(mappings, action, needed=needs_labels)
        files = [file for mapping in mappings for file in mapping.pictures().files]
        pixels = read_pixels(files, options, room=room)
        _, _, height, width = pixels.shape
        origins = tuple((file.name, 1) for file in files)
        mapped = tuple((mapping.rows.name, mapping.rows.count) for mapping in mappings)
        return ImageTable(origins, mapped, pixels, replace(options, size=(height, width)), labels)

    def outline(self, dataset: Dataset) -> Outline:
        """See :class:`~synergos_worker.pipelines.pipeline.Pipeline`; no image is opened."""
        return Outline(read_mapping(dataset, Action.CLASSIFY).rows.count, options=_options(dataset).to_dict())

    def labels(self, dataset: Dataset) -> LabelCounts | None:
        """See :class:`~synergos_worker.pipelines.pipeline.Pipeline`."""
        return label_counts([read_mapping(dataset, Action.CLASSIFY).rows])

    def problems(self, dataset: Dataset, action: Action, *, needs_labels: bool) -> Iterator[InvalidRequest]:
        """See :class:`~synergos_worker.pipelines.pipeline.Pipeline`."""
        found = Findings()
        options, files = ImageOptions(), list[DataFile]()
        mappings = list[MappingFile]()
        with found.noted():
            options = _options(dataset)
        with found.noted():
            mappings.append(read_mapping(dataset, action))
        for mapping in mappings:
            with found.noted():
                read_labels([mapping.rows], action, needed=needs_labels)
            with found.noted():
                files += mapping.pictures().files
        for file in dict.fromkeys(files):
            with found.noted():
                decode(file, options)
        return iter(found)

    def fit(self, table: ImageTable) -> Statistics:
        """See :class:`~synergos_worker.pipelines.pipeline.Pipeline`."""
        return Statistics()

    def describe(self, table: ImageTable) -> Description:
        """See :class:`~synergos_worker.pipelines.pipeline.Pipeline`."""
        count, *shape = table.pixels.shape
        labels = table.labels
        dtype = CATEGORY if labels and labels.levels else "float64"
        return Description(
            header=TableColumns((), labels.header if labels else ()),
            schema={TARGET: dtype} if labels else {},
            metadata=ImageMetadata(
                datatype=self.name,
                rows=count,
                files=dict(table.files),
                pixel_height=shape[1],
                pixel_width=shape[2],
                color=table.options.colour.mode,
                shape=tuple(shape),
                options=table.options.to_dict(),
            ),
        )

    def contents(self, table: ImageTable) -> Contents:
        """See :class:`~synergos_worker.pipelines.pipeline.Pipeline`."""
        labels = table.labels
        own = np.zeros(len(table.pixels)) if labels is None else labels.values
        rows = (pixels.tobytes() + label.tobytes() for pixels, label in zip(table.pixels, own, strict=True))
        return Contents(len(table.pixels), rows, labels=labels.classes if labels else None)

    def showing(
        self, table: ImageTable, levels: Mapping[str, Sequence[str]], labels: Sequence[str] | None
    ) -> ImageTable:
        """See :class:`~synergos_worker.pipelines.pipeline.Pipeline`."""
        return table if labels is None or table.labels is None else replace(table, labels=table.labels.showing(labels))

    def transform(self, table: ImageTable, space: FeatureSpace, *, uses_up: bool = False) -> Examples:
        """See :class:`~synergos_worker.pipelines.pipeline.Pipeline`."""
        if drift := IMAGE.drift(self.describe(table).metadata, space):
            raise FeatureDrift(f"the images differ from those at alignment: {drift[0]}")
        inputs = scaled(table.pixels, table.options)
        if table.labels is None:
            return Examples(inputs, None, table.origins)
        never = NeverTrained(labels=table.labels.never_trained(space))
        return Examples(inputs, table.labels.targets(space), table.origins, never)


def _labels(mappings: Sequence[MappingFile], action: Action, *, needed: bool) -> Labels | None:
    """The labels of images.

    Raises:
        UnusableData: labels are missing, or a row names no file: whatever there is of both, so that nobody comes twice for it.
    """
    wrong = [complaint for mapping in mappings if (complaint := mapping.wrong_paths()) is not None]
    try:
        labels = read_labels([mapping.rows for mapping in mappings], action, needed=needed)
    except UnusableData as error:
        wrong.append(error)
        labels = None
    if wrong:
        first, *others = wrong
        told = [str(first).removeprefix(f"{first.field}: "), *map(str, others)]
        raise UnusableData("; ".join(told), first.field)
    return labels


def _shared_options(datasets: Sequence[Dataset]) -> ImageOptions:
    """The options that all datasets have.

    Raises:
        UnusableData: one is wrong, or two differ; names the datasets and the option.
    """
    first, *others = ((dataset, _options(dataset)) for dataset in datasets)
    for dataset, options in others:
        here, there = options.to_dict(), first[1].to_dict()
        for name in {**there, **here}:
            if (value := here.get(name)) != (expected := there.get(name)):
                raise UnusableData(
                    f"operations.{name} is {shown(value)}, in {first[0].name} {shown(expected)}; expected the same",
                    f"{dataset.name}/{METADATA}",
                )
    return first[1]


def _options(dataset: Dataset) -> ImageOptions:
    return ImageOptions.of(dataset.metadata.operations, f"{dataset.name}/{METADATA}")
