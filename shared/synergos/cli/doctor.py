"""``synergos doctor``: the failing hop between an orchestrator and its workers, in one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from synergos import Driver
from synergos.cli.connection import connected
from synergos.cli.exits import ExitCode
from synergos.cli.output import Format, FormatOption, print_json, print_table, say
from synergos.cli.participant import looked_at
from synergos.doctor.doctor import Case, diagnose
from synergos.doctor.finding import Finding, failing
from synergos.doctor.line import End
from synergos.driver.tls import Tls

_ORCHESTRATOR = "this machine → the orchestrator"


@connected
def doctor(
    driver: Driver,
    participant: Annotated[
        str | None,
        typer.Option(
            help="Whose worker runs on this machine. Default: this is the orchestrator's machine, or a client's."
        ),
    ] = None,
    worker: Annotated[
        str | None, typer.Option(metavar="HOST", help="Where that worker listens here. Default: 127.0.0.1.")
    ] = None,
    f_port: Annotated[
        int | None, typer.Option(help="Its command port. Default: the registered one, else 5000.")
    ] = None,
    port: Annotated[int | None, typer.Option(help="Its data port. Default: the registered one, else 8020.")] = None,
    folder: Annotated[
        list[Path] | None, typer.Option(help="A folder whose disk is looked at. Repeatable. Default: this one.")
    ] = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """Look for what is wrong between an orchestrator and its workers: here, on the way, and there.

    On a participant's machine say --participant. Names, ports in both directions, TLS where the address is https, clocks, versions,
    disk, memory, GPU and bandwidth are looked at. Ends with 1 when a hop does not hold, 3 when it is the way to the orchestrator.
    """
    case = Case(
        End(_ORCHESTRATOR, "port", driver.host, driver.port, driver.is_secured, driver.tls),
        lambda who: looked_at(driver, who),
        participant,
        (worker, f_port, port),
        folder or [Path.cwd()],
        driver.tls if driver.is_secured else Tls.of(None),
    )
    findings = list(diagnose(case))
    broken = failing(findings)
    if output is Format.JSON:
        print_json({"findings": [each.to_dict() for each in findings], "failing": broken and broken.to_dict()})
    else:
        _show(findings, broken)
    if broken is not None:
        raise typer.Exit(ExitCode.UNREACHABLE if broken.line == _ORCHESTRATOR else ExitCode.FAILED)


def _show(findings: Sequence[Finding], broken: Finding | None) -> None:
    line = ""
    rows = []
    for each in findings:
        # Said once for all of its hops.
        rows.append({**each.to_dict(), "line": "" if each.line == line else each.line})
        line = each.line
    print_table("what was looked at", ("line", "hop", "state", "said"), rows)
    if broken is None:
        say("every hop holds")
    else:
        say(f"the failing hop: {broken.line}, {broken.hop}: {broken.said}")
