"""What an identity signs for others to show: who comes after it, and who belongs to it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Annotated, ClassVar, Self

from msgspec import Meta, Struct

from synergos.errors import InvalidRequest, WireFormatError
from synergos.identity.syft_keys import Keys, PublicKeys
from synergos.schema import Definition

GRACE = timedelta(days=30)
"""For so long after a renewal, at most, those who know the identity before know the one that came after it."""
MEMBERSHIP = timedelta(days=7)
"""For so long, at most, one belongs to another without being told again."""
CLOCKS = timedelta(days=1)
"""By so much the clocks of two programs may differ."""
MOST_SHOWN = 8
"""Renewals in a row that are shown and looked at."""

Fingerprint = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", description="of an identity")]
_Signature = Annotated[str, Meta(pattern="^[0-9a-f]{128}$")]


class Signed(Struct, frozen=True, kw_only=True):
    """A statement with its signature, and the document of who has signed.

    Attributes:
        before: the succession that the issuer shows for itself, as signed; it is not part of what is signed here.
    """

    statement: Mapping[str, object]
    signature: _Signature
    document: Mapping[str, object]
    before: Mapping[str, object] | None = None


SIGNED = Definition(Signed, quotes=False)


class Over(WireFormatError):
    """What is shown was signed, and is over."""


@dataclass(frozen=True)
class Statement:
    """What one identity says of another.

    Attributes:
        issuer: fingerprint of who says it.
        subject: of whom it is said.
        until: when it is over; None where it is not.
    """

    kind: ClassVar[str]
    longest: ClassVar[timedelta | None] = None
    issuer: str
    subject: str
    until: datetime | None = None

    def signed_by(self, keys: Keys, before: Mapping[str, object] | None = None) -> dict[str, object]:
        """The statement as others are shown it.

        Args:
            keys: the issuer's.
            before: the succession that the issuer shows for itself; None where it has none.
        """
        content = self._content()
        return {
            "statement": content,
            "signature": keys.sign(_bytes(content)).hex(),
            "document": dict(keys.public.document),
            **({} if before is None else {"before": dict(before)}),
        }

    @classmethod
    def read(cls, shown: object, now: datetime | None = None) -> Self:
        """A statement of this kind that somebody shows.

        Raises:
            WireFormatError: it is none, is over (:class:`Over`) or holds for longer than its kind may, or its issuer has not
                signed it.
        """
        found = cls.read_ever(shown)
        found._refuse_untimely(now or datetime.now(UTC))
        return found

    @classmethod
    def read_ever(cls, shown: object) -> Self:
        """The same whenever it was said and until whenever it holds, for what looks back.

        Raises:
            WireFormatError: it is none, or its issuer has not signed it.
        """
        if not isinstance(shown, Mapping):
            raise WireFormatError(f"expected a signed statement of the kind {cls.kind}")
        try:
            signed = SIGNED.read(shown)
        except InvalidRequest as error:
            raise WireFormatError(f"what is shown is no statement: {error}") from None
        issuer = PublicKeys.read(signed.document)
        issuer.verify(_bytes(signed.statement), bytes.fromhex(signed.signature))
        content = dict(signed.statement)
        if content.get("kind") != cls.kind or content.get("issuer") != issuer.fingerprint:
            raise WireFormatError(f"expected a statement of the kind {cls.kind} by who has signed it")
        known = {"kind", "issuer", "subject", "until"}
        more = {each.name: str(content.get(each.name, "")) for each in fields(cls) if each.name not in known}
        return cls(issuer.fingerprint, str(content.get("subject")), _time(content.get("until")), **more)

    def _refuse_untimely(self, now: datetime) -> None:
        if self.until is not None and self.until < now:
            raise Over(f"the {self.kind} of {self.subject} was over on {self.until:%Y-%m-%d %H:%M} UTC")
        if self.longest is not None and (self.until is None or self.until > now + self.longest + CLOCKS):
            article = "an" if self.kind[0] in "aeiou" else "a"
            raise WireFormatError(f"expected {article} {self.kind} that is over within {self.longest.days} days")

    def _content(self) -> dict[str, object]:
        return {
            "kind": self.kind,
            "issuer": self.issuer,
            "subject": self.subject,
            "until": None if self.until is None else self.until.isoformat(timespec="seconds"),
        }


class Succession(Statement):
    """The issuer's keys were renewed: until then, whoever knows it knows the subject."""

    kind = "succession"
    longest = GRACE


class Endorsement(Statement):
    """The subject belongs to the issuer: who approves of the issuer approves of it."""

    kind = "endorsement"
    longest = MEMBERSHIP


@dataclass(frozen=True)
class Refusal(Statement):
    """The issuer, a worker, lets the subject, an orchestrator, not in: anybody on the way could say as much, and not sign it.

    Attributes:
        answers: SHA-256 of what the orchestrator has sealed for the worker.
        standing: what it is to the worker; ``waiting`` or ``revoked``.
    """

    kind = "refusal"
    answers: str = ""
    standing: str = ""

    def _content(self) -> dict[str, object]:
        return {**super()._content(), "answers": self.answers, "standing": self.standing}


@dataclass(frozen=True)
class Consent(Statement):
    """The issuer, a worker, takes part in a project of the subject, an orchestrator, as it is registered there.

    Attributes:
        nonce: of the registration; another one when that changes.
    """

    kind = "consent"
    collaboration: str = ""
    project: str = ""
    participant: str = ""
    nonce: str = ""

    def _content(self) -> dict[str, object]:
        more = ("collaboration", "project", "participant", "nonce")
        return {**super()._content(), **{name: getattr(self, name) for name in more}}


def successions(
    shown: object, subject: str, now: datetime | None = None, refused: Callable[[str], object] = lambda _: None
) -> list[Succession]:
    """The successions by which an identity came to be, the newest first, as far as they are shown and hold.

    Args:
        shown: a succession, with those before it; None where there is none.
        subject: the identity.
        refused: is told why what is shown ends before all of it was looked at.
    """
    found: list[Succession] = []
    while isinstance(shown, Mapping) and len(found) < MOST_SHOWN:
        try:
            said = Succession.read(shown, now)
        except WireFormatError as error:
            refused(str(error))
            break
        if said.subject != subject:
            refused(f"the succession that is shown is not that of {subject}")
            break
        found.append(said)
        subject, shown = said.issuer, shown.get("before")
    return found


def as_far_as_shown(succession: Mapping[str, object] | None, most: int = MOST_SHOWN) -> Mapping[str, object] | None:
    """A succession with so many at most in all, those longest ago left out."""
    if succession is None or most == 0:
        return None
    before = succession.get("before")
    rest = as_far_as_shown(before if isinstance(before, Mapping) else None, most - 1)
    return {name: said for name, said in {**succession, "before": rest}.items() if said is not None}


def _bytes(content: Mapping[str, object]) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def _time(text: object) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError as error:
        raise WireFormatError("a statement says until when it holds in no form that is known") from error
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
