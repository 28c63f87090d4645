"""Registered nodes are looked at once: what is plainly another program's address is refused, what is away is only told."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from synergos.bodies.declarations import Node
from synergos.domain import grid
from synergos.domain.reachability import COMMAND, DATA, Answered, Barred, Probe, Silent, are_two_workers, mistake_at
from synergos.errors import InvalidRequest

_AT_ONCE = 32

_Address = tuple[str, int]
_Found = Mapping[_Address, Answered | Silent]


@dataclass(frozen=True)
class Others:
    """The other participants, whose workers nodes must not be.

    Attributes:
        ids: of all there are.
        nodes: those that the others in the same project have registered.
    """

    ids: Collection[str] = ()
    nodes: Collection[grid.Node] = ()


NOBODY = Others()


def check_nodes(nodes: Mapping[str, Node], probe: Probe, others: Others = NOBODY) -> list[str]:
    """Look at nodes, all at the same time; what is to be told of those that may be all right.

    Args:
        nodes: by their field of a registration.

    Raises:
        InvalidRequest: an address is one that nobody may connect to, another program's or another participant's, or the ports are
            exchanged; names the field.
    """
    if not nodes:
        return []
    own = [(node.host, port) for node in nodes.values() for _, port in _ports(node)]
    found = _asked({*own, *((node.host, node.command_port) for node in others.nodes)}, probe)
    told = [_told(name, node, found) for name, node in nodes.items()]
    for name, node in nodes.items():
        _refuse_others(name, node, found, others)
    return [each for each in told if each is not None]


def _asked(addresses: Iterable[_Address], probe: Probe) -> _Found:
    wanted = list(addresses)
    with ThreadPoolExecutor(max_workers=min(len(wanted), _AT_ONCE)) as pool:
        return dict(zip(wanted, pool.map(lambda address: probe(*address), wanted), strict=True))


def _ports(node: Node) -> tuple[tuple[str, int], tuple[str, int]]:
    return (COMMAND, node.f_port), (DATA, node.port)


def _told(name: str, node: Node, found: _Found) -> str | None:
    command, data = (found[node.host, port] for _, port in _ports(node))
    for port, answer in (("f_port", command), ("port", data)):
        if isinstance(answer, Barred):
            raise InvalidRequest(answer.reason, f"{name}.{port if answer.is_port else 'host'}")
    if isinstance(command, Answered):
        _refuse_mistake(f"{name}.f_port", f"{node.host}:{node.f_port}", command, COMMAND)
    if isinstance(data, Answered):
        _refuse_mistake(f"{name}.port", f"{node.host}:{node.port}", data, DATA)
    if isinstance(command, Answered) and isinstance(data, Answered) and are_two_workers(command, data):
        raise InvalidRequest(
            f"{node.host}:{node.port} belongs to {data.component_id}, and f_port to {command.component_id}; "
            "expected both ports of one worker",
            f"{name}.port",
        )
    away = [
        f"{node.host}:{port} ({answer.reason})"
        for (_, port), answer in zip(_ports(node), (command, data), strict=True)
        if isinstance(answer, Silent)
    ]
    return f"{name}: cannot be reached from here at {' and '.join(away)}" if away else None


def _refuse_mistake(field: str, address: str, answer: Answered, wanted: str) -> None:
    if mistake := mistake_at(address, answer, wanted):
        raise InvalidRequest(mistake, field)


def _refuse_others(name: str, node: Node, found: _Found, others: Others) -> None:
    """Two participants at one worker would be one participant twice, with the same rows."""
    here = found[node.host, node.f_port]
    if not isinstance(here, Answered):
        return
    if here.component_id in others.ids:
        raise InvalidRequest(
            f"{node.host}:{node.f_port} is the worker of another participant, {here.component_id}", f"{name}.f_port"
        )
    for other in others.nodes:
        there = found[other.host, other.command_port]
        if isinstance(there, Answered) and here.instance is not None and here.instance == there.instance:
            raise InvalidRequest(
                f"{node.host}:{node.f_port} is the worker that {other.participant_id} has registered "
                f"as {other.host}:{other.command_port}",
                f"{name}.f_port",
            )
