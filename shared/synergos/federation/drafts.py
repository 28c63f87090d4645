"""A driver whose requests are written down instead of sent: what a call would declare is compared before it is made."""

from __future__ import annotations

from collections.abc import Callable

from synergos.driver import Driver
from synergos.driver.answers import Answer
from synergos.driver.request import Request
from synergos.driver.transport import Transport

NOWHERE = "synergos.invalid"
_ABSENT = 404


def drafted(call: Callable[[Driver], object]) -> dict[str, object]:
    """The body of the request that a call declares something with, as JSON has it."""
    driver = _Draft()
    call(driver)
    return driver.transport.body


class _Draft(Driver):
    """Talks to nobody."""

    def __init__(self) -> None:
        super().__init__(NOWHERE, 1)
        self.transport = _Notes(self.address)
        self._transport = self.transport


class _Notes(Transport):
    """Keeps the body of the last request; there is nothing yet, whatever is asked for."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.body: dict[str, object] = {}

    def exchange(self, request: Request) -> tuple[int, Answer]:
        if isinstance(request.payload, dict):
            self.body = request.payload
        return _ABSENT, Answer({"status": _ABSENT, "message": "nothing is there"})
