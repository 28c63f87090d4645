"""synergos-director: accept jobs for a cluster, queue them and archive what comes back."""

from __future__ import annotations

if __name__ == "__main__":
    # Before what may not be installed is imported, by this module's own name then.
    from synergos.programs import director

    director()
    raise SystemExit

import argparse
from collections.abc import Sequence
from pathlib import Path

import structlog

from synergos.accounts.flags import add_auth_flags, auth_of
from synergos.ledger.place import LedgerPlace
from synergos.program.common_flags import common_parser
from synergos.program.database_flags import add_database_flags, database_of
from synergos.program.destination_flags import add_destination_flags, nodes_of, tracking_servers_of
from synergos.program.flags import (
    add_flag,
    add_quota_flag,
    default_folder,
    quotas_of,
    usable_folder,
)
from synergos.program.identity_flag import add_identity_flag, identity_file
from synergos.program.program import ProgramSettings, read_flags, run
from synergos.records.database_password import add_database_password_flag, with_password
from synergos_director.bootstrap import Director
from synergos_director.settings import Settings
from synmanager.flags import add_queue_flags, usable_broker_of


def parser() -> argparse.ArgumentParser:
    """The flags of ``synergos-director``."""
    flags = common_parser("director", "Accept jobs for a cluster, queue them and archive what comes back.")
    add_queue_flags(flags, default=["rabbitmq", "localhost"])
    # All are in the documentation of the original.
    folder = default_folder("director/data", "/orchestrator/data", "/director/data")
    add_flag(flags, "--data", type=Path, default=folder, help="folder of the record store, shared with the TTPs")
    add_database_flags(
        flags, "SQLAlchemy URL of the record store, the TTPs' too; default: an SQLite file in --data, for one host"
    )
    add_database_password_flag(flags)
    outputs = default_folder("director/outputs", "/orchestrator/outputs", "/director/outputs")
    add_flag(
        flags,
        "--outputs",
        type=Path,
        default=outputs,
        help="folder of the pictures of hyperparameter searches; may be the TTPs' folder of trained models",
    )
    add_destination_flags(flags)
    add_identity_flag(flags, "--data")
    add_auth_flags(flags)
    add_quota_flag(flags)
    # Where a TTP and a director are launched alike, this folder is named to both.
    add_flag(flags, "--mlflow", type=Path, help="has no effect here: tracked figures are written by the TTPs")
    return flags


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a director until SIGTERM."""
    flags = parser()
    given = read_flags(flags, arguments)
    nodes, tracking_servers = nodes_of(flags, given), tracking_servers_of(flags, given)
    data, outputs = (usable_folder(flags, f"--{name}", getattr(given, name)) for name in ("data", "outputs"))
    program = ProgramSettings.of(given)
    settings = Settings(
        program=program,
        database=with_password(flags, given, database_of(flags, given, program, data)),
        outputs=outputs,
        queue=usable_broker_of(flags, given, program.tls_to),
        nodes=nodes,
        tracking_servers=tracking_servers,
        quotas=quotas_of(flags, given),
        auth=auth_of(flags, given),
        identity=identity_file(flags, given, data, "director"),
        ledger=LedgerPlace(data, "director"),
    )
    structlog.get_logger(__name__).info(
        "starting",
        host=given.host,
        port=given.port,
        queue_host=settings.queue.host,
        queue_port=settings.queue.port,
        queue_user=settings.queue.user,
    )
    run(lambda: Director(settings), settings.program)
