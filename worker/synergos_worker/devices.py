"""The device that computes: the processor, or a GPU that is made ready when the worker starts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.utils import deterministic

from synergos.errors import GridError


def make_ready(device: str) -> None:
    """Have a GPU compute what the processor would, in full precision and always alike. Of the processor nothing is asked.

    Called in the process that serves, before anything is computed: CUDA does not survive a fork.
    """
    if not _is_gpu(device):
        return
    # cuBLAS reads it when it starts; without it, it may sum up in another order each time.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    # Only warned of: a few layers have no deterministic form, and still are of use.
    torch.use_deterministic_algorithms(True, warn_only=True)
    deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


def placed(tensor: Tensor, device: str, what: str) -> Tensor:
    """A tensor on the device; itself where it is there already.

    Args:
        what: it is, for people.

    Raises:
        GridError: there is no room for it.
    """
    # Not with room_for: of a small network there are many tensors, and each is here already.
    try:
        return tensor.to(device)
    except torch.OutOfMemoryError as error:
        raise _no_room(what) from error


@contextmanager
def room_for(what: str) -> Iterator[None]:
    """What is done inside the ``with`` block takes memory of the GPU.

    Args:
        what: takes it, for people.

    Raises:
        GridError: there is not enough.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise _no_room(what) from error


def _no_room(what: str) -> GridError:
    return GridError(f"{what} do not fit into the memory of the GPU")


def _is_gpu(device: str) -> bool:
    return torch.device(device).type == "cuda"
