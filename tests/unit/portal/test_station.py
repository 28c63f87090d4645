"""The Command Station: whom it shows other programs' pages, and where in them a run is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.test import Client

from fakes.portal import Portal, answering, portal
from synergos_portal.orchestrator.answers import KEPT_SECONDS, Roles
from synergos_portal.pages.station.chosen import Chosen, FollowedJob, graylog_page, mlflow_page
from synergos_portal.pages.station.programs import admit
from synergos_portal.program import Track
from synergos_portal.proxy.tool import Kind, Place, Tool, Trouble
from synergos_portal.services import Service
from synergos_portal.web import current
from synergos_portal.web.sign_ins import SignedIn

MLOPS = Tool.under("mlops", "MLflow", Place.read("http://mlops.example", "--mlops"))
INTERFACE = Tool("rest:orchestrator", "Swagger", Place.read("http://ttp.example", "--orchestrator"), paths=("/ttp",))
CHOSEN = Chosen("c", "p", "e", "r")


ON, OFF = "on", "off: whoever reaches this port may do everything"


def saying(accounts: str | None, role: str | None = None, status: int = 200) -> Flask:
    """An orchestrator that says what it says of accounts, and what whoever asks is."""
    said = {} if accounts is None else {"accounts": accounts}
    return answering(
        ("GET /health", 200, {"status": "ok", **said}), ("GET /ttp/account", status, {"data": {"role": role}})
    )


def admitted(grid: Portal, tool: Tool, **roles: str) -> Kind | None:
    """Why somebody does not see a program; None where they do.

    Args:
        roles: that they had when they signed in, by orchestrator.
    """
    with grid.apps[Service.TRACK].test_request_context("/"):
        for name, role in roles.items():
            current.sign_in(SignedIn(orchestrator=name, token="token", name=role, role=role))
        try:
            admit(tool)
        except Trouble as trouble:
            return trouble.kind
    return None


@pytest.mark.parametrize(
    ("accounts", "role", "obstacle"),
    [
        (OFF, None, None),
        (ON, None, Kind.NOT_SIGNED_IN),
        (ON, "orchestrator", None),
        (ON, "participant", Kind.NOT_PERMITTED),
        (ON, "viewer", Kind.NOT_PERMITTED),
        (None, None, Kind.AWAY),
    ],
)
def test_where_there_are_accounts_other_programs_pages_are_for_orchestrators(
    tmp_path: Path, accounts: str | None, role: str | None, obstacle: Kind | None
) -> None:
    grid = portal(tmp_path, saying(accounts, role))
    roles = {} if role is None else {"orchestrator": role}
    assert admitted(grid, MLOPS, **roles) is obstacle
    assert admitted(grid, INTERFACE, **roles) is None


def test_nobody_sees_them_before_it_is_known_whether_there_are_accounts(tmp_path: Path) -> None:
    grid = portal(tmp_path, saying(OFF))
    grid.adapters["orchestrator"].away = True

    assert admitted(grid, MLOPS) is Kind.AWAY


@pytest.mark.parametrize("first", ["open", "closed"])
def test_one_orchestrator_without_accounts_opens_nothing_of_the_others(tmp_path: Path, first: str) -> None:
    apps = {"open": saying(OFF), "closed": saying(ON, "orchestrator")}
    grid = portal(tmp_path, dict(sorted(apps.items(), key=lambda each: each[0] != first)))

    assert admitted(grid, MLOPS) is Kind.NOT_SIGNED_IN
    assert admitted(grid, MLOPS, closed="orchestrator") is None


@pytest.mark.parametrize(
    ("other", "roles", "obstacle"),
    [
        (saying(ON, "orchestrator"), {"heart": "orchestrator"}, Kind.NOT_SIGNED_IN),
        (saying(ON, "participant"), {"heart": "orchestrator", "lung": "participant"}, Kind.NOT_PERMITTED),
        (saying(ON, "orchestrator"), {"heart": "orchestrator", "lung": "orchestrator"}, None),
        (saying(None), {"heart": "orchestrator"}, Kind.AWAY),
    ],
    ids=["not signed in", "participant there", "orchestrator at both", "never said"],
)
def test_of_several_with_accounts_each_has_to_say_that_somebody_orchestrates(
    tmp_path: Path, other: Flask, roles: dict[str, str], obstacle: Kind | None
) -> None:
    grid = portal(tmp_path, {"heart": saying(ON, "orchestrator"), "lung": other})

    assert admitted(grid, MLOPS, **roles) is obstacle


@pytest.mark.parametrize(
    ("role", "status", "obstacle"),
    [
        ("participant", 200, Kind.NOT_PERMITTED),
        (None, 401, Kind.NOT_SIGNED_IN),
        (None, 403, Kind.NOT_PERMITTED),
        (None, 503, Kind.FAILING),
        (None, 200, Kind.NONSENSE),
    ],
)
def test_the_role_is_what_the_orchestrator_says_now(
    tmp_path: Path, role: str | None, status: int, obstacle: Kind
) -> None:
    grid = portal(tmp_path, saying(ON, role, status))

    assert admitted(grid, MLOPS, orchestrator="orchestrator") is obstacle


def test_a_role_is_not_known_while_the_orchestrator_is_away(tmp_path: Path) -> None:
    grid = portal(tmp_path, saying(ON, "orchestrator"))
    assert admitted(grid, MLOPS) is Kind.NOT_SIGNED_IN
    grid.adapters["orchestrator"].away = True

    assert admitted(grid, MLOPS, orchestrator="orchestrator") is Kind.AWAY


def test_a_role_is_asked_for_again_after_some_seconds_and_not_before() -> None:
    time, asked = [0.0], list[str]()
    roles = Roles(lambda token: asked.append(token) or f"role {len(asked)}", clock=lambda: time[0])  # type: ignore[func-returns-value]

    assert [roles.of("a"), roles.of("a")] == ["role 1", "role 1"]
    time[0] = KEPT_SECONDS
    assert [roles.of("a"), roles.of("b")] == ["role 2", "role 3"]
    roles.forget("a")
    assert roles.of("a") == "role 4"


@pytest.fixture
def track(tmp_path: Path) -> Iterator[Client]:
    grid = portal(tmp_path, answering(("GET /health", 200, {"status": "ok", "accounts": "on"})))
    made = Track(grid.apps[Service.TRACK], [MLOPS])
    yield Client(made)
    made.close()


def test_whoever_has_not_signed_in_is_told_so_in_the_window(track: Client) -> None:
    answer = track.get("/tools/mlops/", headers={"Accept": "text/html", "Accept-Language": "de"})

    assert answer.status_code == 403
    assert "MLflow wird gezeigt, wenn Sie sich auf der Startseite des Portals angemeldet haben." in answer.text
    assert '<meta http-equiv="refresh" content="3">' in answer.text
    assert answer.headers["Content-Security-Policy"].endswith("frame-ancestors 'self'")
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


def test_of_several_orchestrators_the_window_says_where_to_sign_in(tmp_path: Path) -> None:
    made = Track(portal(tmp_path, {"heart": saying(OFF), "lung": saying(ON)}).apps[Service.TRACK], [MLOPS])

    answer = Client(made).get("/tools/mlops/", headers={"Accept": "text/html"})
    made.close()

    assert answer.status_code == 403
    assert "each orchestrator with accounts, and for lung you have not." in answer.text


def test_an_account_that_has_ended_is_told_so_in_the_window(tmp_path: Path) -> None:
    grid = portal(tmp_path, saying(ON, status=401))
    app = grid.apps[Service.TRACK]
    made = Track(app, [MLOPS])
    with app.test_request_context("/"):
        current.sign_in(SignedIn(orchestrator="orchestrator", token="t", name="n", role="orchestrator"))
        answered = app.process_response(app.make_response(""))
    visitor = Client(made)
    visitor.set_cookie(*answered.headers["Set-Cookie"].partition(";")[0].split("=", 1))

    answer = visitor.get("/tools/mlops/", headers={"Accept": "text/html"})
    made.close()

    assert answer.status_code == 403
    assert "MLflow is shown to whoever has signed in" in answer.text
    assert "GET /ttp/account" in grid.asked


def test_programs_are_told_it_as_orchestrators_tell_errors(track: Client) -> None:
    answer = track.get("/tools/other/x", headers={"Accept": "application/json"})

    assert answer.status_code == 404
    assert answer.get_json()["message"] == "The portal was not told of any program of this name."


def test_mlflow_opens_at_the_trainings_of_what_is_chosen() -> None:
    asked: list[str] = []

    def found(path: str) -> object:
        asked.append(path)
        return {"experiment": {"experiment_id": "17"}}

    assert mlflow_page(Chosen(), found) == "#/experiments"
    assert asked == []
    assert mlflow_page(Chosen("c", "p", "e"), found) == "#/experiments/17/runs"
    page = mlflow_page(Chosen("c/&", "p", "e", "r'1"), found)
    assert asked[-1] == "/api/2.0/mlflow/experiments/get-by-name?experiment_name=c%2F%26_%3E_p_%3E_e"
    assert page == "#/experiments/17/runs?searchFilter=tags.%60synergos.run%60%20%3D%20%22r%271%22"


@pytest.mark.parametrize(
    "told", [None, [], {"experiment": None}, {"experiment": {"experiment_id": "../x"}}, {"experiment": {}}]
)
def test_mlflow_opens_at_its_list_where_it_knows_no_such_experiment(told: object) -> None:
    assert mlflow_page(CHOSEN, lambda _: told) == "#/experiments"


def test_logs_open_at_a_jobs_messages_of_its_time() -> None:
    job = FollowedJob(
        "9a",
        "train",
        "completed",
        {"collab_id": "c"},
        datetime(2026, 3, 1, 10, tzinfo=UTC),
        datetime(2026, 3, 1, 11, tzinfo=UTC),
    )
    assert graylog_page(Chosen.of_job(job)) == (
        "search?q=job_id%3A%229a%22&rangetype=absolute&from=2026-03-01T09%3A59%3A00.000Z&to=2026-03-01T11%3A01%3A00.000Z"
    )
    assert (
        graylog_page(Chosen('c"\\ OR *'))
        == "search?q=collab_id%3A%22c%5C%22%5C%5C+OR+%2A%22&rangetype=relative&from=604800"
    )
    assert graylog_page(Chosen()) == "search?rangetype=relative&from=604800"


def test_the_followed_jobs_own_page_may_be_a_window(tmp_path: Path) -> None:
    job = {"id": "9a", "stage": "train", "state": "running", "keys": {"collab_id": "c"}}
    grid = portal(
        tmp_path,
        answering(
            ("GET /ttp/jobs", 200, {"data": [job]}),
            ("GET /ttp/jobs/9a", 200, {"data": job}),
            ("GET /ttp/connect/collaborations/c", 200, {"data": {}}),
        ),
    )
    page = grid.visitor(Service.TRACK).get("/station?job=9a").text

    assert 'value="view:job" data-address="http://localhost:4001/jobs/9a"' in page
    assert 'value="view:job"' not in grid.visitor(Service.TRACK).get("/station").text
