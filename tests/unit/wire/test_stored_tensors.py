"""Tensors of a file: the values that were written, mapped one at a time, also when the file has lost its name."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor

from synergos.errors import WireFormatError
from synergos.wire import StoredTensors, encode

WEIGHTS = {
    "large": torch.arange(300_000, dtype=torch.float32).reshape(300, 1000),
    "count": torch.tensor(7),
    "nothing": torch.empty((0, 4)),
    "flags": torch.tensor([True, False, True]),
    "half": torch.tensor([1.5, -2.25], dtype=torch.bfloat16),
}


def written(folder: Path, weights: Mapping[str, Tensor] = WEIGHTS) -> Path:
    path = folder / "weights.safetensors"
    path.write_bytes(b"".join(encode(weights, {"round": 3}).chunks()))
    return path


def maps(path: Path) -> int:
    return Path("/proc/self/maps").read_text().count(str(path))


def test_tensors_are_what_was_written_under_the_names_they_had(tmp_path: Path) -> None:
    found = StoredTensors(written(tmp_path))

    assert set(found) == set(WEIGHTS)
    assert len(found) == len(WEIGHTS)
    assert found.metadata == {"round": 3}
    for name, tensor in WEIGHTS.items():
        assert torch.equal(found[name], tensor)
        assert (found[name].shape, found[name].dtype) == (tensor.shape, tensor.dtype)


def test_a_tensor_is_in_memory_only_while_somebody_has_it(tmp_path: Path) -> None:
    path = written(tmp_path)
    found = StoredTensors(path)

    tensor = found["large"]
    row = tensor[1]
    del tensor
    assert (maps(path), row[0].item()) == (1, 1000.0)
    del row
    gc.collect()

    assert maps(path) == 0


def test_a_file_can_be_read_when_its_name_is_gone(tmp_path: Path) -> None:
    path = written(tmp_path)
    found = StoredTensors(path)
    path.unlink()

    assert torch.equal(found["large"], WEIGHTS["large"])


def test_what_is_written_into_a_tensor_does_not_reach_the_file(tmp_path: Path) -> None:
    path = written(tmp_path)

    StoredTensors(path)["large"].zero_()

    assert torch.equal(StoredTensors(path)["large"], WEIGHTS["large"])


@pytest.mark.parametrize("content", [b"", b"\0" * 100, b"\xff" * 100, b"\2\0\0\0\0\0\0\0[]"])
def test_what_is_no_file_of_tensors_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "weights.safetensors"
    path.write_bytes(content)

    with pytest.raises(WireFormatError, match="does not begin as a file of tensors does"):
        StoredTensors(path)


def test_a_file_that_is_not_whole_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path)
    path.write_bytes(path.read_bytes()[:-1])

    with pytest.raises(WireFormatError, match="does not have the length that its header says"):
        StoredTensors(path)
