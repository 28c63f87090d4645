"""One image file to upright grey or coloured pixels of 8 bits: what cannot be had without losing something is refused by name."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from synergos.errors import UnusableData
from synergos.images.options import ImageOptions, Window
from synergos.tables.data_file import DataFile, unreadable
from synergos.tables.metadata import METADATA
from synergos.tables.stopping import refuse_unwanted

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
"""What Pillow decodes; its other readers are not for files that somebody else made."""

LARGEST_IMAGE = 2**26
"""Pixels of one file, which is checked before any memory is taken for them."""

_KNOWN = ", ".join((*FORMATS, "DICOM"))
_MODES = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX"})
"""What becomes grey or RGB as it is seen on a screen."""
_DEEP = ("I", "F")
_NAMES = {"LAB": "CIELAB", "CMYK": "CMYK (inks)", "YCbCr": "YCbCr", "HSV": "HSV"}
_BITS_PER_SAMPLE, _SAMPLE_FORMAT = 258, 339
_BYTE = 255
_WHITE = (255, 255, 255, 255)
_DICOM_PREAMBLE, _DICOM = 128, b"DICM"


def decode(file: DataFile, options: ImageOptions) -> Image.Image:
    """One file as upright pixels of 8 bits, grey or coloured as the options say.

    Raises:
        UnusableData: it is no image of one picture, or one that would lose something; names the file and what it is.
    """
    refuse_unwanted()
    try:
        if _is_dicom(file):
            # Loaded for those who have such files.
            from synergos.images.dicom import read_dicom

            return read_dicom(file, options).convert(options.colour.mode)
        with Image.open(file.path, formats=FORMATS) as image:
            check_size(file, image.width, image.height)
            _refuse_pages(file, image)
            return _pixels(file, image, options)
    except UnusableData:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large(file) from error
    except UnidentifiedImageError as error:
        raise UnusableData(f"is no image; expected one of {_KNOWN}", file.name) from error
    except Exception as error:  # what decoders raise for a broken file has no common class
        if isinstance(error, OSError) and error.errno is not None:
            raise unreadable(file.name, error) from error
        raise UnusableData("cannot be decoded; it is damaged, or not complete", file.name) from error


def check_size(file: DataFile, width: int, height: int) -> None:
    """Refuse what would take too much memory, by what the file says of itself.

    Raises:
        UnusableData: it has too many pixels.
    """
    if width * height > LARGEST_IMAGE:
        raise _too_large(file)


def windowed(file: DataFile, values: NDArray[Any], window: Window) -> NDArray[np.uint8]:
    """Deep values as 0 to 255: the window's ends become these, and what lies beyond becomes its nearest end.

    Args:
        values: (height, width).

    Raises:
        UnusableData: a value is no number.
    """
    numbers = values.astype(np.float64)
    if not np.isfinite(numbers).all():
        raise UnusableData("has pixels that are no finite numbers", file.name)
    lowest, highest = window
    scaled = np.clip((numbers - lowest) / (highest - lowest), 0, 1) * _BYTE
    return np.rint(scaled).astype(np.uint8)


def deep(file: DataFile, kind: str) -> UnusableData:
    """The failure to raise where values of more than 8 bits come without a window."""
    return UnusableData(
        f"is {kind}, of more than 8 bits per channel; expected 8, or for grey images operations.window in {METADATA}: "
        "which values become black and white",
        file.name,
    )


def _pixels(file: DataFile, image: Image.Image, options: ImageOptions) -> Image.Image:
    # Before anything is converted: Pillow cuts deep colours off, and takes a lightness for a red, without a word.
    if image.mode.startswith(_DEEP):
        if options.window is None:
            raise deep(file, "grey")
        upright = ImageOps.exif_transpose(image)
        return Image.fromarray(windowed(file, np.asarray(upright), options.window)).convert(options.colour.mode)
    if _is_cut_off(image):
        raise deep(file, "coloured or transparent")
    if image.mode not in _MODES:
        kind = _NAMES.get(image.mode, image.mode)
        raise UnusableData(f"is {kind}; expected grey or RGB, with or without transparency", file.name)
    return _opaque(ImageOps.exif_transpose(image)).convert(options.colour.mode)


def _is_cut_off(image: Image.Image) -> bool:
    """Whether Pillow makes 8 bits of more by leaving some out; numbers with a sign too are read as if they had none."""
    tags = getattr(image, "tag_v2", {})
    if any(bits > 8 for bits in tags.get(_BITS_PER_SAMPLE, ())) or any(
        kind != 1 for kind in tags.get(_SAMPLE_FORMAT, ())
    ):
        return True
    for tile in getattr(image, "tile", ()):
        # A decoder's arguments begin with how it finds the bytes, "RGB;16B", and a PPM's end with its largest value.
        arguments = tile[3] if isinstance(tile[3], tuple) else (tile[3],)
        layout, *others = arguments
        if ";16" in str(layout) or (tile[0] == "ppm" and others and int(others[0]) > _BYTE):
            return True
    return False


def _refuse_pages(file: DataFile, image: Image.Image) -> None:
    # An MPO is a JPEG that telephones write: the first picture is the photograph, others are previews and depths.
    pages = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
    if pages > 1:
        raise UnusableData(f"has {pages} pages or pictures; expected a file for each", file.name)


def _is_dicom(file: DataFile) -> bool:
    with file.path.open("rb") as opened:
        return opened.read(_DICOM_PREAMBLE + len(_DICOM))[_DICOM_PREAMBLE:] == _DICOM


def _opaque(image: Image.Image) -> Image.Image:
    """What is transparent becomes white, as on paper."""
    if not image.has_transparency_data:
        return image
    layer = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, _WHITE), layer)


def _too_large(file: DataFile) -> UnusableData:
    return UnusableData(f"has more than {LARGEST_IMAGE:,} pixels", file.name)
