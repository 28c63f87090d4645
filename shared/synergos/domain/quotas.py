"""Quotas: how much of what all share one collaboration may take."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Self

from synergos.errors import InvalidRequest, UnknownName

FLAG = "--quota"
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


@dataclass(frozen=True)
class Quotas:
    """The most of each; generous, as they are there for who takes without end.

    Attributes:
        collaborations: in all.
        records: of a collaboration, whatever their kind; and of all participants, which belong to none.
        bytes: of these records, as they are stored.
        waiting_jobs: of a collaboration, that have not ended.
        running_studies: of a collaboration.
    """

    collaborations: int = 10_000
    records: int = 100_000
    bytes: int = 2**30
    waiting_jobs: int = 10_000
    running_studies: int = 20

    @classmethod
    def read(cls, wanted: Sequence[str]) -> Self:
        """As somebody says it: ``records=5000``, ``bytes=512M``; what nothing is said of is as it is by default.

        Raises:
            InvalidRequest: there is no such quota, one stands twice, or its value is none.
        """
        known = [field.name for field in fields(cls)]
        found: dict[str, int] = {}
        for text in wanted:
            name, _, value = text.partition("=")
            if name not in known:
                raise UnknownName(name[:80], known, FLAG, "a quota", listed=known)
            if name in found:
                raise InvalidRequest(f"{name} is said twice", FLAG)
            found[name] = _amount(name, value)
        return cls(**found)

    def __str__(self) -> str:
        """As the flag takes it."""
        return " ".join(f"{name}={amount}" for name, amount in asdict(self).items())


def _amount(name: str, text: str) -> int:
    units = "".join(_UNITS) if name == "bytes" else ""
    found = re.fullmatch(rf"([0-9]{{1,15}})([{units}]?)" if units else r"([0-9]{1,15})()", text)
    if found is None or int(found[1]) == 0:
        form = "a number of bytes, as bytes=512M (K, M, G or T)" if units else f"a number, as {name}=1000"
        raise InvalidRequest(f"expected {form}, got {text[:40]!r}", FLAG)
    return int(found[1]) * _UNITS[found[2]]
