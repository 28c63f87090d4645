"""DICOM files, through pydicom: one picture each, their own rescaling applied, their own windows left alone."""

from __future__ import annotations

import numpy as np
from PIL import Image
from pydicom import Dataset, config, dcmread
from pydicom.filereader import read_file_meta_info
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import apply_rescale
from pydicom.pixels.utils import pixel_array
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian

from synergos.errors import UnusableData
from synergos.images.decoding import check_size, deep, windowed
from synergos.images.options import ImageOptions
from synergos.tables.data_file import DataFile

# What pydicom finds wrong with a field it would warn of in words that hold the field's value.
config.settings.reading_validation_mode = config.IGNORE

_GREY = ("MONOCHROME1", "MONOCHROME2")
_COLOURED = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
_BYTE = 255


def read_dicom(file: DataFile, options: ImageOptions) -> Image.Image:
    """The picture of a DICOM file as grey or RGB pixels of 8 bits.

    Values are what the file's rescale slope and intercept make of them. Windows in the file are for eyes and differ from file
    to file: the dataset's own says what becomes black and white.

    Raises:
        UnusableData: it has none or several, is compressed in a way that is not read here, or needs a window.
    """
    syntax = UID(str(read_file_meta_info(file.path).get("TransferSyntaxUID", "")))
    if syntax == DeflatedExplicitVRLittleEndian:
        # It would be inflated whole before its size is known.
        raise _compressed(file, syntax)
    header = dcmread(file.path, stop_before_pixels=True)
    _check(file, header, syntax)
    content = dcmread(file.path)
    pixels = pixel_array(content)
    if header.PhotometricInterpretation in _COLOURED:
        return Image.fromarray(pixels)
    values = np.asarray(apply_rescale(pixels, content))
    if options.window is not None:
        grey = windowed(file, values, options.window)
    elif pixels.dtype == np.uint8 and np.array_equal(values, pixels):
        grey = pixels
    else:
        raise deep(file, "grey DICOM")
    return Image.fromarray(_BYTE - grey if header.PhotometricInterpretation == "MONOCHROME1" else grey)


def _check(file: DataFile, header: Dataset, syntax: UID) -> None:
    """Refuse what cannot be read rightly, before any pixel is."""
    if "Rows" not in header or "Columns" not in header:
        raise UnusableData("is a DICOM file without a picture", file.name)
    check_size(file, int(header.Columns), int(header.Rows))
    if (frames := int(header.get("NumberOfFrames", 1) or 1)) > 1:
        raise UnusableData(f"has {frames} frames; expected a file for each", file.name)
    kind = str(header.get("PhotometricInterpretation", "without a kind of colour"))
    if kind not in (*_GREY, *_COLOURED):
        raise UnusableData("is a DICOM picture that is neither grey nor RGB nor YBR", file.name)
    if kind in _COLOURED and int(header.get("BitsAllocated", 0)) > 8:
        raise deep(file, "coloured DICOM")
    if not get_decoder(syntax).is_available:
        raise _compressed(file, syntax)


def _compressed(file: DataFile, syntax: UID) -> UnusableData:
    return UnusableData(f"is compressed as {syntax.name}, which is not read here; expected it uncompressed", file.name)
