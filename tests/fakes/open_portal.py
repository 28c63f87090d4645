"""The portal in front of an orchestrator without accounts: a fixture of whoever names it in its conftest."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.orchestration import CannedDispatcher
from fakes.portal import Portal, portal
from synergos.records import RecordStore
from synergos.rest.app import create_app


@pytest.fixture
def grid(store: RecordStore, tmp_path: Path) -> Portal:
    """The portal in front of a real orchestrator whose jobs end at once."""
    return portal(tmp_path, create_app(store, CannedDispatcher(store), component_id="ttp/1"))
