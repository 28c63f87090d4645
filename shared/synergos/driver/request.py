"""What is asked of an orchestrator, and for how long its answer is waited for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

READ_TIMEOUT = 60.0
"""Seconds for the answer to a GET, and between two pieces of a file, unless the driver was told a time-out."""
CHANGE_TIMEOUT = 300.0
"""Seconds for the answer to a declaration, a change or a deletion, likewise. Stage requests have as long as they take."""


@dataclass(frozen=True)
class Request:
    """One HTTP request.

    Attributes:
        path: below the orchestrator's address, encoded.
        payload: what is sent as JSON; nothing is sent when it is None.
        takes_long: it is answered when its work is done, which may take hours.
        within: seconds for its answer, if that is less than usual.
    """

    method: str
    path: str
    payload: object = None
    query: Mapping[str, str] | None = None
    headers: Mapping[str, str] | None = None
    takes_long: bool = False
    within: float | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def patience(self, told: float | None) -> float | None:
        """Seconds to wait for the answer; None for as long as it takes.

        Args:
            told: the driver's time-out, if it was told one.
        """
        usual = READ_TIMEOUT if self.method == "GET" else None if self.takes_long else CHANGE_TIMEOUT
        limits = (usual if told is None else told, self.within)
        return min((limit for limit in limits if limit is not None), default=None)
