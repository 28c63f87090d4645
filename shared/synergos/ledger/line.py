"""One line of a ledger: what happened, which line is before it, and the signature of who says so."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct, structs

from synergos.errors import InvalidRequest, WireFormatError
from synergos.identity.statements import Fingerprint
from synergos.identity.syft_keys import Keys, PublicKeys
from synergos.schema import Definition
from synergos.schema.json_text import HALVES, object_in

NOTHING_BEFORE = "0" * 64
"""What the first line of all has in the place of a digest."""
FILE_BEGUN, RENEWED, HALF, UNNOTED = "file begun", "identity renewed", "half a line", "end unknown"
"""What lines say that are about the ledger itself."""
COLUMN_OF = {
    "collab_id": "collaboration",
    "project_id": "project",
    "expt_id": "experiment",
    "run_id": "run",
    "participant_id": "participant",
    "job_id": "job",
}
"""What lines call the ids of records."""

Digest = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


class Line(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A line as a file has it, in JSON.

    Attributes:
        kind: tells it from other statements that the same keys sign.
        number: counts from 0, through all files.
        before: SHA-256 of the line before, as bytes without its line break.
        at: when; ISO 8601, UTC.
        signer: the fingerprint of who has signed.
        what: happened.
        about: whatever else is known of it.
        signature: over all other fields, as JSON with sorted names, without blanks, ASCII only.
    """

    kind: Literal["ledger"] = "ledger"
    number: Annotated[int, Meta(ge=0)]
    before: Digest
    at: str
    signer: Fingerprint
    what: str
    about: dict[str, object]
    signature: Annotated[str, Meta(pattern="^[0-9a-f]{128}$")]

    def content(self) -> bytes:
        """The line, without its line break."""
        return _bytes(msgspec.to_builtins(self))

    def verify(self, signer: PublicKeys) -> None:
        """Make sure that it was signed as it is.

        Raises:
            WireFormatError: it was not.
        """
        signer.verify(self.signed_content(), bytes.fromhex(self.signature))

    def signed_content(self) -> bytes:
        """What of it is signed: all but the signature itself."""
        return _bytes({name: value for name, value in structs.asdict(self).items() if name != "signature"})


LINE = Definition(Line, quotes=False)


@dataclass(frozen=True)
class Head:
    """How far a ledger goes, or went: whoever keeps one can tell later whether what came before is there unchanged.

    Attributes:
        number: of the line.
        digest: of the line.
    """

    number: int
    digest: str

    @classmethod
    def read(cls, text: str) -> Head:
        """One as ``NUMBER:DIGEST``.

        Raises:
            InvalidRequest: it is none.
        """
        number, _, digest = text.partition(":")
        if not (number.isascii() and number.isdecimal() and len(number) < 16 and is_digest(digest)):
            raise InvalidRequest(
                f"expected NUMBER:DIGEST, as synergos audit verify says it, got {text[:100]!r}", "--head"
            )
        return cls(int(number), digest)

    def __str__(self) -> str:
        return f"{self.number}:{self.digest}"


START = Head(-1, NOTHING_BEFORE)
"""That of a ledger without lines."""


def is_digest(text: str) -> bool:
    """Whether a text is the digest of a line."""
    return len(text) == len(NOTHING_BEFORE) and set(text) <= set("0123456789abcdef")


def signed(keys: Keys, after: Head, at: str, what: str, about: Mapping[str, object]) -> Line:
    """The line that comes after another; halves of surrogate pairs, as names of files that are no UTF-8 have them, are spelled out in it.

    Raises:
        TypeError: JSON has no such value.
        ValueError: nor such a number.
    """
    unsigned = Line(
        number=after.number + 1,
        before=after.digest,
        at=at,
        signer=keys.public.fingerprint,
        what=what,
        about=_spelled_out(dict(about)),
        signature="",
    )
    return structs.replace(unsigned, signature=keys.sign(unsigned.signed_content()).hex())


def line_of(content: bytes) -> Line:
    """The line that a line of a file is.

    Raises:
        WireFormatError: it is none, or written otherwise than lines are.
    """
    try:
        found = LINE.read(object_in(content))
    except (InvalidRequest, ValueError) as error:
        raise WireFormatError("it is no line of a ledger") from error
    if found.content() != content:
        raise WireFormatError("it is not written as lines of a ledger are")
    return found


def digest_of(content: bytes) -> str:
    """What the line after this one has to name."""
    return sha256(content).hexdigest()


def head_of(line: Line, content: bytes) -> Head:
    """How far a ledger goes that ends with a line."""
    return Head(line.number, digest_of(content))


def _spelled_out(value: Any) -> Any:
    if isinstance(value, str):
        return HALVES.sub(lambda half: f"\\u{ord(half[0]):04x}", value)
    if isinstance(value, Mapping):
        return {_spelled_out(name): _spelled_out(inner) for name, inner in value.items()}
    return [_spelled_out(inner) for inner in value] if isinstance(value, list | tuple) else value


def _bytes(said: Mapping[str, object]) -> bytes:
    return json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()
