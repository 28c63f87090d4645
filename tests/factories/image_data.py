"""Image datasets for a worker, written by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

Shape = tuple[int, ...]


def picture(shape: Shape, seed: int = 0) -> Image.Image:
    """Noise of a shape: (height, width) is grey, (height, width, 3) coloured."""
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8))


def write_images(
    root: Path,
    tag: Sequence[str],
    images: Mapping[str, Image.Image],
    labels: Sequence[object] | None = None,
    operations: object = None,
) -> Path:
    """Write one image dataset, its rows in the order given; the folder."""
    folder = root.joinpath(*tag)
    folder.mkdir(parents=True, exist_ok=True)
    for name, image in images.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        image.save(folder / name)
    write_mapping(folder, list(images), labels)
    metadata: dict[str, Any] = {"datatype": "image", "operations": {} if operations is None else operations}
    (folder / "metadata.json").write_text(json.dumps(metadata))
    return folder


def write_mapping(folder: Path, names: Sequence[str], labels: Sequence[object] | None) -> None:
    """Write ``mapping.csv``, without its second column when there are no labels."""
    header = "image" if labels is None else "image,target"
    lines = names if labels is None else [f"{name},{label}" for name, label in zip(names, labels, strict=True)]
    (folder / "mapping.csv").write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")


def stripes(count: int, side: int = 8, seed: int = 0) -> tuple[dict[str, Image.Image], list[str]]:
    """Noisy stripes that go across or down, and which."""
    rng = np.random.default_rng(seed)
    images, labels = {}, []
    for index in range(count):
        values = rng.integers(0, 120, (side, side))
        values[::2] += 120
        labels.append("across" if index % 2 else "down")
        values = values if index % 2 else values.T
        images[f"{index}.png"] = Image.fromarray(values.astype(np.uint8))
    return images, labels
