"""What a broker is told of the roles of its users."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from synmanager.config import COMPLETED, DEAD, PARKED, RANKED, TOPOLOGY
from synmanager.roles import (
    ADMINISTRATOR,
    DIRECTOR,
    ROLES,
    TTP,
    credentials_in,
    definitions,
    password_hash,
    without_users,
)

IMAGE = Path(__file__).parents[3] / "manager" / "synergos_topology.json"
EXCHANGES = {queue.exchange for queue in TOPOLOGY}
QUEUES = {queue.name for queue in TOPOLOGY}


def allowed(pattern: str, names: set[str | None]) -> set[str | None]:
    return {name for name in names if name is not None and re.search(pattern, name)}


def test_each_role_writes_where_the_other_reads() -> None:
    jobs, outcomes = {queue.name for queue in RANKED}, {COMPLETED.name}
    aside = PARKED.exchange

    assert (allowed(DIRECTOR.write, EXCHANGES), allowed(DIRECTOR.read, {*QUEUES})) == (
        {RANKED[0].exchange, aside},
        outcomes,
    )
    assert (allowed(TTP.write, EXCHANGES), allowed(TTP.read, {*QUEUES})) == ({COMPLETED.exchange, aside}, jobs)
    assert DEAD.exchange == aside


@pytest.mark.parametrize("role", [DIRECTOR, TTP], ids=lambda role: role.name)
def test_neither_declares_anything_nor_writes_to_queues_by_their_names(role: object) -> None:
    assert isinstance(role, type(TTP))
    names: set[str | None] = {"", "amq.default", "amq.gen-x", "trainer", "a.train", *QUEUES, *EXCHANGES}

    assert allowed(role.configure, names) <= {""}  # the broker asks about the name that it makes up
    assert not allowed(role.write, {"amq.default", "amq.topic", *QUEUES})
    assert not allowed(role.read, {"trainer", "a.train", "completed.c1", *EXCHANGES})
    assert role.tags == ()


def test_every_queue_is_there_before_anybody_comes(tmp_path: Path) -> None:
    said = definitions({role: credentials_in(tmp_path, role) for role in ROLES}, "hospitals")

    assert {queue["name"] for queue in said["queues"]} == QUEUES
    assert {(each["source"], each["destination"], each["routing_key"]) for each in said["bindings"]} == {
        (queue.exchange, queue.name, queue.routing_key) for queue in TOPOLOGY
    }
    assert {each["vhost"] for kind in ("queues", "bindings", "exchanges", "permissions") for each in said[kind]} == {
        "hospitals"
    }
    assert [user["tags"] for user in said["users"]] == ["administrator", "", ""]
    assert not any(credentials_in(tmp_path, role).password in json.dumps(said) for role in ROLES)


def test_the_image_is_told_the_same() -> None:
    """After a change: ``python -m synmanager.roles > manager/synergos_topology.json``."""
    assert json.loads(IMAGE.read_text()) == without_users({role: role.name for role in ROLES})
    # Users are put before what the file says after its first line.
    assert IMAGE.read_text().startswith("{\n")


def test_a_password_is_kept_as_the_broker_keeps_it() -> None:
    # As RabbitMQ's documentation works it out.
    assert password_hash("test12", bytes.fromhex("908DC60A")) == "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR"


def test_passwords_are_made_up_once_and_not_shown(tmp_path: Path) -> None:
    known = credentials_in(tmp_path, ADMINISTRATOR)

    assert credentials_in(tmp_path, ADMINISTRATOR) == known
    assert known.password not in repr(known)
    assert (tmp_path / "administrator" / "password").stat().st_mode & 0o777 == 0o600
