"""A PostgreSQL database with a user for the TTPs: they do their part by it, and the server refuses what is the director's."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import wait
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from fakes.director_parts import accepted, declare, taken_up
from servers.postgresql import PostgreSQL
from synergos.domain import grid
from synergos.domain.job import Job, JobState, Stage
from synergos.domain.job_event import JobNews, RoundLoss
from synergos.domain.keys import RegistrationKey
from synergos.domain.records import Kind
from synergos.errors import Conflict, WorkerUnreachable
from synergos.orchestration.catalogue_keeper import CatalogueKeeper
from synergos.orchestration.node_identities import NodeIdentities
from synergos.records import RecordStore
from synergos.records.catalogues import Catalogues
from synergos.records.grants import ttp_grants
from synergos.records.leases import Leases
from synergos.records.members import Members
from synergos.records.removals import Removals

NUMBERS = count()


@pytest.fixture
def role(postgresql: PostgreSQL) -> str:
    name = f"ttp_{next(NUMBERS)}"
    postgresql.execute(f"CREATE ROLE {name} LOGIN")
    return name


@pytest.fixture
def director(postgresql: PostgreSQL, database: str, role: str) -> Iterator[RecordStore]:
    """The owner of the tables, who has let the TTPs in."""
    store = RecordStore(database)
    for statement in ttp_grants(role, database.rpartition("%3D")[2]):
        postgresql.execute(statement)
    declare(store)
    yield store
    store.close()


@pytest.fixture
def ttp(director: RecordStore, database: str, role: str) -> Iterator[RecordStore]:
    store = RecordStore(PostgreSQL.url_as(database, role))
    yield store
    store.close()


def test_a_ttp_does_all_of_its_part(director: RecordStore, ttp: RecordStore, tmp_path: Path) -> None:
    first, second = accepted(director, Stage.TRAIN), accepted(director, Stage.VALIDATE)
    leases, members = Leases(ttp, 3600), Members(ttp)
    ttp.database.share("ttp")
    members.join("f" * 64, "ttp_0")
    claim = taken_up(leases)
    assert claim.job.id == first.id
    leases.report(claim, {"round": 1}, JobNews(rounds=(RoundLoss(1, 0.5, None, {"worker_1": 0.5}),)))
    leases.report(claim, None, JobNews(rounds=(RoundLoss(1, 0.5, 0.25, {"worker_1": 0.5}),)))
    assert not leases.renew(claim)
    leases.release(claim, 0.0)
    leases.deliver(taken_up(leases))
    leases.grids.leave(0, "holder")
    [node, *_] = grid.nodes_of(director.find(Kind.REGISTRATION)[0])
    NodeIdentities(ttp).pin(node, "a" * 64)
    assert Removals(ttp).of_grids({0}) == []

    assert director.job(first.id).state is JobState.ARCHIVING
    assert director.job(first.id).progress == {"round": 1}
    assert [(each.train, each.evaluate) for each in director.history.rounds(first.id, 0, 9).items] == [(0.5, 0.25)]
    assert director.job(second.id).state is not JobState.RUNNING
    assert director.find(Kind.REGISTRATION)[0]["node_0"]["fingerprint"] == "a" * 64
    assert Members(director).all() == {"f" * 64: None}
    assert ttp.cluster_id() == director.cluster_id()


def test_a_ttp_pins_an_identity_of_which_no_change_is_known_any_more(director: RecordStore, ttp: RecordStore) -> None:
    with director.database.writing() as connection:
        connection.execute(text("DELETE FROM change WHERE kind = 'Registration'"))
    [node, *_] = grid.nodes_of(director.find(Kind.REGISTRATION)[0])

    NodeIdentities(ttp).pin(node, "a" * 64)

    assert director.find(Kind.REGISTRATION)[0]["node_0"]["fingerprint"] == "a" * 64


def test_a_ttp_asks_for_the_catalogues_that_are_wanted(director: RecordStore, ttp: RecordStore) -> None:
    known, gone = (RegistrationKey("c", "p", f"worker_{number}") for number in (1, 3))
    [node, *_] = grid.nodes_of(director.get(Kind.REGISTRATION, known))
    assert node.nonce is not None
    wanted = Catalogues(director)
    wanted.want({(known, 0): node.nonce, (gone, 0): "n"}, director.database.now())
    told = list[dict[str, object]]([{"tags": ["heart"]}])

    def at_worker(*_: object) -> dict[str, object]:
        if not told:
            raise WorkerUnreachable("nobody is there")
        return told.pop()

    keeper = CatalogueKeeper(ttp, {0}, at_worker)
    wait(keeper.look())
    wanted.want({(known, 0): node.nonce}, director.database.now())
    wait(keeper.look())
    keeper.close()

    found = wanted.of([known, gone])
    assert [(place, each.content, each.problem) for place, each in found.items()] == [
        ((known, 0), {"tags": ["heart"]}, "nobody is there")
    ]


FORBIDDEN = {
    "it adds a job": "INSERT INTO job (id, stage, state, parameters, progress, attempts, created_at)"
    " VALUES ('1', 'train', 'queued', '{}', '{}', 0, now())",
    "it removes a job": "DELETE FROM job",
    "it changes what a job is about": "UPDATE job SET run_id = 'another'",
    "it changes what a job was asked with": "UPDATE job SET parameters = '{}'",
    "it has a job cancelled": "UPDATE job SET cancel_requested = true",
    "it ends a job": "UPDATE job SET state = 'completed'",
    "it writes a model": "INSERT INTO model (collab_id, project_id, expt_id, run_id, created_at, payload)"
    " VALUES ('c', 'p', 'e', 'r', now(), '{}')",
    "it replaces a collaboration": "UPDATE collaboration SET payload = '{}'",
    "it removes a collaboration": "DELETE FROM collaboration",
    "it renames a registration": "UPDATE registration SET participant_id = 'x'",
    "it signs for a TTP": "UPDATE member SET endorsement = '{}'",
    "it joins with an endorsement": "INSERT INTO member (fingerprint, name, endorsement) VALUES ('x', 'x', '{}')",
    "it says whose catalogue is wanted": "INSERT INTO catalogue (collab_id, project_id, participant_id, node,"
    " registered, wanted_at) VALUES ('c', 'p', 'w', 0, 'n', now())",
    "it has changes forgotten": "DELETE FROM change",
    "it renumbers a round": "UPDATE job_round SET round = 2",
    "it removes a member": "DELETE FROM member",
    "it makes an account": "INSERT INTO account (name, role, created_at) VALUES ('x', 'orchestrator', now())",
    "it changes a password": "UPDATE account SET password = 'x'",
    "it makes a token": "INSERT INTO token VALUES ('x', 'x', 'x', 'x', now(), now())",
    "it takes a record for itself": "INSERT INTO owner VALUES ('Collaboration', 'c', 'x')",
    "it is another cluster": "UPDATE cluster SET id = 'x'",
    "it makes a table": "CREATE TABLE mine (x int)",
    "it changes a table": "ALTER TABLE job ADD COLUMN x int",
    "it does away with a policy": "ALTER TABLE job DISABLE ROW LEVEL SECURITY",
    "it pretends to be up to date": "UPDATE alembic_version SET version_num = '9999'",
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_the_server_refuses_a_ttp(director: RecordStore, ttp: RecordStore, what: str) -> None:
    accepted(director, Stage.TRAIN)
    Members(director).join("e" * 64, "ttp_0")

    refused = pytest.raises(ProgrammingError, match=r"permission denied|must be owner|row-level security")
    with refused, ttp.database.writing() as connection:
        connection.execute(text(FORBIDDEN[what]))


def test_a_job_that_has_ended_is_out_of_a_ttps_reach(director: RecordStore, ttp: RecordStore) -> None:
    job = accepted(director, Stage.TRAIN)
    director.save_job(job.started().ended(JobState.COMPLETED))

    with ttp.database.writing() as connection:
        changed = connection.execute(text("UPDATE job SET state = 'queued'")).rowcount

    assert changed == 0
    assert ended(director, job)


def ended(store: RecordStore, job: Job) -> bool:
    return store.job(job.id).state is JobState.COMPLETED


def test_a_second_user_takes_no_limit_off_the_first(
    director: RecordStore, ttp: RecordStore, database: str, postgresql: PostgreSQL
) -> None:
    second = f"{'x' * 50}_{next(NUMBERS)}"
    postgresql.execute(f"CREATE ROLE {second} LOGIN")
    for _ in range(2):
        for statement in ttp_grants(second, database.rpartition("%3D")[2]):
            postgresql.execute(statement)
    accepted(director, Stage.TRAIN)

    for store in (ttp, RecordStore(PostgreSQL.url_as(database, second))):
        refused = pytest.raises(ProgrammingError, match="row-level security")
        with refused, store.database.writing() as connection:
            connection.execute(text(FORBIDDEN["it ends a job"]))
        store.close()


def test_a_ttp_that_comes_before_the_director_says_so(postgresql: PostgreSQL, empty_database: str, role: str) -> None:
    postgresql.execute(f"GRANT USAGE ON SCHEMA {empty_database.rpartition('%3D')[2]} TO {role}")

    with pytest.raises(Conflict, match="its user may not change it: start the director first"):
        RecordStore(PostgreSQL.url_as(empty_database, role))
