"""Image files as cameras, scanners and microscopes write them, made by hand, byte by byte where Pillow cannot write them."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

GREY, COLOURED, GREY_AND_ALPHA = 0, 2, 4
"""Kinds of colour of a PNG."""


def deep_png(kind: int, samples: NDArray[np.uint16]) -> bytes:
    """A PNG of 16 bits per channel.

    Args:
        samples: (height, width, channels).
    """
    height, width, _ = samples.shape
    lines = b"".join(b"\0" + line.astype(">u2").tobytes() for line in samples)
    header = struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)


def tiff(bits: int, photometric: int, samples: int, sample_format: int = 1, side: int = 2) -> bytes:
    """An uncompressed little-endian TIFF, every sample 0.

    Args:
        photometric: what colours mean, 1 grey, 2 RGB, 5 inks, 8 CIELAB.
        sample_format: 1 without a sign, 2 with one.
    """
    pixels = bytes(side * side * samples * bits // 8)
    short, long = 3, 4
    # Several values of a tag stand behind the directory: here the bits and formats, each its own copy.
    tags = {
        256: (short, (side,)),
        257: (short, (side,)),
        258: (short, (bits,) * samples),
        259: (short, (1,)),
        262: (short, (photometric,)),
        273: (long, (0,)),
        277: (short, (samples,)),
        278: (short, (side,)),
        279: (long, (len(pixels),)),
        339: (short, (sample_format,) * samples),
    }
    behind = 8 + 2 + 12 * len(tags) + 4
    entries, more = b"", b""
    where_pixels_are = behind + 2 * 2 * samples
    for tag, (kind, values) in tags.items():
        packed = struct.pack(f"<{len(values)}{'H' if kind == short else 'I'}", *values)
        if tag == 273:
            packed = struct.pack("<I", where_pixels_are)
        if len(packed) > 4 or tag in (258, 339):
            place = behind + len(more)
            more += packed.ljust(2 * samples, b"\0")
            packed = struct.pack("<I", place) if len(packed) > 4 else packed
        entries += struct.pack("<HHI", tag, kind, len(values)) + packed.ljust(4, b"\0")
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4) + more + pixels


def write_dicom(path: Path, pixels: NDArray[np.uint8] | NDArray[np.uint16], **fields: object) -> None:
    """A DICOM file.

    Args:
        pixels: (height, width) or (height, width, 3).
        fields: others of the dataset, by keyword; ``TransferSyntaxUID`` is the file's, and changes no pixel.
    """
    bits = 8 * pixels.itemsize
    content = Dataset()
    content.SOPClassUID, content.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", generate_uid()
    content.Rows, content.Columns = pixels.shape[:2]
    content.SamplesPerPixel = 1 if pixels.ndim == 2 else pixels.shape[2]
    content.PhotometricInterpretation = "MONOCHROME2" if pixels.ndim == 2 else "RGB"
    if pixels.ndim > 2:
        content.PlanarConfiguration = 0
    content.BitsAllocated = content.BitsStored = bits
    content.HighBit, content.PixelRepresentation = bits - 1, 0
    syntax = UID(str(fields.pop("TransferSyntaxUID", ExplicitVRLittleEndian)))
    content.PixelData = encapsulate([pixels.tobytes()]) if syntax.is_encapsulated else pixels.tobytes()
    for name, value in fields.items():
        setattr(content, name, value)
    content.file_meta = FileMetaDataset()
    content.file_meta.TransferSyntaxUID = syntax
    content.file_meta.MediaStorageSOPClassUID = content.SOPClassUID
    content.file_meta.MediaStorageSOPInstanceUID = content.SOPInstanceUID
    written = BytesIO()
    content.save_as(written, enforce_file_format=True, little_endian=True, implicit_vr=False)
    path.write_bytes(written.getvalue())


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
