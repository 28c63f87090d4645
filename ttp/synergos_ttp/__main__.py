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

from synergos.accounts.flags import add_auth_flags, auth_of
from synergos.learning.shares import LARGEST_SHARE
from synergos.ledger.place import LedgerPlace
from synergos.program.common_flags import common_parser
from synergos.program.database_flags import add_database_flags, database_of
from synergos.program.destination_flags import add_destination_flags, nodes_of, tracking_servers_of
from synergos.program.flags import (
    add_flag,
    add_keep_flag,
    add_quota_flag,
    orchestrator_folder,
    quotas_of,
    retention_of,
    share,
    usable_folder,
    whole_number,
)
from synergos.program.identity_flag import add_identity_flag, identity_file
from synergos.program.program import ProgramSettings, read_flags, run
from synergos.records.database_password import add_database_password_flag, with_password
from synergos_ttp.bootstrap import build_ttp
from synergos_ttp.settings import ClusterSettings, Settings
from synergos_ttp.stages.jobs import KEEP_VERSIONS
from synergos_ttp.subscribers.participant_metrics import PARTICIPANTS
from synergos_ttp.tracking.login import add_login_flags, login_of
from synergos_ttp.tracking.note_spool import CAPACITY
from synergos_ttp.tracking.tls import add_tracking_tls_flag, tracking_tls_of
from synergos_ttp.workers.limits import Limits
from synergos_ttp.workers.sealing import Sealed
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
    add_database_flags(flags, "SQLAlchemy URL of the record store; default: an SQLite file in --data")
    add_database_password_flag(flags)
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
    add_flag(
        flags,
        "--metrics_participants",
        type=whole_number(0),
        default=PARTICIPANTS,
        metavar="N",
        help="how many participants have metrics of their own; the others share theirs",
    )
    add_destination_flags(flags)
    add_login_flags(flags)
    add_tracking_tls_flag(flags)
    add_flag(
        flags,
        "--mlops_spool",
        type=whole_number(1, 2**50),
        default=CAPACITY,
        metavar="BYTES",
        help="how much may wait on disk below --outputs for MLflow servers that are away, files of models included",
    )
    add_identity_flag(flags, "--data")
    add_auth_flags(flags)
    add_flag(
        flags,
        "--sealed",
        choices=list(Sealed),
        type=Sealed,
        default=Sealed.ON,
        help="on: nothing is asked of a worker unsealed; any: but of those that show no identity, as earlier releases do, which the"
        " log, the list of nodes and the job then warn of; off: nothing is sealed, for workers that trust anybody on a line that is"
        " safe without, and whoever is registered with a fingerprint is asked nothing",
    )
    add_flag(
        flags,
        "--rendezvous_port",
        type=whole_number(1, 65535),
        variable="SYNERGOS_RENDEZVOUS_PORT",
        metavar="PORT",
        help="where workers arrive that dial out (synergos-worker --join) and are registered with their fingerprint alone; none can"
        " unless said",
    )
    timeouts = {
        "command": "a worker's answer to a command; opening a session reads its data",
        "preparation": "a participant's datasets to be prepared, or a model to be measured on them if a round may not take less",
        "round": "a participant's answer to a round; rounds after the first have a shorter one that follows from those before",
        "rejoin": "a worker that was lost to come back",
        "outage": "a line that was cut in the middle of a transfer, and is silent since",
        "approval": "the owner of a worker who has not approved of this TTP yet",
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
    if given.rendezvous_port == given.port:
        flags.error(f"--rendezvous_port: expected another port than that of --port, {given.port}")
    if given.rendezvous_port is not None and given.tls_ca is not None and given.tls_cert is None:
        flags.error(
            "--rendezvous_port: expected --tls_cert and --tls_key too: with --tls_ca alone workers would arrive in the clear"
        )
    is_basic = given.queue is None or given.deployment == "basic"
    if is_basic and given.queue is not None:
        log.warning("--queue has no effect here: a basic TTP runs its jobs itself; see --deployment")
    nodes, tracking_servers = nodes_of(flags, given), tracking_servers_of(flags, given)
    data, outputs, mlflow = (
        usable_folder(flags, f"--{name}", getattr(given, name)) for name in ("data", "outputs", "mlflow")
    )
    kept = retention_of(flags, given, "models", "rounds")
    own_name = "ttp" if is_basic else f"ttp_{given.grid}"
    identity = identity_file(flags, given, data, own_name)
    program = ProgramSettings.of(given)
    settings = Settings(
        program=program,
        database=with_password(flags, given, database_of(flags, given, program, data)),
        outputs=outputs,
        mlflow=mlflow,
        limits=Limits(
            command=given.command_timeout,
            preparation=given.preparation_timeout,
            round=given.round_timeout,
            rejoin=given.rejoin_timeout,
            outage=given.outage_timeout,
            approval=given.approval_timeout,
            where=nodes,
        ),
        tracking_servers=tracking_servers,
        tracking_login=login_of(flags, given, tracking_servers.places),
        tracking_tls=tracking_tls_of(flags, given, program),
        tracking_spool=given.mlops_spool,
        keep_versions=given.keep_versions if kept.models is None else kept.models,
        keep_rounds=kept.rounds,
        cluster=None if is_basic else ClusterSettings(given.grid, usable_broker_of(flags, given, program.tls_to)),
        quotas=quotas_of(flags, given),
        auth=auth_of(flags, given),
        largest_share=given.largest_share,
        told_apart=given.metrics_participants,
        identity=identity,
        ledger=LedgerPlace(data, own_name),
        sealed=given.sealed,
        rendezvous_port=given.rendezvous_port,
    )
    own = settings.program.resources
    cluster = settings.cluster
    place = {} if cluster is None else {"grid": cluster.grid, "queue_user": cluster.queue.user}
    log.info("starting", **place, cpus=own.cpus, gpus=own.gpus)
    # The data port is the workers': a TTP only calls theirs, so there is nothing here to listen on.
    more = {} if settings.rendezvous_port is None else {settings.rendezvous_port: "--rendezvous_port"}
    run(lambda: build_ttp(settings), settings.program, more)
