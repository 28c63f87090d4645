"""A small file system in memory, which one program sees and nobody else, put where it has its folders."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

_ALONE = ("unshare", "--mount", "--user", "--map-root-user", "sh", "-c")


def on_small_disk(folder: Path, command: Sequence[str], size: int = 16, taken: int = 0) -> list[str]:
    """The command that runs another one so.

    Args:
        size: in MiB.
        taken: how many of them are when the command begins.
    """
    mounted = f'mount -t tmpfs -o size={size}m tmpfs "$0" && head -c {taken}M /dev/zero >"$0/taken" && exec "$@"'
    return [*_ALONE, mounted, str(folder), *command]


def can_mount(folder: Path) -> bool:
    """Whether this machine lets us."""
    return subprocess.run(on_small_disk(folder, ["true"]), capture_output=True, check=False).returncode == 0
