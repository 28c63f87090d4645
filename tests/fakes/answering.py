"""A worker that has answered before it is asked: what a TTP reads of it, without a network."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from synergos.domain.feature_space import Action
from synergos.domain.grid import Node
from synergos.domain.tags import Purpose, Tag
from synergos_ttp.workers.client import Connection, Transport
from synergos_ttp.workers.session_request import SessionRequest

WHO = "worker_1"
NODE = Node(WHO, "nowhere", 1, 1)


def session_request(tags: Mapping[Purpose, Sequence[Tag]]) -> SessionRequest:
    """What a session is opened with by somebody who only wants to hear the answer."""
    return SessionRequest(
        participant=WHO,
        owner="",
        action=Action.CLASSIFY,
        tags=tags,
        missing_columns={},
        digests={},
        architecture=[],
        feature_space={},
        hyperparameters={},
        purposes=tuple(tags),
    )


class Nowhere(Connection):
    """Everything has been answered before it is asked, and what is asked is not heard."""

    def __init__(self, answer: bytes) -> None:
        super().__init__(NODE.host, NODE.data_port)
        self._said = answer

    def connect(self) -> None:
        self.sock, self._there = socket.socketpair()
        self._there.sendall(self._said)
        self._there.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        if hasattr(self, "_there"):
            self._there.close()
        super().close()


@dataclass(frozen=True)
class Saying(Transport):
    """Leads to one answer."""

    answer: bytes = b""

    def connection(self, host: str, port: int, seconds: float) -> Connection:
        return Nowhere(self.answer)
