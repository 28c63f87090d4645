"""What a worker publishes: to whom it takes part for, of what they may use, written down, and never a value."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from factories.worker_data import wine, write_frame
from fakes.orchestrator import Orchestrator
from fakes.worker_client import WorkerClient
from synergos.domain.catalogue import Extent
from synergos.identity.decisions import approve
from synergos.identity.identity import Identity
from synergos.identity.trust import NOBODY
from synergos.ledger.place import LedgerPlace
from synergos.ledger.reading import lines_in, rows_of
from synergos.permission.editing import grant
from synergos.permission.folders import PermissionFiles
from synergos.permission.use import Reader, Uses
from synergos_worker.bootstrap import WorkerService, build_worker
from synergos_worker.disclosure.policy import OPEN
from synergos_worker.policy.limits import UNLIMITED
from synergos_worker.settings import Settings

TAGS = {"train": [["wine", "train"]], "evaluate": [["wine", "evaluate"]]}
Start = Callable[[Settings], WorkerService]


@pytest.fixture
def start() -> Iterator[Start]:
    services: list[WorkerService] = []

    def start(settings: Settings) -> WorkerService:
        services.append(build_worker(settings))
        return services[-1]

    yield start
    for service in services:
        service.close()


@pytest.fixture
def settings(data: Path) -> Settings:
    return Settings(
        data, data.parent / "outputs", "participant_1", policy=OPEN, limits=UNLIMITED, catalogue=Extent.SCHEMA
    )


def told(client: WorkerClient) -> dict[str, Any]:
    found: dict[str, Any] = client.command("POST", "/worker/catalogue/c/p1", 200, {})["data"]
    return found


def test_a_worker_that_was_told_nothing_publishes_nothing(client: WorkerClient) -> None:
    assert told(client) == {"extent": "off", "folders": [], "is_whole": True}


def test_what_is_published_are_folders_columns_and_about_how_many_rows(start: Start, settings: Settings) -> None:
    found = told(WorkerClient(start(settings)))

    assert (found["extent"], found["is_whole"]) == ("schema", True)
    assert [each["path"] for each in found["folders"]] == [["wine", "evaluate"], ["wine", "new"], ["wine", "train"]]
    assert [each["rows"] for each in found["folders"]] == [{"about": 40}, {"about": 40}, {"about": 100}]
    assert {"name": "alcohol", "type": "float64"} in found["folders"][0]["columns"]
    assert {"name": "target", "type": "category", "is_label": True} in found["folders"][0]["columns"]


def test_it_is_written_down_what_was_published_to_whom_and_once_while_it_stays_the_same(
    start: Start, settings: Settings, data: Path
) -> None:
    client = WorkerClient(start(settings))
    for _ in range(3):
        told(client)
        client.command("POST", "/worker/fingerprints/c/p1", 200, {"tags": TAGS})
    write_frame(data, ["wine", "more"], wine()[:30])
    told(client)

    lines = rows_of(line for line in lines_in(LedgerPlace(settings.outputs, "worker")) if line is not None)

    assert [(line["what"], line["folders"]) for line in lines[1:]] == [
        ("catalogue", ["wine/evaluate", "wine/new", "wine/train"]),
        ("fingerprints", ["wine/evaluate", "wine/train"]),
        ("catalogue", ["wine/evaluate", "wine/more", "wine/new", "wine/train"]),
    ]


def test_a_fingerprint_is_another_one_when_a_byte_is_and_none_when_there_is_nothing(
    client: WorkerClient, data: Path
) -> None:
    def fingerprints() -> dict[str, list[str | None]]:
        answer = client.command("POST", "/worker/fingerprints/c/p1", 200, {"tags": TAGS})
        found: dict[str, list[str | None]] = answer["data"]["digests"]
        return found

    prepared, before, again = client.prepared(TAGS)["digests"], fingerprints(), fingerprints()
    (data / "wine" / "train" / "rows.csv").write_text((data / "wine" / "train" / "rows.csv").read_text() + "\n")
    (data / "wine" / "evaluate" / "metadata.json").unlink()
    after = fingerprints()

    assert before == again == prepared
    assert after["train"] != before["train"]
    assert after["evaluate"] == [None]


def test_nothing_is_said_to_who_has_no_consent_and_only_of_what_they_may_use(
    start: Start, settings: Settings, data: Path
) -> None:
    service, identity = start(replace(settings, trust=NOBODY)), Identity.new()
    ttp = Orchestrator(service, identity)
    approve(service.visitors.peers.folder, identity.fingerprint)
    service.visitors.look()
    lane = ttp.introduce().take()

    def asked(command: str, body: object) -> tuple[int, Any]:
        status, answer = ttp.ask(lane, f"/worker/{command}/c/p", body)
        return status, answer

    before = [asked("catalogue", {})[0], asked("fingerprints", {"tags": TAGS})[0]]
    asked("consent", {"participant": "participant_1", "nonce": "0" * 64})
    _, nothing = asked("catalogue", {})
    grant(PermissionFiles(data), data / "wine" / "train", Uses("c", "p", "train"), Reader(identity.fingerprint))
    _, some = asked("catalogue", {})
    _, compared = asked("fingerprints", {"tags": TAGS})

    assert before == [403, 403]
    assert nothing["data"]["folders"] == []
    assert [(each["path"], each["purposes"]) for each in some["data"]["folders"]] == [(["wine", "train"], ["train"])]
    assert list(compared["data"]["digests"]) == ["train"]
