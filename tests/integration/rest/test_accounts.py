"""Accounts over HTTP: who has not signed in is told nothing, and whose something is nobody else changes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from werkzeug.routing import Rule

from fakes.orchestration import (
    ALIGNMENTS_URL,
    COLLABORATION_URL,
    CONNECT,
    EXPERIMENT_URL,
    HYPERPARAMETERS,
    LAYERS,
    MODELS_URL,
    PROJECT_URL,
    RUN,
    RUN_URL,
    VALIDATIONS_URL,
    C,
    Client,
    E,
    P,
    R,
    predictions_url,
    registration,
    registration_url,
    tags,
)
from fakes.people import PASSWORD, As, basic
from synergos.accounts.throttle import FREE_ATTEMPTS, Throttle
from synergos.domain.job import Job, Stage
from synergos.domain.keys import RunKey
from synergos.domain.records import Kind
from synergos.domain.removal import Removal
from synergos.records import RecordStore
from synergos.records.accounts import Accounts
from synergos.records.owners import Owners
from synergos.records.removals import Removals

PUBLIC = {"/", "/health", "/docs", "/swagger.json", "/bandwidth", "/swaggerui/<path:filename>"}
DOCUMENTATION = {
    f"/ttp/{part}{page}" for part in ("connect/", "train/", "evaluate/", "") for page in ("", "swagger.json")
} | {"/ttp/jobs/docs"}


def rules(client: Client) -> list[Rule]:
    return list(client.http.application.url_map.iter_rules())


def test_nobody_is_asked_anything_without_an_account_but_what_is_public(as_: As) -> None:
    stranger = as_("")
    answered = set()
    for rule in rules(stranger):
        url = rule.rule
        for name in rule.arguments:
            url = url.replace(f"<path:{name}>", "x").replace(f"<{name}>", "x")
        for verb in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            answer = stranger.http.open(url, method=verb, json={} if verb in {"POST", "PUT"} else None)
            if answer.status_code != 401:
                answered.add(rule.rule)
            else:
                assert answer.headers["WWW-Authenticate"].startswith("Basic")
                assert answer.get_json()["success"] == 0

    assert answered <= PUBLIC | DOCUMENTATION


def test_health_says_whether_there_are_accounts(as_: As, client: Client) -> None:
    assert as_("").get("/health")[1]["accounts"] == "on"
    assert client.get("/health")[1]["accounts"].startswith("off: whoever reaches this port may")


def test_without_accounts_there_is_no_signing_in(client: Client) -> None:
    for verb, url in (("GET", "/ttp/account"), ("GET", "/ttp/tokens"), ("DELETE", "/ttp/tokens/x")):
        status, answer = client.ask(verb, url)
        assert (status, answer["message"]) == (403, "this orchestrator has no accounts: it was started without --auth")
    assert client.post("/ttp/tokens", {})[0] == 403


def test_a_token_is_given_for_a_password_and_is_as_good(as_: As) -> None:
    given = as_("lead").data("POST", "/ttp/tokens", {"expires_in": 60, "label": "a notebook"})
    client = as_("", f"Bearer {given['token']}")

    assert client.data("GET", "/ttp/account")["name"] == "lead"
    [listed] = client.data("GET", "/ttp/tokens")
    assert listed == {name: given[name] for name in ("kind", "id", "label", "created_at", "expires_at")}
    client.data("DELETE", f"/ttp/tokens/{given['id']}")

    assert client.get("/ttp/account")[0] == 401


def test_who_somebody_is_says_what_is_theirs_where_that_is_asked_for(
    finished: Client, owned: As, store: RecordStore
) -> None:
    asked = "/ttp/account?owned=true"
    Owners(store).give(Kind.PARTICIPANT, "worker_3", "lead")
    Owners(store).give(Kind.PARTICIPANT, "worker_1", "lead")
    told = {name: owned(name).data("GET", asked) for name in ("lead", "rival", "first", "looker")}

    # worker_1 has an account of its own.
    assert {name: (who["collaborations"], who["participants"]) for name, who in told.items()} == {
        "lead": ([C], ["worker_3"]),
        "rival": ([], []),
        "first": ([], ["worker_1"]),
        "looker": ([], []),
    }
    assert "collaborations" not in owned("lead").data("GET", "/ttp/account")


@pytest.mark.parametrize(
    "body", [{"expires_in": 0}, {"expires_in": 10**9}, {"expires_in": "x"}, {"label": 5}, {"lable": "x"}]
)
def test_a_token_that_makes_no_sense_is_refused_by_its_field(as_: As, body: dict[str, object]) -> None:
    status, answer = as_("lead").post("/ttp/tokens", body)

    assert status == 417
    assert answer["field"] == next(iter(body))


@pytest.fixture
def no_time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first wait is a second, and a busy machine may take longer to ask again."""
    monkeypatch.setattr(Throttle.__init__, "__defaults__", (lambda: 0.0,))


@pytest.mark.usefixtures("no_time_passes")
def test_whoever_is_wrong_too_often_is_told_to_wait(as_: As) -> None:
    for _ in range(FREE_ATTEMPTS):
        assert as_("", basic("lead", "wrong")).get("/ttp/jobs")[0] == 401

    answer = as_("lead").http.get("/ttp/jobs")

    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) >= 1


def test_no_answer_has_a_password_in_it(as_: As) -> None:
    assert PASSWORD not in str(as_("lead").data("GET", "/ttp/account"))


def test_the_documentation_says_how_to_sign_in_where_that_is_needed(as_: As, client: Client) -> None:
    for part in ("connect/", "train/", "evaluate/", ""):
        told = as_("").get(f"/ttp/{part}swagger.json")[1]
        assert sorted(told["securityDefinitions"]) == ["basic", "bearer"]
        assert all(
            "401" in verb["responses"]
            for path in told["paths"].values()
            for name, verb in path.items()
            if name in {"get", "post"}
        )
        assert "securityDefinitions" not in client.get(f"/ttp/{part}swagger.json")[1]


# Whose records are


def test_a_collaboration_is_its_accounts_that_declared_it(as_: As, store: RecordStore) -> None:
    lead, rival = as_("lead"), as_("rival")
    lead.data("POST", f"{CONNECT}/collaborations", {"collab_id": "new"})

    for answer in (
        rival.post(f"{CONNECT}/collaborations", {"collab_id": "new", "mlops": {"host": "evil", "ports": {"main": 1}}}),
        rival.put(f"{CONNECT}/collaborations/new", {"mlops": {"host": "evil", "ports": {"main": 1}}}),
        rival.delete(f"{CONNECT}/collaborations/new"),
        rival.post(
            f"{CONNECT}/collaborations/new/projects", {"project_id": "p", "action": "regress", "incentives": {}}
        ),
    ):
        assert answer[0] == 403, answer
        assert "synergos account grant rival new" in answer[1]["message"]
    assert lead.post(f"{CONNECT}/collaborations", {"collab_id": "new"})[0] == 201
    Owners(store).give(Kind.COLLABORATION, "new", "rival")
    assert rival.post(f"{CONNECT}/collaborations", {"collab_id": "new"})[0] == 201


def test_a_collaboration_that_was_deleted_is_whose_it_is_declared_next(as_: As) -> None:
    lead, rival = as_("lead"), as_("rival")
    lead.data("POST", f"{CONNECT}/collaborations", {"collab_id": "new"})
    lead.data("DELETE", f"{CONNECT}/collaborations/new")

    rival.data("POST", f"{CONNECT}/collaborations", {"collab_id": "new"})

    assert lead.post(f"{CONNECT}/collaborations", {"collab_id": "new"})[0] == 403


def test_what_was_declared_before_there_were_accounts_is_nobodys_until_it_is_given(declared: Client, as_: As) -> None:
    assert as_("lead").put(COLLABORATION_URL, {})[0] == 403


@pytest.mark.parametrize("name", ["first", "looker"])
def test_only_who_orchestrates_declares_a_collaboration(as_: As, name: str) -> None:
    status, answer = as_(name).post(f"{CONNECT}/collaborations", {"collab_id": "new"})

    assert status == 403
    assert "role orchestrator" in answer["message"]


def test_what_lies_in_a_collaboration_is_changed_by_whom_it_belongs_to(finished: Client, owned: As) -> None:
    changes = [
        ("POST", f"{COLLABORATION_URL}/projects", {"project_id": "another", "action": "regress", "incentives": {}}),
        ("PUT", PROJECT_URL, {"start_at": None}),
        ("POST", f"{PROJECT_URL}/experiments", {"expt_id": "another", "model": LAYERS}),
        ("POST", f"{EXPERIMENT_URL}/runs", {"run_id": "another", **HYPERPARAMETERS}),
        ("PUT", RUN_URL, {"lr": 0.5}),
        ("POST", ALIGNMENTS_URL, {}),
        ("POST", f"{ALIGNMENTS_URL}?check=true", {}),
        ("POST", f"{MODELS_URL}/{E}/{R}", {}),
        ("POST", f"{VALIDATIONS_URL}/{E}/{R}", {}),
        ("POST", f"{MODELS_URL}/{E}/optimizations", {"search_space": {}}),
        ("DELETE", f"{VALIDATIONS_URL}/{E}/{R}", None),
        ("DELETE", f"{MODELS_URL}/{E}/{R}", None),
        ("DELETE", PROJECT_URL, None),
    ]
    for name in ("rival", "first", "outsider", "looker"):
        for verb, url, body in changes:
            assert owned(name).ask(verb, url, body)[0] == 403, (name, verb, url)
    for verb, url, body in changes:
        assert owned("lead").ask(verb, url, body)[0] in {200, 201, 417}, (verb, url)


def test_what_is_a_participants_is_changed_by_itself(finished: Client, owned: As) -> None:
    predict = f"{predictions_url('worker_1')}/{P}/{E}/{R}"
    changes = [
        ("POST", f"{CONNECT}/participants", {"id": "worker_1"}),
        ("PUT", f"{CONNECT}/participants/worker_1", {"summary": "x"}),
        ("PUT", registration_url("worker_1"), registration("172.18.0.9")),
        ("POST", registration_url("worker_1"), registration("172.18.0.3")),
        ("POST", f"{registration_url('worker_1')}/tags", tags("data1")),
        ("PUT", f"{registration_url('worker_1')}/tags", {"predict": []}),
        ("POST", ALIGNMENTS_URL, {}),
        ("POST", predict, {"tags": {P: [["abalone", "data1", "predict"]]}}),
    ]
    for name in ("rival", "second", "outsider", "looker", "lead"):
        for verb, url, body in changes:
            if url != ALIGNMENTS_URL:
                assert owned(name).ask(verb, url, body)[0] == 403, (name, verb, url)
    for verb, url, body in changes:
        asking = owned("lead" if url == ALIGNMENTS_URL else "first")
        assert asking.ask(verb, url, body)[0] in {200, 201}, (verb, url, asking.ask(verb, url, body))
        if url == ALIGNMENTS_URL:
            for stage in (f"{MODELS_URL}/{E}/{R}",):
                owned("lead").data("POST", stage, {})


def test_a_registration_is_deleted_by_its_participant_and_by_whose_the_collaboration_is(
    finished: Client, owned: As
) -> None:
    for name in ("rival", "second", "looker"):
        assert owned(name).delete(registration_url("worker_1"))[0] == 403
    assert owned("first").delete(registration_url("worker_1"))[0] == 200
    assert owned("lead").delete(registration_url("worker_2"))[0] == 200


def test_whoever_orchestrates_stands_for_participants_without_an_account_that_it_declared(
    declared: Client, owned: As, store: RecordStore
) -> None:
    lead = owned("lead")
    lead.data("POST", f"{CONNECT}/participants", {"id": "worker_3"})
    url = registration_url("worker_3")
    lead.data("POST", url, registration("172.18.0.7"))
    lead.data("POST", f"{url}/tags", tags("data3"))

    assert owned("rival").put(f"{CONNECT}/participants/worker_3", {"summary": "x"})[0] == 403
    accounts = Accounts(store)
    accounts.add(replace(accounts.get("first"), name="third", participant="worker_3"))
    assert lead.put(f"{CONNECT}/participants/worker_3", {"summary": "x"})[0] == 403
    assert owned("third").put(f"{CONNECT}/participants/worker_3", {"summary": "x"})[0] == 200


def test_metrics_are_for_who_orchestrates(as_: As) -> None:
    statuses = {name: as_(name).http.get("/metrics").status_code for name in ("", "lead", "first", "looker")}

    assert statuses == {"": 401, "lead": 200, "first": 403, "looker": 403}


def test_whoever_registers_anothers_address_is_not_told_whose_it_is(finished: Client, owned: As) -> None:
    taken = registration("172.18.0.4")

    status, answer = owned("first").put(registration_url("worker_1"), taken)

    assert (status, answer["field"]) == (417, "node_0")
    assert "another participant" in answer["message"]
    assert "worker_2" not in answer["message"]


def test_a_job_is_cancelled_by_whose_it_is(finished: Client, owned: As, store: RecordStore) -> None:
    predicting = Job(Stage.PREDICT, RunKey.of(RUN).measured_at("worker_1"))
    training, another = Job(Stage.TRAIN, RunKey.of(RUN)), Job(Stage.PREDICT, predicting.keys)
    store.add_jobs([predicting, training, another])

    for name in ("rival", "second", "outsider", "looker"):
        for job in (predicting, training):
            assert owned(name).post(f"/ttp/jobs/{job.id}/cancel", {})[0] == 403, name
    assert owned("first").post(f"/ttp/jobs/{training.id}/cancel", {})[0] == 403
    for name, job in (("first", predicting), ("lead", another), ("lead", training)):
        assert owned(name).post(f"/ttp/jobs/{job.id}/cancel", {})[0] == 200, name


def test_predictions_are_deleted_by_their_participant(finished: Client, owned: As) -> None:
    url = f"{predictions_url('worker_1')}/{P}/{E}/{R}"
    for name in ("rival", "second", "looker"):
        assert owned(name).delete(url)[0] == 403

    assert owned("first").delete(url)[0] == 200


def test_a_study_is_stopped_by_whose_it_is(finished: Client, owned: As) -> None:
    space = {"lr": {"_type": "uniform", "_value": [0.01, 0.1]}}
    body = {"search_space": space, "metric": "R2", "optimize_mode": "max", "max_trial_num": 2}
    study = owned("lead").ask("POST", f"{MODELS_URL}/{E}/optimizations", body)[1]["params"]["study_id"]

    for name in ("rival", "first", "looker"):
        assert owned(name).post(f"/ttp/studies/{study}/stop", {})[0] == 403
    assert owned("lead").post(f"/ttp/studies/{study}/stop", {})[0] == 200


def test_a_removal_is_forgotten_by_whose_it_is(owned: As, store: RecordStore) -> None:
    removal = Removal(RunKey.of(RUN), store.database.now())
    Removals(store).add([removal])

    for name in ("rival", "first", "looker"):
        assert owned(name).delete(f"/ttp/removals/{removal.id}")[0] == 403
    assert owned("lead").delete(f"/ttp/removals/{removal.id}")[0] == 200
