"""synergos-ttp: run a TTP, on its own or as one of a cluster's."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import structlog

from synergos.program.flags import add_flag, common_parser, default_folder, log_target, usable_folder, whole_number
from synergos.program.logs import configure_logging
from synergos.program.queue_flags import add_queue_flags, queue_target
from synergos.program.resources import Resources
from synergos.program.server import ServerSettings, serve
from synergos_ttp.bootstrap import Settings, TrustedThirdParty
from synergos_ttp.cluster import ClusterSettings, ClusterTrustedThirdParty
from synergos_ttp.workers.limits import Limits


def parser() -> argparse.ArgumentParser:
    """The flags of ``synergos-ttp``."""
    flags = common_parser("ttp", "Orchestrate one grid: align, train, validate and predict with its participants.")
    # The original's documentation mounts the first two in either place.
    folders = {
        "data": ("folder of the record store", "/orchestrator/data", "/director/data"),
        "outputs": ("folder of trained models", "/orchestrator/outputs", "/director/outputs"),
        "mlflow": ("folder of MLflow's local store", "/mlflow"),
    }
    for name, (purpose, *mounts) in folders.items():
        add_flag(flags, f"--{name}", type=Path, default=default_folder(f"ttp/{name}", *mounts), help=purpose)
    add_flag(
        flags,
        "--grid",
        "-g",
        type=whole_number(0),
        default=0,
        help="in a cluster: which node of every participant makes up this TTP's sub-grid",
    )
    add_queue_flags(flags)
    add_flag(
        flags,
        "--deployment",
        choices=("basic", "cluster"),
        help="basic does without --queue, cluster needs it; default: cluster where there is a --queue",
    )
    add_flag(flags, "--database", help="SQLAlchemy URL of the record store; default: an SQLite file in --data")
    timeouts = {
        "command": "a worker's answer to a command; opening a session reads its data",
        "preparation": "a participant's datasets to be prepared",
        "round": "a participant's answer to a round; rounds after the first have a shorter one that follows from those before",
        "rejoin": "a worker that was lost to come back",
    }
    for name, what in timeouts.items():
        default = getattr(Limits(), name)
        add_flag(flags, f"--{name}_timeout", type=float, default=default, help=f"seconds to wait for {what}")
    return flags


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a TTP until SIGTERM."""
    flags = parser()
    given = flags.parse_args(arguments)
    target = log_target(flags, given.logging_variant)
    if given.deployment == "cluster" and given.queue is None:
        flags.error("--queue: one of a cluster's TTPs needs it: expected 'rabbitmq HOST PORT'")
    configure_logging(given.id, target, debug=given.debug, censored=given.censored)
    log = structlog.get_logger(__name__).bind(host=given.host, port=given.port)
    if given.deployment == "basic" and given.queue is not None:
        log.warning("--queue has no effect here: a basic TTP runs its jobs itself; see --deployment")
        given.queue = None
    data, outputs, mlflow = (
        usable_folder(flags, f"--{name}", getattr(given, name)) for name in ("data", "outputs", "mlflow")
    )
    common: dict[str, Any] = {
        "id": given.id,
        "port": given.port,
        "database": given.database or f"sqlite:///{data / 'records.sqlite'}",
        "outputs": outputs,
        "mlflow": mlflow,
        "resources": Resources.within(given.cpus, given.gpus),
        "usage_seconds": given.logging_resolution,
        "limits": Limits(
            command=given.command_timeout,
            preparation=given.preparation_timeout,
            round=given.round_timeout,
            rejoin=given.rejoin_timeout,
        ),
    }
    # The data port is the workers': a TTP only calls theirs, so there is nothing here to listen on.
    server = ServerSettings(given.host, (given.port,))
    if given.queue is None:
        basic = Settings(**common, maximum_body=given.maximum_body)
        log.info("starting", cpus=basic.resources.cpus, gpus=basic.resources.gpus)
        serve(lambda: TrustedThirdParty(basic), server)
    else:
        cluster = ClusterSettings(**common, grid=given.grid, queue=queue_target(flags, given))
        log.info("starting", grid=cluster.grid, cpus=cluster.resources.cpus, gpus=cluster.resources.gpus)
        serve(lambda: ClusterTrustedThirdParty(cluster), server)


if __name__ == "__main__":
    main()
