"""Image files to pixels: one array for all of them, filled one file at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from synergos.errors import UnusableData
from synergos.tables.data_file import DataFile, unreadable
from synergos_worker.dataset import METADATA
from synergos_worker.pipelines.image_options import Fit, ImageOptions, Size

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
"""What is decoded; Pillow's other readers are not for files that somebody else made."""

LARGEST_IMAGE = 2**26
"""Pixels of one file, which is checked before any memory is taken for them."""

Pixels = NDArray[np.uint8]
"""(N, channels, height, width), 0 to 255."""

_DEEP = ("I", "F")
_WHITE = (255, 255, 255, 255)


def read_pixels(files: Sequence[DataFile], options: ImageOptions) -> Pixels:
    """Decode image files, in their order.

    Raises:
        UnusableData: a file cannot be decoded, or they differ in size and ``options`` has none; names the files.
    """
    # The first file says how large all are, where the options do not.
    size = options.size or _size(_decoded(files[0], options))
    pixels = np.empty((len(files), options.colour.channels, *size), dtype=np.uint8)
    for place, file in zip(pixels, files, strict=True):
        image = _decoded(file, options)
        if options.size is None and _size(image) != size:
            raise UnusableData(
                f"the images differ in size: {files[0].name} is {_shown(size)}, {file.name} is {_shown(_size(image))}; "
                f"expected one size, or operations.size in {METADATA}",
                file.name,
            )
        values = np.asarray(_fitted(image, size, options.fit))
        place[...] = np.moveaxis(values.reshape(*size, -1), -1, 0)
    return pixels


def _decoded(file: DataFile, options: ImageOptions) -> Image.Image:
    """One file as upright grey or coloured pixels."""
    try:
        with Image.open(file.path, formats=FORMATS) as image:
            if image.width * image.height > LARGEST_IMAGE:
                raise _too_large(file)
            if image.mode.startswith(_DEEP):
                raise UnusableData("has more than 8 bits per channel; expected 8", file.name)
            upright = ImageOps.exif_transpose(image)
            return _opaque(upright).convert(options.colour.mode)
    except UnusableData:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large(file) from error
    except UnidentifiedImageError as error:
        raise UnusableData(f"is no image; expected one of {', '.join(FORMATS)}", file.name) from error
    except Exception as error:  # what decoders raise for a broken file has no common class
        if isinstance(error, OSError) and error.errno is not None:
            raise unreadable(file.name, error) from error
        raise UnusableData("cannot be decoded; it is damaged, or not complete", file.name) from error


def _opaque(image: Image.Image) -> Image.Image:
    """What is transparent becomes white, as on paper."""
    if not image.has_transparency_data:
        return image
    layer = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, _WHITE), layer)


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


def _too_large(file: DataFile) -> UnusableData:
    return UnusableData(f"has more than {LARGEST_IMAGE:,} pixels", file.name)
