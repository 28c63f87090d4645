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
        ("[::1]", False, "http://[::1]:5000"),
        ("127.0.0.1", False, "http://127.0.0.1:5000"),
        ("basic_ttp", False, "http://basic_ttp:5000"),
        (" ttp.example.org. ", False, "http://ttp.example.org.:5000"),
    ],
)
def test_the_address_follows_from_host_port_and_security(host: str, secured: bool, address: str) -> None:
    assert Driver(host, 5000, is_secured=secured).address == address


@pytest.mark.parametrize(
    ("host", "meant"),
    [
        ("http://ttp.example.org", "host='ttp.example.org'"),
        ("https://ttp:5443/", "host='ttp', port=5443, is_secured=True"),
        ("ttp:5000", "host='ttp', port=5000"),
        ("ttp/ttp/connect", "host='ttp'"),
        ("http://[::1]:5000", "host='::1', port=5000"),
    ],
)
def test_a_host_that_is_an_address_with_more_says_how_to_write_it(host: str, meant: str) -> None:
    with pytest.raises(UsageError) as refused:
        Driver(host, 5000)

    expected = "expected a name or an address such as 'ttp.example.org'"
    assert str(refused.value) == f"host: {expected}, got {host!r}; write {meant}"


@pytest.mark.parametrize("host", ["", "  ", "a b", "user@", None, 5, "http://", "[", "a..b"])
def test_a_host_that_can_be_none_is_refused(host: Any) -> None:
    with pytest.raises(
        UsageError, match=r"^host: expected a name or an address such as 'ttp\.example\.org', got [^;]*$"
    ):
        Driver(host, 5000)


@pytest.mark.parametrize("port", [0, -1, 65536, "http", "", None, True, 5000.0])
def test_a_port_is_a_number(port: Any) -> None:
    with pytest.raises(UsageError, match=r"^port: expected a number from 1 to 65535, got "):
        Driver("ttp", port)


def test_a_port_may_be_written_as_a_text() -> None:
    written: Any = "5000"

    assert Driver("ttp", written).address == "http://ttp:5000"


LISTED = "expected a list of folders, each a list of names"


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        (
            ["loans", "train"],
            f"train: {LISTED}; write [['loans', 'train']], or [['loans'], ['train']] for several folders",
        ),
        (["train"], f"train: {LISTED}; write [['train']] for ['train']"),
        (["loans/train"], f"train: {LISTED}; write [['loans', 'train']] for ['loans/train']"),
        ("loans/train", f"train: {LISTED}; write [['loans', 'train']] for 'loans/train'"),
        ({"train": []}, f"train: {LISTED}, got a dict"),
        (5, f"train: {LISTED}, got a int"),
        ([["loans", "train"], "other"], "train[1]: expected a list of names; write ['other'] for 'other'"),
        ([["loans", 1]], "train[0][1]: expected the name of a folder, got a int"),
        ([[["loans"]]], "train[0][0]: expected the name of a folder, got a list"),
        ([None], "train[0]: expected a list of names, got nothing"),
    ],
)
def test_tags_that_are_no_list_of_folders_say_how_to_write_them(driver: Driver, tags: Any, message: str) -> None:
    for call in (driver.tags.create, driver.tags.update):
        with pytest.raises(UsageError) as refused:
            call("c", "p", "w", train=tags)
        assert str(refused.value).startswith(message)


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ([["predict"]], 'tags: expected the folders of each project by its id, as {"risk": [["predict"]]}, got a list'),
        (
            "predict",
            'tags: expected the folders of each project by its id, as {"risk": [["predict"]]}, got the text \'predict\'',
        ),
        ({"p": ["predict"]}, f"tags.p: {LISTED}; write [['predict']] for ['predict']"),
    ],
)
def test_tags_of_a_prediction_are_by_project(driver: Driver, tags: Any, message: str) -> None:
    with pytest.raises(UsageError) as refused:
        driver.predictions.create(tags, "w", "c")

    assert str(refused.value) == message


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


def test_services_that_were_configured_for_nothing_are_warned_of(driver: Driver) -> None:
    collaboration = driver.collaborations
    collaboration.configure_logger("h", 1, 2, 3, 4, 5)
    collaboration.configure_mlops("h", 1)

    with pytest.warns(
        UserWarning, match=r"what configure_logger\(\), configure_mlops\(\) gathered was never sent; keep the object"
    ):
        del collaboration


@pytest.mark.parametrize("ids", [{}, {"project_id": "p"}, {"project_id": "p", "participant_id": "w"}])
def test_other_combinations_of_ids_have_no_registrations(driver: Driver, ids: dict[str, Any]) -> None:
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
        lambda d: d.models.update("c", "p"),
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
