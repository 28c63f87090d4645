"""What is kept of a run's rounds while it runs, so that a TTP that was killed goes on where it stopped."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from synergos.domain.loss_history import LossHistory
from synergos.learning.bags import WEIGHTS, Bag, Weights
from synergos.program.log_context import ContextPool
from synergos.wire import Parcel, StoredTensors, encode_parcel, stored_parcel

_FOLDER = ".rounds"
_LOG = "committed.jsonl"
_KEPT = "kept_"


@dataclass(frozen=True)
class RoundFiles:
    """The files of one round: the state it ended with, the participants' answers, and what they keep."""

    folder: Path

    @property
    def global_weights(self) -> Path:
        """The model after the round."""
        return self.folder / "global.safetensors"

    @property
    def state(self) -> Path:
        """What the algorithm's state has beside the model."""
        return self.folder / "state.safetensors"

    def update(self, participant_id: str) -> Path:
        """The answer with one participant's trained weights."""
        return self.folder / f"local_{participant_id}.safetensors"

    def updates(self, participants: Iterable[str]) -> dict[str, Weights]:
        """The trained weights that are there, by participant, in the order given."""
        found = {participant: self.update(participant) for participant in participants}
        return {who: stored_parcel(path).bag[WEIGHTS] for who, path in found.items() if path.exists()}

    def kept(self, participant_id: str) -> Path:
        """What one participant is to be given again."""
        return self.folder / f"{_KEPT}{participant_id}.safetensors"

    def all_kept(self) -> dict[str, Path]:
        """All that participants are to be given again."""
        return {path.stem.removeprefix(_KEPT): path for path in self.folder.glob(f"{_KEPT}*.safetensors")}

    def answer(self, exchange: int, participant_id: str) -> Path:
        """Where a large answer is written while the round goes on."""
        return self.folder / f"answer_{exchange}_{participant_id}.safetensors"

    def answers(self) -> Iterator[Path]:
        """Those that were written."""
        return self.folder.glob("answer_*")


@dataclass(frozen=True)
class RoundResult:
    """What a round ended with.

    Attributes:
        state: the algorithm's.
        model: the global model; where it is a set of the state itself it is written once.
        local: each participant's last answer with trained weights.
        kept: the answers in which participants said, in this round, what they want to be given again.
        unchanged: the participants of whom that is still what it was after the round before.
        loss: the mean training loss, and ``losses`` that of each participant.
        judged: the evaluation losses that have become known since the round before was committed, by round.
    """

    state: Bag
    model: Weights
    local: Mapping[str, Parcel]
    kept: Mapping[str, Parcel]
    unchanged: Iterable[str]
    loss: float | None
    losses: Mapping[str, float | None]
    judged: Mapping[int, float | None]


@dataclass(frozen=True)
class Committed:
    """The newest round that is committed, and the losses until then."""

    number: int
    state: Bag
    kept: Mapping[str, Bag]
    history: LossHistory


class RoundStore:
    """The rounds of one job, in a folder of their own; a context manager that waits for what is being written.

    A round is committed when the state it ended with and what every participant keeps are on the disk, and a line of
    ``committed.jsonl`` says so. A line holds what is new, so that a late round costs what an early one does. All that happens
    in a thread of its own beside the next round's training; a crash before the line is whole costs that one round, which gives
    the same bytes again. Rounds are dropped in the same thread, so that no round goes before the one after it is committed.
    """

    def __init__(self, outputs: Path, job_id: str) -> None:
        self.folder = outputs / _FOLDER / job_id
        self.folder.mkdir(parents=True, exist_ok=True)
        self._writer = ContextPool(max_workers=1, thread_name_prefix="commit")
        self._writing: Future[None] | None = None
        self._dropping: Future[None] | None = None
        # The thread that commits: where the next line begins, None while it has written none.
        self._end: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.shutdown()

    def files(self, number: int) -> RoundFiles:
        """The files of one round; its folder is made."""
        found = RoundFiles(self.folder / f"round_{number}")
        found.folder.mkdir(exist_ok=True)
        return found

    def commit(self, number: int, result: RoundResult) -> None:
        """Begin to commit a round; its tensors must not change until the next one is.

        Raises:
            OSError: the round before could not be committed.
        """
        self.wait_for_commit()
        self._writing = self._writer.submit(self._commit, number, result)

    def wait_for_commit(self) -> None:
        """Wait until the newest round is committed.

        Raises:
            OSError: it could not be.
        """
        if self._writing is not None:
            self._writing.result()

    def wait(self) -> None:
        """Wait until the newest round is committed, and what was dropped is gone; raises what :meth:`commit` does."""
        self.wait_for_commit()
        if self._dropping is not None:
            self._dropping.result()

    def load(self) -> Committed | None:
        """The newest committed round, None while there is none; its state is in memory of its own."""
        log = self._read()
        if not log.lines:
            return None
        newest = log.lines[-1]
        files = self.files(newest["round"])
        rest = stored_parcel(files.state).bag.sets if newest["has_more"] else {}
        model = StoredTensors(files.global_weights)
        sets = {name: model if name in newest["model"] else rest[name] for name in newest["sets"]}
        own = {name: {key: tensor.clone() for key, tensor in tensors.items()} for name, tensors in sets.items()}
        kept = {who: stored_parcel(path).kept for who, path in files.all_kept().items()}
        state = Bag(own, newest["numbers"])
        return Committed(newest["round"], state, {who: each for who, each in kept.items() if each}, log.history)

    def losses(self) -> LossHistory:
        """The losses of the rounds that are committed, none while there is no such round."""
        return self._read().history

    def rounds(self) -> list[int]:
        """The rounds whose files are there."""
        return [int(folder.name.removeprefix("round_")) for folder in self.folder.glob("round_*")]

    def drop(self, number: int) -> None:
        """Remove the files of a round that nobody needs once the newest one is committed."""
        self._dropping = self._writer.submit(self._drop, number, self._writing)

    def _drop(self, number: int, newest: Future[None] | None) -> None:
        # One thread: the commit has ended. If it failed, the job goes on from a round before it.
        if newest is None or newest.exception() is None:
            shutil.rmtree(self.folder / f"round_{number}", ignore_errors=True)

    def _commit(self, number: int, result: RoundResult) -> None:
        files = self.files(number)
        written: dict[int, Path] = {}
        for who, answer in result.local.items():
            _place(answer, files.update(who), written)
        for who, answer in result.kept.items():
            _place(answer, files.kept(who), written)
            _sync(files.kept(who))
        for who in result.unchanged:
            _link(self.files(number - 1).kept(who), files.kept(who))
        for path in files.answers():
            path.unlink()
        self._write(files, number, result)

    def _write(self, files: RoundFiles, number: int, result: RoundResult) -> None:
        _write_parcel(Parcel(Bag({WEIGHTS: result.model})), files.global_weights)
        _sync(files.global_weights)
        model = [name for name, tensors in result.state.sets.items() if tensors is result.model]
        more = {name: tensors for name, tensors in result.state.sets.items() if name not in model}
        if more:
            _write_parcel(Parcel(Bag(more)), files.state)
            _sync(files.state)
        line = {
            "round": number,
            "sets": list(result.state.sets),
            "model": model,
            "has_more": bool(more),
            "numbers": dict(result.state.numbers),
            "train": result.loss,
            "local": dict(result.losses),
            "evaluate": {str(judged): loss for judged, loss in result.judged.items()},
        }
        self._append(json.dumps(line).encode() + b"\n")

    def _append(self, line: bytes) -> None:
        """Add a line that is whole, or is not there for whoever reads."""
        if self._end is None:
            self._end = self._read().end
        with (self.folder / _LOG).open("ab") as file:
            # What a crash, or a disk that was full, left of an earlier one.
            file.truncate(self._end)
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        self._end += len(line)

    def _read(self) -> _Log:
        log = _Log()
        try:
            content = (self.folder / _LOG).read_bytes()
        except FileNotFoundError:
            return log
        for line in content.splitlines(keepends=True):
            if not log.add(line):
                break
        return log


def remove_rounds(outputs: Path, job_id: str) -> None:
    """Remove the rounds of one job."""
    shutil.rmtree(outputs / _FOLDER / job_id, ignore_errors=True)


def kept_rounds(outputs: Path) -> list[str]:
    """The jobs of which rounds are kept."""
    return [folder.name for folder in (outputs / _FOLDER).glob("*")]


@dataclass
class _Log:
    """What ``committed.jsonl`` says, up to the first line that is not whole.

    Attributes:
        end: how many bytes that is.
    """

    lines: list[dict[str, Any]] = field(default_factory=list)
    history: LossHistory = field(default_factory=LossHistory)
    end: int = 0

    def add(self, line: bytes) -> bool:
        """Take note of the next line; whether it is one."""
        try:
            found = json.loads(line) if line.endswith(b"\n") else None
        except ValueError:
            found = None
        if not isinstance(found, dict):
            return False
        self.lines.append(found)
        self.history.trained(found["round"], found["train"], found["local"])
        for judged, loss in found["evaluate"].items():
            self.history.evaluated(int(judged), loss)
        self.end += len(line)
        return True


def _place(answer: Parcel, target: Path, written: dict[int, Path]) -> None:
    """Have an answer in a file: once on the disk, however many names it has.

    Args:
        written: where the answers are that were in memory, by identity.
    """
    source = answer.path or written.get(id(answer))
    if source is not None:
        _link(source, target)
    else:
        # Never into a file that is there: it may have another name, in a round that is committed.
        target.unlink(missing_ok=True)
        _write_parcel(answer, target)
        written[id(answer)] = target


def _write_parcel(parcel: Parcel, target: Path) -> None:
    # Straight from the tensors' memory; the library would make a copy of all of them first.
    message = encode_parcel(Parcel(parcel.bag, parcel.kept))
    with target.open("wb") as file:
        file.writelines(message.buffers())


def _link(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        # A file system that knows no second names.
        shutil.copyfile(source, target)


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
