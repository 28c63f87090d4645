"""A network's weights as files: each twice, as torch writes them (``.pt``) and as everybody can read them (``.safetensors``)."""

from __future__ import annotations

import errno
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from synergos.errors import RecordNotFound, WireFormatError
from synergos.learning.algorithms import Weights


def write(path: Path, weights: Weights) -> Path:
    """Write ``<path>.pt`` and ``<path>.safetensors``; the first of them.

    Raises:
        OSError: the disk takes no more, or fails.
    """
    main = path.with_name(f"{path.name}.pt")
    # Tensors that are views of one buffer would be saved with all of it.
    own = {name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format) for name, tensor in weights.items()}
    try:
        torch.save(own, main)
        save_file(own, path.with_name(f"{path.name}.safetensors"))
    except (RuntimeError, SafetensorError) as error:
        # What torch and safetensors make of a disk that takes no more; neither is an OSError.
        raise OSError(errno.EIO, "the disk is full, or fails", str(main)) from error
    return main


def read(path: Path) -> dict[str, Tensor]:
    """Read one of the files that :func:`write` wrote; nothing in it is ever executed.

    Raises:
        RecordNotFound: there is no such file.
        WireFormatError: the file does not hold weights.
    """
    try:
        if path.suffix == ".safetensors":
            return dict(load_file(path))
        weights = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise RecordNotFound(f"the model file {path.name} is not there any more; train the run again") from error
    except Exception as error:  # torch and safetensors each raise several kinds, for bytes that are not theirs
        raise WireFormatError(f"{path.name} does not hold a model") from error
    if not isinstance(weights, dict) or not all(isinstance(tensor, Tensor) for tensor in weights.values()):
        raise WireFormatError(f"{path.name} does not hold a model")
    return dict(weights)
