"""What was found to be wrong so far, where one problem is not to hide the next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from synergos.errors import InvalidRequest


class Findings:
    """Problems in the order in which they were found; one thing is told once, however often it was come upon."""

    def __init__(self) -> None:
        self._problems: dict[str, InvalidRequest] = {}

    def __iter__(self) -> Iterator[InvalidRequest]:
        return iter(self._problems.values())

    def add(self, problems: Iterable[InvalidRequest]) -> bool:
        """Add what somebody else found; whether that was anything."""
        found = {str(problem): problem for problem in problems}
        self._problems |= {text: problem for text, problem in found.items() if text not in self._problems}
        return bool(found)

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Inside it, what is refused is noted, and whoever looks goes on."""
        try:
            yield
        except InvalidRequest as problem:
            self.add([problem])
