"""Lists a page at a time: in order, without gaps or repeats whatever happens meanwhile, and with the fields asked for."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import Engine, event

from fakes.orchestration import (
    ALIGNMENTS_URL,
    CONNECT,
    EXPERIMENT_URL,
    MODELS_URL,
    PROJECT,
    PROJECT_URL,
    RUN,
    VALIDATIONS_URL,
    CannedDispatcher,
    Client,
    E,
    R,
    leave,
)
from synergos.domain.job import Job, JobState, Stage
from synergos.domain.keys import ExperimentKey
from synergos.domain.records import Kind
from synergos.domain.study import Direction, Study, StudyState, Trial, TrialState
from synergos.orchestration.study_records import StudyRecords
from synergos.records import RecordStore

EXPERIMENT = ExperimentKey.of(RUN)
RUNS_URL = f"{EXPERIMENT_URL}/runs"
JOBS = "/ttp/jobs"


@pytest.fixture
def jobs(store: RecordStore) -> list[Job]:
    """Seven jobs in the order they were accepted, of which the odd ones have failed."""
    made = [Job(Stage.TRAIN, EXPERIMENT.run_called(f"r{number}")) for number in range(7)]
    store.add_jobs(made)
    for job in made[1::2]:
        store.save_job(job.ended(JobState.FAILED))
    return made


def pages(client: Client, url: str, **query: object) -> list[list[Any]]:
    """Every page of a list, one after the other."""
    found, query = [], dict(query)
    while True:
        answer = page(client, url, **query)
        found.append(answer["data"])
        if answer["next"] is None:
            return found
        query["cursor"] = answer["next"]


def everything(client: Client, url: str, **query: object) -> list[Any]:
    return [item for each in pages(client, url, **query) for item in each]


def page(client: Client, url: str, **query: object) -> dict[str, Any]:
    status, answer = client.get(f"{url}?{urlencode(query)}")
    assert status == 200, answer
    return answer


def ids(items: list[Any]) -> list[str]:
    return [item["id"] for item in items]


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


def study_of(study_id: str, state: StudyState) -> Study:
    return Study(
        id=study_id,
        experiment=EXPERIMENT,
        metric="R2",
        direction=Direction.MAXIMUM,
        search_space={},
        fixed={},
        searcher="random",
        scheduler="none",
        max_trials=1,
        seed=0,
        state=state,
    )


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
        ("fields=", "fields", "one of the fields"),
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


def test_runs_by_the_thousand_cost_a_page(client: Client, store: RecordStore) -> None:
    with store.transaction():
        for number in range(1000):
            store.put(Kind.RUN, EXPERIMENT.run_called(f"many_{number}"), {})

    last = page(client, RUNS_URL, limit=3, order="newest", fields="doc_id")

    assert [record["key"]["run_id"] for record in last["data"]] == ["many_999", "many_998", "many_997"]


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


def questions(store: RecordStore) -> AbstractContextManager[list[str]]:
    """What the database is asked inside."""

    @contextmanager
    def listening() -> Iterator[list[str]]:
        asked: list[str] = []

        def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
            if statement.startswith("SELECT"):
                asked.append(statement)

        event.listen(Engine, "before_cursor_execute", note)
        yield asked
        event.remove(Engine, "before_cursor_execute", note)

    return listening()


@pytest.mark.usefixtures("finished")
def test_a_list_costs_as_many_questions_however_many_records_it_has(client: Client, store: RecordStore) -> None:
    with store.transaction():
        for number in range(90):
            keys = {**RUN, "collab_id": f"c{number}", "participant_id": "worker_1"}
            for kind in (Kind.COLLABORATION, Kind.PROJECT, Kind.REGISTRATION, Kind.EXPERIMENT, Kind.RUN, Kind.MODEL):
                store.put(kind, keys, {"model": [], "n_count": 1, "role": "guest", "node_0": {"host": "h"}})

    for url in (
        f"{CONNECT}/collaborations",
        f"{CONNECT}/participants",
        f"{CONNECT}/participants/worker_1/registrations",
    ):
        with questions(store) as few:
            page(client, url, limit=1)
        with questions(store) as many:
            assert client.data("GET", url)
        assert len(many) <= len(few) + 8 <= 20, url


def test_a_registration_in_a_list_does_not_repeat_what_others_say_at_length(declared: Client) -> None:
    said = "x" * 10_000
    declared.put(PROJECT_URL, {"incentives": {"tier": [said]}, "start_at": said})
    declared.put(f"{CONNECT}/participants/worker_1", {"summary": said})
    alone = declared.data("GET", f"{PROJECT_URL}/participants/worker_1/registration")

    for url in (f"{PROJECT_URL}/registrations", f"{CONNECT}/participants/worker_1/registrations"):
        response = declared.http.get(url)
        [first, *_] = response.get_json()["data"]
        assert len(response.data) < 5_000
        assert first["relations"] == alone["relations"]
        assert first.keys() == alone.keys()
        assert (first["project"]["action"], first["participant"]["id"]) == ("regress", "worker_1")
        assert first["collaboration"] == alone["collaboration"]
    assert alone["project"]["incentives"] == {"tier": [said]}
    assert alone["participant"]["summary"] == said


def test_a_large_answer_is_sent_piece_by_piece(client: Client, store: RecordStore) -> None:
    keys = {"collab_id": "large"}
    store.put(Kind.COLLABORATION, keys, {})
    for number in range(20):
        incentives = {"tier": ["x" * 300_000]}
        store.put(Kind.PROJECT, {**keys, "project_id": f"p{number}"}, {"action": "regress", "incentives": incentives})

    for url in (
        f"{CONNECT}/collaborations",
        f"{CONNECT}/collaborations/large",
        f"{CONNECT}/collaborations/large/projects",
    ):
        response = client.http.get(url)
        pieces = list(response.iter_encoded())
        assert "Content-Length" not in response.headers, url
        assert max(map(len, pieces)) < 800_000, url
        found = json.loads(b"".join(pieces))["data"]
        whole = found if isinstance(found, dict) else found[0]
        projects = found if url.endswith("projects") else whole["relations"]["Project"]
        assert [project["key"]["project_id"] for project in projects] == [f"p{number}" for number in range(20)]
    assert "Content-Length" in client.http.get(f"{CONNECT}/participants").headers


def test_of_what_hung_under_a_record_that_is_deleted_only_so_much_is_repeated(
    client: Client, store: RecordStore
) -> None:
    keys = {"collab_id": "large"}
    store.put(Kind.COLLABORATION, keys, {})
    for number in range(6):
        incentives = {"tier": ["x" * 1_000_000]}
        store.put(Kind.PROJECT, {**keys, "project_id": f"p{number}"}, {"action": "regress", "incentives": incentives})

    deleted = client.data("DELETE", f"{CONNECT}/collaborations/large")["relations"]["Project"]

    assert [project["key"]["project_id"] for project in deleted] == [f"p{number}" for number in range(6)]
    assert ["incentives" in project for project in deleted] == [True] * 4 + [False] * 2


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


def test_trials_of_all_studies_on_a_page_are_counted_at_once(client: Client, store: RecordStore) -> None:
    records = StudyRecords(store)
    for number in range(5):
        study = records.add(study_of(f"s{number}", StudyState.RUNNING))
        for trial in range(3):
            drawn = Trial(f"run_{number}_{trial}", trial, {}, {}, TrialState.COMPLETED, objective=float(trial == 1))
            records.save_trial(study, drawn)

    with questions(store) as asked:
        found = client.data("GET", "/ttp/studies")

    assert [(each["counts"]["completed"], each["best"]["run_id"]) for each in found] == [
        (3, f"run_{number}_1") for number in range(5)
    ]
    assert len(asked) <= 3


# What hangs under items, counts by state, and jobs in short


@pytest.mark.parametrize(
    "url",
    [f"{CONNECT}/collaborations", PROJECT_URL, EXPERIMENT_URL, f"{EXPERIMENT_URL}/runs", f"{CONNECT}/participants"],
)
def test_what_hangs_under_items_can_be_counted_or_left_out(finished: Client, url: str) -> None:
    def items(query: str) -> list[dict[str, Any]]:
        found = finished.data("GET", f"{url}{query}")
        return found if isinstance(found, list) else [found]

    full, counted, bare = (items(query) for query in ("", "?relations=counts", "?relations=none"))

    assert full == items("?relations=full")
    for whole, short, alone in zip(full, counted, bare, strict=True):
        relations = whole.pop("relations")
        assert short == {**whole, "relations": {name: len(found) for name, found in relations.items()}}
        assert alone == whole
    assert any(count for short in counted for count in short["relations"].values())


def test_what_an_unfinished_job_hides_is_not_counted(finished: Client, store: RecordStore) -> None:
    before = finished.data("GET", f"{EXPERIMENT_URL}?relations=counts")["relations"]

    store.add_jobs([Job(Stage.TRAIN, EXPERIMENT.run_called(R))])

    after = finished.data("GET", f"{EXPERIMENT_URL}?relations=counts")["relations"]
    assert (before["Model"], after["Model"], after["Run"]) == (1, 0, before["Run"])


@pytest.mark.parametrize("url", [JOBS, MODELS_URL, VALIDATIONS_URL, ALIGNMENTS_URL, "/ttp/studies", "/ttp/nodes"])
def test_on_what_nothing_hangs_under_relations_change_nothing(finished: Client, url: str) -> None:
    assert finished.data("GET", f"{url}?relations=counts") == finished.data("GET", url)


@pytest.mark.parametrize("url", [f"{CONNECT}/collaborations", EXPERIMENT_URL, JOBS])
def test_relations_are_one_of_three_words(finished: Client, url: str) -> None:
    status, answer = finished.ask("GET", f"{url}?relations=some")

    assert (status, answer["field"]) == (417, "relations")


def test_a_page_of_jobs_says_how_many_there_are_in_each_state(client: Client, jobs: list[Job]) -> None:
    def counts(query: str) -> dict[str, int]:
        found: dict[str, int] = page(client, JOBS, **dict(part.split("=") for part in query.split("&")))["params"][
            "counts"
        ]
        return found

    everywhere = dict.fromkeys(JobState, 0) | {"queued": 4, "failed": 3}
    assert counts("limit=2") == everywhere
    # The others are a click away.
    assert counts("limit=2&state=failed") == everywhere
    assert counts("limit=2&run_id=r1") == dict.fromkeys(JobState, 0) | {"failed": 1}
    assert page(client, JOBS)["params"] == {}


def test_jobs_in_short_come_with_the_newest_first_and_go_on_before_the_last(client: Client, jobs: list[Job]) -> None:
    first = page(client, JOBS, fields="summary", limit=3)
    second = page(client, JOBS, fields="summary", limit=9, before=first["params"]["cursor"])

    assert [job["id"] for job in (*first["data"], *second["data"])] == [job.id for job in reversed(jobs)]
    assert (second["next"], second["params"]["cursor"]) == (None, None)
    assert [job["id"] for job in page(client, JOBS, fields="summary", order="oldest")["data"]] == [
        job.id for job in jobs
    ]
    assert (
        page(client, JOBS, fields="summary", cursor=page(client, JOBS, limit=6)["next"])["data"][0]["id"] == jobs[6].id
    )


def test_of_a_job_in_short_there_is_what_a_table_shows(client: Client, store: RecordStore, jobs: list[Job]) -> None:
    store.save_job(jobs[0].started())
    store.update_progress(jobs[0].id, {"round": 2, "rounds": 9, "losses": {"train": 1.0}, "checkpoints": {"1": 0.5}})

    [job] = page(client, JOBS, fields="summary", state="running")["data"]

    assert (job["progress"], "parameters" in job, job["state"]) == ({"round": 2, "rounds": 9}, False, "running")


@pytest.mark.parametrize(
    ("query", "field"), [("before=x&cursor=x", "before"), ("before=x&order=oldest", "order"), ("before=x", "cursor")]
)
def test_before_is_the_cursor_of_the_newest_first(client: Client, query: str, field: str) -> None:
    status, answer = client.ask("GET", f"{JOBS}?{query}")

    assert (status, answer["field"]) == (417, field)
