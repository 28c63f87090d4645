"""What the driver decides without asking a server. The address below is never contacted."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

import synergos
from synergos import Driver
from synergos.driver import RegistrationTask, UsageError
from synergos.driver.errors import UnknownKeyword


@pytest.fixture
def driver() -> Driver:
    return Driver("nowhere.invalid", 5000)


@pytest.mark.parametrize(
    ("host", "secured", "address"),
    [
        ("ttp", False, "http://ttp:5000"),
        ("ttp", True, "https://ttp:5000"),
        ("::1", False, "http://[::1]:5000"),
    ],
)
def test_the_address_follows_from_host_port_and_security(host: str, secured: bool, address: str) -> None:
    assert Driver(host, 5000, is_secured=secured).address == address


@pytest.mark.parametrize("name", synergos.__all__)
def test_every_exported_name_is_there_and_described(name: str) -> None:
    assert inspect.getdoc(getattr(synergos, name))


def test_each_access_gives_a_fresh_group_of_calls(driver: Driver) -> None:
    driver.registrations.add_node("h", 1, 2)

    assert driver.registrations.count_nodes() == 0


def test_nodes_are_numbered_and_kept_once(driver: Driver) -> None:
    task = driver.registrations

    assert [task.add_node("a", 1, 2), task.add_node("b", 1, 2), task.add_node("a", 1, 2)] == [
        "node_0",
        "node_1",
        "node_0",
    ]
    assert [node["host"] for node in task.list_nodes()] == ["a", "b"]


def test_removing_a_node_moves_the_rest_up(driver: Driver) -> None:
    task = driver.registrations
    for host in "abc":
        task.add_node(host, 1, 2)

    assert task.remove_node("node_1")["host"] == "b"
    assert [node["host"] for node in task.list_nodes()] == ["a", "c"]
    with pytest.raises(UsageError, match="no node 'node_2'; there is node_0, node_1"):
        task.remove_node("node_2")


def test_registering_without_nodes_sends_nothing(driver: Driver) -> None:
    with pytest.raises(UsageError, match="add_node"):
        driver.registrations.create("c", "p", "w", "host")


@pytest.mark.parametrize("ids", [{}, {"project_id": "p"}, {"project_id": "p", "participant_id": "w"}])
def test_other_combinations_of_ids_have_no_registrations(driver: Driver, ids: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="give a participant"):
        driver.registrations.read_all(**ids)


@pytest.mark.parametrize(
    ("call", "missing"),
    [
        (lambda d: d.models.read("c", "p", run_id="r"), "expt_id"),
        (lambda d: d.validations.read("c", "p", "e", participant_id="w"), "run_id"),
        (lambda d: d.predictions.read("w", "c", run_id="r"), "project_id"),
    ],
)
def test_an_id_needs_those_it_belongs_under(driver: Driver, call: Callable[[Driver], Any], missing: str) -> None:
    with pytest.raises(UsageError) as raised:
        call(driver)

    assert raised.value.field == missing


@pytest.mark.parametrize("bad", ["", ".", ".."])
def test_an_id_cannot_lead_to_another_route(driver: Driver, bad: str) -> None:
    with pytest.raises(UsageError, match="is empty or leads elsewhere"):
        driver.projects.delete("c", bad)


@pytest.mark.parametrize(
    "call",
    [
        lambda d: d.tags.read_all("c", "p"),
        lambda d: d.alignments.update("c", "p"),
        lambda d: d.models.delete("c", "p"),
        lambda d: d.validations.read_all(),
        lambda d: d.jobs.create(),
    ],
)
def test_calls_the_orchestrator_does_not_have_say_so(driver: Driver, call: Callable[[Driver], Any]) -> None:
    with pytest.raises(NotImplementedError, match="Task has no"):
        call(driver)


def test_a_group_of_calls_can_be_made_from_an_address() -> None:
    assert RegistrationTask("http://ttp:5000/").address == "http://ttp:5000"


@pytest.mark.parametrize(
    ("call", "keyword", "meant"),
    [
        (lambda d: d.tags.create("c", "p", "w", train=[], evaluat=[["y"]]), "evaluat", "evaluate"),
        (lambda d: d.projects.create("c", "p", "regress", {}, start="2021"), "start", "start_at"),
        (lambda d: d.experiments.create("c", "p", "e", [], famly="layers"), "famly", "family"),
        (lambda d: d.participants.create("w", phon="1"), "phon", "phone"),
        (lambda d: d.registrations.create("c", "p", "w", "host", participant="w"), "participant", "participant_id"),
        (lambda d: d.alignments.create("c", "p", auto_fixed=False), "auto_fixed", "auto_fix"),
        (lambda d: d.models.create("c", "p", "e", "r", verbos=False), "verbos", "verbose"),
        (lambda d: d.validations.create("c", "p", "e", run="r"), "run", "run_id"),
        (lambda d: d.predictions.create({}, "w", "c", respond_asynch=True), "respond_asynch", "respond_async"),
    ],
)
def test_an_argument_that_a_call_does_not_take_is_refused_with_the_near_miss(
    driver: Driver, call: Callable[[Driver], Any], keyword: str, meant: str
) -> None:
    with pytest.raises(UnknownKeyword, match=f"^{keyword}: '{keyword}' is not an argument of .*did you mean {meant}"):
        call(driver)


def test_an_argument_that_a_call_does_not_take_is_a_usage_error_and_a_type_error() -> None:
    assert issubclass(UnknownKeyword, UsageError)
    assert issubclass(UnknownKeyword, TypeError)
