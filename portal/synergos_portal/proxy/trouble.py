"""Why a page of another program cannot be shown; its window says so in a sentence instead."""

from __future__ import annotations

from enum import Enum, auto
from http import HTTPStatus

RETRY_SECONDS = 3
"""After which a page that says so asks again."""


class Kind(Enum):
    """What is wrong."""

    AWAY = auto()
    """Nobody answers there."""
    SLOW = auto()
    NONSENSE = auto()
    """The answer is none of HTTP."""
    BUSY = auto()
    """As many requests are under way as there may be."""
    LOGIN_REFUSED = auto()
    """It does not know the user and the password that it is asked with."""
    FAILING = auto()
    """It answers that it cannot, or will not."""
    NOT_SIGNED_IN = auto()
    NOT_PERMITTED = auto()
    READING_ONLY = auto()
    OTHER_SITE = auto()
    TOO_LARGE = auto()
    BAD_ADDRESS = auto()
    BAD_METHOD = auto()
    UNKNOWN = auto()

    @property
    def status(self) -> HTTPStatus:
        """What is answered."""
        return _STATUSES[self]

    @property
    def may_pass(self) -> bool:
        """Whether asking again may help."""
        return self in _PASSING


_STATUSES = {
    Kind.AWAY: HTTPStatus.BAD_GATEWAY,
    Kind.SLOW: HTTPStatus.GATEWAY_TIMEOUT,
    Kind.NONSENSE: HTTPStatus.BAD_GATEWAY,
    Kind.BUSY: HTTPStatus.SERVICE_UNAVAILABLE,
    Kind.LOGIN_REFUSED: HTTPStatus.BAD_GATEWAY,
    Kind.FAILING: HTTPStatus.BAD_GATEWAY,
    # What 401 has browsers ask for is a program's password, and no sign-in of the portal's.
    Kind.NOT_SIGNED_IN: HTTPStatus.FORBIDDEN,
    Kind.NOT_PERMITTED: HTTPStatus.FORBIDDEN,
    Kind.READING_ONLY: HTTPStatus.METHOD_NOT_ALLOWED,
    Kind.OTHER_SITE: HTTPStatus.FORBIDDEN,
    Kind.TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Kind.BAD_ADDRESS: HTTPStatus.BAD_REQUEST,
    Kind.BAD_METHOD: HTTPStatus.METHOD_NOT_ALLOWED,
    Kind.UNKNOWN: HTTPStatus.NOT_FOUND,
}
_PASSING = (Kind.AWAY, Kind.SLOW, Kind.NONSENSE, Kind.BUSY, Kind.LOGIN_REFUSED, Kind.FAILING, Kind.NOT_SIGNED_IN)


class Trouble(Exception):
    """A page is not shown.

    Attributes:
        tool: what the program is called; empty where there is none.
        where: its host and port.
        answered: the status that it answers with, where it does.
    """

    def __init__(self, kind: Kind, tool: str = "", where: str = "", answered: int | None = None) -> None:
        super().__init__(kind.name, tool, where)
        self.kind = kind
        self.tool = tool
        self.where = where
        self.answered = answered
