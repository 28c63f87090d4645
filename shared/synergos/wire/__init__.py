"""Tensors and numbers as bytes: what the data plane carries. The format is written down in docs/wire-formats.md."""

from synergos.wire.bags import Parcel, encode_parcel, layout_of, numbers_of, parcel_of, stored_parcel
from synergos.wire.codec import Encoded, encode, read_header, receive, weights_in
from synergos.wire.layout import Header, Layout, TensorSpec
from synergos.wire.stored_tensors import StoredTensors

__all__ = [
    "Encoded",
    "Header",
    "Layout",
    "Parcel",
    "StoredTensors",
    "TensorSpec",
    "encode",
    "encode_parcel",
    "layout_of",
    "numbers_of",
    "parcel_of",
    "read_header",
    "receive",
    "stored_parcel",
    "weights_in",
]
