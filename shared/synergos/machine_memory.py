"""How much memory this process may take: what the machine has, or what its control group, a container say, leaves it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import psutil

_GROUPS = Path("/proc/self/cgroup")
_MOUNT = Path("/sys/fs/cgroup")


def memory_limit(groups: Path = _GROUPS, mount: Path = _MOUNT) -> int:
    """Bytes that this process can have at most.

    Args:
        groups: the file that says which control groups it is in.
        mount: where control groups are shown.
    """
    return min([int(psutil.virtual_memory().total), *(limit for limit, _ in _limits(groups, mount))])


def memory_left(groups: Path = _GROUPS, mount: Path = _MOUNT) -> int:
    """Bytes that it can have now, beside what it has: on the machine, and in each of its groups."""
    left = [limit - used for limit, used in _limits(groups, mount)]
    return max(0, min([int(psutil.virtual_memory().available), *left]))


def _limits(groups: Path, mount: Path) -> Iterator[tuple[int, int]]:
    """Limit and use of each group that has a limit, of version 2 or 1, up to the outermost one that can be seen."""
    for line in _text(groups).splitlines():
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        if controllers and "memory" not in controllers.split(","):
            continue
        folder, limit, use = mount, "memory.max", "memory.current"
        if controllers:
            folder, limit, use = mount / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes"
        inner = PurePosixPath(path.lstrip("/"))
        for each in (inner, *inner.parents):
            if (most := _number(folder / each / limit)) is not None:
                yield most, _number(folder / each / use) or 0


def _number(path: Path) -> int | None:
    """``max`` and a file that is not there are no limit."""
    text = _text(path).strip()
    return int(text) if text.isdecimal() else None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except (OSError, ValueError):
        return ""
