"""Grids: node i of every participant together forms sub-grid i."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from synergos.domain.addresses import is_fingerprint, shown
from synergos.domain.records import Record
from synergos.errors import Conflict, DamagedRecord

COMMAND_PORT, DATA_PORT = 5000, 8020
"""The ports of a worker that listens at none: its two interfaces are told apart by them all the same."""

REVISION = "revision"
"""The field of a registration that counts how often it was changed since it was declared."""


@dataclass(frozen=True)
class Node:
    """One worker of one participant, as the orchestrator reaches it.

    Attributes:
        host: name or address, of IPv6 without brackets; its fingerprint where it dials out and has no address.
        command_port: where its REST interface listens (``f_port`` in a registration).
        data_port: where model weights travel (``port`` in a registration).
        fingerprint: of the identity that the worker has shown, or was registered with; None where it has shown none yet.
        nonce: what stands for this registration of it, which its worker consents to; another one when it is registered anew.
    """

    participant_id: str
    host: str
    command_port: int
    data_port: int
    fingerprint: str | None = None
    nonce: str | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if self.joins and self.fingerprint is None:
            object.__setattr__(self, "fingerprint", self.host)

    @property
    def joins(self) -> bool:
        """Whether it dials out, to the rendezvous of its orchestrator, and nobody can connect to it."""
        return is_fingerprint(self.host)

    @property
    def command_address(self) -> str:
        """Where its REST interface is asked, for people."""
        return shown(self.host, self.command_port)

    @property
    def data_address(self) -> str:
        """The same of model weights."""
        return shown(self.host, self.data_port)


def node_of(registration: Record, index: int) -> Node:
    """Node ``index`` of one participant's registration record."""
    node = registration[f"node_{index}"]
    return Node(
        participant_id=registration["key"]["participant_id"],
        host=host_of(node),
        command_port=node.get("f_port", COMMAND_PORT),
        data_port=node.get("port", DATA_PORT),
        fingerprint=node.get("fingerprint"),
        nonce=_nonce(registration, index),
    )


def host_of(node: Mapping[str, object]) -> str:
    """What stands for the host of a node as it is registered: one that dials out is registered with its fingerprint alone."""
    return str(node["host"]).strip("[]") if "host" in node else str(node["fingerprint"])


def _nonce(registration: Record, index: int) -> str:
    node = registration[f"node_{index}"]
    what = [*registration["key"].values(), str(registration.get("created_at")), index]
    where = [node.get("host", node.get("fingerprint")), node.get("f_port"), node.get("port")]
    # Who moves, and moves back, is registered otherwise than it was before.
    changed = [registration.get("role"), revision] if (revision := registration.get(REVISION, 0)) else []
    return sha256("\n".join(map(str, (*what, *where, *changed))).encode()).hexdigest()


def nodes_of(registration: Record) -> list[Node]:
    """All nodes of one participant's registration record; none of one that is damaged."""
    try:
        return [node_of(registration, index) for index in range(registration["n_count"])]
    except (TypeError, LookupError, AttributeError, DamagedRecord):
        return []


def sub_grid(registrations: Sequence[Record], index: int) -> list[Node]:
    """The nodes of sub-grid ``index``, one per participant, in order of registration.

    Raises:
        Conflict: somebody registered too few nodes.
    """
    short = [r["key"]["participant_id"] for r in registrations if r["n_count"] <= index]
    if short:
        raise Conflict(f"grid {index} does not exist: {', '.join(short)} registered fewer than {index + 1} nodes")
    return [node_of(registration, index) for registration in registrations]
