from __future__ import annotations

from pathlib import Path

import pytest
import torch

from synergos.errors import RecordNotFound, WireFormatError
from synergos.learning.families.layers.files import read, write


def test_views_of_one_buffer_are_not_saved_with_all_of_it(tmp_path: Path) -> None:
    buffer = torch.zeros(1_000_000)

    main = write(tmp_path / "model", {"a": buffer[:10], "b": buffer[10:20].reshape(2, 5).T})

    assert main == tmp_path / "model.pt"
    assert main.stat().st_size < 10_000
    assert read(main)["b"].shape == (5, 2)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    for name in ("global_model.pt", "global_model.safetensors"):
        with pytest.raises(RecordNotFound, match=name):
            read(tmp_path / name)


class Intruder:
    """Touches a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("content", [b"", b"no weights at all", b"\x00" * 100])
@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_bytes_that_are_no_weights_are_refused(tmp_path: Path, content: bytes, suffix: str) -> None:
    path = tmp_path / f"model{suffix}"
    path.write_bytes(content)

    with pytest.raises(WireFormatError):
        read(path)


def test_nothing_in_a_file_is_executed(tmp_path: Path) -> None:
    torch.save({"weight": Intruder(tmp_path / "touched")}, tmp_path / "model.pt")

    with pytest.raises(WireFormatError):
        read(tmp_path / "model.pt")

    assert not (tmp_path / "touched").exists()


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    torch.save([1, 2], tmp_path / "list.pt")

    with pytest.raises(WireFormatError):
        read(tmp_path / "list.pt")
