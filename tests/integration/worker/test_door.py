"""In front of a worker: who comes shows who it is, and what it asks comes in sealed, once and in order."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from werkzeug.serving import make_server
from werkzeug.test import Client

from fakes.orchestrator import Orchestrator
from synergos.domain.reachability import Answered
from synergos.errors import Conflict
from synergos.identity.channel import Lane, Lanes
from synergos.identity.decisions import approve, revoke
from synergos.identity.identity import FOLDER, Identity, Renewable
from synergos.identity.sealed_http import RequestHead
from synergos.identity.statements import MEMBERSHIP, Consent, Endorsement
from synergos.identity.trust import ANY, NOBODY, Trust
from synergos.ledger.place import LedgerPlace
from synergos.ledger.reading import lines_in
from synergos.permission.judging import Unlisted
from synergos.program.introducing_probe import IntroducingProbe
from synergos_worker.bootstrap import WorkerService, build_worker
from synergos_worker.door import Door
from synergos_worker.settings import Settings

RUN = "c/p/e/r"


def built(tmp_path: Path, trust: Trust) -> Iterator[WorkerService]:
    (tmp_path / "data").mkdir()
    service = build_worker(Settings(tmp_path / "data", tmp_path / "outputs", trust=trust, unlisted=Unlisted.ALLOW))
    yield service
    service.close()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[WorkerService]:
    yield from built(tmp_path, NOBODY)


@pytest.fixture
def open_service(tmp_path: Path) -> Iterator[WorkerService]:
    yield from built(tmp_path, ANY)


@pytest.fixture
def ttp(service: WorkerService) -> Orchestrator:
    return Orchestrator(service, Identity.new())


@pytest.fixture
def lane(ttp: Orchestrator, service: WorkerService) -> Lane:
    approve(folder(service), ttp.identity.fingerprint)
    service.visitors.look()
    lanes: Lanes = ttp.introduce()
    return lanes.take()


def folder(service: WorkerService) -> Path:
    return service.visitors.peers.folder


def test_a_stranger_is_told_at_once_whose_approval_it_needs(ttp: Orchestrator, service: WorkerService) -> None:
    answer = ttp.introduce()

    assert answer.status_code == 401
    assert answer.json["field"] == "identity"
    assert f"synergos peer approve {ttp.identity.fingerprint}" in answer.json["message"]
    assert ttp.identity.fingerprint in (folder(service) / "first_contacts.json").read_text()
    assert folder(service).name == FOLDER


def test_what_it_asks_unsealed_is_refused_and_health_is_anybodys(ttp: Orchestrator) -> None:
    for path in (f"/worker/terminate/{RUN}", "/worker//terminate/c", "/worker/", "/worker/swagger.json", "/health"):
        told = {"/worker/": 200, "/worker/swagger.json": 200, "/health": 200}.get(path, 401)
        assert (path, ttp.command.get(path).status_code) == (path, told)
    assert ttp.data.put("/sessions/1/rounds/0").status_code == 401


def test_whom_the_owner_approves_of_is_answered_sealed(ttp: Orchestrator, lane: Lane) -> None:
    status, answer = ttp.ask(lane, f"/worker/terminate/{RUN}", {"session_id": "0" * 32})

    assert (status, answer["data"]["is_live"]) == (200, False)
    assert ttp.ask(lane, "/sessions/0/rounds/0", method="GET", port=ttp.data)[0] == 404


def test_a_ttp_is_approved_of_with_its_director(service: WorkerService) -> None:
    member = Orchestrator(service, Identity.new(), Identity.new())
    assert member.director is not None
    waiting = member.introduce()
    approve(folder(service), member.director.fingerprint)
    service.visitors.look()

    assert f"approve {member.director.fingerprint}" in waiting.json["message"]
    assert isinstance(member.introduce(), Lanes)


def test_an_endorsement_of_somebody_else_is_none(service: WorkerService) -> None:
    director, impostor = Identity.new(), Orchestrator(service, Identity.new())
    until = datetime.now(UTC) + MEMBERSHIP
    said = Endorsement(director.fingerprint, Identity.new().fingerprint, until).signed_by(director.keys)

    answer = impostor.command.post("/handshake", json={**impostor.question(), "endorsement": said})

    assert answer.status_code == 400


def test_revocation_ends_channels(ttp: Orchestrator, lane: Lane, service: WorkerService) -> None:
    revoke(folder(service), ttp.identity.fingerprint)
    service.visitors.look()

    place = lane.next()
    assert ttp.send(lane, place, b"").status_code == 410
    refused = ttp.introduce()
    assert refused.status_code == 403
    assert "revoked" in refused.json["message"]


def test_who_renews_an_approved_identity_is_known_until_either_is_revoked(
    ttp: Orchestrator, lane: Lane, service: WorkerService
) -> None:
    renewed = Orchestrator(service, ttp.identity.renewed())

    assert isinstance(renewed.introduce(), Lanes)
    # And is so from then on, without showing what came before.
    after = Orchestrator(service, Identity(renewed.identity.keys, renewed.identity.made))
    assert isinstance(after.introduce(), Lanes)
    revoke(folder(service), ttp.identity.fingerprint)
    service.visitors.look()
    assert [each.introduce().status_code for each in (ttp, renewed, after)] == [403, 403, 403]


def test_what_the_door_has_no_word_for_is_told_as_unavailable(
    ttp: Orchestrator, lane: Lane, service: WorkerService, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(*_: object) -> None:
        raise Conflict("a file is damaged")

    monkeypatch.setattr(service.visitors, "greet", damaged)

    assert ttp.introduce().status_code == 503


def test_handshakes_that_are_none_fill_no_log_and_no_ledger(service: WorkerService, lane: Lane) -> None:
    command = Client(service.applications()[5000])
    begun = time.monotonic()
    with capture_logs() as logged:
        answers = [command.post("/handshake", json={"document": {}, "sealed": "x" * number}) for number in range(50)]

    assert {answer.status_code for answer in answers} <= {400, 417}
    told = [entry for entry in logged if entry["event"] == "a handshake was refused"]
    # One in a second, however long a busy machine takes for all of them.
    assert 1 <= len(told) <= 1 + (time.monotonic() - begun)
    place = LedgerPlace(folder(service).parent, "worker")
    assert sum(line is not None and line.what == "refused" for line in lines_in(place)) == 1


def test_a_handshake_is_good_once(ttp: Orchestrator, lane: Lane) -> None:
    question = ttp.question()

    assert ttp.command.post("/handshake", json=question).status_code == 200
    again = ttp.command.post("/handshake", json=question)
    assert (again.status_code, (again.json or {})["message"]) == (400, "a handshake came twice")


def test_nobody_passes_for_somebody_approved(ttp: Orchestrator, lane: Lane, service: WorkerService) -> None:
    impostor = Orchestrator(service, Identity.new())
    question = {**impostor.question(), "document": dict(ttp.identity.keys.public.document)}

    assert impostor.command.post("/handshake", json=question).status_code == 400


TERMINATE = RequestHead(
    method="POST",
    target=f"/worker/terminate/{RUN}",
    headers={"Content-Type": "application/json"},
    length=2,
    has_content=True,
)


def test_a_message_that_comes_again_is_refused(ttp: Orchestrator, lane: Lane) -> None:
    place = lane.next()
    message = ttp.sealed(lane, place, TERMINATE, b"{}")

    assert ttp.send(lane, place, message).status_code == 200
    assert ttp.send(lane, place, message).status_code == 400


def test_messages_that_were_exchanged_are_refused(ttp: Orchestrator, lane: Lane) -> None:
    first, second = lane.next(), lane.next()
    later = ttp.sealed(lane, second, TERMINATE, b"{}")

    assert ttp.send(lane, second, later).status_code == 400
    assert ttp.send(lane, first, later).status_code == 400
    assert ttp.send(lane, first, ttp.sealed(lane, first, TERMINATE, b"{}")).status_code == 200
    assert ttp.send(lane, second, later).status_code == 200


@pytest.mark.parametrize("at", [0, 5, 30])
def test_a_head_that_was_altered_is_refused(ttp: Orchestrator, lane: Lane, at: int) -> None:
    place = lane.next()
    message = bytearray(ttp.sealed(lane, place, TERMINATE, b"{}"))
    message[at] ^= 1

    assert ttp.send(lane, place, bytes(message)).status_code == 400


def test_content_that_was_altered_is_not_acted_on(ttp: Orchestrator, lane: Lane) -> None:
    place = lane.next()
    message = bytearray(ttp.sealed(lane, place, TERMINATE, b"{}"))
    message[-1] ^= 1

    answer = ttp.send(lane, place, bytes(message))

    # In the clear, as of a head: for the one who asked it is a connection that broke, and not a worker's no.
    assert (answer.status_code, answer.json["success"]) == (400, 0)


def test_a_message_of_no_channel_is_refused(ttp: Orchestrator, lane: Lane, service: WorkerService) -> None:
    other = Orchestrator(service, Identity.new())
    place = lane.next()

    assert other.command.post(f"/sealed/{'0' * 32}/0/0", data=b"x").status_code == 410
    assert other.send(lane, place, b"\0\0\0\x20" + b"x" * 32).status_code == 400
    assert other.command.get("/sealed/x").status_code == 400


def test_a_session_is_there_for_who_has_opened_it_alone(open_service: WorkerService) -> None:
    # Whoever asks unsealed is nobody, and so is another identity.
    one = Orchestrator(open_service, Identity.new())
    lane = one.introduce().take()

    assert one.ask(lane, "/worker/poll/c/p?preparation=0", method="GET")[0] == 404
    assert one.command.post(f"/worker/terminate/{RUN}", json={"session_id": "0" * 32}).status_code == 200


@pytest.mark.parametrize("body", [None, [], "x", {}, {"document": 5, "sealed": "x"}, {"document": {}, "sealed": "!"}])
def test_what_is_no_handshake_is_refused(ttp: Orchestrator, body: object) -> None:
    assert ttp.command.post("/handshake", json=body).status_code in (400, 417)


def test_who_only_looks_is_told_whose_approval_it_needs(tmp_path: Path, service: WorkerService) -> None:
    keys = Renewable(tmp_path / "ttp.json")
    command, _ = service.applications().values()
    with served(command) as port:
        look = IntroducingProbe(keys, "ttp")
        before = look("127.0.0.1", port)
        approve(folder(service), keys.now.fingerprint)
        service.visitors.look()
        after = look("127.0.0.1", port)

    assert isinstance(before, Answered)
    assert f"synergos peer approve {keys.now.fingerprint}" in (before.refusal or "")
    assert isinstance(after, Answered)
    assert (after.component, after.refusal) == ("worker", None)


@contextmanager
def served(application: Any) -> Iterator[int]:
    server = make_server("127.0.0.1", 0, application, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_nothing_is_prepared_without_consent_and_none_is_given_under_another_name(
    ttp: Orchestrator, lane: Lane
) -> None:
    refused = ttp.ask(lane, "/worker/poll/c/p", {"action": "classify", "tags": {"train": [["a"]]}})
    strange = ttp.ask(lane, "/worker/consent/c/p", {"participant": "hospital_2", "nonce": "a" * 64})
    given = ttp.ask(lane, "/worker/consent/c/p", {"participant": "worker", "nonce": "a" * 64})
    after = ttp.ask(lane, "/worker/poll/c/p", {"action": "classify", "tags": {"train": [["a"]]}})

    assert (refused[0], refused[1]["message"]) == (
        403,
        "consent: this worker has not consented to take part in this project",
    )
    assert (strange[0], "that of worker" in strange[1]["message"]) == (403, True)
    assert (given[0], after[0]) == (200, 202)
    assert Consent.read(given[1]["data"]["consent"]).subject == ttp.identity.fingerprint


POLL = {"action": "classify", "tags": {"train": [["a"]]}}


def approved(service: WorkerService) -> tuple[Orchestrator, Lane]:
    """An orchestrator that is approved of."""
    ttp = Orchestrator(service, Identity.new())
    approve(folder(service), ttp.identity.fingerprint)
    service.visitors.look()
    return ttp, ttp.introduce().take()


CONSENT = {"participant": "worker", "nonce": "a" * 64}


def consenting(service: WorkerService) -> tuple[Orchestrator, Lane]:
    """The same, which takes part with the worker in the project c/p."""
    ttp, lane = approved(service)
    assert ttp.ask(lane, "/worker/consent/c/p", CONSENT)[0] == 200
    return ttp, lane


def test_a_project_is_of_the_orchestrator_that_has_asked_first(service: WorkerService) -> None:
    (one, _), (other, second) = consenting(service), approved(service)

    refused = other.ask(second, "/worker/consent/c/p", CONSENT)
    elsewhere = other.ask(second, "/worker/consent/c/q", CONSENT)
    prepared = other.ask(second, "/worker/poll/c/p", POLL)
    revoke(folder(service), one.identity.fingerprint)
    service.visitors.look()

    assert (refused[0], one.identity.fingerprint in refused[1]["message"]) == (403, True)
    assert (elsewhere[0], prepared[0]) == (200, 403)
    assert other.ask(second, "/worker/consent/c/p", CONSENT)[0] == 200


def test_a_project_stays_with_an_orchestrator_that_renews_its_identity(service: WorkerService) -> None:
    one, _ = consenting(service)
    renewed = Orchestrator(service, one.identity.renewed())
    lane = renewed.introduce().take()
    (written := folder(service).parent / "c" / "p" / "results.csv").parent.mkdir(parents=True)
    written.write_text("1")

    assert renewed.ask(lane, "/worker/remove/c/p", {"age": 0})[1]["data"]["files"] == 1
    assert renewed.ask(lane, "/worker/consent/c/p", CONSENT)[0] == 200


def test_a_project_that_is_deleted_is_the_next_ones(service: WorkerService) -> None:
    one, lane = consenting(service)
    approve(folder(service), (rival := Orchestrator(service, Identity.new())).identity.fingerprint)
    service.visitors.look()
    theirs = rival.introduce().take()
    assert rival.ask(theirs, "/worker/consent/c/p", CONSENT)[0] == 403

    assert one.ask(lane, "/worker/remove/c/p", {"age": 0})[0] == 200

    assert one.ask(lane, "/worker/poll/c/p", {"action": "classify", "tags": {"train": [["a"]]}})[0] == 403
    assert rival.ask(theirs, "/worker/consent/c/p", CONSENT)[0] == 200


def test_a_project_is_of_all_ttps_of_a_director(service: WorkerService) -> None:
    director = Identity.new()
    approve(folder(service), director.fingerprint)
    service.visitors.look()

    members = [Orchestrator(service, Identity.new(), director) for _ in range(2)]

    # Its succession is shown by the TTP with the endorsement.
    members.append(Orchestrator(service, Identity.new(), director.renewed()))
    assert [each.ask(each.introduce().take(), "/worker/consent/c/p", CONSENT)[0] for each in members] == [200] * 3


@pytest.mark.parametrize("below", ["c", "c/p", "c/p/e", "c/p/e/r"])
def test_nobody_removes_what_it_has_no_consent_for(service: WorkerService, below: str) -> None:
    ttp, lane = consenting(service)
    outputs = folder(service).parent
    own, others = (outputs / "c" / project / "e" / "r" / "results.csv" for project in ("p", "q"))
    for path in (own, others):
        path.parent.mkdir(parents=True)
        path.write_text("1")

    strange, nothing = (below.replace("c/p", project) for project in ("c/q", "c/none"))
    if "/" in below:
        refused = ttp.ask(lane, f"/worker/remove/{strange}", {"age": 0})
        assert (refused[0], "has not consented" in refused[1]["message"]) == (403, True)
        assert ttp.ask(lane, f"/worker/remove/{nothing}", {"age": 0})[1]["data"]["files"] == 0
    assert ttp.ask(lane, f"/worker/remove/{below}", {"age": 0})[1]["data"]["files"] == 1
    assert (own.exists(), others.exists()) == (False, True)


def test_who_is_revoked_while_it_waits_gets_nothing_any_more(
    ttp: Orchestrator, lane: Lane, service: WorkerService
) -> None:
    visitors = service.visitors

    def application(_environ: Any, start_response: Any) -> list[bytes]:
        revoke(visitors.peers.folder, ttp.identity.fingerprint)
        visitors.look()
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
        return [b"means"]

    place = lane.next()
    answer = ttp.send(
        lane, place, ttp.sealed(lane, place, TERMINATE, b"{}"), Client(Door(visitors).in_front_of(application))
    )

    assert (answer.status_code, b"means" in answer.data) == (410, False)
