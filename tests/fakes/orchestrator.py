"""What a TTP does at the door of a worker, in-process: who it is, and what it asks, sealed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from werkzeug.test import Client

from synergos.identity.channel import Lane, Lanes, Opening, Place, Sealing
from synergos.identity.handshake import Handshake
from synergos.identity.identity import Identity
from synergos.identity.sealed_http import REQUEST_HEAD, RequestHead, answer_head, path_of
from synergos.identity.statements import MEMBERSHIP, Endorsement
from synergos.identity.syft_keys import PublicKeys
from synergos_worker.bootstrap import WorkerService


class Orchestrator:
    """What a TTP does at the door of a worker, step by step."""

    def __init__(self, service: WorkerService, identity: Identity, director: Identity | None = None) -> None:
        command, data = service.applications().values()
        self.command, self.data = Client(command), Client(data)
        self.identity = identity
        self.director = director

    def question(self) -> dict[str, Any]:
        """A handshake as it is sent."""
        return dict(self._handshake().question)

    def _handshake(self) -> Handshake:
        shown = self.command.get("/identity").json or {}
        belongs = None
        if self.director is not None:
            until = datetime.now(UTC) + MEMBERSHIP
            said = Endorsement(self.director.fingerprint, self.identity.fingerprint, until)
            belongs = said.signed_by(self.director.keys, self.director.shown_succession)
        return Handshake(self.identity, PublicKeys.read(shown["document"]), shown["challenge"], "ttp", belongs)

    def introduce(self) -> Any:
        """Have a handshake; the lanes of the channel, or the refusal."""
        handshake = self._handshake()
        answer = self.command.post("/handshake", json=handshake.question)
        return Lanes(handshake.channel(answer.data)) if answer.status_code == 200 else answer

    def sealed(self, lane: Lane, place: Place, head: RequestHead, content: bytes = b"") -> bytes:
        """A message as it is sent."""
        sealing = Sealing(lane.channel.asking, place)
        written = sealing.head(json.dumps(REQUEST_HEAD.write(head)).encode(), len(content))
        return written + b"".join(bytes(record) for record in sealing.content([content]))

    def send(self, lane: Lane, place: Place, message: bytes, port: Client | None = None) -> Any:
        """Send a message; what is answered, still sealed."""
        return (port or self.command).post(path_of(lane.channel.id, place), data=message)

    def ask(
        self, lane: Lane, target: str, body: object = None, method: str = "POST", port: Client | None = None
    ) -> Any:
        """Ask something; status and JSON of what was sealed in the answer."""
        content = b"" if body is None else json.dumps(body).encode()
        head = RequestHead(
            method=method,
            target=target,
            headers={"Content-Type": "application/json"},
            length=len(content),
            has_content=body is not None,
        )
        place = lane.next()
        answer = self.send(lane, place, self.sealed(lane, place, head, content), port)
        assert answer.status_code == 200, answer.data
        opening = Opening(lane.channel.answering, place, reader_of(answer.data))
        found = answer_head(opening.head())
        opening.expect(found.length)
        return found.status, json.loads(opening.read(found.length))


def reader_of(content: bytes) -> Any:
    rest = memoryview(content)

    def receive(memory: memoryview) -> int:
        nonlocal rest
        count = min(len(memory), len(rest))
        memory[:count] = rest[:count]
        rest = rest[count:]
        return count

    return receive
