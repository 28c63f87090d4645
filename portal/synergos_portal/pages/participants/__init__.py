"""Participants: who takes part, where each is registered with which data, what runs on that, and what came of it."""

from __future__ import annotations

from synergos_portal.pages.participants import profiles, taking_part
from synergos_portal.pages.participants.profiles import pages

__all__ = ["pages", "profiles", "taking_part"]
