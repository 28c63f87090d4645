"""What is read is sent small to whoever can unpack it, and not once more to whoever has it."""

from __future__ import annotations

import gzip
import json

import pytest

from fakes.orchestration import CONNECT, EXPERIMENT_URL, MODELS_URL, PROJECT_URL, RUN, RUN_URL, Client, E, R
from synergos.domain.job import Job, Stage
from synergos.domain.keys import RunKey
from synergos.domain.records import Kind
from synergos.records import RecordStore

PACKED = {"Accept-Encoding": "gzip"}
READ = [f"{CONNECT}/collaborations", PROJECT_URL, RUN_URL, "/ttp/jobs?limit=2", "/ttp/studies", f"{MODELS_URL}/{E}/{R}"]


@pytest.mark.parametrize("url", READ)
@pytest.mark.parametrize("headers", [{}, PACKED], ids=["as it is", "packed"])
def test_what_a_client_has_is_not_sent_again(finished: Client, url: str, headers: dict[str, str]) -> None:
    first = finished.http.get(url, headers=headers)

    again = finished.http.get(url, headers={**headers, "If-None-Match": first.headers["ETag"]})

    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    assert (first.headers["Vary"], first.headers["Cache-Control"]) == ("Accept-Encoding", "private, no-cache")


@pytest.mark.parametrize("url", [*READ, f"{CONNECT}/swagger.json"])
def test_packed_it_is_the_same(finished: Client, url: str) -> None:
    plain, packed = finished.http.get(url), finished.http.get(url, headers=PACKED)

    if "Content-Encoding" in packed.headers:
        assert plain.headers["ETag"] != packed.headers["ETag"]
        assert len(packed.data) < len(plain.data)
        assert gzip.decompress(packed.data) == plain.data
    else:
        assert len(plain.data) < 1000
        assert packed.data == plain.data
    assert int(packed.headers["Content-Length"]) == len(packed.data)


@pytest.mark.parametrize("accepted", ["", "identity", "br", "gzip;q=0"])
def test_nobody_is_sent_what_it_cannot_unpack(finished: Client, accepted: str) -> None:
    answer = finished.http.get(PROJECT_URL, headers={"Accept-Encoding": accepted})

    assert json.loads(answer.data)["success"] == 1


def test_what_has_changed_is_sent(finished: Client, store: RecordStore) -> None:
    before = finished.http.get(f"{EXPERIMENT_URL}/runs").headers["ETag"]

    store.merge(Kind.RUN, RUN, {"rounds": 9})

    assert finished.http.get(f"{EXPERIMENT_URL}/runs", headers={"If-None-Match": before}).status_code == 200


def test_what_hangs_under_a_record_is_told_anew_though_the_record_is_what_it_was(
    finished: Client, store: RecordStore
) -> None:
    before = finished.http.get(RUN_URL).headers["ETag"]

    store.add_jobs([Job(Stage.TRAIN, RunKey.of(RUN))])
    after = finished.http.get(RUN_URL, headers={"If-None-Match": before})

    assert (after.status_code, after.headers["ETag"] == before) == (200, False)
    # It is unchanged all the same, for whoever wants to change it.
    assert finished.http.put(RUN_URL, json={"rounds": 3}, headers={"If-Match": before}).status_code == 200
    assert finished.http.put(RUN_URL, json={"rounds": 4}, headers={"If-Match": before}).status_code == 412


def test_a_list_that_is_longer_than_is_held_is_packed_while_it_is_sent(declared: Client, store: RecordStore) -> None:
    with store.transaction():
        for number in range(60):
            store.put(Kind.RUN, {**RUN, "run_id": f"long_{number}"}, {"text": f"{number} " * 10_000})

    packed = declared.http.get(f"{EXPERIMENT_URL}/runs", headers=PACKED)

    assert len(json.loads(gzip.decompress(packed.data))["data"]) == 61
    assert ("ETag" in packed.headers, "Content-Length" in packed.headers) == (False, False)


@pytest.mark.parametrize("url", ["/ttp/jobs/none", "/ttp/none", f"{CONNECT}/collaborations?limit=0"])
def test_failures_are_told_as_they_are(declared: Client, url: str) -> None:
    answer = declared.http.get(url, headers=PACKED)

    assert answer.get_json()["success"] == 0
    assert "ETag" not in answer.headers


def test_who_watches_is_never_answered_that_nothing_is_new(declared: Client) -> None:
    assert "ETag" not in declared.http.get("/ttp/changes").headers
