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


def test_a_worker_that_joins_is_nobody_else_whoever_answers() -> None:
    fingerprint = "a" * 64
    node = node_of({"key": {"participant_id": "a"}, "n_count": 1, "node_0": {"fingerprint": fingerprint}}, 0)

    assert (node.host, node.fingerprint, node.joins) == (fingerprint, fingerprint, True)
    assert Node("a", fingerprint, 5000, 8020).fingerprint == fingerprint
    assert Node("a", "worker.example", 5000, 8020).fingerprint is None


def test_another_worker_that_joins_has_to_consent_for_itself() -> None:
    def nonce(node: dict[str, object]) -> str | None:
        return node_of({"key": {"participant_id": "a"}, "n_count": 1, "node_0": node}, 0).nonce

    assert nonce({"fingerprint": "a" * 64}) != nonce({"fingerprint": "b" * 64})
