"""Names of other tuning libraries that clients know, and what they mean here."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from synergos.errors import InvalidRequest, UnknownName


def meaning(name: str, field: str, known: Mapping[str, str], without_equivalent: Collection[str]) -> str:
    """What a name means.

    Args:
        field: where it stands in the request.
        known: the names that mean something, and what.
        without_equivalent: those that others have and nothing here is like.

    Raises:
        InvalidRequest: nothing.
    """
    listed = ", ".join(known)
    if name in without_equivalent:
        raise InvalidRequest(f"{name} has no equivalent here; expected one of {listed}", field)
    if name not in known:
        raise UnknownName(name, known, field, f"one of {listed}")
    return known[name]
