"""A worker reads for whom, which project and what its owner allows, as often a day as it allows, and no longer than it does."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from factories.feature_spaces import prepared
from factories.worker_data import wine, write_frame
from fakes.orchestrator import Orchestrator
from fakes.worker_client import RUN, Agreement
from support.waiting import until
from synergos.domain.feature_space import Action
from synergos.identity.channel import Lane
from synergos.identity.decisions import approve
from synergos.identity.identity import Identity
from synergos.identity.trust import ANY, NOBODY
from synergos.learning.feature_space_agreement import feature_space
from synergos.permission.editing import grant, revoke
from synergos.permission.folders import PermissionFiles
from synergos.permission.judging import Unlisted
from synergos.permission.use import FILE_NAME, Reader, Uses
from synergos_worker.bootstrap import WorkerService, build_worker
from synergos_worker.disclosure.policy import OPEN
from synergos_worker.policy.limits import UNLIMITED
from synergos_worker.settings import Settings

Tags = Mapping[str, Sequence[Sequence[str]]]

TAGS: Tags = {"train": [["wine", "train"]], "evaluate": [["wine", "evaluate"]]}
SESSIONS = [f"{number:032x}" for number in range(16)]


def today() -> str:
    """One day lasts as long as the tests do."""
    return "2026-11-26"


@dataclass
class Asked:
    """An approved orchestrator with one project, and the worker that it asks."""

    service: WorkerService
    ttp: Orchestrator
    lane: Lane
    project: str = "c/p"

    @classmethod
    def of(
        cls, service: WorkerService, identity: Identity, director: Identity | None = None, *, is_known: bool = False
    ) -> Asked:
        ttp = Orchestrator(service, identity, director)
        if not is_known:
            approve(service.visitors.peers.folder, (director or identity).fingerprint)
            service.visitors.look()
        asked = cls(service, ttp, ttp.introduce().take())
        asked.post("consent", {"participant": "participant_1", "nonce": "0" * 64})
        return asked

    def post(self, command: str, body: object, more: str = "") -> tuple[int, Any]:
        status, answer = self.ttp.ask(self.lane, f"/worker/{command}/{self.project}{more}", body)
        return status, answer

    def poll(self, tags: Tags = TAGS) -> tuple[int, str]:
        status, answer = self.post("poll", {"action": "classify", "tags": tags})
        return status, str(answer.get("message", ""))

    def prepared(self, tags: Tags = TAGS) -> tuple[int, Any]:
        self.post("poll", {"action": "classify", "tags": tags})
        status, answer = self.ttp.ask(self.lane, f"/worker/poll/{self.project}?wait=30", method="GET")
        return status, answer

    def agreement(self, tags: Tags = TAGS) -> Agreement:
        status, answer = self.prepared(tags)
        assert status == 200, answer
        space, alignment = feature_space({"me": prepared(answer["data"])}, Action.CLASSIFY)
        return Agreement(tags, space, alignment.missing_columns["me"])

    def open(self, agreement: Agreement, session_id: str, *purposes: str, **changes: object) -> tuple[int, str]:
        body = agreement.body() | {
            "id": "participant_1",
            "session_id": session_id,
            "architecture": agreement.layers(),
            "hyperparameters": RUN,
            "metas": purposes or ("train", "evaluate"),
        }
        status, answer = self.post("initialise", json.loads(json.dumps(body | changes)), "/e1/r1")
        return status, str(answer.get("message", ""))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    frame = wine()
    write_frame(tmp_path / "data", ["wine", "train"], frame[:100])
    write_frame(tmp_path / "data", ["wine", "evaluate"], frame[100:140])
    return (tmp_path / "data").resolve()


def settings(data: Path) -> Settings:
    return Settings(data, data.parent / "outputs", "participant_1", policy=OPEN, limits=UNLIMITED, trust=NOBODY)


@pytest.fixture
def service(data: Path) -> Iterator[WorkerService]:
    service = build_worker(settings(data), today=today)
    yield service
    service.close()


@pytest.fixture
def asked(service: WorkerService) -> Asked:
    return Asked.of(service, Identity.new())


def allow(data: Path, who: str, uses: Uses = Uses(), most: int | None = None) -> None:  # noqa: B008 - frozen
    for purpose in ("train", "evaluate"):
        grant(PermissionFiles(data), data / "wine" / purpose, uses, Reader(who, most))


def test_a_refusal_names_folder_purpose_and_the_command_that_would_allow_it(asked: Asked, data: Path) -> None:
    who = asked.ttp.identity.fingerprint
    grant(PermissionFiles(data), data / "wine" / "train", Uses("c", "p", "train"), Reader(who))

    status, message = asked.poll()

    assert status == 403
    assert message.startswith("tags.evaluate: ")
    assert "the folder 'wine/evaluate' to evaluate for c/p" in message
    assert message.endswith(
        f"synergos permission grant wine/evaluate {who} --collaboration c --project p --purpose evaluate"
    )


def test_what_the_command_of_a_refusal_grants_is_allowed(asked: Asked, data: Path) -> None:
    who = asked.ttp.identity.fingerprint
    for purpose in ("train", "evaluate"):
        assert asked.poll()[0] == 403
        grant(PermissionFiles(data), data / "wine" / purpose, Uses("c", "p", purpose), Reader(who))

    assert asked.poll()[0] == 202
    assert asked.open(asked.agreement(), SESSIONS[0])[0] == 201


def test_a_folder_granted_to_predict_with_is_not_trained_on(asked: Asked, data: Path) -> None:
    allow(data, asked.ttp.identity.fingerprint, Uses("c", "p", "predict"))

    assert asked.poll({"predict": TAGS["train"]})[0] == 202
    assert asked.poll()[0] == 403


def test_the_other_purposes_of_what_is_asked_are_not_read_either(asked: Asked, data: Path) -> None:
    who = asked.ttp.identity.fingerprint
    allow(data, who)
    agreement = asked.agreement()
    revoke(PermissionFiles(data), data / "wine" / "evaluate", Uses(), {who})

    assert asked.open(agreement, SESSIONS[0])[0] == 403
    # What it is given and does not want is not read.
    assert asked.open(agreement, SESSIONS[1], "train")[0] == 201
    assert asked.post("align", agreement.body())[0] == 403


@pytest.mark.parametrize("who", ["peer", "director", "*"])
def test_whom_it_is_granted_to(service: WorkerService, data: Path, who: str) -> None:
    identity, director = Identity.new(), Identity.new()
    asked = Asked.of(service, identity, director)
    before = asked.poll()
    allow(data, {"peer": identity.fingerprint, "director": director.fingerprint}.get(who, who))

    # One for all of a cluster is what the command says.
    assert (before[0], f"grant wine/train {director.fingerprint} " in before[1]) == (403, True)
    assert asked.poll()[0] == 202


def test_who_was_renewed_is_who_it_was(service: WorkerService, asked: Asked, data: Path) -> None:
    renewed = Asked.of(service, asked.ttp.identity.renewed(), is_known=True)
    allow(data, asked.ttp.identity.fingerprint)

    assert renewed.poll()[0] == 202
    revoke(PermissionFiles(data), data / "wine" / "train", Uses(), {asked.ttp.identity.fingerprint})
    assert renewed.poll()[0] == 403


def test_what_was_prepared_is_told_as_long_as_it_is_allowed(asked: Asked, data: Path) -> None:
    allow(data, asked.ttp.identity.fingerprint)
    before = asked.prepared()
    revoke(PermissionFiles(data), data / "wine" / "train", Uses(), {asked.ttp.identity.fingerprint})
    status, answer = asked.ttp.ask(asked.lane, "/worker/poll/c/p", method="GET")

    assert (before[0], before[1]["data"]["state"]) == (200, "completed")
    assert (status, "'wine/train' to train" in answer["message"]) == (403, True)
    assert "data" not in answer


def test_a_permission_that_is_revoked_ends_what_runs(service: WorkerService, asked: Asked, data: Path) -> None:
    allow(data, asked.ttp.identity.fingerprint)
    agreement = asked.agreement()
    assert asked.open(agreement, SESSIONS[0])[0] == 201
    assert asked.open(agreement, SESSIONS[1], "train")[0] == 201

    revoke(PermissionFiles(data), data / "wine" / "evaluate", Uses(), {asked.ttp.identity.fingerprint})

    until(lambda: len(service.sessions) == 1, "one of them to end")
    (data / "wine" / "train" / FILE_NAME).write_text("rules: [")
    until(lambda: len(service.sessions) == 0, "the other one to end")
    assert "cannot be believed" in asked.open(agreement, SESSIONS[1], "train")[1]


def test_so_many_a_day_are_so_many_whatever_comes_at_once(service: WorkerService, asked: Asked, data: Path) -> None:
    allow(data, asked.ttp.identity.fingerprint, most=3)
    agreement = asked.agreement()
    several = [replace(asked, lane=asked.ttp.introduce().take()) for _ in range(6)]

    with ThreadPoolExecutor(6) as pool:
        opened = list(pool.map(lambda pair: pair[0].open(agreement, pair[1])[0], zip(several, SESSIONS, strict=False)))

    assert sorted(opened) == [201] * 3 + [403] * 3
    # The same one again is the same use.
    assert asked.open(agreement, SESSIONS[opened.index(201)])[0] == 200
    status, message = asked.open(agreement, SESSIONS[9])
    assert (status, "at most 3 times a day" in message) == (403, True)


def test_so_many_a_day_are_so_many_after_a_restart(service: WorkerService, asked: Asked, data: Path) -> None:
    allow(data, asked.ttp.identity.fingerprint, most=1)
    agreement = asked.agreement()
    first = asked.open(agreement, SESSIONS[0])[0]
    service.close()
    again = build_worker(settings(data), today=today)
    try:
        asked = Asked.of(again, asked.ttp.identity)
        assert (first, asked.open(agreement, SESSIONS[1])[0]) == (201, 403)
    finally:
        again.close()


def test_a_session_that_comes_to_nothing_counts_for_nothing(asked: Asked, data: Path) -> None:
    allow(data, asked.ttp.identity.fingerprint, most=1)
    agreement = asked.agreement()
    [layer] = agreement.layers()
    too_wide = [{**layer, "structure": {**layer["structure"], "in_features": len(agreement.space.X) + 1}}]

    refused = asked.open(agreement, SESSIONS[0], architecture=too_wide)[0]

    assert refused == 417
    assert asked.open(agreement, SESSIONS[1])[0] == 201


def test_a_count_that_cannot_be_kept_allows_nothing(service: WorkerService, asked: Asked, data: Path) -> None:
    allow(data, asked.ttp.identity.fingerprint, most=5)
    agreement = asked.agreement()
    (service.visitors.peers.folder / "uses.json").write_text("{")

    status, message = asked.open(agreement, SESSIONS[0])

    assert (status, "cannot be counted" in message) == (403, True)


def test_files_are_used_as_the_folder_allows_that_they_really_lie_in(asked: Asked, data: Path) -> None:
    who = asked.ttp.identity.fingerprint
    above, aside = data / "wine", data / "aside"
    write_frame(data, ["aside"], wine()[:20])
    (aside / "more.csv").symlink_to(above / "evaluate" / "rows.csv")
    (data / "other").symlink_to(above / "train")
    for name in ("metadata.json", "schema.json"):
        (above / name).write_bytes((above / "train" / name).read_bytes())
    grant(PermissionFiles(data), aside, Uses(), Reader(who))
    grant(PermissionFiles(data), above, Uses(), Reader(who))
    for inner in ("train", "evaluate"):
        (above / inner / FILE_NAME).write_text("rules: []")

    refused = {name: asked.poll({"train": [[name]]}) for name in ("wine", "aside", "other")}

    assert {name: status for name, (status, _) in refused.items()} == dict.fromkeys(refused, 403)
    assert "'wine/evaluate', of which 'wine' has files" in refused["wine"][1]
    assert "'wine/evaluate', of which 'aside' has files" in refused["aside"][1]
    assert "'wine/train', of which 'other' has files" in refused["other"][1]


def test_a_folder_that_there_is_not_is_refused_as_one_that_is_not_listed(asked: Asked, data: Path) -> None:
    (data / "out").symlink_to(data.parent)
    answers = [asked.poll({"train": [[name]]}) for name in ("wine", "nothing", "out")]

    assert [status for status, _ in answers] == [403] * 3


def test_a_file_of_permissions_is_no_part_of_the_data(asked: Asked, data: Path) -> None:
    allow(data, asked.ttp.identity.fingerprint)
    agreement = asked.agreement()
    allow(data, Identity.new().fingerprint)

    assert asked.post("align", agreement.body())[0] == 200


@pytest.mark.parametrize(("unlisted", "status"), [(Unlisted.ALLOW, 202), (Unlisted.DENY, 403), (None, 202)])
def test_who_trusts_anybody_lets_everybody_use_what_is_not_listed_unless_it_says_otherwise(
    data: Path, unlisted: Unlisted | None, status: int
) -> None:
    service = build_worker(replace(settings(data), trust=ANY, unlisted=unlisted))
    try:
        found = service.command_app.test_client().post("/worker/poll/c/p", json={"action": "classify", "tags": TAGS})
        assert found.status_code == status
        if status == 403:
            assert "synergos permission grant wine/train '*' " in found.get_json()["message"]
    finally:
        service.close()
