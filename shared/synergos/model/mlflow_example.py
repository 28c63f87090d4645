"""A row for people to see what a model takes: of what all participants agreed on, and so of nobody's."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Mapping

from synergos.domain.feature_space import FeatureSpace

_GREY = 128
_COLOURS = {1: 0, 3: 2}
"""How a PNG file says what a picture of so many channels is."""


def example_row(space: FeatureSpace, columns: tuple[str, ...]) -> Mapping[str, float | str]:
    """One row by its columns: of numbers the mean, of categories the most frequent, of pictures a grey one of the model's size.

    Args:
        columns: the raw columns of the model, in their order.
    """
    if not space.numeric and not space.categorical and len(columns) == 1:
        return {columns[0]: data_uri(*space.input_shape)}
    return {
        name: float(space.numeric[name].mean) if name in space.numeric else space.categorical[name].most_frequent
        for name in columns
    }


def data_uri(channels: int, height: int, width: int) -> str:
    """A grey picture as text, which is how one is sent to where there is no file of it."""
    line = b"\0" + bytes([_GREY]) * (width * channels)
    header = struct.pack(">IIBBBBB", width, height, 8, _COLOURS[channels], 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(line * height)), (b"IEND", b""))
    file = b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*part) for part in parts)
    return f"data:image/png;base64,{base64.b64encode(file).decode()}"


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
