"""The control groups of Linux that this process is in, a container's say, and what they let it have; of version 1 and 2."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_UNLIMITED = 2**60
"""What version 1 says of memory without a limit is more than that."""


@dataclass(frozen=True)
class Memory:
    """Of one group, in bytes; None for what it does not say.

    Attributes:
        limit: None without one, too.
        used: by all processes in it, and in the groups below it.
    """

    limit: int | None
    used: int | None


@dataclass(frozen=True)
class ControlGroups:
    """Those of this process.

    Attributes:
        of_process: the file that says which ones it is in.
        mount: where control groups are shown.
    """

    of_process: Path = Path("/proc/self/cgroup")
    mount: Path = Path("/sys/fs/cgroup")

    def memory(self) -> list[Memory]:
        """Of each group that says something, from the innermost outwards."""
        found = [Memory(_limit(group), _used(group)) for group in self._of("memory")]
        return [each for each in found if each != Memory(None, None)]

    def cores(self) -> list[float]:
        """How many processors each group with a limit may use, from the innermost outwards."""
        return [cores for group in self._of("cpu") if (cores := _cores(group)) is not None]

    def _of(self, controller: str) -> Iterator[Path]:
        """From its own to the uppermost that is seen; of version 2, then of version 1."""
        for top, below in ((self.mount, self._path_of("")), (self.mount / controller, self._path_of(controller))):
            # A container may be told the host's path, and sees no such folder.
            yield from (group for part in (below, *below.parents) if (group := top / part).is_dir())

    def _path_of(self, controller: str) -> Path:
        """Where this process is below the top of a controller's groups, with version 1; of all, with version 2 and no name."""
        try:
            lines = self.of_process.read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError):
            return Path()
        for line in lines:
            _, controllers, path = (*line.split(":", 2), "", "")[:3]
            if controller in controllers.split(",") and ".." not in path:
                return Path(path.lstrip("/"))
        return Path()


def _limit(group: Path) -> int | None:
    found = _number(group / "memory.max", group / "memory.limit_in_bytes")
    return None if found is None or found >= _UNLIMITED else found


def _used(group: Path) -> int | None:
    return _number(group / "memory.current", group / "memory.usage_in_bytes")


def _cores(group: Path) -> float | None:
    try:
        quota, period = (group / "cpu.max").read_text(encoding="ascii").split()
    except (OSError, ValueError):
        of_quota, of_period = (_number(group / f"cpu.cfs_{what}_us") for what in ("quota", "period"))
        return of_quota / of_period if of_quota and of_quota > 0 and of_period else None
    return int(quota) / int(period) if quota.isdecimal() else None


def _number(*places: Path) -> int | None:
    """What the first of some files says that says a number."""
    for place in places:
        try:
            return int(place.read_text(encoding="ascii"))
        except (OSError, ValueError):
            continue
    return None
