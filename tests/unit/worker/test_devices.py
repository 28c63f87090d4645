from __future__ import annotations

import pytest
import torch

from synergos.errors import GridError
from synergos_worker.devices import make_ready, placed, room_for


def test_nothing_is_asked_of_the_processor() -> None:
    make_ready("cpu")

    assert not torch.are_deterministic_algorithms_enabled()
    assert not torch.backends.cudnn.deterministic


def test_a_tensor_that_is_there_already_is_not_copied() -> None:
    tensor = torch.ones(3)

    assert placed(tensor, "cpu", "ones") is tensor


def test_a_gpu_that_is_too_small_is_said() -> None:
    with pytest.raises(GridError, match="the rows do not fit into the memory of the GPU"), room_for("the rows"):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
