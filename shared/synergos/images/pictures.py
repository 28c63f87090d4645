"""Image files to pixels: one array for all of them, filled one file at a time."""

from __future__ import annotations

from collections.abc import Container, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from synergos.errors import UnusableData
from synergos.images.decoding import decode
from synergos.images.options import Fit, ImageOptions, Scaling, Size
from synergos.machine_memory import memory_left
from synergos.tables.data_file import DataFile
from synergos.tables.metadata import METADATA

Pixels = NDArray[np.uint8]
"""(N, channels, height, width), 0 to 255."""

_LARGEST_VALUE = np.float32(255)
_BYTES_PER_VALUE = 1 + 4
"""As they are kept, and as the float32 that they become."""


def read_pixels(
    files: Sequence[DataFile],
    options: ImageOptions,
    as_they_are: Container[DataFile] = frozenset(),
    *,
    room: int | None = None,
) -> Pixels:
    """Decode image files, in their order.

    Args:
        as_they_are: those that are not made to fit: they have to have the size of the options.
        room: bytes that there are for them; None for all that are free.

    Raises:
        UnusableData: a file cannot be decoded, they differ in size and ``options`` has none, or all of them take more memory
            than there is; names the files.
    """
    # The first file says how large all are, where the options do not.
    size = options.size or _size(decode(files[0], options))
    _check_memory(files, options.colour.channels, size, room)
    pixels = np.empty((len(files), options.colour.channels, *size), dtype=np.uint8)
    for place, file in zip(pixels, files, strict=True):
        image = decode(file, options)
        if options.size is None and _size(image) != size:
            raise UnusableData(
                f"the images differ in size: {files[0].name} is {_shown(size)}, {file.name} is {_shown(_size(image))}; "
                f"expected one size, or operations.size in {METADATA}",
                file.name,
            )
        if file in as_they_are and _size(image) != size:
            raise UnusableData(
                f"is {_shown(_size(image))}, and the model takes {_shown(size)}; expected images of that size, or "
                f"operations.size in a {METADATA} beside them",
                file.name,
            )
        values = np.asarray(_fitted(image, size, options.fit))
        place[...] = np.moveaxis(values.reshape(*size, -1), -1, 0)
    return pixels


def scaled(pixels: Pixels, options: ImageOptions) -> NDArray[np.float32]:
    """Pixels as inputs, (N, channels, height, width)."""
    divisor = _LARGEST_VALUE if options.scaling is Scaling.UNIT else np.float32(1)
    # Straight to the tensor's type; numpy converts a few thousand values at a time.
    return np.divide(pixels, divisor, dtype=np.float32)


def _check_memory(files: Sequence[DataFile], channels: int, size: Size, room: int | None) -> None:
    """Refuse rows that this machine cannot hold: a small file can name large ones many times."""
    needed = len(files) * channels * size[0] * size[1] * _BYTES_PER_VALUE
    free = memory_left()
    most = free if room is None else min(free, room)
    if needed > most:
        whose = "this machine has free" if most == free else f"there is room for: {most:,} bytes (--session_memory)"
        raise UnusableData(
            f"{len(files)} images of {_shown(size)} would take {needed / 2**30:.1f} GiB, more than {whose}; "
            f"expected fewer, or a smaller operations.size in {METADATA}",
            files[0].name,
        )


def _fitted(image: Image.Image, size: Size, fit: Fit) -> Image.Image:
    if _size(image) == size:
        return image
    height, width = size
    if fit is Fit.RESIZE:
        return image.resize((width, height), Image.Resampling.BILINEAR)
    scale = min(width / image.width, height / image.height)
    inner = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    canvas = Image.new(image.mode, (width, height))
    place = (width - inner[0]) // 2, (height - inner[1]) // 2
    canvas.paste(image.resize(inner, Image.Resampling.BILINEAR), place)
    return canvas


def _size(image: Image.Image) -> Size:
    return image.height, image.width


def _shown(size: Size) -> str:
    return f"{size[0]}x{size[1]}"
