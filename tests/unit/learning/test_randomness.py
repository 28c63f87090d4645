from __future__ import annotations

import threading

import torch

from synergos.learning.randomness import RandomStream, seed_from


def test_a_seed_depends_on_its_parts_alone() -> None:
    assert seed_from(42, "worker_1", 0) == 9182993221131581762  # the same in every process
    assert (
        len(
            {
                seed_from(42, "a", 1),
                seed_from(42, "a", 2),
                seed_from(42, "b", 1),
                seed_from(1, "a", 1),
                seed_from("42a", 1),
            }
        )
        == 5
    )


def test_a_stream_continues_where_it_was_whatever_runs_between() -> None:
    whole = RandomStream(3)
    with whole.drawing():
        expected = torch.rand(6)

    pieces = RandomStream(3)
    with pieces.drawing():
        first = torch.rand(3)
    torch.rand(100)
    with pieces.drawing():
        second = torch.rand(3)

    assert torch.equal(torch.cat([first, second]), expected)


def test_two_threads_do_not_disturb_each_other() -> None:
    def draw(seed: int, found: dict[int, torch.Tensor]) -> None:
        stream = RandomStream(seed)
        parts = []
        for _ in range(200):
            with stream.drawing():
                parts.append(torch.rand(5))
        found[seed] = torch.cat(parts)

    alone: dict[int, torch.Tensor] = {}
    together: dict[int, torch.Tensor] = {}
    for seed in (1, 2):
        draw(seed, alone)
    threads = [threading.Thread(target=draw, args=(seed, together)) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert all(torch.equal(alone[seed], together[seed]) for seed in (1, 2))
