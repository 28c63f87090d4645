"""A tracking server of a grid's own: stock MLflow with its pages, and the page on which an experiment is."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

from synergos.mlops_server import server_command
from synergos_simulator.broker import HOST
from synergos_simulator.grid import spoken_to
from synergos_simulator.more_programs import MorePrograms
from synergos_simulator.state import Program

NAME = "mlops"
REGISTERED_WITHIN = 120.0
"""Seconds: writing a model takes a process that loads MLflow and torch."""
_LOOK = 0.5
_SEPARATOR = "_>_"
"""Between the ids that an MLflow experiment is called by: docs/tracking.md."""


@dataclass(frozen=True)
class WithMlops(MorePrograms):
    """A grid, and a tracking server that all its collaborations may name.

    Attributes:
        python: of the environment that the server runs in.
        port: where it listens; 0 takes a free one.
    """

    python: Path
    port: int = 0

    def programs(self, free_port: Callable[[], int]) -> list[Program]:
        """The programs in the order to start them: the slowest first."""
        return [self._server(self.port or free_port()), *self.plan.programs(free_port)]

    def _server(self, port: int) -> Program:
        # Where a grid speaks TLS its TTP believes who has one of the same authority's.
        files = () if self.plan.consortium is None else self.plan.consortium.files(NAME)
        command = server_command(self.folder / NAME, HOST, port, str(self.python), files[:2])
        log = str(self.folder / "logs" / f"{NAME}.log")
        return Program(NAME, command, log, HOST, port, outlives=True, tls=spoken_to(files))


def has_registered(server: Program, project_id: str, expt_id: str) -> bool:
    """Whether an experiment's model is in its registry; it is written after the training, by a process of its own."""
    question = urlencode({"name": _SEPARATOR.join((project_id, expt_id))})
    try:
        return bool(_asked(server, f"registered-models/get?{question}")["registered_model"].get("latest_versions"))
    except (URLError, OSError, ValueError, KeyError, TypeError):
        return False


def wait_until_registered(server: Program, project_id: str, expt_id: str, deadline: float = REGISTERED_WITHIN) -> bool:
    """Wait until an experiment's model is in its registry, and say whether it came in time."""
    until = time.monotonic() + deadline
    while not (there := has_registered(server, project_id, expt_id)) and time.monotonic() < until:
        time.sleep(_LOOK)
    return there


def experiment_page(server: Program, collab_id: str, project_id: str, expt_id: str) -> str:
    """The address of the page that shows an experiment's runs and their curves; the server's own while it knows no such one."""
    name = _SEPARATOR.join((collab_id, project_id, expt_id))
    question = urlencode({"experiment_name": name})
    try:
        found = _asked(server, f"experiments/get-by-name?{question}")["experiment"]["experiment_id"]
    except (URLError, OSError, ValueError, KeyError, TypeError):
        return server.address
    return f"{server.address}/#/experiments/{found}"


def _asked(server: Program, question: str) -> dict[str, Any]:
    url = f"{server.address}/api/2.0/mlflow/{question}"
    with urlopen(url, timeout=10, context=server.tls_context) as answer:  # noqa: S310
        found: dict[str, Any] = json.load(answer)
        return found
