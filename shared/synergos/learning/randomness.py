"""Random numbers that depend on what they are for, and on nothing that runs beside it."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

# torch's layers draw from one generator per process; sessions that train at the same time take turns with it.
_GLOBAL_GENERATOR = threading.RLock()


def seed_from(*parts: object) -> int:
    """A seed that depends on ``parts`` alone: the same in every process and on every machine."""
    digest = hashlib.sha256(json.dumps([str(part) for part in parts]).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


class RandomStream:
    """A sequence of random numbers of its own for code that can only draw from torch's global generator."""

    def __init__(self, seed: int, device: torch.device | None = None) -> None:
        self._device = device if device is not None and device.type == "cuda" else None
        self._state = torch.Generator().manual_seed(seed).get_state()
        if self._device is not None:
            self._device_state = torch.Generator(self._device).manual_seed(seed).get_state()

    @contextmanager
    def drawing(self) -> Iterator[None]:
        """Let the global generator continue this stream; afterwards it is as it was before."""
        with _GLOBAL_GENERATOR:
            outside = torch.get_rng_state()
            device_outside = torch.cuda.get_rng_state(self._device) if self._device is not None else None
            torch.set_rng_state(self._state)
            if self._device is not None:
                torch.cuda.set_rng_state(self._device_state, self._device)
            try:
                yield
            finally:
                self._state = torch.get_rng_state()
                torch.set_rng_state(outside)
                if self._device is not None and device_outside is not None:
                    self._device_state = torch.cuda.get_rng_state(self._device)
                    torch.cuda.set_rng_state(device_outside, self._device)
