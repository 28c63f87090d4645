"""How much memory this process may take: what the machine has, or what its control group, a container say, leaves it."""

from __future__ import annotations

import psutil

from synergos.control_groups import ControlGroups

_GROUPS = ControlGroups()


def memory_limit(groups: ControlGroups = _GROUPS) -> int:
    """Bytes that this process can have at most."""
    limits = [group.limit for group in groups.memory() if group.limit is not None]
    return min([int(psutil.virtual_memory().total), *limits])


def memory_left(groups: ControlGroups = _GROUPS) -> int:
    """Bytes that it can have now, beside what it has: on the machine, and in each of its groups."""
    left = [group.limit - (group.used or 0) for group in groups.memory() if group.limit is not None]
    return max(0, min([int(psutil.virtual_memory().available), *left]))
