"""Whose records are, and accounts, on either database."""

from __future__ import annotations

from datetime import timedelta

import pytest

from synergos.accounts import tokens
from synergos.domain.records import Kind
from synergos.domain.roles import Role
from synergos.errors import RecordNotFound
from synergos.records import RecordStore
from synergos.records.accounts import Account, Accounts
from synergos.records.owners import Owners


def test_a_record_belongs_to_whom_it_was_given_until_it_is_taken(store: RecordStore) -> None:
    owners = Owners(store)
    owners.give(Kind.COLLABORATION, "heart", "b")
    owners.give(Kind.COLLABORATION, "heart", "a")
    owners.give(Kind.COLLABORATION, "heart", "a")
    owners.give(Kind.PARTICIPANT, "heart", "c")

    assert owners.of(Kind.COLLABORATION, "heart") == ["a", "b"]
    assert owners.owned(Kind.COLLABORATION, "a") == ["heart"]

    owners.take(Kind.COLLABORATION, "heart", "a")
    owners.make_only(Kind.PARTICIPANT, "heart", "d")

    assert owners.of(Kind.COLLABORATION, "heart") == ["b"]
    assert owners.of(Kind.PARTICIPANT, "heart") == ["d"]
    owners.release(Kind.COLLABORATION, "heart")
    assert owners.of(Kind.COLLABORATION, "heart") == []


def test_an_account_is_read_as_it_was_stored_and_takes_all_that_is_its_along(store: RecordStore) -> None:
    accounts, owners = Accounts(store), Owners(store)
    account = Account("first", Role.PARTICIPANT, "worker_1", "hash")
    assert not accounts.are_there()
    accounts.add(account)
    token, _ = tokens.made("first", timedelta(hours=1), "label")
    accounts.add_token(token)
    owners.give(Kind.PARTICIPANT, "worker_1", "first")

    assert accounts.all() == [account]
    assert accounts.tokens() == [token]
    assert accounts.find_token(token.id) == token
    assert (accounts.is_bound("worker_1"), accounts.is_bound("first")) == (True, False)
    assert accounts.find("nul\0") is None

    accounts.remove("first")

    assert (accounts.all(), accounts.tokens(), owners.of(Kind.PARTICIPANT, "worker_1")) == ([], [], [])
    with pytest.raises(RecordNotFound):
        accounts.remove("first")
