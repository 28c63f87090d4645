"""Counting rows that differ: the same row put in ten times is still one."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b


def are_enough(rows: Iterable[bytes], minimum: int) -> bool:
    """Whether at least ``minimum`` of the rows differ; no more of them are looked at than that takes."""
    seen: set[bytes] = set()
    for row in rows:
        seen.add(blake2b(row, digest_size=16).digest())
        if len(seen) >= minimum:
            return True
    return False
