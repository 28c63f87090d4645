"""What this machine has: Synergos, processors, memory, room on its disks, and a GPU that can be used."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from synergos.control_groups import ControlGroups
from synergos.doctor.finding import Finding, State

HERE = "this machine"
_LITTLE_MEMORY, _NO_MEMORY = 2**30, 2**28
_LITTLE_ROOM, _NO_ROOM = 2**31, 2**27
_SECONDS = 60.0
_USABLE = "import torch; print(torch.cuda.device_count(), torch.version.cuda)"


def machine(folders: Sequence[Path]) -> Iterator[Finding]:
    """Look at it.

    Args:
        folders: where a program of ours reads and writes.
    """
    yield Finding(HERE, "version", State.FINE, f"Synergos {version('synergos')}, Python {sys.version.split()[0]}")
    yield _memory()
    for folder in folders:
        yield _disk(folder)
    yield _gpu()


def _memory() -> Finding:
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    free = _free_memory()
    if free is None:
        return Finding(
            HERE, "memory", State.NOTE, f"{processors} processors; how much memory is free cannot be seen here"
        )
    said = f"{free / 2**30:.1f} GiB free, {processors} processors"
    if free >= _LITTLE_MEMORY:
        return Finding(HERE, "memory", State.FINE, said)
    state = State.FAILED if free < _NO_MEMORY else State.NOTE
    return Finding(HERE, "memory", state, f"{said}: a worker needs about 1 GiB before it reads a row")


def _free_memory() -> int | None:
    """Bytes; what the group of a container may have counts, too."""
    left = [group.limit - (group.used or 0) for group in ControlGroups().memory() if group.limit is not None]
    known = [each for each in (_available(), *left) if each is not None]
    return min(known) if known else None


def _available() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError):
        return None


def _disk(folder: Path) -> Finding:
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return Finding(HERE, "disk", State.FAILED, f"{folder} cannot be looked at: {error.strerror}")
    said = f"{free / 2**30:.1f} GiB free at {folder}"
    if free >= _LITTLE_ROOM:
        return Finding(HERE, "disk", State.FINE, said)
    state = State.FAILED if free < _NO_ROOM else State.NOTE
    return Finding(HERE, "disk", state, f"{said}: models, rounds and predictions are written there")


def _gpu() -> Finding:
    there = _output("nvidia-smi", "--query-gpu=name,memory.free", "--format=csv,noheader")
    if not there:
        return Finding(HERE, "GPU", State.FINE, "none that a driver knows of; training uses the processors")
    cards = "; ".join(line.strip() for line in there.splitlines())
    if find_spec("torch") is None:
        return Finding(HERE, "GPU", State.FINE, f"{cards}; torch is not installed here")
    usable = (_output(sys.executable, "-c", _USABLE) or "0 ?").split()
    if usable[0] != "0":
        return Finding(HERE, "GPU", State.FINE, f"{cards}; torch uses {usable[0]} of them (CUDA {usable[-1]})")
    said = f"{cards}, but torch cannot use it (CUDA {usable[-1]}): install a torch that goes with the driver, or update the driver"
    return Finding(HERE, "GPU", State.FAILED, said)


def _output(*command: str) -> str | None:
    """What a command writes; None where there is none, or it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=True)  # noqa: S603 - ours alone
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
