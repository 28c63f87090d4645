"""Processors and GPUs: what is there, what may be used, and how much of it is in use."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass

import psutil
import structlog
import torch

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


def log_usage(seconds: float, stop: threading.Event) -> threading.Thread:
    """Log this process's processor and memory use every so often until ``stop`` is set."""
    process = psutil.Process()

    def sample() -> None:
        process.cpu_percent()
        while not stop.wait(seconds):
            with process.oneshot():
                memory, processor = process.memory_info().rss, process.cpu_percent()
            log.info("usage", cpu_percent=processor, memory_bytes=memory, threads=process.num_threads())

    thread = threading.Thread(target=sample, name="usage", daemon=True)
    thread.start()
    return thread
