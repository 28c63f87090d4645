"""Declaring, changing and deleting."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.orchestration import (
    ALIGNMENTS_URL,
    COLLABORATION_URL,
    CONNECT,
    EXPERIMENT_URL,
    FITTED,
    LAYERS,
    MODELS_URL,
    PROJECT,
    PROJECT_URL,
    RUN_URL,
    C,
    CannedDispatcher,
    Client,
    E,
    P,
    R,
    declare,
    node,
    registration,
    registration_url,
    tags,
)
from synergos.domain.addresses import Places
from synergos.domain.grid import node_of
from synergos.domain.reachability import Silent
from synergos.domain.records import Kind
from synergos.records import RecordStore
from synergos.rest import create_app

TAGS_URL = f"{registration_url('worker_1')}/tags"
SINGLES = [COLLABORATION_URL, PROJECT_URL, EXPERIMENT_URL, RUN_URL, f"{CONNECT}/participants/worker_1"]


def test_a_run_that_is_declared_again_forgets_what_was_left_out(declared: Client) -> None:
    again = declared.data("POST", f"{EXPERIMENT_URL}/runs", {"run_id": R, "rounds": 5})

    assert again["doc_id"] == "1"
    assert again["rounds"] == 5
    assert "lr" not in again


def test_a_change_keeps_what_was_left_out_and_ignores_what_is_ours_to_say(declared: Client) -> None:
    changed = declared.data("PUT", RUN_URL, {"rounds": 7, "run_id": R, "key": {}, "doc_id": 9, "kind": "X"})

    assert changed["rounds"] == 7
    assert changed["lr"] == 0.001
    assert (changed["doc_id"], changed["kind"], changed["key"]["run_id"]) == ("1", "Run", R)


def test_an_id_that_somebody_else_took_before_is_told(declared: Client) -> None:
    url, project = f"{COLLABORATION_URL}/projects", {"project_id": "risk", "action": "regress", "incentives": {}}

    first, same = (declared.post(url, project)[1] for _ in range(2))
    other = declared.post(url, {**project, "action": "classify"})[1]

    assert "warnings" not in first
    assert "warnings" not in same
    assert other["warnings"] == ["'risk' was declared before and has been replaced; what differs: action"]


EXPERIMENTS, RUNS = f"{PROJECT_URL}/experiments", f"{EXPERIMENT_URL}/runs"
STRANGER = registration_url("wroker_1")


@pytest.mark.parametrize(
    ("url", "body", "status", "sentence"),
    [
        (
            EXPERIMENTS,
            {"model": [{**LAYERS[0], "l_type": "Liner"}]},
            417,
            "is not a layer of torch.nn; did you mean Linear?",
        ),
        (
            EXPERIMENTS,
            {"model": [{**LAYERS[0], "activation": "rleu"}]},
            417,
            "model[0].activation: 'rleu' is not a function",
        ),
        (
            EXPERIMENTS,
            {"model": [{**LAYERS[0], "structure": {"in_featurs": 28, "out_features": 1}}]},
            417,
            "model[0].structure.in_featurs: 'in_featurs' is not an argument of Linear; did you mean in_features",
        ),
        (RUNS, {"algorithm": "FedAvgg"}, 417, "algorithm: 'FedAvgg' is not an algorithm; did you mean FedAvg"),
        (RUNS, {"optimizer": "cosine"}, 417, "optimizer: 'cosine' is not an optimizer of torch.optim; known are ASGD,"),
        (RUNS, {"lr": "0.05"}, 417, "lr: expected a number, got a string"),
        (RUNS, {"lr": 0}, 417, "lr: expected a number of more than 0"),
        (RUNS, {"rounds": 0}, 417, "rounds: expected 1 to 1000000, got 0"),
        (RUNS, {"rounds": 2.5}, 417, "rounds: expected a whole number, got 2.5"),
        (RUNS, {"batch_size": 0}, 417, "batch_size: expected 1 to "),
        (f"{COLLABORATION_URL}/projects", {"action": "classification"}, 417, "did you mean classify?"),
        (
            registration_url("worker_1"),
            {**registration("h"), "role": "participant"},
            417,
            "is not one of host, guest, arbiter",
        ),
        (
            TAGS_URL,
            {"train": [["..", "x"]]},
            417,
            "'..' would leave the data folder; expected the plain name of a folder",
        ),
        (f"{STRANGER}/tags", {"train": [["a"]]}, 404, "no Participant with participant_id='wroker_1'"),
        (STRANGER, registration("h"), 404, "no Participant with participant_id='wroker_1'"),
        (f"{CONNECT}/collaborations/c2/projects", {"project_id": "new"}, 404, "no Collaboration with collab_id='c2'"),
    ],
)
def test_a_mistake_is_answered_in_one_sentence(
    declared: Client, url: str, body: dict[str, Any], status: int, sentence: str
) -> None:
    names = {EXPERIMENTS: "expt_id", RUNS: "run_id"}
    named = {"project_id": "new", "incentives": {}} if url.endswith("/projects") else {names.get(url, "x"): "new"}

    found, answer = declared.post(url, {**(named if "x" not in named else {}), **body})

    assert found == status, answer
    assert sentence in answer["message"]


FLAT = "expected a list of folders, each a list of names; write "


@pytest.mark.parametrize(
    ("value", "field", "written"),
    [
        (["loans", "train"], "train[0]", '[["loans", "train"]] for train'),
        (["loans/train"], "train[0]", '[["loans", "train"]] for train'),
        ("loans/train", "train", '[["loans", "train"]]'),
    ],
)
def test_tags_that_are_no_lists_of_lists_say_how_to_write_them(
    declared: Client, value: object, field: str, written: str
) -> None:
    for ask in (declared.post, declared.put):
        status, answer = ask(TAGS_URL, {"train": value})
        assert (status, answer["field"], answer["message"]) == (417, field, f"{field}: {FLAT}{written}")


@pytest.mark.parametrize("url", [*SINGLES, registration_url("worker_1"), TAGS_URL])
@pytest.mark.parametrize("verb", ["GET", "PUT", "DELETE"])
def test_what_is_not_there_is_not_found(client: Client, verb: str, url: str) -> None:
    status, answer = client.ask(verb, url, {} if verb == "PUT" else None)

    assert status == 404
    assert answer["success"] == 0
    assert "data" not in answer


@pytest.mark.parametrize(
    ("missing", "url", "body"),
    [
        (COLLABORATION_URL, f"{COLLABORATION_URL}/projects", {"project_id": "p", "incentives": {}}),
        (PROJECT_URL, f"{PROJECT_URL}/experiments", {"expt_id": "e", "model": LAYERS}),
        (EXPERIMENT_URL, f"{EXPERIMENT_URL}/runs", {"run_id": "r"}),
        (f"{CONNECT}/participants/worker_1", registration_url("worker_1"), registration("h")),
        (registration_url("worker_1"), TAGS_URL, tags("data1")),
    ],
)
def test_nothing_is_declared_below_what_is_not_there(declared: Client, missing: str, url: str, body: Any) -> None:
    kind = declared.data("DELETE", missing)["kind"]

    status, answer = declared.post(url, body)

    assert status == 404
    assert f"no {kind} with" in answer["message"]
    assert declared.get(registration_url("worker_1"))[0] in {200, 404}, "a half-written registration breaks its readers"


@pytest.mark.parametrize("url", [f"{CONNECT}/participants", f"{CONNECT}/collaborations/nowhere/projects"])
def test_a_list_of_nothing_is_an_empty_list(client: Client, url: str) -> None:
    assert client.data("GET", url) == []


def test_equal_ids_in_two_collaborations_are_two_things(finished: Client) -> None:
    other = f"{CONNECT}/collaborations/other"
    finished.data("POST", f"{CONNECT}/collaborations", {"collab_id": "other"})
    finished.data("POST", f"{other}/projects", {"project_id": P, "incentives": {}})
    finished.data("POST", f"{other}/projects/{P}/experiments", {"expt_id": E, "model": LAYERS})
    finished.data("POST", f"{other}/projects/{P}/experiments/{E}/runs", {"run_id": R})

    shown = finished.data("DELETE", f"{other}/projects/{P}")

    assert shown["relations"]["Model"] == []
    assert len(shown["relations"]["Run"]) == 1
    assert len(finished.data("GET", MODELS_URL)) == 1
    assert finished.get(f"{other}/projects/{P}/experiments/{E}")[0] == 404


def test_deleting_a_collaboration_leaves_nothing_but_the_participants(finished: Client, store: RecordStore) -> None:
    finished.data("DELETE", COLLABORATION_URL)

    left = {kind.value for kind in Kind if store.find(kind)}
    assert left == {"Participant"}


def test_registrations_are_found_from_every_side(declared: Client) -> None:
    worker = f"{CONNECT}/participants/worker_1"
    for url, expected in [
        (f"{COLLABORATION_URL}/registrations", 2),
        (f"{COLLABORATION_URL}/participants/worker_1/registrations", 1),
        (f"{PROJECT_URL}/registrations", 2),
        (f"{worker}/registrations", 1),
        (f"{worker}/collaborations/{C}/registrations", 1),
        (f"{worker}/collaborations/other/registrations", 0),
    ]:
        found = declared.data("GET", url)
        assert len(found) == expected, url
        assert all(record["project"]["action"] == "regress" for record in found)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"n_count": 2}, "node_1"),
        ({"node_1": node("h")}, "n_count"),
        ({"n_count": 0}, "n_count"),
        ({"n_count": 1.0}, "n_count"),
        ({"n_count": 10**12}, "node_1"),
        ({"role": "gest"}, "role"),
        ({"extra": 1}, "extra"),
        ({"node_1": node("h"), "note": 1}, "note"),
        ({"node_0": {"host": "h", "port": 8020}}, "node_0.f_port"),
        ({"node_0": {**node("h"), "port": "8020"}}, "node_0.port"),
        ({"node_0": {**node("h"), "port": 70000}}, "node_0.port"),
        ({"node_0": {**node("h"), "port": True}}, "node_0.port"),
        ({"node_0": {**node("h"), "verbose": 1}}, "node_0.verbose"),
        ({"node_0": node("h/../x")}, "node_0.host"),
        ({"node_0": node("")}, "node_0.host"),
        ({"node_00": node("h")}, "node_00"),
    ],
)
@pytest.mark.parametrize("verb", ["POST", "PUT"])
def test_a_wrong_registration_is_refused_with_the_field(
    declared: Client, verb: str, changes: dict[str, Any], field: str
) -> None:
    before = declared.data("GET", registration_url("worker_1"))
    body = changes if verb == "PUT" else {**registration("h"), **changes}

    status, answer = declared.ask(verb, registration_url("worker_1"), body)

    assert (status, answer["field"]) == (417, field)
    assert field in answer["message"]
    assert declared.data("GET", registration_url("worker_1")) == before


def test_two_participants_have_a_worker_each(declared: Client) -> None:
    before = declared.data("GET", registration_url("worker_2"))
    taken = declared.data("GET", registration_url("worker_1"))["node_0"]

    status, answer = declared.put(registration_url("worker_2"), {"node_0": taken})

    assert (status, answer["field"]) == (417, "node_0")
    assert "is registered for worker_1; expected a worker of worker_2's own" in answer["message"]
    assert declared.data("GET", registration_url("worker_2")) == before


@pytest.fixture
def tracked(store: RecordStore, dispatcher: CannedDispatcher) -> Client:
    """A client of an orchestrator that may write to one tracking server."""
    servers = Places.read(["172.19.0.11:5500"])
    app = create_app(store, dispatcher, component_id="ttp/1", tracking_servers=servers)
    return Client(app.test_client())


def mlops(host: str | None, port: int | None = 5500) -> dict[str, Any]:
    return {"mlops": {"host": host, "ports": {"main": port, "ui": 0}, "secure": False}}


@pytest.mark.parametrize(
    ("host", "port"),
    [
        ("172.19.0.12", 5500),
        ("172.19.0.11", 80),
        ("evil.example", 5500),
        ("172.19.0.11:5500@evil.example", 5500),
        ("::ffff:172.19.0.11", 5500),
    ],
)
@pytest.mark.parametrize("verb", ["POST", "PUT"])
def test_a_collaboration_names_a_tracking_server_that_is_allowed(
    tracked: Client, verb: str, host: str, port: int
) -> None:
    allowed = tracked.data("POST", f"{CONNECT}/collaborations", {"collab_id": C, **mlops("172.19.0.11")})

    if verb == "POST":
        status, answer = tracked.post(f"{CONNECT}/collaborations", {"collab_id": C, **mlops(host, port)})
    else:
        status, answer = tracked.put(COLLABORATION_URL, mlops(host, port))

    assert (status, answer["field"]) == (417, "mlops.host")
    assert "is not a tracking server that this orchestrator may write to" in answer["message"]
    assert tracked.data("GET", COLLABORATION_URL)["mlops"] == allowed["mlops"]


def test_a_tracking_server_that_is_allowed_no_more_stays_until_somebody_names_another(
    store: RecordStore, dispatcher: CannedDispatcher, tracked: Client
) -> None:
    everywhere = Client(create_app(store, dispatcher, component_id="ttp/1").test_client())
    old = everywhere.data("POST", f"{CONNECT}/collaborations", {"collab_id": C, **mlops("172.19.0.12")})["mlops"]

    changed = tracked.put(COLLABORATION_URL, {"catalogue": {"host": "10.0.0.1"}})
    again = tracked.post(f"{CONNECT}/collaborations", {"collab_id": C, "mlops": old})
    read = tracked.get(COLLABORATION_URL)
    other = tracked.put(COLLABORATION_URL, mlops("172.19.0.13"))

    assert (changed[0], again[0], other[0]) == (200, 201, 417)
    warning = "mlops: '172.19.0.12', port 5500, is not allowed by --allow_mlops (any more); nothing is written to it"
    assert changed[1]["warnings"] == read[1]["warnings"] == [warning]
    assert again[1]["warnings"][-1] == warning
    assert read[1]["data"]["mlops"] == old
    for server in (mlops("172.19.0.11"), mlops(None, None)):
        status, answer = tracked.put(COLLABORATION_URL, server)
        assert (status, "warnings" in answer) == (200, False)


@pytest.mark.parametrize("none", [{}, {"mlops": None}, mlops(None, None), mlops("somewhere", 0)])
def test_a_collaboration_that_names_no_tracking_server_is_never_refused(tracked: Client, none: dict[str, Any]) -> None:
    assert tracked.post(f"{CONNECT}/collaborations", {"collab_id": C, **none})[0] == 201


def test_what_is_not_sure_of_a_node_is_told_beside_the_record(store: RecordStore, dispatcher: CannedDispatcher) -> None:
    def probe(_host: str, _port: int) -> Silent:
        return Silent("No route to host")

    client = Client(create_app(store, dispatcher, component_id="ttp/1", probe=probe).test_client())
    declare(client)

    status, answer = client.post(registration_url("worker_1"), registration("far.away"))

    assert status == 201
    assert answer["warnings"][:1] == [
        "node_0: cannot be reached from here at far.away:5000 (No route to host) and far.away:8020 (No route to host)"
    ]
    assert answer["data"]["node_0"]["host"] == "far.away"


@pytest.mark.parametrize("host", ["http://10.0.0.1", "https://h", "10.0.0.1:5000", "h/", "user@h", "a b"])
def test_what_a_host_is_to_be_is_said_in_a_sentence(declared: Client, host: str) -> None:
    status, answer = declared.post(registration_url("worker_1"), {"role": "host", "n_count": 1, "node_0": node(host)})

    assert (status, answer["field"]) == (417, "node_0.host")
    assert answer["message"] == (
        "node_0.host: expected a name or an address alone, as worker.example.org or 10.0.0.11: no http:// before it, and no port "
        f"behind it, which port and f_port say, got {host!r}"
    )


@pytest.mark.parametrize("host", ["h", "worker_1.bank.example", "10.0.0.1", "::1", "[::1]", "fe80::1%eth0"])
def test_names_and_addresses_are_hosts(declared: Client, host: str) -> None:
    assert declared.post(registration_url("worker_1"), registration(host))[0] == 201


def test_a_registration_may_have_many_nodes(declared: Client) -> None:
    nodes = {f"node_{index}": node("h") for index in range(12)}

    assert declared.data("POST", registration_url("worker_1"), {"role": "host", "n_count": 12, **nodes})["node_11"]


@pytest.mark.parametrize(
    ("url", "body", "field"),
    [
        (f"{CONNECT}/collaborations", {}, "collab_id"),
        (f"{CONNECT}/collaborations", {"collab_id": 3}, "collab_id"),
        (f"{CONNECT}/collaborations", {"collab_id": "../x"}, "collab_id"),
        (f"{CONNECT}/collaborations", {"collab_id": ""}, "collab_id"),
        (f"{CONNECT}/collaborations", {"collab_id": "c", "mq": {"host": "h", "ports": {"ui": 1}}}, "mq.ports.main"),
        (f"{CONNECT}/collaborations", {"collab_id": "c", "mq": {"ports": {"main": "1"}}}, "mq.ports.main"),
        (f"{CONNECT}/collaborations", {"collab_id": "c", "logs": {"ports": {"main": 1}}}, "logs.ports.sysmetrics"),
        (f"{COLLABORATION_URL}/projects", {"incentives": {}}, "project_id"),
        (f"{COLLABORATION_URL}/projects", {"project_id": "p"}, "incentives"),
        (f"{COLLABORATION_URL}/projects", {"project_id": "p", "incentives": []}, "incentives"),
        (f"{COLLABORATION_URL}/projects", {"project_id": "p", "incentives": {}, "action": "regres"}, "action"),
        (f"{COLLABORATION_URL}/projects", {"project_id": "p", "incentives": {}, "action": None}, "action"),
        (f"{PROJECT_URL}/experiments", {"model": LAYERS}, "expt_id"),
        (f"{PROJECT_URL}/experiments", {"expt_id": "e"}, "model"),
        (f"{PROJECT_URL}/experiments", {"expt_id": "e", "model": []}, "model"),
        (f"{PROJECT_URL}/experiments", {"expt_id": "e", "model": [{"is_input": True}]}, "model[0].l_type"),
        (
            f"{PROJECT_URL}/experiments",
            {"expt_id": "e", "model": [{**LAYERS[0], "l_type": "Linea"}]},
            "model[0].l_type",
        ),
        (f"{EXPERIMENT_URL}/runs", {}, "run_id"),
        (f"{EXPERIMENT_URL}/runs", {"run_id": "optimizations"}, "run_id"),
        (f"{EXPERIMENT_URL}/runs", {"run_id": "r", "rounds": "2"}, "rounds"),
        (f"{EXPERIMENT_URL}/runs", {"run_id": "r", "lr": "fast"}, "lr"),
        (f"{EXPERIMENT_URL}/runs", {"run_id": "r", "use_CLR": 1}, "use_CLR"),
        (f"{EXPERIMENT_URL}/runs", {"run_id": "r", "optimizer": "SDG"}, "optimizer"),
        (f"{EXPERIMENT_URL}/runs", {"run_id": "r", "reduction": "median"}, "reduction"),
        (f"{CONNECT}/participants", {}, "id"),
        (f"{CONNECT}/participants", {"id": "a/b"}, "id"),
        (f"{CONNECT}/participants", {"id": "w", "category": "bank"}, "category"),
        (TAGS_URL, {}, "train"),
        (TAGS_URL, {"train": "x"}, "train"),
        (TAGS_URL, {"train": ["x"]}, "train[0]"),
        (TAGS_URL, {"train": [["x", 1]]}, "train[0][1]"),
        (TAGS_URL, {"train": [[".."]]}, "train[0][0]"),
        (TAGS_URL, {"train": [["x"]], "predict": [[]]}, "predict[0]"),
    ],
)
def test_a_wrong_declaration_is_refused_with_the_field(declared: Client, url: str, body: Any, field: str) -> None:
    status, answer = declared.post(url, body)

    assert (status, answer.get("field")) == (417, field), answer
    assert answer["message"].startswith(f"{field}: ")


@pytest.mark.parametrize(
    ("url", "body", "field"),
    [
        (COLLABORATION_URL, {"mq": "here"}, "mq"),
        (PROJECT_URL, {"action": "cluster"}, "action"),
        (EXPERIMENT_URL, {"model": [{**LAYERS[0], "l_type": "Linea"}]}, "model[0].l_type"),
        (EXPERIMENT_URL, {"model": None}, "model"),
        (RUN_URL, {"epochs": 1.5}, "epochs"),
        (RUN_URL, {"optimizer": "SDG"}, "optimizer"),
        (f"{CONNECT}/participants/worker_1", {"email": 3}, "email"),
        (TAGS_URL, {"evaluate": [["a/b"]]}, "evaluate[0][0]"),
    ],
)
def test_a_wrong_change_is_refused_and_changes_nothing(declared: Client, url: str, body: Any, field: str) -> None:
    before = declared.data("GET", url)

    status, answer = declared.put(url, body)

    assert (status, answer.get("field")) == (417, field)
    assert declared.data("GET", url) == before


def test_a_name_that_is_nearly_right_is_answered_with_the_right_one(declared: Client) -> None:
    _, answer = declared.put(PROJECT_URL, {"action": "clasify"})

    assert "did you mean classify" in answer["message"]


def test_an_id_in_the_url_that_cannot_be_one_is_refused(client: Client) -> None:
    status, answer = client.get(f"{CONNECT}/collaborations/a%00b")

    assert (status, answer["field"]) == (417, "collab_id")


@pytest.mark.parametrize(
    ("url", "body", "field"),
    [
        (f"{CONNECT}/participants/worker_1", {"id": "worker_9", "phone": "1"}, "id"),
        (f"{CONNECT}/participants/worker_1", {"participant_id": "worker_9"}, "participant_id"),
        (RUN_URL, {"run_id": "other"}, "run_id"),
        (PROJECT_URL, {"collab_id": "other"}, "collab_id"),
    ],
)
def test_an_id_cannot_be_changed(declared: Client, url: str, body: dict[str, str], field: str) -> None:
    status, answer = declared.put(url, body)

    assert (status, answer["field"]) == (417, field)
    assert "as the URL has it" in answer["message"]


# What participants agreed on


@pytest.fixture
def aligned(declared: Client) -> Client:
    declared.data("POST", ALIGNMENTS_URL, {})
    return declared


def standing(client: Client, store: RecordStore) -> tuple[list[str], int]:
    status, answer = client.get(ALIGNMENTS_URL)
    aligned = [record["key"]["participant_id"] for record in answer["data"]] if status == 200 else []
    # What stays of an agreement that does not hold any more is the number of its version.
    return aligned, len([record for record in store.find(Kind.FEATURE_SPACE, PROJECT) if "space" in record])


@pytest.mark.parametrize("verb", ["POST", "PUT"])
@pytest.mark.parametrize("meta", ["train", "evaluate"])
def test_other_data_ends_the_agreement(aligned: Client, store: RecordStore, verb: str, meta: str) -> None:
    aligned.data(verb, TAGS_URL, {**tags("data1"), meta: [["other"]]})

    assert standing(aligned, store) == (["worker_2"], 0)


@pytest.mark.parametrize("verb", ["POST", "PUT"])
def test_the_same_data_or_other_data_to_predict_leaves_the_agreement(
    aligned: Client, store: RecordStore, verb: str
) -> None:
    aligned.data(verb, TAGS_URL, tags("data1"))
    aligned.data(verb, TAGS_URL, {**tags("data1"), "predict": [["new"]]})

    assert standing(aligned, store) == (["worker_1", "worker_2"], 1)


def test_another_action_ends_the_agreement(aligned: Client, store: RecordStore) -> None:
    aligned.put(PROJECT_URL, {"start_at": "now"})
    assert standing(aligned, store) == (["worker_1", "worker_2"], 1)

    aligned.put(PROJECT_URL, {"action": "classify"})
    assert standing(aligned, store) == ([], 0)


def test_fitted_layers_stay_as_long_as_the_layers_they_were_fitted_from(aligned: Client) -> None:
    same = aligned.data("POST", f"{PROJECT_URL}/experiments", {"expt_id": E, "model": LAYERS, "fitted_model": "mine"})
    assert same["fitted_model"] == FITTED

    wider = [{**LAYERS[0], "structure": {"in_features": 3, "out_features": 1}}]
    assert "fitted_model" not in aligned.data("PUT", EXPERIMENT_URL, {"model": wider})
    assert "fitted_model" not in aligned.data("POST", f"{PROJECT_URL}/experiments", {"expt_id": E, "model": LAYERS})


def test_an_experiment_that_names_no_family_is_stored_without_one(declared: Client, store: RecordStore) -> None:
    [stored] = store.find(Kind.EXPERIMENT, PROJECT)

    assert set(stored) == {"key", "kind", "doc_id", "created_at", "model"}


def test_an_experiment_may_name_its_family(declared: Client) -> None:
    declared.data("POST", f"{PROJECT_URL}/experiments", {"expt_id": E, "model": LAYERS, "family": "layers"})

    assert declared.data("GET", EXPERIMENT_URL)["family"] == "layers"


@pytest.mark.parametrize("verb", ["POST", "PUT"])
def test_a_family_nobody_knows_is_refused_with_its_near_miss(declared: Client, verb: str) -> None:
    url = EXPERIMENT_URL if verb == "PUT" else f"{PROJECT_URL}/experiments"

    status, answer = declared.ask(verb, url, {"expt_id": E, "model": LAYERS, "family": "layer"})

    assert (status, answer["field"]) == (417, "family")
    assert answer["message"] == "family: 'layer' is not a model family; did you mean layers?"


def test_a_fitted_model_goes_with_the_family_it_is_of(aligned: Client) -> None:
    body = {"expt_id": E, "model": LAYERS}

    assert "fitted_model" in aligned.data("POST", f"{PROJECT_URL}/experiments", {**body, "family": "layers"})


@pytest.mark.parametrize(
    ("url", "field", "there"),
    [
        (f"{CONNECT}/collaborations", "collab_id", C),
        (f"{COLLABORATION_URL}/projects", "project_id", P),
        (f"{PROJECT_URL}/experiments", "expt_id", E),
        (f"{EXPERIMENT_URL}/runs", "run_id", R),
        (f"{CONNECT}/participants", "id", "worker_1"),
    ],
)
def test_a_new_id_is_one_that_every_file_system_holds_and_keeps_apart(
    declared: Client, url: str, field: str, there: str
) -> None:
    body = declared.data("GET", f"{url}/{there}")
    for wrong, told in (
        ("漢" * 128, "at most 200 bytes in UTF-8, got 384"),
        ("aux.txt", "the name of a device"),
        (there.upper(), f"cannot be told from {there!r}"),
    ):
        status, answer = declared.ask("POST", url, {**body, field: wrong})

        assert (status, answer["field"]) == (417, field)
        assert told in answer["message"]
    assert declared.ask("POST", url, {**body, field: there})[0] == 201


def test_what_has_an_id_of_before_is_read_changed_declared_again_and_deleted(
    declared: Client, store: RecordStore
) -> None:
    for old in ("CON", R.upper(), "漢" * 128):
        store.put(Kind.RUN, {"collab_id": C, "project_id": P, "expt_id": E, "run_id": old}, {"rounds": 1})
        url = f"{EXPERIMENT_URL}/runs/{old}"

        assert declared.data("GET", url)["key"]["run_id"] == old
        assert declared.data("PUT", url, {"rounds": 2})["rounds"] == 2
        assert declared.data("POST", f"{EXPERIMENT_URL}/runs", {"run_id": old, "rounds": 3})["rounds"] == 3
        declared.data("DELETE", url)


def test_an_id_is_held_to_those_beside_it_alone(declared: Client) -> None:
    declared.data("POST", f"{PROJECT_URL}/experiments", {"expt_id": "another", "model": LAYERS})

    assert (
        declared.data("POST", f"{PROJECT_URL}/experiments/another/runs", {"run_id": R.upper()})["key"]["run_id"]
        == R.upper()
    )


def test_a_node_that_moves_and_moves_back_is_registered_anew_each_time(declared: Client, store: RecordStore) -> None:
    url = registration_url("worker_1")

    def nonce() -> str | None:
        [record] = store.find(Kind.REGISTRATION, {"participant_id": "worker_1"})
        return node_of(record, 0).nonce

    first = declared.data("GET", url)
    nonces = [nonce()]
    for change in (
        {"node_0": node("elsewhere")},
        {"node_0": first["node_0"]},
        {"role": "guest"},
        {"role": first["role"]},
    ):
        declared.data("PUT", url, change)
        nonces.append(nonce())
    declared.data("PUT", url, {"role": first["role"]})

    assert len(set(nonces)) == 5
    assert nonce() == nonces[-1]
    # What is ours to count is nobody's to say.
    declared.data("PUT", url, {"revision": 0})
    assert nonce() == nonces[-1]
