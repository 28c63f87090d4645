"""The orchestrator's REST interface, the same for every kind of grid."""

from __future__ import annotations

from synergos.rest.app import create_app, create_blueprints
from synergos.rest.dispatcher import Dispatcher

__all__ = ["Dispatcher", "create_app", "create_blueprints"]
