"""What of a message has come by a connection that broke is not sent again, and what of an answer has come is not either."""

from __future__ import annotations

import io
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse

from factories.network_models import linear
from fakes.worker_client import HeldExecutor, WorkerClient, blob_of
from synergos.learning.families.layers.network import build_network

TAGS = {"train": [["wine", "train"]], "evaluate": [["wine", "evaluate"]]}
LAYERS = [linear(13, 2000, "tanh"), linear(2000, 3, "softmax")]
ROUND = "rounds/0"


@pytest.fixture
def blob(client: WorkerClient) -> bytes:
    """The first round's message, of a session that is open."""
    client.initialise(client.agree(TAGS), architecture=LAYERS)
    return blob_of(build_network(LAYERS, 1).state_dict(), round=0)


def before_tensors(blob: bytes) -> int:
    return 8 + int.from_bytes(blob[:8], "little")


def digest_of(blob: bytes) -> str:
    return sha256(blob[: before_tensors(blob)]).hexdigest()


def put(client: WorkerClient, path: str, content: bytes, length: int | None = None, **headers: str) -> TestResponse:
    """A PUT of which, where a length is said, less comes."""
    return Client(client.service.data_app).open(
        f"/sessions/{client.session_id}/{path}",
        method="PUT",
        input_stream=io.BytesIO(content),
        environ_overrides={"CONTENT_LENGTH": str(len(content) if length is None else length)},
        headers={"Prefer": "wait=30"} | {name.replace("_", "-"): value for name, value in headers.items()},
    )


def cut(client: WorkerClient, path: str, blob: bytes, at: int) -> None:
    assert put(client, path, blob[:at], len(blob)).status_code == 417


def received(client: WorkerClient, path: str) -> Mapping[str, Any]:
    answer = client.data("GET", f"{path}/received")
    assert answer.status_code == 200
    found: Mapping[str, Any] = answer.get_json()
    return found


def rest(client: WorkerClient, path: str, blob: bytes, at: int, digest: str | None = None) -> TestResponse:
    return put(client, path, blob[at:], Upload_Offset=str(at), If_Match=f'"{digest or digest_of(blob)}"')


@pytest.mark.parametrize("path", [ROUND, "evaluations/0", "model"])
def test_the_rest_of_a_message_is_as_good_as_the_whole(client: WorkerClient, blob: bytes, path: str) -> None:
    cut(client, path, blob, len(blob) // 2)
    known = received(client, path)

    answer = rest(client, path, blob, known["bytes"])

    assert known == {"bytes": len(blob) // 2, "of": len(blob), "digest": digest_of(blob)}
    assert answer.status_code == 200
    assert received(client, path)["bytes"] == len(blob)


def test_a_message_may_be_cut_again_and_again(client: WorkerClient, blob: bytes) -> None:
    third = len(blob) // 3
    expected = client.data("PUT", "evaluations/0", blob).get_json()["evaluation"]
    later = blob_of(build_network(LAYERS, 1).state_dict(), round=1)
    cut(client, "evaluations/1", later, third)
    tag = f'"{digest_of(later)}"'
    put(client, "evaluations/1", later[third : 2 * third], len(later) - third, Upload_Offset=str(third), If_Match=tag)

    assert received(client, "evaluations/1")["bytes"] == 2 * third
    assert rest(client, "evaluations/1", later, 2 * third).get_json()["evaluation"] == expected


def test_of_a_message_whose_header_is_not_there_nothing_is_kept(client: WorkerClient, blob: bytes) -> None:
    cut(client, ROUND, blob, before_tensors(blob) - 1)

    assert received(client, ROUND) == {"bytes": 0}
    assert client.data("PUT", ROUND, blob).status_code == 200


def test_an_answer_that_was_lost_is_given_to_a_rest_of_nothing(
    client: WorkerClient, blob: bytes, compute: HeldExecutor
) -> None:
    expected = client.data("PUT", ROUND, blob).get_data()
    compute.is_held = True  # nothing trains any more

    assert rest(client, ROUND, blob, len(blob)).get_data() == expected


@pytest.mark.parametrize(
    ("path", "change", "digest", "said"),
    [
        ("evaluations/0", 0, None, "nothing has come"),
        (ROUND, 1, None, "another message"),
        (ROUND, 0, "0" * 64, "another message"),
    ],
)
def test_a_rest_of_something_else_is_refused_and_the_whole_is_taken(
    client: WorkerClient, blob: bytes, path: str, change: int, digest: str | None, said: str
) -> None:
    half = len(blob) // 2
    cut(client, ROUND, blob, half)

    refused = put(
        client, path, blob[half:], Upload_Offset=str(half + change), If_Match=f'"{digest or digest_of(blob)}"'
    )

    assert refused.status_code == 409
    assert said in refused.get_json()["message"]
    assert client.data("PUT", path, blob).status_code == 200


def test_what_came_in_between_puts_an_end_to_a_message_that_was_cut(client: WorkerClient, blob: bytes) -> None:
    cut(client, ROUND, blob, len(blob) // 2)
    assert client.data("PUT", "evaluations/0", blob).status_code == 200

    assert received(client, ROUND) == {"bytes": 0}
    assert rest(client, ROUND, blob, len(blob) // 2).status_code == 409


def test_no_offset_makes_a_message_longer_than_it_may_be(client: WorkerClient, blob: bytes) -> None:
    cut(client, ROUND, blob, len(blob) // 2)

    answer = put(client, ROUND, blob, Upload_Offset=str(10**12), If_Match=f'"{digest_of(blob)}"')

    assert answer.status_code == 413


@pytest.mark.parametrize("offset", ["-1", "x", "1.5", ""])
def test_an_offset_that_is_no_number_is_refused_by_name(client: WorkerClient, blob: bytes, offset: str) -> None:
    answer = put(client, ROUND, blob, Upload_Offset=offset)

    assert answer.status_code == 417
    assert answer.get_json()["field"] == "Upload-Offset"


def fetch(client: WorkerClient, **headers: str) -> TestResponse:
    return Client(client.service.data_app).get(
        f"/sessions/{client.session_id}/{ROUND}",
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


def test_the_end_of_an_answer_is_what_follows_its_beginning(client: WorkerClient, blob: bytes) -> None:
    whole = client.data("PUT", ROUND, blob).get_data()
    tag = f'"{digest_of(whole)}"'
    for at in (1, before_tensors(whole), len(whole) // 2, len(whole) - 1):
        answer = fetch(client, Range=f"bytes={at}-", If_Range=tag)

        assert (answer.status_code, answer.get_data()) == (206, whole[at:])
        assert answer.headers["Content-Range"] == f"bytes {at}-{len(whole) - 1}/{len(whole)}"


@pytest.mark.parametrize("at", ["0", "-5", "99999999999", "x", "5-9"])
def test_the_whole_is_answered_where_its_end_is_not_meant(client: WorkerClient, blob: bytes, at: str) -> None:
    whole = client.data("PUT", ROUND, blob).get_data()
    wanted = f"bytes={at}" if at in {"-5", "x", "5-9"} else f"bytes={at}-"

    assert fetch(client, Range=wanted, If_Range=f'"{digest_of(whole)}"').get_data() == whole
    assert fetch(client, Range="bytes=5-").get_data() == whole
    assert fetch(client, Range="bytes=5-", If_Range=f'"{"0" * 64}"').get_data() == whole


def test_a_session_that_ended_has_received_nothing(client: WorkerClient, blob: bytes) -> None:
    cut(client, ROUND, blob, len(blob) // 2)
    client.terminate()

    assert client.data("GET", f"{ROUND}/received").status_code == 404
