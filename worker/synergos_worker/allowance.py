"""What a session needs to be allowed, when it is opened and as long as it lasts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol


class Allowance(Protocol):
    """That the owner of the data allows what is asked; any thread may ask."""

    def refuse(self, within: float = 0.0) -> None:
        """Refuse what is not allowed, or not any more.

        Args:
            within: seconds; what was found so lately may be taken for what is.

        Raises:
            NotAllowed: says what is not, and what would allow it.
        """
        ...

    def take(self) -> Callable[[], None]:
        """Count that it is made use of, before data is read; what takes that back, should nothing come of it.

        Raises:
            NotAllowed: it was made use of often enough.
        """
        ...


def nothing() -> None:
    """There is nothing to take back."""


class Unbounded:
    """Everything is allowed."""

    def refuse(self, within: float = 0.0) -> None:
        """See :class:`Allowance`."""

    def take(self) -> Callable[[], None]:
        """See :class:`Allowance`."""
        return nothing


UNBOUNDED: Allowance = Unbounded()


@dataclass(frozen=True)
class Both:
    """What is allowed when all of these are."""

    all: Sequence[Allowance]

    def refuse(self, within: float = 0.0) -> None:
        """See :class:`Allowance`."""
        for each in self.all:
            each.refuse(within)

    def take(self) -> Callable[[], None]:
        """See :class:`Allowance`."""
        taken: list[Callable[[], None]] = []

        def give_back() -> None:
            for each in reversed(taken):
                each()

        try:
            for each in self.all:
                taken.append(each.take())  # noqa: PERF401 - those before one that fails are given back
        except BaseException:
            give_back()
            raise
        return give_back
