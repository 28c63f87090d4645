"""Flags that the worker and its check have in common."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from synergos.errors import InvalidRequest
from synergos.program.flags import add_flag, default_folder, whole_number
from synergos_worker.disclosure.policy import MINIMUM_ROWS, Mode, Policy
from synergos_worker.memory import MemoryLimits
from synergos_worker.policy.limits import USUAL, OwnerLimits
from synergos_worker.policy.policy_file import read_policy


def add_data_flag(flags: argparse.ArgumentParser) -> None:
    """Add the flag of the data folder."""
    add_flag(
        flags,
        "--data",
        type=Path,
        default=default_folder("worker/data", "/worker/data"),
        help="folder of the participant's datasets; only read",
    )


def add_disclosure_flags(flags: argparse.ArgumentParser) -> None:
    """Add what says how much may be told."""
    add_flag(
        flags,
        "--disclosure",
        type=_mode,
        # A text, which argparse checks as it checks what is typed.
        default=os.environ.get("SYNERGOS_DISCLOSURE") or str(Mode.STRICT),
        metavar="{strict,open}",
        help="strict: of values, levels and figures that too few rows share nothing leaves; open: everything that was ever "
        "asked for, for data that may be seen by all. Also SYNERGOS_DISCLOSURE",
    )
    add_flag(
        flags,
        "--minimum_rows",
        type=whole_number(1),
        default=MINIMUM_ROWS,
        help="how many rows have to share what is told of them, unless the folder's metadata.json has a number of its own",
    )


def add_policy_flag(flags: argparse.ArgumentParser) -> None:
    """Add the flag of the file that says what may be asked."""
    named = os.environ.get("SYNERGOS_POLICY")
    add_flag(
        flags,
        "--policy",
        type=Path,
        default=Path(named) if named else None,
        metavar="FILE",
        help="policy.toml: what an orchestrator may ask of this worker; the usual limits unless said. Also SYNERGOS_POLICY",
    )


def limits_of(flags: argparse.ArgumentParser, given: argparse.Namespace) -> OwnerLimits:
    """What may be asked, by the command line; ends the program with a clear message when the file cannot be believed."""
    try:
        return USUAL if given.policy is None else read_policy(given.policy)
    except InvalidRequest as error:
        flags.error(f"--policy: {error}")


def add_memory_flags(flags: argparse.ArgumentParser) -> None:
    """Add what bounds the sessions."""
    for name, variable, help_text in (
        (
            "--memory",
            "SYNERGOS_MEMORY",
            "bytes for all sessions; default: three quarters of what the machine, or its container, has",
        ),
        (
            "--session_memory",
            "SYNERGOS_SESSION_MEMORY",
            "bytes for one session; default: half of that, and all of a --memory that is said",
        ),
    ):
        default = os.environ.get(variable) or None
        add_flag(flags, name, type=whole_number(2**20, 2**50), default=default, help=f"{help_text}. Also {variable}")
    add_flag(
        flags,
        "--sessions",
        type=whole_number(1),
        default=os.environ.get("SYNERGOS_SESSIONS") or "64",
        help="how many sessions there may be at a time. Also SYNERGOS_SESSIONS",
    )


def memory_of(given: argparse.Namespace) -> MemoryLimits:
    """What sessions may take, by the command line."""
    return MemoryLimits.of_machine(given.session_memory, given.memory, given.sessions)


def policy_of(given: argparse.Namespace) -> Policy:
    """What may be told, by the command line."""
    return Policy(given.disclosure, given.minimum_rows)


def _mode(text: str) -> Mode:
    try:
        return Mode(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected {' or '.join(Mode)}, got {text!r}") from None
