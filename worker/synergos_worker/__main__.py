"""``synergos-worker``: holds one participant's data and trains on it when a TTP asks."""

from __future__ import annotations

if __name__ == "__main__":
    # Before what may not be installed is imported, by this module's own name then.
    from synergos.programs import worker

    worker()
    raise SystemExit

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import structlog

from synergos.program.flags import (
    add_flag,
    add_keep_flag,
    common_parser,
    default_folder,
    retention_of,
    usable_folder,
    whole_number,
)
from synergos.program.program import ProgramSettings, read_flags, run
from synergos_worker import check_command
from synergos_worker.bootstrap import WorkerService, build_worker
from synergos_worker.digests import DIGEST_KEY, key_in
from synergos_worker.flags import (
    add_data_flag,
    add_disclosure_flags,
    add_memory_flags,
    add_policy_flag,
    limits_of,
    memory_of,
    policy_of,
)
from synergos_worker.policy.limits import changed
from synergos_worker.settings import Settings

log = structlog.get_logger(__name__)


def parser() -> argparse.ArgumentParser:
    """The flags of this program."""
    flags = common_parser("worker", "Holds one participant's data and trains on it when a TTP asks.")
    flags.epilog = "synergos-worker check: says what an alignment would refuse of the data, offline."
    add_data_flag(flags)
    add_flag(
        flags,
        "--outputs",
        type=Path,
        default=default_folder("worker/outputs", "/worker/outputs"),
        help="folder that predictions are written to",
    )
    add_flag(
        flags,
        "--digest_key",
        type=Path,
        help="file of the key that tells changed data; .digest_key in --outputs unless said, one for all workers of a participant",
    )
    add_flag(
        flags,
        "--session_timeout",
        type=whole_number(1),
        default=3600,
        help="seconds after which a session nobody talks to ends",
    )
    add_keep_flag(
        flags,
        "predictions=TIME: those written in so many hours, days or weeks (12h, 90d, 4w) stay, older ones go; else all stay",
    )
    add_disclosure_flags(flags)
    add_policy_flag(flags)
    add_memory_flags(flags)
    return flags


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a worker until it is told to stop; ``check`` in front has its data checked instead."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["check"]:
        sys.exit(check_command.main(arguments[1:]))
    flags = parser()
    given = read_flags(flags, arguments)
    # The default folder is made on first use; one that was named is there, or was mistyped. It is only read.
    is_new = given.data == flags.get_default("data") and not given.data.exists()
    data = usable_folder(flags, "--data", given.data, make=is_new)
    outputs = usable_folder(flags, "--outputs", given.outputs)
    if given.port == given.data_port:
        flags.error(f"--data_port: expected another port than that of --port, {given.port}")
    _check_key(flags, given.digest_key or outputs / DIGEST_KEY)
    limits = limits_of(flags, given)
    kept = retention_of(flags, given, "predictions")
    program = ProgramSettings.of(given)

    def build() -> WorkerService:
        # Files are read by a library with threads of its own.
        pa.set_cpu_count(program.resources.cpus)
        # Which device is known here only: CUDA is not to be asked before the process that serves is there.
        settings = Settings(
            data=data,
            outputs=outputs,
            component_id=program.id,
            port=program.port,
            data_port=given.data_port,
            session_timeout=given.session_timeout,
            maximum_body=program.maximum_body,
            device=program.resources.device,
            digest_key=given.digest_key,
            policy=policy_of(given),
            limits=limits,
            memory=memory_of(given),
            keep_predictions=kept.predictions,
            has_metrics=program.has_metrics,
        )
        log.info("worker starts", host=program.host, port=program.port, data_port=settings.data_port, data=str(data))
        # Of the limits those that its owner has changed.
        log.info("what may be asked", policy=str(given.policy or "as usual"), **changed(limits))
        if settings.policy.is_open:
            log.warning(
                "this worker is OPEN: extremes, rare levels and figures of single rows leave it; "
                "start it with --disclosure strict where rows are not for everybody to see"
            )
        return build_worker(settings)

    run(build, program, given.data_port)


def _check_key(flags: argparse.ArgumentParser, path: Path) -> None:
    """End the program now rather than with the first dataset, should the key of digests be none."""
    try:
        key_in(path)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        flags.error(f"--digest_key: {path} cannot be used: {reason}")
