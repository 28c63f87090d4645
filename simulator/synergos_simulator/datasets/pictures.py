"""Rows of pixels as an image dataset: a file for each, and ``mapping.csv``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


def write_pictures(folder: Path, rows: pd.DataFrame, side: int) -> None:
    """Write square grey images.

    Args:
        rows: one image each, pixels row by row from 0 (black) to 16 (white), then ``target``; named by the rows' index.
        side: of an image, in pixels.
    """
    # Only with images is it needed.
    from PIL import Image

    folder.mkdir(parents=True)
    levels = rows.drop(columns="target").to_numpy(dtype=np.float64)
    pixels = np.rint(levels * (255 / 16)).astype(np.uint8).reshape(-1, side, side)
    names = [f"{number:04}.png" for number in rows.index]
    for name, values in zip(names, pixels, strict=True):
        Image.fromarray(values).save(folder / name)
    rows[["target"]].assign(image=names)[["image", "target"]].to_csv(folder / "mapping.csv", index=False)
    metadata = {"datatype": "image", "operations": {"size": [side, side], "colour": "grayscale", "scaling": "unit"}}
    (folder / "metadata.json").write_text(json.dumps(metadata, indent=4) + "\n", encoding="utf-8")
