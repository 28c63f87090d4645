"""What an invitation to a project says: that a participant may register, or that it has asked to be let in."""

from __future__ import annotations

from enum import StrEnum

STATE = "state"
"""The field of its record that says which."""


class InvitationState(StrEnum):
    """How far it is."""

    ASKED = "asked"
    INVITED = "invited"
