"""The tensors of a safetensors file that this program has written, each in memory only while somebody holds it."""

from __future__ import annotations

import json
import math
import mmap
import os
import weakref
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypedDict

import torch
from torch import Tensor

from synergos.errors import WireFormatError
from synergos.wire.layout import DTYPES, MAXIMUM_HEADER_BYTES, METADATA_ENTRY


class _Entry(TypedDict):
    """What the header says of one tensor."""

    dtype: str
    shape: Sequence[int]
    data_offsets: Sequence[int]


class StoredTensors(Mapping[str, Tensor]):
    """A tensor is mapped from the file when it is asked for, and unmapped when nobody has it any more.

    So that a model is passed through with the memory of one of its tensors: a mapped page that was read counts as the process's own.
    The file stays readable when its names are taken away.

    Raises:
        WireFormatError: the file is not whole.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = os.open(path, os.O_RDONLY)
        weakref.finalize(self, os.close, self._file)
        size = int.from_bytes(os.pread(self._file, 8, 0), "little")
        self._data = 8 + size
        try:
            header = json.loads(os.pread(self._file, min(size, MAXIMUM_HEADER_BYTES), 8))
            self._metadata: Mapping[str, str] = header.pop("__metadata__", {})
            self._entries: Mapping[str, _Entry] = header
            end = max((entry["data_offsets"][1] for entry in self._entries.values()), default=0)
        except (ValueError, AttributeError, TypeError, LookupError) as error:
            raise WireFormatError(f"{path.name} does not begin as a file of tensors does") from error
        if self._data + end != os.fstat(self._file).st_size:
            raise WireFormatError(f"{path.name} does not have the length that its header says")

    @property
    def metadata(self) -> Mapping[str, object]:
        """What the file says beside its tensors."""
        metadata: dict[str, object] = json.loads(self._metadata.get(METADATA_ENTRY, "{}"))
        return metadata

    def __getitem__(self, name: str) -> Tensor:
        entry = self._entries[name]
        dtype, shape = DTYPES[entry["dtype"]], entry["shape"]
        start, end = (self._data + offset for offset in entry["data_offsets"])
        if start == end:
            return torch.empty(shape, dtype=dtype)
        # Maps begin where pages do. Private, so that nobody who writes into a tensor writes into the file.
        page = start - start % mmap.ALLOCATIONGRANULARITY
        memory = mmap.mmap(self._file, end - page, access=mmap.ACCESS_COPY, offset=page)
        return torch.frombuffer(memory, dtype=dtype, count=math.prod(shape), offset=start - page).reshape(shape)

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __contains__(self, name: object) -> bool:
        # A mapping would map the tensor to find out.
        return name in self._entries

    def __len__(self) -> int:
        return len(self._entries)
