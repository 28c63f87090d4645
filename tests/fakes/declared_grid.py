"""A grid in which everything is declared, asked by a program and by somebody with a browser."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fakes.orchestration import (
    C as COLLABORATION,
)
from fakes.orchestration import (
    CannedDispatcher,
    Client,
    declare,
)
from fakes.orchestration import (
    E as EXPERIMENT,
)
from fakes.orchestration import (
    P as PROJECT,
)
from fakes.orchestration import (
    R as RUN,
)
from fakes.portal import Visitor, portal
from synergos.records import RecordStore
from synergos.rest.app import create_app

OF_COLLABORATION = f"/collaborations/{COLLABORATION}"
OF_PROJECT = f"{OF_COLLABORATION}/projects/{PROJECT}"
OF_EXPERIMENT = f"{OF_PROJECT}/experiments/{EXPERIMENT}"
OF_RUN = f"{OF_EXPERIMENT}/runs/{RUN}"
REST_OF = {page: f"/ttp/connect{page}" for page in (OF_COLLABORATION, OF_PROJECT, OF_EXPERIMENT, OF_RUN)}
LINEAR = {
    "layers-0-l_type": "Linear",
    "layers-0-structure-in_features": "1",
    "layers-0-structure-out_features": "1",
    "layers-0-activation": "",
}


@dataclass
class Grid:
    """An orchestrator, asked by a program and by somebody with a browser."""

    rest: Client
    visitor: Visitor

    def stored(self, page: str) -> Any:
        return self.rest.data("GET", REST_OF[page])


def declared_grid(folder: Path) -> Iterator[Grid]:
    """All is there, and nothing has run."""
    store = RecordStore(f"sqlite:///{folder / 'records.db'}")
    app = create_app(store, CannedDispatcher(store), component_id="ttp/1")
    rest = Client(app.test_client())
    declare(rest)
    yield Grid(rest, portal(folder, app).visitor())
    store.close()
