"""On which terms something is declared, changed or deleted: for a try, only if it is new, only if nobody has changed it since."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from synergos.driver.errors import UsageError


@dataclass(frozen=True)
class Terms:
    """Keyword arguments of what declares a record or changes one, and the last of them of what deletes one; see docs/driver.md.

    Attributes:
        check: nothing is stored, and nothing runs: the answer is what it would be, with all ``warnings``.
        if_absent: only if nothing of that id is there; else 412, and nothing is replaced.
        if_unchanged: only if it still says what it said when it was read: the ``revision`` of that answer, or ``*`` for whatever it
            says, as long as it is there. Else 412; ``changed`` of the answer says what others have changed.
    """

    check: bool = False
    if_absent: bool = False
    if_unchanged: str | None = None

    def __post_init__(self) -> None:
        for name in ("check", "if_absent"):
            if not isinstance(value := getattr(self, name), bool):
                raise UsageError(f"expected True or False, got {value!r}", name)
        revision = self.if_unchanged
        if revision is not None and not (isinstance(revision, str) and revision and _is_plain(revision)):
            raise UsageError(f"expected the revision of an answer, got {revision!r}", "if_unchanged")
        if self.if_absent and revision is not None:
            raise UsageError("expected one of if_absent and if_unchanged: nothing is both", "if_unchanged")

    @classmethod
    def taken_from(cls, given: dict[str, Any]) -> Terms:
        """Those among the keyword arguments of a call, where they are no more then.

        Raises:
            UsageError: one is no such thing; nothing was sent.
        """
        return cls(**{name: given.pop(name) for name in cls.__dataclass_fields__ if name in given})

    @property
    def query(self) -> dict[str, str]:
        """As query parameters have them."""
        return {"check": "true"} if self.check else {}

    @property
    def headers(self) -> dict[str, str]:
        """As header fields have them."""
        if self.if_absent:
            return {"If-None-Match": "*"}
        if self.if_unchanged is None:
            return {}
        is_whole = self.if_unchanged == "*" or self.if_unchanged.startswith('"')
        return {"If-Match": self.if_unchanged if is_whole else f'"{self.if_unchanged}"'}


NO_TERMS = Terms()


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable()
