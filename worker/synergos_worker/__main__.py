"""``synergos-worker``: holds one participant's data and trains on it when a TTP asks."""

from __future__ import annotations

import argparse
import threading
from collections.abc import Sequence
from pathlib import Path

import structlog

from synergos.program.flags import add_flag, common_parser, default_folder, log_target, usable_folder, whole_number
from synergos.program.logs import configure_logging
from synergos.program.resources import Resources, log_usage
from synergos.program.server import ServerSettings, serve
from synergos_worker.bootstrap import WorkerService, build_worker
from synergos_worker.settings import Settings

log = structlog.get_logger(__name__)


def parser() -> argparse.ArgumentParser:
    """The flags of this program."""
    flags = common_parser("worker", "Holds one participant's data and trains on it when a TTP asks.")
    add_flag(
        flags,
        "--data",
        type=Path,
        default=default_folder("worker/data", "/worker/data"),
        help="folder of the participant's datasets; only read",
    )
    add_flag(
        flags,
        "--outputs",
        type=Path,
        default=default_folder("worker/outputs", "/worker/outputs"),
        help="folder that predictions are written to",
    )
    add_flag(
        flags,
        "--session_timeout",
        type=whole_number(1),
        default=3600,
        help="seconds after which a session nobody talks to ends",
    )
    return flags


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a worker until it is told to stop."""
    flags = parser()
    given = flags.parse_args(arguments)
    target = log_target(flags, given.logging_variant)
    configure_logging(given.id, target, debug=given.debug, censored=given.censored)
    # The default folder is made on first use; one that was named is there, or was mistyped. It is only read.
    is_new = given.data == flags.get_default("data") and not given.data.exists()
    given.data = usable_folder(flags, "--data", given.data, make=is_new)
    given.outputs = usable_folder(flags, "--outputs", given.outputs)
    serve(lambda: _service(given), ServerSettings(given.host, (given.port, given.data_port)))


def _service(given: argparse.Namespace) -> WorkerService:
    resources = Resources.within(given.cpus, given.gpus)
    resources.apply()
    if given.logging_resolution:
        log_usage(given.logging_resolution, threading.Event())
    settings = Settings(
        data=given.data,
        outputs=given.outputs,
        component_id=given.id,
        port=given.port,
        data_port=given.data_port,
        session_timeout=given.session_timeout,
        maximum_body=given.maximum_body,
        device=resources.device,
    )
    log.info("worker starts", host=given.host, port=given.port, data_port=given.data_port, data=str(given.data))
    return build_worker(settings)


if __name__ == "__main__":
    main()
