from __future__ import annotations

import torch

from synergos_worker.devices import make_ready, placed


def test_nothing_is_asked_of_the_processor() -> None:
    make_ready("cpu")

    assert not torch.are_deterministic_algorithms_enabled()
    assert not torch.backends.cudnn.deterministic


def test_a_tensor_that_is_there_already_is_not_copied() -> None:
    tensor = torch.ones(3)

    assert placed(tensor, "cpu", "ones") is tensor
