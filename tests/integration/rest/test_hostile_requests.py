"""Whatever is sent, the answer is a JSON object, none of it a mistake of ours, and the grid works afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from inspect import signature
from typing import Any

import pytest
import torch
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from fakes.orchestration import (
    COLLABORATION_URL,
    CONNECT,
    EXPERIMENT_URL,
    HYPERPARAMETERS,
    PROJECT_URL,
    RUN,
    CannedDispatcher,
    Client,
    declare,
    go_through_the_notebook,
)
from support.corruption import VALUES
from support.hostile_requests import Documents, Request, assert_answered, examples
from synergos.domain.records import Kind
from synergos.records import RecordStore
from synergos.rest import create_app

DOCUMENTS = tuple(f"/ttp/{part}swagger.json" for part in ("connect/", "train/", "evaluate/", ""))
FEW = 40
MODULES = {name: list(signature(item).parameters) for name, item in vars(torch.nn).items() if isinstance(item, type)}


@dataclass
class Grid:
    """An orchestrator that many requests are sent to, one after the other."""

    app: Flask
    store: RecordStore

    @property
    def client(self) -> Client:
        return Client(self.app.test_client())

    def begin(self) -> None:
        """A grid in which the usual things are declared and nothing else."""
        with self.store.transaction():
            for kind in (Kind.COLLABORATION, Kind.PARTICIPANT):
                for record in self.store.find(kind):
                    self.store.delete(kind, record["key"])
        declare(self.client)

    def assert_works(self) -> None:
        """All can be read; and what is declared anew goes through all stages."""
        for listing in (f"{CONNECT}/collaborations", f"{CONNECT}/participants", "/ttp/jobs", "/ttp/studies"):
            assert self.client.get(listing)[0] == 200
        if self.client.get(COLLABORATION_URL)[0] == 200:
            assert self.client.delete(COLLABORATION_URL)[0] == 200
        assert [status for status, _ in go_through_the_notebook(self.client)] == [201, 200, 200, 200, 200]


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grid]:
    store = RecordStore(f"sqlite:///{tmp_path_factory.mktemp('hostile') / 'database.db'}")
    yield Grid(create_app(store, CannedDispatcher(store), component_id="ttp/1"), store)
    store.close()


@pytest.fixture(scope="module")
def documents(grid: Grid) -> Documents:
    return Documents(grid.app, DOCUMENTS, {**RUN, "participant_id": "worker_1"})


@pytest.mark.parametrize("number", range(len(DOCUMENTS)), ids=DOCUMENTS)
def test_the_documents_are_valid_and_describe_all_bodies(documents: Documents, number: int) -> None:
    schema = documents.schemas[number]

    schema.validate()

    operations = documents.operations(schema)
    names = [operation.definition.raw["operationId"] for operation in operations]
    assert len(names) == len(set(names))
    bodies = {operation.label for operation in operations if operation.body}
    assert {
        operation.label
        for operation in operations
        if operation.method in {"post", "put"} and not operation.path.endswith(("/cancel", "/stop"))
    } == bodies


@pytest.mark.parametrize("number", [FEW])
def test_no_sequence_of_requests_breaks_the_grid(grid: Grid, documents: Documents, number: int) -> None:
    @examples(number)
    @given(st.lists(documents.requests(), min_size=1, max_size=12))
    def check(cases: list[Request]) -> None:
        grid.begin()
        answers = [(case.method, assert_answered(case, grid.app)) for case in cases]
        if any(method != "GET" and status < 300 for method, status in answers):
            grid.assert_works()

    check()


def layers() -> st.SearchStrategy[dict[str, Any]]:
    """A layer that torch knows, with arguments that torch knows, with values that it may not know what to do with."""

    def layer(name: str) -> st.SearchStrategy[dict[str, Any]]:
        structure = st.dictionaries(st.sampled_from(MODULES[name] or ["nothing"]), VALUES)
        parts = {"is_input": st.booleans(), "l_type": st.just(name), "structure": structure, "activation": activations}
        return st.fixed_dictionaries(parts)

    activations = st.sampled_from(["", None, "relu", "softmax", "threshold"])
    return st.sampled_from(sorted(MODULES)).flatmap(layer)


@pytest.mark.parametrize("number", [200])
def test_a_network_is_stored_or_refused_with_its_place(grid: Grid, number: int) -> None:
    grid.begin()

    @examples(number)
    @given(st.lists(layers(), min_size=1, max_size=3))
    def check(model: list[dict[str, Any]]) -> None:
        status, answer = grid.client.post(f"{PROJECT_URL}/experiments", {"expt_id": "wild", "model": model})
        assert status in {201, 417}, answer
        assert status == 201 or answer["field"].startswith("model[")

    check()
    grid.assert_works()


@pytest.mark.parametrize("number", [200])
def test_hyperparameters_are_stored_or_refused(grid: Grid, number: int) -> None:
    grid.begin()
    names = [*HYPERPARAMETERS, "batch_size", "momentum", "betas", "weight", "reduction", "gamma", "milestones"]
    changes = st.dictionaries(st.sampled_from(names), VALUES, max_size=4)

    @examples(number)
    @given(changes, st.sampled_from(["SGD", "Adam", "LBFGS"]), st.sampled_from(["MSELoss", "NLLLoss", "CTCLoss"]))
    def check(wild: dict[str, Any], optimizer: str, criterion: str) -> None:
        run = {**HYPERPARAMETERS, "run_id": "wild", "optimizer": optimizer, "criterion": criterion, **wild}
        status, answer = grid.client.post(f"{EXPERIMENT_URL}/runs", run)
        assert status in {201, 417}, answer

    check()
    grid.assert_works()


@pytest.mark.parametrize("text", ["%00", "a%2Fb", "%ff", ""])
def test_jobs_are_not_looked_for_by_what_is_no_id(grid: Grid, text: str) -> None:
    # PostgreSQL would refuse the first of these, and that would be a mistake of ours.
    status, answer = grid.client.get(f"/ttp/jobs?collab_id={text}")

    assert (status, answer["field"]) == (417, "collab_id")
