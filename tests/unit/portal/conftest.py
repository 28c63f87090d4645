from __future__ import annotations

from fakes.closed_portal import closed, declared_by_lead, signed_in
from fakes.open_portal import grid

__all__ = ["closed", "declared_by_lead", "grid", "signed_in"]
