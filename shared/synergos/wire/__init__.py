"""Model weights as bytes: what the data plane carries. The format is written down in docs/wire-formats.md."""

from synergos.wire.codec import Encoded, decode, encode, read_header, receive, weights_in
from synergos.wire.layout import Header, Layout, TensorSpec

__all__ = ["Encoded", "Header", "Layout", "TensorSpec", "decode", "encode", "read_header", "receive", "weights_in"]
