"""Registered nodes are looked at once: what is plainly another program's address is refused, what is away is only told."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from synergos.bodies.declarations import Node
from synergos.domain.reachability import COMMAND, DATA, Answered, Probe, Silent
from synergos.errors import InvalidRequest


def check_nodes(nodes: Mapping[str, Node], probe: Probe) -> list[str]:
    """Look at nodes, all at the same time; what is to be told of those that may be all right.

    Args:
        nodes: by their field of a registration.

    Raises:
        InvalidRequest: an address is another program's, or the ports are exchanged; names the field.
    """
    if not nodes:
        return []
    ports = [(name, which, node, port) for name, node in nodes.items() for which, port in _ports(node)]
    with ThreadPoolExecutor(max_workers=min(len(ports), 32)) as pool:
        answers = list(pool.map(lambda asked: probe(asked[2].host, asked[3]), ports))
    found = {(name, which): answer for (name, which, _, _), answer in zip(ports, answers, strict=True)}
    return [
        told for name, node in nodes.items() if (told := _told(name, node, found[name, COMMAND], found[name, DATA]))
    ]


def _ports(node: Node) -> tuple[tuple[str, int], tuple[str, int]]:
    return (COMMAND, node.f_port), (DATA, node.port)


def _told(name: str, node: Node, command: Answered | Silent, data: Answered | Silent) -> str | None:
    if isinstance(command, Answered):
        _refuse_other(f"{name}.f_port", f"{node.host}:{node.f_port}", command, COMMAND)
    if isinstance(data, Answered) and data.component is not None:
        _refuse_other(f"{name}.port", f"{node.host}:{node.port}", data, DATA)
    both = (command, data)
    if (
        isinstance(command, Answered)
        and isinstance(data, Answered)
        and data.component_id not in (None, command.component_id)
    ):
        raise InvalidRequest(
            f"{node.host}:{node.port} belongs to {data.component_id}, and f_port to {command.component_id}; "
            "expected both ports of one worker",
            f"{name}.port",
        )
    away = [
        f"{node.host}:{port} ({answer.reason})"
        for (_, port), answer in zip(_ports(node), both, strict=True)
        if isinstance(answer, Silent)
    ]
    return f"{name}: cannot be reached from here at {' and '.join(away)}" if away else None


def _refuse_other(field: str, address: str, answer: Answered, wanted: str) -> None:
    if answer.component is None:
        raise InvalidRequest(f"what answers at {address} is not a Synergos worker", field)
    if answer.component != "worker":
        raise InvalidRequest(f"{address} is a {answer.component}, {answer.component_id}; expected a worker", field)
    if answer.interface not in (None, wanted):
        raise InvalidRequest(
            f"{address} is the {answer.interface} port of {answer.component_id}; expected its {wanted} port "
            "(f_port is the command port, port the data port)",
            field,
        )
