"""Processors and GPUs: what is there, what may be used, and how much of it is in use."""

from __future__ import annotations

import os
from dataclasses import dataclass

import psutil
import structlog
import torch

from synergos.program.loop import Loop

log = structlog.get_logger(__name__)


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
        devices = 0 if gpus == 0 else torch.cuda.device_count()
        return cls(
            cpus=max(1, cores - 1 if cpus is None else min(cpus, cores)),
            gpus=devices if gpus is None else min(gpus, devices),
        )

    def apply(self) -> None:
        """Hold this process to it; called before the first tensor is made."""
        torch.set_num_threads(self.cpus)

    @property
    def device(self) -> str:
        """The torch device that training uses."""
        return "cuda" if self.gpus else "cpu"


def usage_log(seconds: float) -> Loop:
    """A loop, not yet started, that logs this process's processor and memory use every so often."""
    process = psutil.Process()
    # The first call says nothing; the others are about the time since the one before.
    process.cpu_percent()

    def sample() -> float:
        with process.oneshot():
            memory, processor = process.memory_info().rss, process.cpu_percent()
        log.info("usage", cpu_percent=processor, memory_bytes=memory, threads=process.num_threads())
        return seconds

    return Loop("usage", sample, delay=seconds)
