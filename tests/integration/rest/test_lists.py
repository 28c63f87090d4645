"""Lists a page at a time: in order, without gaps or repeats whatever happens meanwhile, and with the fields asked for."""

from __future__ import annotations

from base64 import urlsafe_b64encode

import pytest

from factories.studies import study_of
from fakes.orchestration import (
    ALIGNMENTS_URL,
    CONNECT,
    EXPERIMENT_URL,
    MODELS_URL,
    PROJECT,
    RUN,
    VALIDATIONS_URL,
    CannedDispatcher,
    Client,
    E,
    R,
    leave,
)
from support.pages import everything, ids, page, pages
from synergos.domain.job import Job
from synergos.domain.keys import ExperimentKey
from synergos.domain.records import Kind
from synergos.domain.study import StudyState
from synergos.records import RecordStore

EXPERIMENT = ExperimentKey.of(RUN)
RUNS_URL = f"{EXPERIMENT_URL}/runs"
JOBS = "/ttp/jobs"


def test_pages_are_the_whole_list_in_order(client: Client, jobs: list[Job]) -> None:
    found = pages(client, JOBS, limit=3)

    assert [ids(each) for each in found] == [[job.id for job in jobs[i : i + 3]] for i in (0, 3, 6)]
    assert [job for each in found for job in each] == client.data("GET", JOBS)


def test_a_list_that_nobody_pages_is_as_it_always_was(client: Client, jobs: list[Job]) -> None:
    _, answer = client.get(JOBS)

    assert set(answer) == {"apiVersion", "success", "status", "method", "params", "data"}


def test_the_newest_may_come_first(client: Client, jobs: list[Job]) -> None:
    newest = [job.id for job in reversed(jobs)]

    assert ids(everything(client, JOBS, limit=2, order="newest")) == newest
    assert ids(client.data("GET", f"{JOBS}?order=newest")) == newest


def test_a_page_that_is_just_full_is_the_last(client: Client, jobs: list[Job]) -> None:
    assert [len(each) for each in pages(client, JOBS, limit=7)] == [7]


def test_the_next_page_is_also_a_link(client: Client, jobs: list[Job]) -> None:
    first = client.http.get(f"{JOBS}?limit=3&state=queued&order=newest")

    url, _, relation = first.headers["Link"].partition("; ")
    following = client.http.get(url.strip("<>"))
    assert relation == 'rel="next"'
    assert ids(following.get_json()["data"]) == [jobs[0].id]
    assert "Link" not in following.headers


def test_what_comes_and_goes_meanwhile_moves_nothing(client: Client, store: RecordStore) -> None:
    for name in ("a", "b", "c", "d"):
        store.put(Kind.RUN, EXPERIMENT.run_called(name), {"rounds": 1})
    first = page(client, RUNS_URL, limit=2)

    store.delete(Kind.RUN, EXPERIMENT.run_called("a"))
    store.put(Kind.RUN, EXPERIMENT.run_called("b"), {"rounds": 2})
    store.put(Kind.RUN, EXPERIMENT.run_called("e"), {"rounds": 1})

    rest = pages(client, RUNS_URL, limit=2, cursor=first["next"])
    assert [[run["key"]["run_id"] for run in each] for each in [first["data"], *rest]] == [
        ["a", "b"],
        ["c", "d"],
        ["e"],
    ]


def test_pages_go_through_what_was_chosen(client: Client, jobs: list[Job]) -> None:
    found = pages(client, JOBS, limit=2, state="failed", stage="train", order="newest")

    assert [ids(each) for each in found] == [[jobs[5].id, jobs[3].id], [jobs[1].id]]
    assert ids(page(client, JOBS, limit=2, run_id="r4")["data"]) == [jobs[4].id]


def test_records_are_chosen_by_the_ids_their_url_does_not_name(finished: Client) -> None:
    chosen = finished.data("GET", f"{VALIDATIONS_URL}?participant_id=worker_2")

    assert [record["key"]["participant_id"] for record in chosen] == ["worker_2"]
    assert [record["key"] for record in finished.data("GET", f"{CONNECT}/participants?participant_id=worker_1")] == [
        {"participant_id": "worker_1"}
    ]
    assert finished.get(f"{VALIDATIONS_URL}?participant_id=worker_3")[0] == 404, "as it is when there are none at all"


def test_results_come_in_pages_without_those_that_are_hidden(
    finished: Client, store: RecordStore, dispatcher: CannedDispatcher
) -> None:
    for name in ("r2", "r3"):
        store.put(Kind.RUN, EXPERIMENT.run_called(name), {})
        store.put(Kind.MODEL, EXPERIMENT.run_called(name), {"global": {}})
    assert [len(each) for each in pages(finished, MODELS_URL, limit=2)] == [2, 1]

    dispatcher.do = leave
    finished.post(f"{MODELS_URL}/{E}/{R}", {})

    assert [record["key"]["run_id"] for record in everything(finished, MODELS_URL, limit=1)] == ["r2", "r3"]


def test_only_the_fields_that_are_wanted_are_answered(finished: Client, jobs: list[Job]) -> None:
    assert finished.data("GET", f"{RUNS_URL}?fields=rounds,lr") == [
        {"kind": "Run", "key": RUN, "rounds": 2, "lr": 0.001}
    ]
    assert set(finished.data("GET", f"{JOBS}?fields=state&limit=1")[0]) == {"kind", "id", "state"}
    assert set(finished.data("GET", f"{CONNECT}/collaborations?fields=doc_id")[0]) == {"kind", "key", "doc_id"}
    assert set(finished.data("GET", f"{ALIGNMENTS_URL}?fields=train")[0]) == {"kind", "key", "train"}


def test_studies_come_in_pages(client: Client, store: RecordStore) -> None:
    for number, state in enumerate([StudyState.STOPPED, StudyState.RUNNING, StudyState.STOPPED, StudyState.STOPPED]):
        study = study_of(f"s{number}", state)
        store.put(Kind.STUDY, study.key, study.to_payload())

    stopped = pages(client, "/ttp/studies", limit=2, state="stopped", project_id=PROJECT["project_id"])

    assert [ids(each) for each in stopped] == [["s0", "s2"], ["s3"]]
    assert client.data("GET", "/ttp/studies?fields=state&limit=1") == [
        {"kind": "Study", "id": "s0", "state": "stopped"}
    ]


def test_a_cursor_goes_on_with_its_order_and_a_length_of_its_own(client: Client, jobs: list[Job]) -> None:
    cursor = page(client, JOBS, limit=2, order="newest")["next"]

    assert ids(page(client, JOBS, cursor=cursor)["data"]) == [job.id for job in reversed(jobs[:5])]


@pytest.mark.parametrize(
    ("query", "field", "expected"),
    [
        *(
            (f"limit={value}", "limit", "from 1 to 1000")
            for value in ("0", "1001", "-1", "ten", "1.0", "", "%D9%A1", "9" * 99)
        ),
        ("cursor=", "cursor", "the 'next' of an earlier answer"),
        ("cursor=not+one", "cursor", "the 'next' of an earlier answer"),
        (f"cursor={'A' * 5000}", "cursor", "the 'next' of an earlier answer"),
        ("order=random", "order", "one of oldest, newest"),
        ("order=newes", "order", "did you mean newest?"),
        ("fields=", "fields", "one of the fields; known are kind, id, stage, state"),
        ("fields=zzz", "fields", "one of the fields; known are kind, id, stage, state"),
        ("fields=stat", "fields", "did you mean state"),
        ("limt=3", "limt", "did you mean limit?"),
        ("state=fail", "state", "did you mean failed?"),
        ("run_id=..", "run_id", "not a usable id"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(client: Client, query: str, field: str, expected: str) -> None:
    status, answer = client.get(f"{JOBS}?{query}")

    assert (status, answer["field"]) == (417, field)
    assert expected in answer["message"]


@pytest.mark.parametrize(
    "content", ['["runs",false,3]', '["jobs",false,-1]', '["jobs",0,3]', '["jobs",false,"3"]', "{}", "["]
)
def test_a_cursor_is_good_for_its_own_list_alone(client: Client, content: str) -> None:
    cursor = urlsafe_b64encode(content.encode()).decode().rstrip("=")

    assert client.get(f"{JOBS}?cursor={cursor}")[1]["field"] == "cursor"


def test_a_cursor_of_the_other_order_is_refused(client: Client, jobs: list[Job]) -> None:
    cursor = page(client, JOBS, limit=2)["next"]

    assert client.get(f"{JOBS}?cursor={cursor}&order=newest")[1]["field"] == "order"


@pytest.mark.parametrize("url", [RUNS_URL, f"{CONNECT}/participants/worker_1/registrations", VALIDATIONS_URL])
@pytest.mark.parametrize("query", ["limit=no", "fields=a%20b", "colour=red"])
def test_every_list_refuses_what_it_cannot_mean(finished: Client, url: str, query: str) -> None:
    status, answer = finished.get(f"{url}?{query}")

    assert (status, answer["field"]) == (417, query.partition("=")[0])


@pytest.mark.parametrize(
    ("prefix", "path"),
    [
        ("/ttp", "/jobs"),
        ("/ttp", "/studies"),
        ("/ttp/connect", "/collaborations"),
        ("/ttp/connect", "/participants/{participant_id}/registrations"),
        ("/ttp/train", "/collaborations/{collab_id}/projects/{project_id}/models/{expt_id}"),
        ("/ttp/evaluate", "/collaborations/{collab_id}/projects/{project_id}/validations"),
    ],
)
def test_the_documentation_says_how_a_list_is_read(client: Client, prefix: str, path: str) -> None:
    documented = client.get(f"{prefix}/swagger.json")[1]["paths"][path]["get"]["parameters"]

    assert {"limit", "cursor", "order", "fields"} <= {each["name"] for each in documented if each["in"] == "query"}


def test_nodes_come_in_pages(client: Client, store: RecordStore) -> None:
    for number, count in enumerate((1, 3, 2)):
        nodes = {f"node_{index}": {"host": f"h{number}", "f_port": 1, "port": 2} for index in range(count)}
        keys = {**PROJECT, "participant_id": f"w{number}"}
        store.put(Kind.REGISTRATION, keys, {"role": "guest", "n_count": count, **nodes})
    expected = [
        ("w0", "node_0"),
        ("w1", "node_0"),
        ("w1", "node_1"),
        ("w1", "node_2"),
        ("w2", "node_0"),
        ("w2", "node_1"),
    ]

    for limit in (1, 2, 3, 4, 6, 7):
        for order, wanted in (("oldest", expected), ("newest", expected[::-1])):
            found = pages(client, "/ttp/nodes", limit=limit, order=order, fields="node")
            assert [(node["key"]["participant_id"], node["node"]) for each in found for node in each] == wanted
            assert all(len(each) <= limit for each in found)
    assert [node["node"] for node in client.data("GET", "/ttp/nodes?participant_id=w2")] == ["node_0", "node_1"]


# What hangs under items, counts by state, and jobs in short
