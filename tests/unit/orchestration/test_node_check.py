"""Registered nodes: plain mistakes are refused in a sentence, what is only away is told."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from synergos.bodies.declarations import Node
from synergos.domain import grid
from synergos.domain.reachability import COMMAND, DATA, Answered, Barred, Silent
from synergos.errors import InvalidRequest
from synergos.orchestration.node_check import Others, check_nodes

COMMAND_PORT, DATA_PORT, OTHER_DATA_PORT, TTP_PORT, WEB_PORT, OLD_DATA_PORT, NOBODY = (
    5000,
    8020,
    8021,
    5010,
    80,
    8022,
    9,
)
THERE: Mapping[int, Answered] = {
    COMMAND_PORT: Answered("worker", "worker_a", "command"),
    DATA_PORT: Answered("worker", "worker_a", "data"),
    OTHER_DATA_PORT: Answered("worker", "worker_b", "data"),
    TTP_PORT: Answered("ttp", "ttp_1", None),
    WEB_PORT: Answered(),
    OLD_DATA_PORT: Answered(is_ours=True),
}


def probe(host: str, port: int) -> Answered | Silent:
    return THERE.get(port, Silent("Connection refused"))


def told(command: int, data: int) -> list[str]:
    return check_nodes({"node_0": Node(host="worker.a", port=data, f_port=command)}, probe)


def test_a_worker_with_both_its_ports_is_all_right() -> None:
    assert told(COMMAND_PORT, DATA_PORT) == []


def test_a_worker_of_an_earlier_version_says_nothing_of_its_data_port() -> None:
    assert told(COMMAND_PORT, OLD_DATA_PORT) == []


@pytest.mark.parametrize(
    ("command", "data", "complaint"),
    [
        (
            DATA_PORT,
            COMMAND_PORT,
            r"^node_0\.f_port: worker\.a:8020 is the data port of worker_a; expected its command port",
        ),
        (TTP_PORT, DATA_PORT, r"^node_0\.f_port: worker\.a:5010 is a ttp, ttp_1; expected a worker"),
        (WEB_PORT, DATA_PORT, r"^node_0\.f_port: what answers at worker\.a:80 is not a Synergos worker"),
        (
            COMMAND_PORT,
            COMMAND_PORT,
            r"^node_0\.port: worker\.a:5000 is the command port of worker_a; expected its data port",
        ),
        (COMMAND_PORT, OTHER_DATA_PORT, r"^node_0\.port: worker\.a:8021 belongs to worker_b, and f_port to worker_a"),
    ],
)
def test_an_address_that_is_plainly_wrong_is_refused(command: int, data: int, complaint: str) -> None:
    with pytest.raises(InvalidRequest, match=complaint):
        told(command, data)


def test_the_worker_of_another_participant_is_refused() -> None:
    here = {"node_0": Node(host="worker.a", port=DATA_PORT, f_port=COMMAND_PORT)}

    with pytest.raises(InvalidRequest, match=r"^node_0\.f_port: worker\.a:5000 is the worker of another .*, worker_a$"):
        check_nodes(here, probe, Others({"worker_a"}))
    assert check_nodes(here, probe, Others({"worker_b"})) == []


def test_one_worker_under_two_names_is_refused() -> None:
    def probe_with_instance(_host: str, port: int) -> Answered:
        return Answered("worker", "a_worker", COMMAND if port == COMMAND_PORT else DATA, instance="1")

    here = {"node_0": Node(host="10.0.0.1", port=DATA_PORT, f_port=COMMAND_PORT)}
    there = grid.Node("bank_b", "bank.example", COMMAND_PORT, DATA_PORT)

    with pytest.raises(InvalidRequest, match=r"is the worker that bank_b has registered as bank\.example:5000$"):
        check_nodes(here, probe_with_instance, Others(nodes=[there]))


def test_who_cannot_be_reached_is_told_and_not_refused() -> None:
    assert told(NOBODY, DATA_PORT) == ["node_0: cannot be reached from here at worker.a:9 (Connection refused)"]
    assert told(NOBODY, 10) == [
        "node_0: cannot be reached from here at worker.a:9 (Connection refused) and worker.a:10 (Connection refused)"
    ]


@pytest.mark.parametrize(("is_port", "field"), [(False, "node_0.host"), (True, "node_0.f_port")])
def test_an_address_that_nobody_may_connect_to_is_refused_by_its_field(is_port: bool, field: str) -> None:
    def barred(_host: str, _port: int) -> Barred:
        return Barred("127.0.0.1:5000 is not allowed", is_port)

    with pytest.raises(InvalidRequest, match="is not allowed") as refused:
        check_nodes({"node_0": Node(host="127.0.0.1", port=8020, f_port=5000)}, barred)

    assert refused.value.field == field


SECRET = "INTERNAL-SECRET"


@pytest.mark.parametrize(
    "told",
    [
        {"message": SECRET},
        {"component": SECRET, "id": SECRET},
        {
            "component": "worker",
            "id": f"<b>{SECRET}\n",
            "interface": SECRET,
            "version": f"\x1b{SECRET}",
            "time": SECRET,
        },
        {"component": {"worker": SECRET}, "id": [SECRET]},
        {"apiVersion": SECRET, "success": SECRET},
        [SECRET],
    ],
)
def test_what_another_service_says_is_not_repeated(told: object) -> None:
    found = Answered.read(json.dumps(told).encode())

    try:
        said = str(check_nodes({"node_0": Node(host="internal", port=80, f_port=443)}, lambda _host, _port: found))
    except InvalidRequest as error:
        said = str(error)

    assert SECRET not in f"{found} {said}"


FINGERPRINT = "a" * 64


def test_a_worker_that_joins_is_named_by_its_fingerprint_alone() -> None:
    def asked(host: str, port: int) -> Answered | Silent:
        assert host == FINGERPRINT
        return {5000: Answered("worker", "w", "command"), 8020: Answered("worker", "w", "data")}[port]

    assert check_nodes({"node_0": Node(fingerprint=FINGERPRINT)}, asked) == []


def test_a_worker_that_has_not_joined_yet_is_told_and_not_refused() -> None:
    assert check_nodes({"node_0": Node(fingerprint=FINGERPRINT)}, lambda *_: Silent("it has not joined")) == [
        "node_0: cannot be reached from here: it has not joined"
    ]


@pytest.mark.parametrize(
    ("node", "field"),
    [
        (Node(), "host"),
        (Node(host="a", f_port=1), "port"),
        (Node(fingerprint=FINGERPRINT, port=1), "host"),
        (Node(fingerprint=FINGERPRINT, host="a", port=1), "f_port"),
    ],
)
def test_half_an_address_is_refused_by_the_field_that_is_missing(node: Node, field: str) -> None:
    with pytest.raises(InvalidRequest, match=rf"^node_0\.{field}: is required; only a worker that joins"):
        node.refuse_half("node_0")


def test_one_port_for_both_is_refused() -> None:
    with pytest.raises(InvalidRequest, match=r"^node_0\.port: is f_port too; a worker listens at two ports"):
        Node(host="a", port=5000, f_port=5000).refuse_half("node_0")
