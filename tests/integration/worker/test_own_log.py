"""A worker's own log says whom it answered what, and why it refused; never a value."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any

import pytest
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs
from werkzeug.test import Client

from fakes.worker_client import SESSION, WorkerClient, blob_of
from synergos.domain.asker import Asker

TAGS = {"train": [["wine", "train"]], "evaluate": [["wine", "evaluate"]]}
FOLDERS = {"train": ["wine/train"], "evaluate": ["wine/evaluate"]}
TTP = Asker("ttp/1", "0123", "10.0.0.1")
ASKED = {"address": "10.0.0.1", "asked_by": "ttp/1", "job_id": "0123"}

Line = MutableMapping[str, Any]


@pytest.fixture
def lines() -> Iterator[list[Line]]:
    with capture_logs([merge_contextvars]) as captured:
        yield captured


class Caller(WorkerClient):
    """A TTP that says who it is."""

    def command(self, method: str, path: str, status: int, body: object = None) -> dict[str, Any]:
        response = self.service.command_app.test_client().open(
            path, method=method, json=body, headers=TTP.headers, environ_base={"REMOTE_ADDR": TTP.address}
        )
        assert response.status_code == status, response.get_data(as_text=True)
        answer: dict[str, Any] = response.get_json()
        return answer


@pytest.fixture
def caller(client: WorkerClient) -> Caller:
    return Caller(client.service)


def of(lines: list[Line], event: str) -> list[Line]:
    return [line for line in lines if line["event"] == event]


def test_who_asked_for_datasets_is_said_each_time(caller: Caller, lines: list[Line]) -> None:
    caller.prepared(TAGS)
    caller.poll(TAGS, status=201)

    asked = of(lines, "datasets asked for")
    assert len(asked) == 2
    assert all(line.items() >= {**ASKED, "tags": FOLDERS, "project_id": "p1"}.items() for line in asked)
    [told] = of(lines, "preparation completed")
    assert told.items() >= {**ASKED, "tags": FOLDERS, "rows": {"train": 100, "evaluate": 40}}.items()
    assert told["left"] == {
        "columns": 14,
        "files with rows": 2,
        "levels and labels": 3,
        "sums and ranges": 13,
        "digests": 2,
    }


def test_a_session_says_who_opened_it_on_what_and_what_left(caller: Caller, lines: list[Line]) -> None:
    agreement = caller.agree(TAGS)
    caller.initialise(agreement)
    for number in range(2):
        assert caller.data("PUT", f"rounds/{number}", blob_of(agreement.weights(), round=number)).status_code == 200
    caller.data("PUT", "evaluations/2", blob_of(agreement.weights(), round=2))
    caller.terminate()

    [opened], [ended] = of(lines, "session opened"), of(lines, "session ended")
    about = {**ASKED, "collab_id": "c", "run_id": "r1", "participant": "participant_1", "session": SESSION[:8]}
    assert opened.items() >= {**about, "tags": FOLDERS, "rows": {"train": 100, "evaluate": 40}}.items()
    assert ended.items() >= {**about, "why": "asked for"}.items()
    assert ended["left"] == {"evaluation loss": 3, "first training loss": 2, "training loss": 2, "weights": 2}


def test_lines_about_a_round_say_which(caller: Caller, lines: list[Line]) -> None:
    agreement = caller.agree(TAGS)
    caller.initialise(agreement)
    for number in range(2):
        caller.data("PUT", f"rounds/{number}", blob_of(agreement.weights(), round=number))
    caller.data("GET", "rounds/7")
    caller.terminate()

    assert [line["round"] for line in of(lines, "exchange done")] == [0, 1]
    assert [line["round"] for line in of(lines, "refused")] == [7]
    assert [line for line in of(lines, "session ended") if "round" in line] == []


def test_the_kinds_of_figures_of_a_validation_are_named(caller: Caller, lines: list[Line]) -> None:
    agreement = caller.agree(TAGS)
    caller.initialise(agreement)
    caller.data("PUT", "model", blob_of(agreement.weights()))
    caller.predict("evaluate")
    caller.terminate()

    [ended] = of(lines, "session ended")
    assert {"evaluate accuracy", "evaluate roc_auc_score", "evaluate confusion_matrix"} <= ended["left"].keys()


def test_the_reason_of_a_failed_preparation_is_said_where_it_can_be_mended(caller: Caller, lines: list[Line]) -> None:
    answer = caller.prepared({"train": [["wine", "nowhere"]]})

    [failed] = of(lines, "preparation failed")
    assert failed["reason"] == answer["error"]["message"]
    assert "nowhere" in failed["reason"]
    assert failed.items() >= {**ASKED, "tags": {"train": ["wine/nowhere"]}}.items()


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/worker/poll/c/p", {"action": "guess", "tags": TAGS}, 417),
        ("GET", "/worker/poll/c/p", None, 404),
        ("GET", "/ttp/connect", None, 404),
        ("DELETE", "/worker/poll/c/p", None, 405),
    ],
)
def test_every_refusal_is_logged_with_its_reason(
    caller: Caller, lines: list[Line], method: str, path: str, body: object, status: int
) -> None:
    answer = caller.command(method, path, status, body)

    [refused] = of(lines, "refused")
    assert refused.items() >= {**ASKED, "status": status, "method": method, "path": path}.items()
    assert answer["message"] == refused["reason"]


def test_whoever_says_much_fills_no_log(caller: Caller, lines: list[Line]) -> None:
    caller.command("GET", "/" + 10_000 * "x", 404)
    caller.prepared({"train": [["x" * 10_000], *([str(number)] for number in range(1000))]})

    assert len(lines) == 3
    assert max(len(str(line)) for line in lines) < 5000


def test_a_refusal_of_the_data_port_is_logged_without_the_key_to_it(caller: Caller, lines: list[Line]) -> None:
    agreement = caller.agree(TAGS)
    caller.initialise(agreement)
    port = Client(caller.service.data_app)
    for path in (f"/sessions/{SESSION}/rounds/7", f"/sessions/{SESSION}/nothing", f"/sessions/{SESSION}", "/else"):
        port.get(path, environ_base={"REMOTE_ADDR": "10.0.0.9"})

    refused = of(lines, "refused")
    assert [(line["address"], line["status"], line["path"]) for line in refused] == [
        ("10.0.0.9", 404, "rounds/7"),
        ("10.0.0.9", 404, "nothing"),
        ("10.0.0.9", 404, f"/sessions/{SESSION[:8]}…"),
        ("10.0.0.9", 404, "/else"),
    ]
    assert refused[0]["session"] == SESSION[:8]
    assert SESSION not in str(lines)


def test_no_cell_of_the_data_is_in_any_line(caller: Caller, data: Path, lines: list[Line]) -> None:
    table = next((data / "wine" / "train").glob("*.csv"))
    first = table.read_text().splitlines()[1].split(",")[0]
    table.write_text(table.read_text().replace(first, "98765.4321", 1).replace(",1.", ",planted", 1))

    caller.poll(TAGS)
    caller.prepared({"train": [["wine", "new"]]})

    assert of(lines, "preparation failed")
    assert not any(planted in str(lines) for planted in ("98765", "planted"))
