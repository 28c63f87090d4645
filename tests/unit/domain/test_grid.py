"""A registration's nodes, as they are reached."""

from __future__ import annotations

import pytest

from synergos.domain.grid import Node, node_of


@pytest.mark.parametrize(
    ("host", "reached"), [("worker.a", "worker.a"), ("10.0.0.1", "10.0.0.1"), ("::1", "::1"), ("[::1]", "::1")]
)
def test_a_host_is_reached_without_the_brackets_of_urls(host: str, reached: str) -> None:
    registration = {"key": {"participant_id": "a"}, "node_1": {"host": host, "port": 8020, "f_port": 5000}}

    assert node_of(registration, 1) == Node("a", reached, command_port=5000, data_port=8020)
