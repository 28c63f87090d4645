"""What differs between the three kinds of grid, for somebody who writes a notebook."""

from __future__ import annotations

from dataclasses import dataclass

PARTICIPANTS = ("worker_1", "worker_2")
_COMMAND_PORT, _DATA_PORT = 5000, 8020


@dataclass(frozen=True)
class Grid:
    """One kind of compose grid.

    Attributes:
        name: as in the names of its compose file and notebooks.
        about: what it consists of, in Markdown.
        network: the first three numbers of its addresses; the orchestrator is number 2.
        workers: the last number of each node's address, by participant, in the order of the sub-grids.
        services: what else a collaboration is told of, by the noun of the driver's ``configure_…`` call: the address,
            and the ports.
    """

    name: str
    title: str
    about: str
    network: str
    workers: dict[str, tuple[int, ...]]
    services: dict[str, tuple[str, dict[str, int]]]

    @property
    def is_cluster(self) -> bool:
        """Whether requests are queued, and answered before they are carried out."""
        return "mq" in self.services

    @property
    def parameters(self) -> dict[str, object]:
        """The variables of the notebook's ``parameters`` cell."""
        return {
            "orchestrator": {"host": self._address(2), "port": _COMMAND_PORT},
            "workers": {
                participant: [self._node(number) for number in numbers] for participant, numbers in self.workers.items()
            },
            **{name: {"host": address, **ports} for name, (address, ports) in self.services.items()},
        }

    def _node(self, number: int) -> dict[str, object]:
        return {"host": self._address(number), "port": _DATA_PORT, "f_port": _COMMAND_PORT}

    def _address(self, number: int) -> str:
        return f"{self.network}.{number}"


_LOGGER_PORTS = {
    "port": 9000,
    "sysmetrics_port": 9100,
    "director_port": 9200,
    "ttp_port": 9300,
    "worker_port": 9400,
    "ui_port": 9000,
}
_MLOPS_PORTS = {"port": 5500, "ui_port": 5500}

GRIDS = (
    Grid(
        "synbasic",
        "Synergos Basic",
        "A **TTP** (trusted third party) orchestrates, and every participant runs a **worker** beside its own data. "
        "Requests are answered when their work is done.",
        "172.18.0",
        {"worker_1": (3,), "worker_2": (4,)},
        {},
    ),
    Grid(
        "synplus",
        "Synergos Plus",
        "A **TTP** (trusted third party) orchestrates, and every participant runs a **worker** beside its own data. "
        "A **logger** collects what all of them log, and **MLOps** keeps the losses, statistics and models of every run. "
        "Requests are answered when their work is done.",
        "172.19.0",
        {"worker_1": (3,), "worker_2": (4,)},
        {"logger": ("172.19.1.10", _LOGGER_PORTS), "mlops": ("172.19.0.11", _MLOPS_PORTS)},
    ),
    Grid(
        "syncluster",
        "Synergos Cluster",
        "A **director** takes the requests and puts them in a **queue**. Two **TTPs** take jobs from it, each with "
        "workers of its own: every participant runs two **nodes**, and the nodes with the same number make up a "
        "sub-grid. So jobs run side by side. A **logger** and **MLOps** are as in Synergos Plus.",
        "172.20.0",
        {"worker_1": (4, 7), "worker_2": (5, 8)},
        {
            "logger": ("172.20.1.14", _LOGGER_PORTS),
            "mlops": ("172.20.0.15", _MLOPS_PORTS),
            "mq": ("172.20.2.16", {"port": 5672, "ui_port": 15672}),
        },
    ),
)
