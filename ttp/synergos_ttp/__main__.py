"""synergos-ttp: run a TTP, on its own or as one of a cluster's."""

from __future__ import annotations

if __name__ == "__main__":
    # Before what may not be installed is imported, by this module's own name then.
    from synergos.programs import ttp

    ttp()
    raise SystemExit

import argparse
from collections.abc import Sequence
from pathlib import Path

import structlog

from synergos.learning.shares import LARGEST_SHARE
from synergos.program.destination_flags import add_destination_flags, nodes_of, tracking_servers_of
from synergos.program.flags import (
    add_flag,
    add_keep_flag,
    add_quota_flag,
    common_parser,
    orchestrator_folder,
    quotas_of,
    retention_of,
    share,
    usable_folder,
    whole_number,
)
from synergos.program.program import ProgramSettings, read_flags, run
from synergos_ttp.bootstrap import build_ttp
from synergos_ttp.settings import ClusterSettings, Settings
from synergos_ttp.stages.jobs import KEEP_VERSIONS
from synergos_ttp.workers.limits import Limits
from synmanager.flags import add_queue_flags, usable_broker_of


def parser() -> argparse.ArgumentParser:
    """The flags of ``synergos-ttp``."""
    flags = common_parser("ttp", "Orchestrate one grid: align, train, validate and predict with its participants.")
    folders = {
        "data": "folder of the record store",
        "outputs": "folder of trained models",
        "mlflow": "folder of MLflow's local store",
    }
    for name, purpose in folders.items():
        add_flag(flags, f"--{name}", type=Path, default=orchestrator_folder(name), help=purpose)
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
    add_flag(
        flags,
        "--keep_versions",
        type=whole_number(0),
        default=KEEP_VERSIONS,
        help="how many of a run's models stay on the disk when it is trained again; the newest is not counted",
    )
    add_quota_flag(flags)
    add_flag(
        flags,
        "--largest_share",
        type=share,
        default=LARGEST_SHARE,
        help="of a training's rows, that one participant counts for at most, whatever it says it has; 1 for any share",
    )
    add_keep_flag(
        flags,
        "models=N: as --keep_versions N; rounds=TIME: of rounds that a kill has left of jobs that have ended, those of the last"
        " so many hours, days or weeks (12h, 1d, 4w) are kept when the program starts, others go",
    )
    add_destination_flags(flags)
    timeouts = {
        "command": "a worker's answer to a command; opening a session reads its data",
        "preparation": "a participant's datasets to be prepared, or a model to be measured on them if a round may not take less",
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
    given = read_flags(flags, arguments)
    if given.deployment == "cluster" and given.queue is None:
        flags.error("--queue: one of a cluster's TTPs needs it: expected 'rabbitmq HOST PORT'")
    log = structlog.get_logger(__name__).bind(host=given.host, port=given.port)
    is_basic = given.queue is None or given.deployment == "basic"
    if is_basic and given.queue is not None:
        log.warning("--queue has no effect here: a basic TTP runs its jobs itself; see --deployment")
    nodes, tracking_servers = nodes_of(flags, given), tracking_servers_of(flags, given)
    data, outputs, mlflow = (
        usable_folder(flags, f"--{name}", getattr(given, name)) for name in ("data", "outputs", "mlflow")
    )
    kept = retention_of(flags, given, "models", "rounds")
    settings = Settings(
        program=ProgramSettings.of(given),
        database=given.database or f"sqlite:///{data / 'records.sqlite'}",
        outputs=outputs,
        mlflow=mlflow,
        limits=Limits(
            command=given.command_timeout,
            preparation=given.preparation_timeout,
            round=given.round_timeout,
            rejoin=given.rejoin_timeout,
            where=nodes,
        ),
        tracking_servers=tracking_servers,
        keep_versions=given.keep_versions if kept.models is None else kept.models,
        keep_rounds=kept.rounds,
        cluster=None if is_basic else ClusterSettings(given.grid, usable_broker_of(flags, given)),
        quotas=quotas_of(flags, given),
        largest_share=given.largest_share,
    )
    own = settings.program.resources
    place = {} if settings.cluster is None else {"grid": settings.cluster.grid}
    log.info("starting", **place, cpus=own.cpus, gpus=own.gpus)
    # The data port is the workers': a TTP only calls theirs, so there is nothing here to listen on.
    run(lambda: build_ttp(settings), settings.program)
