"""Roles: what somebody with an account is to an orchestrator."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What an account may do; which cell of docs/accounts.md it reads from."""

    ORCHESTRATOR = "orchestrator"
    """Declares collaborations, and has all of those that it has declared, or that it was given."""
    PARTICIPANT = "participant"
    """One participant: its own profile, registrations, tags and results, and of the rest what everybody may read."""
    VIEWER = "viewer"
    """Reads what everybody may: nothing that is one participant's."""
