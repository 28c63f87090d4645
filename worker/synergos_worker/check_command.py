"""``synergos-worker check``: whether the data of some tags could be aligned, told where they lie, without a TTP."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from enum import IntEnum

from synergos.domain.feature_space import Action
from synergos.domain.tags import Purpose, declared_tags
from synergos.program.flags import refusing
from synergos_worker.data_check import Report, check
from synergos_worker.data_root import DataRoot
from synergos_worker.flags import add_data_flag, add_disclosure_flags, policy_of


class CheckCode(IntEnum):
    """How a check ended, for the program that called it."""

    FINE = 0
    PROBLEMS = 1
    USAGE = 2


def parser() -> argparse.ArgumentParser:
    """The flags of this command."""
    flags = argparse.ArgumentParser(
        prog="synergos-worker check",
        description="Says everything an alignment would refuse of this participant's data. Nothing leaves this machine.",
        epilog="Exit codes: 0 nothing would be refused, 1 something would, 2 the command makes no sense.",
    )
    add_data_flag(flags)
    for purpose in Purpose:
        flags.add_argument(
            f"--{purpose}", nargs="+", default=[], metavar="TAG", help=f"folders to {purpose}, below the data folder"
        )
    flags.add_argument(
        "--action", type=Action, choices=list(Action), help="what the project does; default: what the labels allow"
    )
    add_disclosure_flags(flags)
    flags.add_argument("--format", choices=("text", "json"), default="text", help="for people, or for programs")
    return flags


def main(arguments: Sequence[str]) -> int:
    """Run a command line; the exit code."""
    flags = parser()
    given = flags.parse_args(arguments)
    with refusing(flags):
        tags = declared_tags(
            {purpose: [tag.strip("/").split("/") for tag in getattr(given, purpose)] for purpose in Purpose}
        )
    if not tags:
        flags.error("expected a tag at least: --train, --evaluate or --predict")
    if not given.data.is_dir():
        flags.error(f"--data: {given.data} is not a folder")
    report = check(DataRoot(given.data), policy_of(given), tags, given.action)
    show(report, as_json=given.format == "json")
    return exit_code(report)


def exit_code(report: Report) -> CheckCode:
    """The exit code of a check."""
    return CheckCode.PROBLEMS if report.problems else CheckCode.FINE


def show(report: Report, *, as_json: bool) -> None:
    """Write a report to standard output."""
    if as_json:
        sys.stdout.write(json.dumps(report.to_dict(), indent=2, ensure_ascii=False) + "\n")
        return
    for purpose, files in report.files.items():
        for name, rows in files.items():
            sys.stdout.write(f"{purpose}: {name}, {rows} rows\n")
    for problem in report.problems:
        sys.stdout.write(f"problem: {problem.message}\n")
    count = len(report.problems)
    outcome = f"{count} problem{'' if count == 1 else 's'}" if count else "nothing an alignment would refuse"
    sys.stdout.write(f"{outcome} (to {report.action})\n")
