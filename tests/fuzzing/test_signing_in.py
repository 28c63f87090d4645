"""What is nearly somebody's password or token is nobody's, and none of it is our mistake."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from fakes.orchestration import CannedDispatcher
from fakes.people import PASSWORD, add_people, basic
from support.mutations import changed, spoilt
from support.soon import soon
from synergos.accounts import tokens
from synergos.accounts.sign_in import SignIn
from synergos.records import RecordStore
from synergos.records.accounts import Accounts
from synergos.rest import create_app

HEADERS = 120
BODIES = 120


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RecordStore]:
    store = RecordStore(f"sqlite:///{tmp_path / 'records.sqlite'}")
    yield store
    store.close()


@pytest.fixture
def accounts(store: RecordStore) -> Accounts:
    return add_people(store, "lead")


def nearly(right: str, random: Random) -> str:
    """What a header may hold, by HTTP's own rules."""
    return "".join(letter for letter in spoilt(right.encode(), random).decode("latin-1") if letter not in "\r\n\0")


def test_what_is_nearly_right_signs_nobody_in(store: RecordStore, accounts: Accounts) -> None:
    http = create_app(store, CannedDispatcher(store), component_id="ttp", sign_in=SignIn(accounts)).test_client()
    token, text = tokens.made("lead")
    accounts.add_token(token)
    spoilt_password = b64encode(f"lead:{PASSWORD}x".encode()).decode()
    right = (basic("lead"), f"Bearer {text}", f"Basic {spoilt_password}", "Bearer a.b.c")
    random = Random(16)

    for number in range(HEADERS):
        header = nearly(right[number % len(right)], random)
        with soon(header):
            answer = http.get(
                "/ttp/jobs", headers={"Authorization": header}, environ_base={"REMOTE_ADDR": f"10.0.0.{number}"}
            )
        is_same = " ".join(header.split()).lower().split(" ")[:1] in (["basic"], ["bearer"]) and header.split()[1:] in (
            right[0].split()[1:],
            right[1].split()[1:],
        )
        assert answer.status_code in ({200} if is_same else {401, 429}), (header, answer.data)


def test_what_is_nearly_a_wish_for_a_token_is_none_of_our_mistakes(store: RecordStore, accounts: Accounts) -> None:
    http = create_app(store, CannedDispatcher(store), component_id="ttp", sign_in=SignIn(accounts)).test_client()
    random = Random(17)

    for _ in range(BODIES):
        body = changed({"expires_in": 60, "label": "a notebook"}, random)
        with soon(body):
            try:
                answer = http.post("/ttp/tokens", json=body, headers={"Authorization": basic("lead")})
            except UnicodeEncodeError:
                continue
        assert answer.status_code in {201, 400, 413, 417}, (body, answer.data)
    assert len(accounts.tokens("lead")) <= 100
