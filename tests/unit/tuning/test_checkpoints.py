from __future__ import annotations

from synergos.tuning.checkpoints import at_checkpoints, checkpoints, is_checkpoint


def test_they_lie_further_and_further_apart() -> None:
    assert list(checkpoints(40)) == [1, 2, 3, 4, 6, 8, 12, 16, 24, 32]
    assert [number for number in range(1, 41) if is_checkpoint(number)] == list(checkpoints(40))
    assert list(checkpoints(0)) == []
    assert len(list(checkpoints(1_000_000))) < 40


def test_losses_are_told_by_the_rounds_that_were_done() -> None:
    losses = {0: 5.0, 1: None, 3: 2.0, 4: 1.0}

    assert at_checkpoints(losses, 4) == {1: 5.0, 2: None, 4: 2.0}
    assert at_checkpoints(losses, 2) == {1: 5.0, 2: None}
