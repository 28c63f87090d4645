"""Whoever arrives at the rendezvous while the record store is away is told to come again, and costs it next to nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text
from werkzeug.test import Client

from fakes.clock import Clock
from fakes.director_parts import PROJECT, declare
from synergos.domain.records import Kind
from synergos.identity.arrival import RENDEZVOUS, UPGRADE, arrive, keeper_of, nonce
from synergos.identity.identity import Identity, Renewable
from synergos.records import RecordStore
from synergos_ttp.rendezvous.app import RendezvousApp
from synergos_ttp.rendezvous.registered import RecordsAway, Registered
from synergos_ttp.rendezvous.rendezvous import Rendezvous

WORKER = "a" * 64


def break_down(store: RecordStore) -> None:
    with store.database.writing() as connection:
        connection.execute(text("ALTER TABLE registration RENAME TO away"))


def repair(store: RecordStore) -> None:
    with store.database.writing() as connection:
        connection.execute(text("ALTER TABLE away RENAME TO registration"))


def test_a_worker_is_told_to_come_again(store: RecordStore, tmp_path: Path) -> None:
    clock = Clock()
    rendezvous, keys = Rendezvous(Registered(store, clock)), Renewable(tmp_path / "ttp.json")
    worker = Client(RendezvousApp(rendezvous, keys, "ttp", lambda: None, clock))
    drawn = nonce()
    keeper = keeper_of(worker.get(RENDEZVOUS, query_string={"nonce": drawn}).get_data(), drawn)
    break_down(store)

    said = arrive(Identity.new(), keeper, "instance", 1.0)
    answer = worker.post(RENDEZVOUS, json=said, headers={"Upgrade": UPGRADE})

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.json is not None
    assert "record store" in answer.json["message"]


def test_what_could_not_be_seen_is_looked_at_again_and_not_taken_for_true(store: RecordStore) -> None:
    clock = Clock()
    registered = Registered(store, clock)
    declare(store)
    dialling = {"n_count": 1, "role": "host", "node_0": {"host": WORKER}}
    store.put(Kind.REGISTRATION, {**PROJECT, "participant_id": "worker_3"}, dialling)
    break_down(store)

    for _ in range(2):
        with pytest.raises(RecordsAway):
            registered(WORKER)
    repair(store)
    # Strangers who come one after the other do not all have it looked at.
    with pytest.raises(RecordsAway):
        registered(WORKER)
    clock.now += 3

    assert registered(WORKER)
