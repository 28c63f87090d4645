"""``synergos participant check``: which of the registered workers the orchestrator reaches."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from synergos import Driver
from synergos.cli.connection import connected
from synergos.cli.exits import ExitCode
from synergos.cli.output import Format, FormatOption, print_json, print_table, say
from synergos.domain.addresses import shown
from synergos.errors import RecordNotFound

Node = Mapping[str, Any]

_LOOKS, _PAUSE_SECONDS = 5, 1.0
"""How often the orchestrator is asked while it does not know yet, and with which pauses."""


@connected
def check(
    driver: Driver,
    participant: Annotated[
        str | None, typer.Argument(metavar="[PARTICIPANT]", help="Whose workers; default: everybody's.")
    ] = None,
    collaboration: Annotated[str | None, typer.Option(help="Only those registered for this collaboration.")] = None,
    project: Annotated[str | None, typer.Option(help="Only those registered for this project.")] = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """Check which of the registered workers the orchestrator reaches, and say what is wrong with the others.

    Ends with 1 when something is wrong with one of them.
    """
    nodes = looked_at(driver, participant, collaboration, project)
    if not nodes:
        who = "nobody" if participant is None else f"{participant!r}"
        raise RecordNotFound(f"{who} is {'' if participant is None else 'not '}registered there")
    if output is Format.JSON:
        print_json(list(nodes))
    else:
        rows = [_row(node) for node in nodes]
        print_table(f"{len(rows)} nodes, as the orchestrator reaches them", list(rows[0]), rows)
    wrong = [node for node in nodes if not node["is_reachable"] or node["problem"]]
    for node in wrong:
        say(f"{node['key']['participant_id']}: {problem_of(node)}")
    if wrong:
        raise typer.Exit(ExitCode.FAILED)


def looked_at(
    driver: Driver, participant: str | None = None, collaboration: str | None = None, project: str | None = None
) -> Sequence[Node]:
    """The nodes, once the orchestrator knows of all of them, or has had some seconds to find out."""
    for remaining in reversed(range(_LOOKS)):
        nodes: list[Node] = driver.nodes.read_all(participant, collaboration, project)["data"]
        if not remaining or all(node["is_reachable"] is not None for node in nodes):
            break
        time.sleep(_PAUSE_SECONDS)
    return nodes


def problem_of(node: Node) -> str:
    """What is wrong with a node that is not known to be reachable, or cannot work."""
    where = (
        _address(node) if node.get("joined") else f"{node['host']}:{node['f_port']} and {node['host']}:{node['port']}"
    )
    return str(node["problem"] or f"no word yet of {where}")


def _address(node: Node) -> str:
    """Where a node is, in a word; one that joins by itself is nowhere, and has been there since some time."""
    if (joined := node.get("joined")) is None:
        return f"{node['host']}:{node['f_port']}+{node['port']}"
    since = joined["since"]
    return f"{shown(node['host'], 0)}, {f'since {since}' if since else 'not connected'}"


def _row(node: Node) -> dict[str, object]:
    command = node["command"] or {}
    return {
        "participant": node["key"]["participant_id"],
        "project": f"{node['key']['collab_id']}/{node['key']['project_id']}",
        "address": _address(node),
        "reachable": node["is_reachable"],
        "worker": command.get("id"),
        "version": command.get("version"),
    }
