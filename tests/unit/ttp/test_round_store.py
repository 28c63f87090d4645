"""What is committed of a round: the state, the participants', the losses; all of it or nothing, and no more each time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from synergos.domain.loss_history import LossHistory
from synergos.errors import Conflict
from synergos.learning.bags import Bag
from synergos.wire import Parcel, encode_parcel, stored_parcel
from synergos.wire.codec import CHUNK_BYTES
from synergos_ttp.stages.round_files import RoundFiles
from synergos_ttp.stages.round_log import RoundLine, RoundLog
from synergos_ttp.stages.round_store import RoundResult, RoundStore, keep_rounds_of
from synergos_ttp.stages.spare_files import SpareFiles


def tensor(value: float) -> Mapping[str, Tensor]:
    return {"w": torch.tensor([value])}


def result(
    value: float,
    *,
    kept: Mapping[str, float] | None = None,
    unchanged: tuple[str, ...] = (),
    judged: Mapping[int, float | None] | None = None,
) -> RoundResult:
    """A round of an algorithm that is the model, a momentum and a number, and keeps something at some participants."""
    model = tensor(value)
    answers = {
        who: Parcel(Bag({"weights": tensor(own)}), Bag({"own": tensor(own)}, {"n": own}))
        for who, own in (kept or {}).items()
    }
    state = Bag({"weights": model, "momentum": tensor(-value)}, {"n": value})
    return RoundResult(state, model, answers, answers, unchanged, value, {"a": value / 2}, judged or {})


def committed(folder: Path, *results: RoundResult, drop: bool = True) -> None:
    with RoundStore(folder, "job") as store:
        for number, each in enumerate(results):
            store.commit(number, each)
            if drop and number:
                store.drop(number - 1)
        store.catch_up()


def log_of(folder: Path) -> Path:
    return folder / ".rounds" / "job" / "committed.jsonl"


def test_state_and_losses_are_what_they_were(tmp_path: Path) -> None:
    committed(tmp_path, result(1.0), result(2.0, judged={0: 5.0}))

    found = RoundStore(tmp_path, "job").load()

    assert found is not None
    assert found.number == 1
    assert {name: own["w"].tolist() for name, own in found.state.sets.items()} == {"weights": [2.0], "momentum": [-2.0]}
    assert found.state.numbers == {"n": 2.0}
    assert found.history == LossHistory({0: 1.0, 1: 2.0}, {0: 5.0}, {"a": {0: 0.5, 1: 1.0}})


def test_a_model_that_is_the_state_is_written_once(tmp_path: Path) -> None:
    model = tensor(3.0)
    committed(tmp_path, replace(result(3.0), state=Bag({"weights": model}), model=model))
    files = RoundStore(tmp_path, "job").files(0)

    assert [path.name for path in files.folder.iterdir()] == ["global.safetensors"]
    assert load_file(files.global_weights)["w"].tolist() == [3.0]


def test_what_a_participant_keeps_outlives_the_rounds_it_has_no_part_in(tmp_path: Path) -> None:
    committed(
        tmp_path,
        result(1.0, kept={"a": 1.0, "b": 10.0}),
        result(2.0, kept={"a": 2.0}, unchanged=("b",)),
        result(3.0, kept={"a": 3.0}, unchanged=("b",)),
        result(4.0, kept={"b": 40.0}, unchanged=("a",)),
    )

    found = RoundStore(tmp_path, "job").load()

    assert found is not None
    assert {who: (bag["own"]["w"].item(), bag.numbers) for who, bag in found.kept.items()} == {
        "a": (3.0, {"n": 3.0}),
        "b": (40.0, {"n": 40.0}),
    }
    assert [path.name for path in (tmp_path / ".rounds" / "job").iterdir() if path.is_dir()] == ["round_3"]


def test_a_large_answer_is_written_once_for_whatever_it_is_kept_for(tmp_path: Path) -> None:
    with RoundStore(tmp_path, "job") as store:
        streamed = store.files(0).answer(0, "a")
        parcel = Parcel(Bag({"weights": tensor(1.0)}), Bag({"own": tensor(2.0)}))
        with store.files(0).create_answer(0, "a") as file:
            file.writelines(encode_parcel(parcel).buffers())
        answer = stored_parcel(streamed)
        store.commit(0, replace(result(1.0), local={"a": answer}, kept={"a": answer}))
        store.catch_up()
        files = store.files(0)

        assert not streamed.exists()
        assert files.update("a").stat().st_ino == files.kept("a").stat().st_ino
        assert files.updates(["a", "b"])["a"]["w"].tolist() == [1.0]
        found = store.load()
        assert found is not None
        assert found.kept["a"]["own"]["w"].tolist() == [2.0]


LARGE = 2 * CHUNK_BYTES


def large(value: float) -> RoundResult:
    model = {"w": torch.full((LARGE // 4,), value)}
    return RoundResult(Bag({"weights": model}), model, {"a": Parcel(Bag({"weights": model}))}, {}, (), value, {}, {})


def inodes(files: RoundFiles) -> set[int]:
    return {path.stat().st_ino for path in files.folder.iterdir()}


def test_large_files_are_written_over_those_of_a_round_that_was_dropped(tmp_path: Path) -> None:
    with RoundStore(tmp_path, "job") as store:
        store.commit(0, large(0.0))
        store.commit(1, large(1.0))
        store.catch_up()
        used = inodes(store.files(0))
        store.drop(0)
        store.commit(2, large(2.0))
        store.catch_up()

        assert inodes(store.files(2)) == used
        assert {path.name for path in (tmp_path / ".rounds" / "job").iterdir()} == {
            "committed.jsonl",
            "round_1",
            "round_2",
        }
        for number in (1, 2):
            written = torch.full((LARGE // 4,), float(number))
            assert torch.equal(load_file(store.files(number).global_weights)["w"], written)
            assert torch.equal(load_file(store.files(number).update("a"))["w"], written)


def test_who_dies_while_a_round_is_written_over_another_leaves_those_that_are_committed(tmp_path: Path) -> None:
    class Killed(BaseException):
        pass

    class Dying(RoundLog):
        def append(self, line: RoundLine) -> None:
            if line.number == 2:
                raise Killed
            super().append(line)

    store = RoundStore(tmp_path, "job")
    store.log = Dying(store.folder)
    for number in (0, 1):
        store.commit(number, large(number))
    store.catch_up()
    store.drop(0)
    store.commit(2, large(2.0))
    with pytest.raises(Killed):
        store.catch_up()

    with RoundStore(tmp_path, "job") as again:
        found = again.load()
        assert found is not None
        assert found.number == 1
        assert torch.equal(found.state["weights"]["w"], large(1.0).model["w"])
        assert torch.equal(again.files(1).updates(["a"])["a"]["w"], large(1.0).model["w"])
        again.commit(2, large(2.5))
        again.catch_up()
        repeated = again.load()

    assert repeated is not None
    assert torch.equal(repeated.state["weights"]["w"], large(2.5).model["w"])


def test_a_shorter_file_has_nothing_of_the_one_it_is_written_over(tmp_path: Path) -> None:
    spares = SpareFiles(tmp_path)
    (tmp_path / "old").write_bytes(b"long ago")
    spares.take(tmp_path / "old")

    with spares.create(tmp_path / "new", "old") as file:
        file.write(b"now")
        file.truncate()

    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("new", b"now")]


def test_a_file_that_somebody_needs_by_another_name_is_not_written_over(tmp_path: Path) -> None:
    spares = SpareFiles(tmp_path)
    (tmp_path / "a").write_bytes(b"kept")
    (tmp_path / "b").hardlink_to(tmp_path / "a")
    spares.take(tmp_path / "a")

    with spares.create(tmp_path / "a") as file:
        file.write(b"new")

    assert (tmp_path / "b").read_bytes() == b"kept"


def test_spare_files_are_found_again_by_the_next_process(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    inode = (tmp_path / "a").stat().st_ino
    SpareFiles(tmp_path).take(tmp_path / "a")

    SpareFiles(tmp_path).create(tmp_path / "a").close()

    assert (tmp_path / "a").stat().st_ino == inode


@pytest.mark.parametrize("torn", [b'{"round": 2, "tr', b"\0" * 40, b"null\n", b'{"round": 2}', b"\xff\xfe\n"])
def test_a_line_that_is_not_whole_is_no_round_and_is_written_over(tmp_path: Path, torn: bytes) -> None:
    committed(tmp_path, result(1.0), result(2.0), drop=False)
    with log_of(tmp_path).open("ab") as file:
        file.write(torn)

    with RoundStore(tmp_path, "job") as store:
        found = store.load()
        store.commit(2, result(3.0))
        store.catch_up()
    again = RoundStore(tmp_path, "job").load()

    assert found is not None
    assert again is not None
    assert (found.number, again.number) == (1, 2)
    assert again.history.train == {0: 1.0, 1: 2.0, 2: 3.0}


@pytest.mark.parametrize("changed", [{"measured": None}, {"numbers": []}, {"train": "low"}])
def test_a_line_that_is_whole_and_says_something_else_is_damage_and_not_tried_again(
    tmp_path: Path, changed: dict[str, object]
) -> None:
    committed(tmp_path, result(1.0), result(2.0), drop=False)
    *lines, last = log_of(tmp_path).read_bytes().splitlines()
    log_of(tmp_path).write_bytes(b"\n".join([*lines, json.dumps(json.loads(last) | changed).encode(), b""]))

    with pytest.raises(Conflict, match=r"is damaged .*: ask for the training again"):
        RoundStore(tmp_path, "job").load()


def test_a_late_round_writes_no_more_than_an_early_one(tmp_path: Path) -> None:
    committed(tmp_path, *(result(1.0, judged={number: 1.0}) for number in range(30)))

    lines = log_of(tmp_path).read_bytes().splitlines()

    assert len(lines) == 30
    assert max(map(len, lines)) - min(map(len, lines)) <= 4  # digits of the round's number


def test_a_round_makes_its_folder_when_there_is_something_to_put_into_it(tmp_path: Path) -> None:
    with RoundStore(tmp_path, "job") as store:
        folder = store.files(0).folder
        assert store.rounds() == [0]
        assert not folder.exists()

        store.commit(0, result(1.0))
        store.catch_up()

        assert folder.is_dir()


def test_no_round_goes_before_the_one_after_it_is_committed(tmp_path: Path) -> None:
    with RoundStore(tmp_path, "job") as store:
        store.commit(0, result(1.0))
        store.catch_up()
        store.files(1).global_weights.mkdir(parents=True)  # where the commit would write a file
        store.commit(1, result(2.0))
        store.drop(0)
        with pytest.raises(IsADirectoryError):
            store.catch_up()

    found = RoundStore(tmp_path, "job").load()

    assert found is not None
    assert (found.number, found.state["weights"]["w"].tolist()) == (0, [1.0])


def test_a_commit_that_failed_leaves_nothing_that_the_next_one_could_stumble_over(tmp_path: Path) -> None:
    """A job that is tried again in the same process, on a disk that has room again."""
    with RoundStore(tmp_path, "job") as store:
        store.commit(0, result(1.0))
        store.catch_up()
        with log_of(tmp_path).open("ab") as file:
            file.write(b'{"round": 1, "half')
        store.commit(1, result(2.0))
        store.catch_up()

    found = RoundStore(tmp_path, "job").load()

    assert found is not None
    assert found.number == 1


def test_rounds_of_another_definition_are_not_gone_on_with(tmp_path: Path) -> None:
    keep_rounds_of(tmp_path, "job", "first")
    committed(tmp_path, result(1.0))

    keep_rounds_of(tmp_path, "job", "first")
    assert RoundStore(tmp_path, "job").load() is not None

    keep_rounds_of(tmp_path, "job", "second")
    assert RoundStore(tmp_path, "job").load() is None


def test_rounds_from_before_definitions_were_noted_are_gone_on_with(tmp_path: Path) -> None:
    committed(tmp_path, result(1.0))

    keep_rounds_of(tmp_path, "job", "first")

    assert RoundStore(tmp_path, "job").load() is not None
