"""The three grids of the compose files, at the addresses that the notebooks know."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from containers.engine import BUILD_SECONDS, ROOT, Container, compose_command, run
from support.notebook_runner import Executed, execute
from support.original_notebooks import Deployment, Node
from synergos import Driver

EXAMPLES = ROOT / "simulator" / "datasets"
"""The simulator's example data, with a notebook for each grid beside it."""


def _component(host: str, **ports: int) -> dict[str, Any]:
    return {"host": host, "ports": ports, "secure": False}


def _log_server(host: str) -> dict[str, Any]:
    return _component(host, main=9000, ui=9000, sysmetrics=9100, director=9200, ttp=9300, worker=9400)


BASIC = Deployment("synbasic", "http://172.18.0.2:5000", [[Node("172.18.0.3")], [Node("172.18.0.4")]])
PLUS = Deployment(
    "synplus",
    "http://172.19.0.2:5000",
    [[Node("172.19.0.3")], [Node("172.19.0.4")]],
    {"logs": _log_server("172.19.1.10"), "mlops": _component("172.19.0.11", main=5500, ui=5500)},
)
CLUSTER = Deployment(
    "syncluster",
    "http://172.20.0.2:5000",
    [[Node("172.20.0.4"), Node("172.20.0.7")], [Node("172.20.0.5"), Node("172.20.0.8")]],
    {
        "logs": _log_server("172.20.1.14"),
        "mlops": _component("172.20.0.15", main=5500, ui=5500),
        "mq": _component("172.20.2.16", main=5672, ui=15672),
    },
    is_queued=True,
)
# What each grid begins with: the log server, which nothing depends on, is thereby left out.
_FIRST = {"synbasic": "synergos_ttp_basic", "synplus": "synergos_ttp_basic", "syncluster": "synergos_director"}
_ENTRANCES = {"synbasic": "synb_ttp", "synplus": "synp_ttp", "syncluster": "sync_director"}


@dataclass(frozen=True)
class ComposeGrid:
    """A grid of one compose file, with folders of its own.

    Attributes:
        folder: where its outputs and metadata go.
        datasets: what all its workers read.
    """

    deployment: Deployment
    folder: Path
    datasets: Path

    @property
    def driver(self) -> Driver:
        """A client of the TTP or director."""
        return Driver(host=self.deployment.address.split("/")[-1].split(":")[0], port=5000)

    def compose(self, *arguments: str) -> str:
        """What Docker Compose prints."""
        places = {"SYNERGOS_FOLDER": str(self.folder), "SYNERGOS_DATASETS": str(self.datasets)}
        if os.getuid() != 0:
            places["SYNERGOS_USER"] = f"{os.getuid()}:{os.getgid()}"
        file = str(ROOT / f"docker-compose-{self.deployment.name}.yml")
        return run(*compose_command(), "-f", file, *arguments, seconds=BUILD_SECONDS, env={**os.environ, **places})

    def up(self, *options: str) -> None:
        """Start it, without the log server, and wait until it can be used."""
        self.compose("up", "--detach", *options, _FIRST[self.deployment.name])
        Container(_ENTRANCES[self.deployment.name]).wait_until_healthy()

    def run_example(self, dataset: str) -> Executed:
        """Run one of the simulator's notebooks as it is."""
        return execute(EXAMPLES / dataset / f"{dataset}_{self.deployment.name}.ipynb", {})

    def down(self) -> None:
        """Stop it and forget its containers; what they wrote stays."""
        self.compose("down", "--volumes")

    def containers(self) -> list[Container]:
        """All that run: not what had something to do at the beginning only."""
        ids = self.compose("ps", "--quiet").split()
        names = [run("docker", "inspect", "--format", "{{.Name}}", one).strip().lstrip("/") for one in ids]
        return [each for each in map(Container, names) if each.exit_code is None]


@contextmanager
def running(deployment: Deployment, folder: Path, datasets: Path) -> Iterator[ComposeGrid]:
    """A grid, built from the code as it is, that runs inside the ``with`` block."""
    # Made here, so that they belong to who runs the tests; what is in them is made by Docker.
    for name in ("metadata", "outputs"):
        (folder / name).mkdir()
    grid = ComposeGrid(deployment, folder, datasets)
    try:
        grid.up("--build")
        yield grid
    finally:
        grid.down()
