"""Processors and GPUs: what is there, and what may be used."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Resources:
    """What this program may use.

    Attributes:
        cpus: threads for tensor operations, at least one.
        gpus: CUDA devices, 0 for none.
    """

    cpus: int
    gpus: int

    @classmethod
    def within(cls, cpus: int | None, gpus: int | None) -> Resources:
        """What was asked for, as far as it is there; nothing asked means all cores but one and every GPU."""
        cores = len(os.sched_getaffinity(0))
        # Without GPUs wanted, CUDA is not even asked.
        devices = 0 if gpus == 0 else _devices()
        return cls(
            cpus=max(1, cores - 1 if cpus is None else min(cpus, cores)),
            gpus=devices if gpus is None else min(gpus, devices),
        )

    def apply(self) -> None:
        """Hold this process to it; called before the first tensor is made."""
        # Late: programs that compute nothing have no torch.
        import torch

        torch.set_num_threads(self.cpus)

    @property
    def device(self) -> str:
        """The torch device that training uses."""
        return "cuda" if self.gpus else "cpu"


NO_RESOURCES = Resources(1, 0)
"""Of a program that computes nothing."""


def _devices() -> int:
    import torch

    return torch.cuda.device_count()
