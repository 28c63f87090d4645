"""What is said where somebody signs in."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from synergos.schema import Definition


class NewToken(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A token that is wanted.

    Attributes:
        expires_in: seconds.
        label: what it is for.
    """

    expires_in: Annotated[int, Meta(ge=1, le=366 * 24 * 3600, description="seconds until it expires")] = 12 * 3600
    label: Annotated[str, Meta(max_length=128, description="what it is for, in your words")] = ""


NEW_TOKEN = Definition(NewToken)
