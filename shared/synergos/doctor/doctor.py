"""The whole look, from the orchestrator's end or from a participant's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synergos.doctor.bandwidth import bandwidth
from synergos.doctor.finding import Finding, State
from synergos.doctor.line import End, Examined, clock, examine, is_here, versions
from synergos.doctor.machine import machine
from synergos.domain.addresses import shown
from synergos.domain.reachability import COMMAND, DATA, Answered, are_two_workers, mistake_at
from synergos.driver.tls import Tls
from synergos.errors import SynergosError

Node = Mapping[str, Any]
"""As ``GET /ttp/nodes`` answers it."""

LOOPBACK = "127.0.0.1"
COMMAND_PORT, DATA_PORT = 5000, 8020


@dataclass(frozen=True)
class Case:
    """What is looked at.

    Attributes:
        orchestrator: as it is reached from here.
        nodes: asks the orchestrator which nodes it reaches: all, or those of a participant.
        participant: whose worker runs on this machine; None at the orchestrator's end.
        worker: where that worker listens, when it is not where it is registered: host, command port, data port.
        tls: whom to believe at workers, which are then asked by TLS, and what to show them; None for plain HTTP.
        folders: where programs of ours read and write on this machine.
    """

    orchestrator: End
    nodes: Callable[[str | None], Sequence[Node]]
    participant: str | None = None
    worker: tuple[str | None, int | None, int | None] = (None, None, None)
    folders: Sequence[Path] = ()
    tls: Tls | None = None


def diagnose(case: Case) -> Iterator[Finding]:
    """All hops, in the order in which they have to hold."""
    yield from machine(case.folders)
    reached = examine(case.orchestrator)
    yield from reached.findings
    nodes: Sequence[Node] = ()
    if reached.answered is not None:
        yield from _orchestrator(case.orchestrator, reached.answered)
        yield bandwidth(case.orchestrator)
        try:
            nodes = case.nodes(case.participant)
        except SynergosError as error:
            yield case.orchestrator.said(State.FAILED, f"does not say which workers it reaches: {error}", "nodes")
        else:
            yield from _nobody(case, nodes)
    if case.participant is not None:
        yield from _participants_end(case, nodes, reached)
    else:
        yield from _orchestrators_end(case, nodes, reached)


def _orchestrator(end: End, answered: Answered) -> Iterator[Finding]:
    if answered.component not in ("ttp", "director"):
        port = f"the {answered.interface} port of " if answered.interface else ""
        yield end.said(
            State.FAILED,
            f"{end.address} is {port}{answered.component} {answered.component_id}; expected a TTP or a director",
        )


def _nobody(case: Case, nodes: Sequence[Node]) -> Iterator[Finding]:
    if not nodes:
        who = "nobody is" if case.participant is None else f"{case.participant} is not"
        state = State.NOTE if case.participant is None else State.FAILED
        yield case.orchestrator.said(state, f"{who} registered for any project there", "nodes")


def _orchestrators_end(case: Case, nodes: Sequence[Node], reached: Examined) -> Iterator[Finding]:
    from_here = reached.answered is not None and is_here(case.orchestrator.host)
    for node in _each_once(nodes):
        who = node["key"]["participant_id"]
        # Nobody connects to a worker that joins, from wherever.
        found = _from_here(case, node, f"this machine → {who}") if from_here and not _joins(node) else []
        yield from found
        holds = bool(found) and not any(each.state is State.FAILED for each in found)
        yield from _as_the_orchestrator_finds(
            node, reached, "; this machine reaches it: does the orchestrator run in a container?" if holds else ""
        )


def _from_here(case: Case, node: Node, line: str) -> list[Finding]:
    ends = _ends(case, line, node["host"], node["f_port"], node["port"])
    return list(_worker(ends, [examine(end) for end in ends]))


def _participants_end(case: Case, nodes: Sequence[Node], reached: Examined) -> Iterator[Finding]:
    for node in _each_once(nodes) or [{}]:
        if _joins(node):
            yield from _as_the_orchestrator_finds(node, reached, _JOINING_HINT)
            continue
        ends, found = _own_worker(case, node)
        yield from _worker(ends, found)
        here = found[0].answered
        if not node:
            continue
        holds = here is not None and found[1].answered is not None
        hint = (
            "; it answers on this machine: look at what lies between the two, a firewall, a port that is not published, "
            "or an address that is another machine's"
        )
        yield from _as_the_orchestrator_finds(node, reached, hint if holds else "")
        theirs = (node["command"] or {}).get("id")
        if holds and here is not None and theirs is not None and theirs != here.component_id:
            yield Finding(
                f"the orchestrator → {case.participant}",
                "worker",
                State.FAILED,
                f"finds the worker {theirs} at {node['host']}:{node['f_port']}, and the one on this machine is {here.component_id}",
            )


_JOINING_HINT = "; its worker listens nowhere: what keeps it from joining stands in its log, and under joined in the file .health.json in its --outputs"


def _joins(node: Node) -> bool:
    """Whether a node is a worker's that dials out."""
    return node.get("joined") is not None


def _own_worker(case: Case, node: Node) -> tuple[Sequence[End], list[Examined]]:
    """The worker on this machine: on loopback, or on the address that it is registered with."""
    host, f_port, port = case.worker
    command, data = f_port or node.get("f_port", COMMAND_PORT), port or node.get("port", DATA_PORT)
    hosts = [host] if host else [LOOPBACK, *([node["host"]] if node and is_here(node["host"]) else [])]
    for place in hosts:
        ends = _ends(case, "this machine → its worker", place, command, data)
        found = [examine(end) for end in ends]
        if all(each.answered is not None for each in found):
            break
    return ends, found


def _ends(case: Case, line: str, host: str, command: int, data: int) -> Sequence[End]:
    host, tls = host.strip("[]"), case.tls
    is_secured = tls is not None
    return (
        End(line, "command port", host, command, is_secured, tls),
        End(line, "data port", host, data, is_secured, tls),
    )


def _worker(ends: Sequence[End], found: Sequence[Examined]) -> Iterator[Finding]:
    """What was found at a worker's two ports, and whether it is one worker's."""
    for end, each, wanted in zip(ends, found, (COMMAND, DATA), strict=True):
        yield from each.findings
        if each.answered is not None and (mistake := mistake_at(end.address, each.answered, wanted)):
            yield end.said(State.FAILED, mistake)
    command, data = (each.answered for each in found)
    if command is None or data is None:
        return
    if are_two_workers(command, data):
        yield ends[1].said(
            State.FAILED, f"belongs to {data.component_id}, and the command port to {command.component_id}"
        )
    yield bandwidth(ends[1])


def _as_the_orchestrator_finds(node: Node, reached: Examined, hint: str) -> Iterator[Finding]:
    """The way that counts: from the orchestrator itself."""
    who, host = node["key"]["participant_id"], node["host"]
    joined = node.get("joined")
    end = End(f"the orchestrator → {who}", "both ports" if joined is None else "rendezvous", host, node["f_port"] or 0)
    where = shown(host, end.port)
    if not node["is_reachable"]:
        problem = node["problem"] or f"has not found out yet whether {where} answers; ask again"
        yield end.said(State.FAILED, problem.replace(" from here", " from there") + hint)
        return
    command = node["command"]
    if not command.get("answers", True):
        yield end.said(State.FINE, f"{where}: {command['reason']}")
        return
    more = f" and {node['port']}" if joined is None else f", since {joined['since']}"
    yield end.said(
        State.FINE,
        f"worker {command['id']} at {where}{more}, in {1000 * command['seconds']:.0f} ms",
    )
    if node["problem"]:
        yield end.said(State.FAILED, node["problem"], "health")
    if command["clock_difference"] is not None:
        yield clock(end, command["clock_difference"], "the orchestrator's")
    if reached.answered is not None and reached.answered.version is not None:
        yield from versions(end, command["version"], "the orchestrator", reached.answered.version)


def _each_once(nodes: Iterable[Node]) -> list[Node]:
    """A node that is registered for several projects is one."""
    return list({(node["host"], node["f_port"], node["port"]): node for node in nodes}.values())
