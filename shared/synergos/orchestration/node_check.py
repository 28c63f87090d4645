"""Registered nodes are looked at once: what is plainly another program's address is refused, what is away is only told."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from msgspec import UNSET

from synergos.bodies.declarations import Node
from synergos.domain import grid
from synergos.domain.addresses import shown
from synergos.domain.reachability import (
    COMMAND,
    DATA,
    Answered,
    Barred,
    Probe,
    Silent,
    are_two_workers,
    mistake_at,
    out_of_reach,
)
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
        are_named: whether whoever registers may know whose those are, and where.
    """

    ids: Collection[str] = ()
    nodes: Collection[grid.Node] = ()
    are_named: bool = True


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
    own = [(node.place[0], port) for node in nodes.values() for _, port in _ports(node)]
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
    _, command, data = node.place
    return (COMMAND, command), (DATA, data)


def _field(name: str, node: Node, what: str) -> str:
    """The field that says where a node is: one that joins by itself has its fingerprint alone."""
    return f"{name}.fingerprint" if node.host is UNSET else f"{name}.{what}"


def _told(name: str, node: Node, found: _Found) -> str | None:
    host, f_port, port = node.place
    command, data = found[host, f_port], found[host, port]
    for what, answer in (("f_port", command), ("port", data)):
        if isinstance(answer, Barred):
            raise InvalidRequest(answer.reason, _field(name, node, what if answer.is_port else "host"))
    if isinstance(command, Answered):
        _refuse_mistake(_field(name, node, "f_port"), shown(host, f_port), command, COMMAND)
        _refuse_other_identity(name, node, command)
    if isinstance(data, Answered):
        _refuse_mistake(_field(name, node, "port"), shown(host, port), data, DATA)
    if isinstance(command, Answered) and isinstance(data, Answered) and are_two_workers(command, data):
        raise InvalidRequest(
            f"{shown(host, port)} belongs to {data.component_id}, and f_port to {command.component_id}; "
            "expected both ports of one worker",
            _field(name, node, "port"),
        )
    if away := out_of_reach(host, [(f_port, command), (port, data)]):
        return f"{name}: {away}"
    refusal = command.refusal if isinstance(command, Answered) else None
    return f"{name}: {refusal}" if refusal else None


def _refuse_mistake(field: str, address: str, answer: Answered, wanted: str) -> None:
    if mistake := mistake_at(address, answer, wanted):
        raise InvalidRequest(mistake, field)


def _refuse_other_identity(name: str, node: Node, found: Answered) -> None:
    if node.fingerprint is not UNSET and found.fingerprint not in (None, node.fingerprint):
        raise InvalidRequest(
            f"{shown(*node.place[:2])} has the identity {found.fingerprint}; expected the one that is declared",
            f"{name}.fingerprint",
        )


def _refuse_others(name: str, node: Node, found: _Found, others: Others) -> None:
    """Two participants at one worker would be one participant twice, with the same rows."""
    where = node.place[:2]
    here, address = found[where], shown(*where)
    if not isinstance(here, Answered):
        return
    if here.component_id in others.ids:
        raise InvalidRequest(
            f"{address} is the worker of another participant, {here.component_id}", _field(name, node, "f_port")
        )
    for other in others.nodes:
        there = found[other.host, other.command_port]
        if isinstance(there, Answered) and here.instance is not None and here.instance == there.instance:
            whose = f"{other.participant_id} has registered as {other.command_address}"
            raise InvalidRequest(
                f"{address} is the worker that {whose if others.are_named else 'another participant has registered'}",
                _field(name, node, "f_port"),
            )
