"""The three grids of the compose files, at the addresses that the notebooks know, with a receiver in the log server's place."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import yaml

from containers.engine import BUILD_SECONDS, ROOT, Container, compose_command, docker, run
from containers.images import LOG_RECEIVER, PROMETHEUS
from containers.received import Received, received
from servers.certificates import Authority
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
CLUSTER_PROGRAMS = {
    *("DIR_sync_director", "TTP_sync_ttp_1", "TTP_sync_ttp_2"),
    *(f"WKR_sync_worker_{participant}_n{node}" for participant in (1, 2) for node in (1, 2)),
}
CLUSTER_LOGGERS = CLUSTER_PROGRAMS | {f"SYS_{name.partition('_')[2]}" for name in CLUSTER_PROGRAMS}
"""All that log, and their system metrics."""
# What each grid begins with: the log server, which nothing depends on, is thereby left out.
_FIRST = {"synbasic": "synergos_ttp_basic", "synplus": "synergos_ttp_basic", "syncluster": "synergos_director"}
_ENTRANCES = {"synbasic": "synb_ttp", "synplus": "synp_ttp", "syncluster": "sync_director"}
LOG_SERVERS = {"synplus": Container("synp_logger"), "syncluster": Container("sync_logger")}
_LOG_ADDRESSES = {"synplus": "172.19.1.10", "syncluster": "172.20.1.14"}
LOG_PORTS = (9100, 9200, 9300, 9400, 12201)
_LOG_PAGES = "pages:9000"
_LOG_IMAGES = ("GRAYLOG_IMAGE", "MONGO_IMAGE", "OPENSEARCH_IMAGE")
_LOG_FLAGS = {
    "tcp": "",
    "udp": "--logging_transport udp",
    "tls": "--logging_transport tls --logging_ca /run/synergos_log_ca/ca.pem",
}


@dataclass(frozen=True)
class ComposeGrid:
    """A grid of one compose file, with folders of its own.

    Attributes:
        folder: where its outputs and metadata go.
        datasets: what all its workers read.
        transport: how messages travel to its log server.
        overlays: compose files over its own, by their names.
    """

    deployment: Deployment
    folder: Path
    datasets: Path
    transport: str = "tcp"
    overlays: Sequence[str] = ()

    @property
    def prefix(self) -> str:
        """What the names of its containers begin with."""
        return _ENTRANCES[self.deployment.name].partition("_")[0]

    @property
    def driver(self) -> Driver:
        """A client of the TTP or director."""
        return Driver(host=self.deployment.address.split("/")[-1].split(":")[0], port=5000)

    def compose(self, *arguments: str) -> str:
        """What Docker Compose prints."""
        places = {"SYNERGOS_FOLDER": str(self.folder), "SYNERGOS_DATASETS": str(self.datasets)}
        if os.getuid() != 0:
            places["SYNERGOS_USER"] = f"{os.getuid()}:{os.getgid()}"
        files = [ROOT / name for name in (f"docker-compose-{self.deployment.name}.yml", *self.overlays)]
        if self.deployment.name in LOG_SERVERS:
            files.append(ROOT / "tests" / "containers" / "log_receiver" / "compose.yml")
            places |= {"SYNERGOS_LOG_FLAGS": _LOG_FLAGS[self.transport], **dict.fromkeys(_LOG_IMAGES, LOG_RECEIVER)}
            streams, own = ("tls", " --tls /tls/server.pem /tls/key.pem") if self.transport == "tls" else ("tcp", "")
            inputs = [_LOG_PAGES, *(f"{streams}:{port} udp:{port}" for port in LOG_PORTS)]
            places["LOG_RECEIVER_INPUTS"] = " ".join(inputs) + own
            places["PROMETHEUS_IMAGE"] = PROMETHEUS
        which = [part for file in files for part in ("-f", str(file))]
        where = ("--project-directory", str(ROOT))
        return run(*compose_command(), *where, *which, *arguments, seconds=BUILD_SECONDS, env={**os.environ, **places})

    def up(self, *options: str) -> None:
        """Start it, without the log server, and wait until it can be used."""
        self.compose("up", "--detach", *options, _FIRST[self.deployment.name])
        Container(_ENTRANCES[self.deployment.name]).wait_until_healthy()

    def start_log_server(self, *options: str) -> None:
        """Start what stands in its place, and wait until it takes messages."""
        self.compose("up", "--detach", *options, "synergos_logger")
        LOG_SERVERS[self.deployment.name].wait_until_healthy()

    def logging_by(self, transport: str) -> ComposeGrid:
        """The same grid with its log server, whose programs were started again with another transport to it."""
        changed = replace(self, transport=transport)
        changed.start_log_server("--no-deps")
        changed._start_again()
        return changed

    def _start_again(self) -> None:
        """Make the programs anew by what the compose files say now, all of them at once.

        Docker Compose would end one after the other, and have each wait for the health checks of those that it names.
        """
        rows = _logging(ROOT / f"docker-compose-{self.deployment.name}.yml")
        services = [service for row in rows for service in row]
        self.compose("kill", *services)
        for row in rows:
            self.compose("up", "--detach", "--no-deps", *row)
        # Whatever runs no more is among them, and says why.
        ids = self.compose("ps", "--all", "--quiet", *services).split()
        assert len(ids) == len(services), f"{len(ids)} containers of {services}"
        for container in map(Container, ids):
            container.wait_until_it_answers(f"http://{container.host}:5000")

    def received(self) -> list[Received]:
        """What came to its log server."""
        return received(self.folder / "received")

    def certify_log_server(self) -> None:
        """Give the log server a certificate, and the programs who vouches for it."""
        identity = Authority.founded(self.folder / "authority").server(_LOG_ADDRESSES[self.deployment.name])
        self._give("received_tls/server.pem", identity.certificate)
        self._give("received_tls/key.pem", identity.key)
        self._give("metadata/log_server_ca/ca.pem", identity.authority)

    def _give(self, path: str, file: Path) -> None:
        """Put a file into a folder that is there."""
        (self.folder / path).write_bytes(file.read_bytes())
        (self.folder / path).chmod(0o644)

    def run_example(self, dataset: str) -> Executed:
        """Run one of the simulator's notebooks as it is."""
        return execute(EXAMPLES / dataset / f"{dataset}_{self.deployment.name}.ipynb", {})

    def down(self, *options: str) -> None:
        """Stop it and forget its containers; what they wrote stays."""
        self.compose("--profile", "metrics", "down", "--volumes", *options)

    def containers(self) -> list[Container]:
        """All that run: not what had something to do at the beginning only."""
        ids = self.compose("ps", "--quiet").split()
        if not ids:
            return []
        found = [
            line.split() for line in docker("inspect", "--format", "{{.Name}} {{.State.Running}}", *ids).splitlines()
        ]
        return [Container(name.lstrip("/")) for name, is_running in found if is_running == "true"]


def _logging(file: Path) -> list[tuple[str, ...]]:
    """The services of a compose file that are told how to log; each waits at most for those of rows before its own."""
    services = yaml.safe_load(file.read_text())["services"]
    told = {name: service for name, service in services.items() if "SYNERGOS_LOG_FLAGS" in str(service.get("command"))}
    order = TopologicalSorter({name: told.keys() & service.get("depends_on", {}) for name, service in told.items()})
    order.prepare()
    rows = []
    while order.is_active():
        rows.append(order.get_ready())
        order.done(*rows[-1])
    return rows


@contextmanager
def running(
    deployment: Deployment,
    folder: Path,
    datasets: Path,
    overlays: Sequence[str] = (),
    transport: str = "tcp",
    options: Sequence[str] = (),
) -> Iterator[ComposeGrid]:
    """A grid of the images there are that runs inside the ``with`` block.

    Args:
        options: of ``docker-compose up``.
    """
    # Made here, so that they belong to who runs the tests; what is in them is made by Docker.
    for name in ("metadata/log_server_ca", "outputs", "received", "received_tls"):
        (folder / name).mkdir(parents=True)
    # The receiver's root has no rights beyond anybody's.
    (folder / "received").chmod(0o777)
    grid = ComposeGrid(deployment, folder, datasets, transport, overlays)
    if transport == "tls":
        grid.certify_log_server()
    try:
        grid.up(*options)
        yield grid
    finally:
        # How programs end is looked at elsewhere.
        grid.down("--timeout", "0")
