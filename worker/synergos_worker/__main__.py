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

from synergos.permission.judging import Unlisted
from synergos.program.common_flags import common_parser
from synergos.program.flags import (
    add_flag,
    add_keep_flag,
    default_folder,
    retention_of,
    usable_folder,
    whole_number,
)
from synergos.program.identity_flag import add_identity_flag, identity_file
from synergos.program.program import ProgramSettings, read_flags, run
from synergos_worker import check_command
from synergos_worker.bootstrap import WorkerService, build_worker
from synergos_worker.digests import DIGEST_KEY, key_in
from synergos_worker.flags import (
    add_approve_models_flag,
    add_catalogue_flag,
    add_data_flag,
    add_disclosure_flags,
    add_join_flags,
    add_memory_flags,
    add_participant_flag,
    add_policy_flag,
    add_trust_flag,
    add_unlisted_flag,
    limits_of,
    meeting_of,
    memory_of,
    policy_of,
    trust_of,
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
    add_identity_flag(flags, "--outputs")
    add_trust_flag(flags)
    add_participant_flag(flags)
    add_join_flags(flags)
    add_unlisted_flag(flags)
    add_approve_models_flag(flags)
    add_catalogue_flag(flags)
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
    identity = identity_file(flags, given, outputs, "worker")
    trust = trust_of(flags, given)
    limits = limits_of(flags, given)
    kept = retention_of(flags, given, "predictions")
    program = ProgramSettings.of(given)
    meeting = meeting_of(flags, given, program.tls_to_others)

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
            trust=trust,
            participant=given.participant,
            identity=identity,
            meeting=meeting,
            tls=program.tls,
            unlisted=given.unlisted,
            approve_models=given.approve_models,
            catalogue=given.catalogue,
        )
        where: dict[str, object] = (
            {"host": program.host, "port": program.port, "data_port": settings.data_port}
            if meeting is None
            else {"joins": str(meeting), "proxy": None if meeting.proxy is None else str(meeting.proxy)}
        )
        log.info("worker starts", **where, data=str(data))
        # Of the limits those that its owner has changed.
        log.info("what may be asked", policy=str(given.policy or "as usual"), **changed(limits))
        if settings.policy.is_open:
            log.warning(
                "this worker is OPEN: extremes, rare levels and figures of single rows leave it; "
                "start it with --disclosure strict where rows are not for everybody to see"
            )
        if trust.is_open:
            log.warning(
                "this worker TRUSTS ANYBODY: whoever reaches its ports may use it; "
                "name those who may with --trust, or leave it out and decide with synergos peer approve"
            )
        if meeting is not None and meeting.is_in_the_clear:
            log.warning(
                "this worker JOINS IN THE CLEAR: what it says of itself at the rendezvous may be read on the way; "
                "name who vouches for that with --tls_ca"
            )
        if not trust.is_open and settings.default_permission is Unlisted.ALLOW:
            log.warning(
                "folders WITHOUT A PERMISSION may be used by every orchestrator that is approved; "
                "leave --unlisted out and say with synergos permission grant which may use which"
            )
        return build_worker(settings, tracer=program.tracer("worker"))

    run(build, program, {given.data_port: "--data_port"}, listens=meeting is None)


def _check_key(flags: argparse.ArgumentParser, path: Path) -> None:
    """End the program now rather than with the first dataset, should the key of digests be none."""
    try:
        key_in(path)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        flags.error(f"--digest_key: {path} cannot be used: {reason}")
