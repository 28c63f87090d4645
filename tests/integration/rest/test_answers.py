"""Whatever is asked, the answer is a JSON object, and what we did not foresee is logged and not told."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from structlog.testing import capture_logs

from fakes.orchestration import (
    ALIGNMENTS_URL,
    COLLABORATION_URL,
    CONNECT,
    EXPERIMENT_URL,
    LAYERS,
    MODELS_URL,
    PROJECT_URL,
    RUN_URL,
    TAGS_URL,
    VALIDATIONS_URL,
    CannedDispatcher,
    Client,
    leave,
    predictions_url,
    registration,
    registration_url,
    tags,
)
from synergos import bodies
from synergos.records import RecordStore
from synergos.rest import create_app
from synergos.schema import Definition

BODIES: list[tuple[str, str, Definition[Any]]] = [
    ("POST", f"{CONNECT}/collaborations", bodies.COLLABORATION),
    ("PUT", COLLABORATION_URL, bodies.COLLABORATION),
    ("POST", f"{COLLABORATION_URL}/projects", bodies.PROJECT),
    ("PUT", PROJECT_URL, bodies.PROJECT),
    ("POST", f"{PROJECT_URL}/experiments", bodies.EXPERIMENT),
    ("PUT", EXPERIMENT_URL, bodies.EXPERIMENT),
    ("POST", f"{EXPERIMENT_URL}/runs", bodies.RUN),
    ("PUT", RUN_URL, bodies.RUN),
    ("POST", f"{CONNECT}/participants", bodies.PARTICIPANT),
    ("PUT", f"{CONNECT}/participants/worker_1", bodies.PARTICIPANT),
    ("POST", registration_url("worker_1"), bodies.REGISTRATION),
    ("PUT", registration_url("worker_1"), bodies.REGISTRATION),
    ("POST", TAGS_URL, bodies.TAG),
    ("PUT", TAGS_URL, bodies.TAG),
    ("POST", ALIGNMENTS_URL, bodies.ALIGNMENTS),
    ("POST", MODELS_URL, bodies.MODELS),
    ("POST", VALIDATIONS_URL, bodies.VALIDATIONS),
    ("POST", predictions_url("worker_1"), bodies.PREDICTIONS),
]
NAMES = [f"{verb}-{schema.name}" for verb, _, schema in BODIES]
OTHER_FIELDS = ("key", "doc_id", "kind", "relations", "node_1", "fitted_model", "anything")
# What makes each body right, so that one wrong field is the only thing wrong with it.
RIGHT: dict[str, dict[str, Any]] = {
    "Collaboration": {"collab_id": "new"},
    "Project": {"project_id": "new", "incentives": {}},
    "Experiment": {"expt_id": "new", "model": LAYERS},
    "Run": {"run_id": "new"},
    "Participant": {"id": "new"},
    "Registration": registration("h"),
    "Tag": tags("data1"),
    "Predictions": {"tags": {}},
}
VALUES: list[Any] = [
    None,
    True,
    -1,
    2**63,
    1e308,
    "",
    "x" * 5000,
    "\ud800",
    "nul\0",
    "../../etc",
    [],
    [[]],
    [None],
    [[[1]]],
    {},
    {"": {}},
    {"x": None},
    [{"is_input": 1, "l_type": [], "structure": None, "activation": {}}],
    {"host": {}, "ports": []},
]


def nested(depth: int) -> str:
    return '{"model": ' + "[" * depth + "]" * depth + "}"


RAW = {
    "nothing": b"",
    "text": b"hello",
    "half": b'{"a": ',
    "not unicode": b'{"a": "\xff"}',
    "a nan": b'{"lr": NaN}',
    "an infinity": b'{"lr": 1e999}',
    "a huge number": b'{"rounds": ' + b"9" * 5000 + b"}",
    "deep": nested(200).encode(),
    "very deep": nested(50_000).encode(),
    "a list": b"[]",
    "null": b"null",
    "a string": b'"x"',
    "a number": b"3",
    "a million nothings": b'{"train": [' + b",".join([b"[]"] * 20_000) + b"]}",
    "many keys": json.dumps({f"key{n}": n for n in range(3_000)}).encode(),
    "an endless key": json.dumps({"k" * 100_000: {}}).encode(),
    "twice the same key": b'{"id": 1, "id": "x"}',
}


@pytest.mark.parametrize(("verb", "url", "schema"), BODIES, ids=NAMES)
def test_a_wrong_value_in_any_field_is_never_our_mistake(
    finished: Client, dispatcher: CannedDispatcher, verb: str, url: str, schema: Definition[Any]
) -> None:
    dispatcher.do = leave
    right = RIGHT.get(schema.name, {}) if verb == "POST" else {}
    for field in [*schema.json_schema["properties"], *OTHER_FIELDS]:
        for value in VALUES:
            status, answer = finished.ask(verb, url, {**right, field: value})
            assert status < 500, (field, value, answer)
    for read in (
        PROJECT_URL,
        f"{CONNECT}/participants",
        f"{CONNECT}/collaborations",
        f"{COLLABORATION_URL}/registrations",
    ):
        assert finished.get(read)[0] == 200, "nothing that was stored breaks its readers"


@pytest.mark.parametrize(("verb", "url", "_schema"), BODIES, ids=NAMES)
def test_a_body_that_is_no_object_is_never_our_mistake(
    finished: Client,
    verb: str,
    url: str,
    _schema: Definition[Any],
) -> None:
    for name, body in RAW.items():
        response = finished.http.open(url, method=verb, data=body, content_type="application/json")
        answer = response.get_json()
        assert response.status_code < 500, (name, answer)
        assert isinstance(answer, dict), name


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("nothing", 400),
        ("text", 400),
        ("half", 400),
        ("not unicode", 400),
        ("a nan", 400),
        ("an infinity", 417),
        ("deep", 417),
        ("very deep", 417),
        ("a list", 417),
        ("null", 417),
    ],
)
def test_a_body_that_is_no_object_of_values_is_refused(declared: Client, name: str, status: int) -> None:
    response = declared.http.put(RUN_URL, data=RAW[name], content_type="application/json")

    assert response.status_code == status
    assert response.get_json()["success"] == 0
    assert "data" not in response.get_json()


def test_a_body_that_says_it_is_something_else_is_refused(client: Client) -> None:
    response = client.http.post(
        f"{CONNECT}/participants", data="id=1", content_type="application/x-www-form-urlencoded"
    )

    assert response.status_code == 415
    assert "application/json" in response.get_json()["message"]


def test_a_body_that_is_too_large_is_refused(client: Client) -> None:
    response = client.http.post(f"{CONNECT}/participants", json={"id": "w", "summary": "x" * 300_000})

    assert response.status_code == 413
    assert response.get_json()["status"] == 413


def test_a_body_in_chunks_that_is_too_large_is_refused(client: Client) -> None:
    body = BytesIO(json.dumps({"id": "w", "summary": "x" * 300_000}).encode())
    environment = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}

    response = client.http.post(
        f"{CONNECT}/participants",
        input_stream=body,
        content_type="application/json",
        environ_overrides=environment,
    )

    assert response.status_code == 413


@pytest.mark.parametrize(
    "url",
    [
        "/nothing",
        "/ttp",
        "/ttp/",
        "/ttp/connect/nothing",
        "/ttp/train/x/",
        "/ttp//connect/participants",
        "/swaggerui/nothing.js",
        "/ttp/connect/collaborations/a/b/c/d/e",
        "/ttp/evaluate/%ff%fe",
    ],
)
@pytest.mark.parametrize("verb", ["GET", "POST", "DELETE"])
def test_an_unknown_url_is_answered_as_json(client: Client, verb: str, url: str) -> None:
    response = client.http.open(url, method=verb)

    assert response.status_code in {404, 405}
    assert response.mimetype == "application/json"
    assert response.get_json()["success"] == 0


def test_the_front_page_is_for_browsers_and_for_programs(client: Client) -> None:
    page = client.http.get("/", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    told = client.http.get("/").get_json()

    assert page.mimetype == "text/html"
    assert told["component"] == "ttp"
    for address in told["links"]:
        assert f'href="{address}"' in page.text
        assert client.http.get(address).status_code == 200
    assert client.http.post("/").status_code == 405


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "image/png;q=1", "nonsense"])
def test_the_answer_is_json_whatever_is_preferred(declared: Client, accept: str) -> None:
    for url, status in ((PROJECT_URL, 200), (f"{PROJECT_URL}x", 404)):
        response = declared.http.get(url, headers={"Accept": accept})

        assert response.status_code == status
        assert response.mimetype == "application/json"


def test_what_nobody_foresaw_is_logged_and_not_told(store: RecordStore, finished: Client) -> None:
    class Broken(CannedDispatcher):
        def cancel(self, job_id: str) -> Any:
            raise ZeroDivisionError("the secret")

    app = create_app(store, Broken(store), component_id="x")
    job = store.jobs()[0]

    with capture_logs() as logs:
        status, answer = Client(app.test_client()).post(f"/ttp/jobs/{job.id}/cancel", {})

    assert status == 500
    assert answer.keys() == {"apiVersion", "success", "status", "message"}
    assert "secret" not in str(answer)
    assert [(entry["log_level"], entry["path"]) for entry in logs] == [("error", f"/ttp/jobs/{job.id}/cancel")]
    assert isinstance(logs[0]["exc_info"], ZeroDivisionError)


def test_answers_share_nothing(declared: Client) -> None:
    first = declared.get(PROJECT_URL)[1]
    declared.get(f"{CONNECT}/participants")

    assert declared.get(PROJECT_URL)[1] == first


def test_health_says_who_answers(client: Client) -> None:
    status, answer = client.get("/health")

    assert status == 200
    assert answer.pop("version")
    assert abs(datetime.now(UTC) - datetime.fromisoformat(answer.pop("time"))) < timedelta(minutes=5)
    assert answer.pop("accounts").startswith("off: ")
    assert answer == {"status": "ok", "component": "ttp", "id": "ttp/1", "grid_kind": "basic"}


@pytest.mark.parametrize("url", ["/ttp/connect/", "/ttp/train/", "/ttp/evaluate/", "/ttp/jobs/docs"])
def test_the_documentation_can_be_read_in_a_browser(client: Client, url: str) -> None:
    for form in (url, url.rstrip("/")):
        response = client.http.get(form)
        assert response.status_code == 200
        assert response.mimetype == "text/html"


@pytest.mark.parametrize(
    ("prefix", "paths", "model"),
    [
        ("/ttp/connect", 20, "Registration"),
        ("/ttp/train", 10, "Models"),
        ("/ttp/evaluate", 8, "Predictions"),
        ("/ttp", 13, None),
    ],
)
def test_the_documentation_describes_routes_and_bodies(
    client: Client, prefix: str, paths: int, model: str | None
) -> None:
    status, answer = client.get(f"{prefix}/swagger.json")

    assert status == 200
    assert len(answer["paths"]) >= paths
    assert model is None or model in answer["definitions"]


def test_the_service_refuses_what_torch_does_not_know(store: RecordStore, declared: Client) -> None:
    client = Client(create_app(store, CannedDispatcher(store), component_id="x").test_client())
    layer = {"is_input": True, "l_type": "Linea", "structure": {"in_features": 1, "out_features": 1}, "activation": ""}

    status, answer = client.post(f"{PROJECT_URL}/experiments", {"expt_id": "e", "model": [layer]})
    assert (status, answer["field"]) == (417, "model[0].l_type")
    assert "Linear" in answer["message"]

    status, answer = client.post(f"{EXPERIMENT_URL}/runs", {"run_id": "r", "optimizer": "SGDD"})
    assert (status, answer["field"]) == (417, "optimizer")


def test_requests_at_the_same_time_get_each_their_own_answer(client: Client) -> None:
    def declared(index: int) -> tuple[str, str, str]:
        url = f"{CONNECT}/collaborations"
        mine = Client(client.http.application.test_client())
        mine.data("POST", url, {"collab_id": f"c{index}", "mq": {"host": f"h{index}"}})
        mine.data("POST", f"{url}/c{index}/projects", {"project_id": f"p{index}", "incentives": {}})
        answer = mine.get(f"{url}/c{index}/projects/p{index}")[1]
        return answer["params"]["collab_id"], answer["params"]["project_id"], answer["data"]["key"]["collab_id"]

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(declared, range(24)))

    assert found == [(f"c{index}", f"p{index}", f"c{index}") for index in range(24)]
