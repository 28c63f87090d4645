"""Checkpoints of a run's rounds while it runs, so that a TTP that was killed goes on where it stopped."""

from __future__ import annotations

import os
import shutil
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from synergos.domain.loss_history import LossHistory, Measurements
from synergos.learning.bags import WEIGHTS, Bag, Weights
from synergos.wire import Parcel, StoredTensors, encode_parcel, stored_parcel
from synergos.wire.codec import CHUNK_BYTES
from synergos_ttp.stages import round_writing
from synergos_ttp.stages.round_files import RoundFiles
from synergos_ttp.stages.round_log import RoundLine, RoundLog
from synergos_ttp.stages.spare_files import SpareFiles
from synergos_ttp.stages.weighing import WeighingState

_DEFINITION = "definition"
"""The file that says what rounds were run from."""
_FOLDER = ".rounds"


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
        judged: the evaluation losses that have become known since the round before was committed, by round; of the same rounds
            ``measured`` is what each participant has measured, and ``missing`` who has not.
        initial: the training loss before the first round, where that is known.
        limits: what is known of the participants' updates, to judge those that follow.
    """

    state: Bag
    model: Weights
    local: Mapping[str, Parcel]
    kept: Mapping[str, Parcel]
    unchanged: Iterable[str]
    loss: float | None
    losses: Mapping[str, float | None]
    judged: Mapping[int, float | None]
    measured: Mapping[int, Measurements] = field(default_factory=dict)
    missing: Mapping[int, Sequence[str]] = field(default_factory=dict)
    initial: float | None = None
    limits: WeighingState = field(default_factory=WeighingState)


@dataclass(frozen=True)
class Committed:
    """The newest round that is committed, the losses until then, and what is known of updates."""

    number: int
    state: Bag
    kept: Mapping[str, Bag]
    history: LossHistory
    limits: WeighingState


class RoundStore:
    """The rounds of one job, in a folder of their own; a context manager that does not leave before all is written.

    A round is committed when the state it ended with and what every participant keeps are on the disk, and a line of
    ``committed.jsonl`` says so. A line holds what is new, so that a late round costs what an early one does. A crash before the
    line is whole costs that one round, which gives the same bytes again.

    Everything happens in the job's thread, when it has nothing else to do: :meth:`commit` and :meth:`drop` only take note, and
    :meth:`catch_up` writes, while the participants train. A thread of its own would run while messages are made and read, and
    takes more from them than it spares: both need the interpreter.

    Attributes:
        log: which rounds are committed.
    """

    def __init__(self, outputs: Path, job_id: str) -> None:
        self.folder = outputs / _FOLDER / job_id
        self.folder.mkdir(parents=True, exist_ok=True)
        self._noted: deque[Callable[[], None]] = deque()
        # The rounds of which there is something, or will be.
        self._there = {int(folder.name.removeprefix("round_")) for folder in self.folder.glob("round_*")}
        self._spares = SpareFiles(self.folder)
        # Whether a model is so large that its files are worth keeping.
        self._is_large = False
        self.log = RoundLog(self.folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # Whoever wanted to know has asked; the job has ended, and with another error if there was one.
        with suppress(OSError):
            self.catch_up()

    def files(self, number: int) -> RoundFiles:
        """The files of one round; its folder is made when there is something to put into it, as nobody trains before a message is out."""
        self._there.add(number)
        return RoundFiles(self.folder / f"round_{number}", self._spares)

    def commit(self, number: int, result: RoundResult) -> None:
        """Have a round committed by the next :meth:`catch_up`; until then its tensors must not change."""
        self._noted.append(lambda: self._commit(number, result))

    def drop(self, number: int) -> None:
        """Have the files of a round removed that nobody needs once all that was noted before is committed."""
        self._noted.append(lambda: self._drop(number))

    def catch_up(self) -> None:
        """Commit and drop what was noted, in that order of time.

        Raises:
            OSError: a round could not be committed; what was noted after it is forgotten.
        """
        while self._noted:
            work = self._noted.popleft()
            try:
                work()
            except BaseException:
                # The job goes on from a round before it, so that none may be dropped.
                self._noted.clear()
                raise

    def load(self) -> Committed | None:
        """The newest committed round, None while there is none; its state is in memory of its own."""
        log = self.log.read()
        newest = log.newest
        if newest is None:
            return None
        files = self.files(newest.number)
        rest = stored_parcel(files.state).bag.sets if newest.has_more else {}
        model = StoredTensors(files.global_weights)
        sets = {name: model if name in newest.model else rest[name] for name in newest.sets}
        own = {name: {key: tensor.clone() for key, tensor in tensors.items()} for name, tensors in sets.items()}
        kept = {who: stored_parcel(path).kept for who, path in files.all_kept().items()}
        state = Bag(own, newest.numbers)
        return Committed(
            newest.number,
            state,
            {who: each for who, each in kept.items() if each},
            log.history,
            newest.limits,
        )

    def losses(self) -> LossHistory:
        """The losses of the rounds that are committed, none while there is no such round."""
        return self.log.read().history

    def rounds(self) -> list[int]:
        """The rounds whose files are there, or will be."""
        return sorted(self._there)

    def _drop(self, number: int) -> None:
        if self._is_large and number in self._there:
            for path in self.files(number).may_be_spared:
                self._spares.take(path)
        round_writing.remove(self.folder / f"round_{number}")
        self._there.discard(number)

    def _commit(self, number: int, result: RoundResult) -> None:
        files = self.files(number)
        files.folder.mkdir(exist_ok=True)
        written: dict[int, Path] = {}
        for who, answer in result.local.items():
            self._place(answer, files.update(who), written)
        for who, answer in result.kept.items():
            self._place(answer, files.kept(who), written, durable=True)
        for who in result.unchanged:
            round_writing.link(self.files(number - 1).kept(who), files.kept(who))
        for path in files.answers():
            path.unlink()
        self._write(files, number, result)

    def _write(self, files: RoundFiles, number: int, result: RoundResult) -> None:
        self._write_parcel(Parcel(Bag({WEIGHTS: result.model})), files.global_weights, durable=True)
        model = [name for name, tensors in result.state.sets.items() if tensors is result.model]
        more = {name: tensors for name, tensors in result.state.sets.items() if name not in model}
        if more:
            self._write_parcel(Parcel(Bag(more)), files.state, durable=True)
        self.log.append(
            RoundLine(
                number=number,
                sets=tuple(result.state.sets),
                model=tuple(model),
                has_more=bool(more),
                numbers=dict(result.state.numbers),
                train=result.loss,
                initial=result.initial,
                local=dict(result.losses),
                evaluate={str(judged): loss for judged, loss in result.judged.items()},
                measured={str(judged): dict(measured) for judged, measured in result.measured.items()},
                limits=result.limits,
                missing={str(judged): tuple(missing) for judged, missing in result.missing.items()},
            )
        )

    def _place(self, answer: Parcel, target: Path, written: dict[int, Path], durable: bool = False) -> None:
        """Have an answer in a file: once on the disk, however many names it has.

        Args:
            written: where the answers are that were in memory, by identity.
            durable: whether it has to outlive the machine's power.
        """
        source = answer.path or written.get(id(answer))
        if source is None:
            self._write_parcel(answer, target, durable)
            written[id(answer)] = target
            return
        round_writing.link(source, target)
        if durable:
            with target.open("rb") as file:
                os.fsync(file.fileno())

    def _write_parcel(self, parcel: Parcel, target: Path, durable: bool = False) -> None:
        # Straight from the tensors' memory; the library would make a copy of all of them first.
        message = encode_parcel(Parcel(parcel.bag, parcel.kept))
        self._is_large = self._is_large or message.length > CHUNK_BYTES
        write = self._spares.write if self._is_large else round_writing.write
        write(target, message.buffers(), durable=durable)


def keep_rounds_of(outputs: Path, job_id: str, definition: str) -> None:
    """Remove the rounds of a job that were run from another definition: somebody has changed the run before it was taken up again.

    Args:
        definition: the digest of the one it is run from now.
    """
    note = outputs / _FOLDER / job_id / _DEFINITION
    if note.exists() and note.read_text(encoding="utf-8") != definition:
        remove_rounds(outputs, job_id)
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(definition, encoding="utf-8")


def remove_rounds(outputs: Path, job_id: str) -> None:
    """Remove the rounds of one job."""
    shutil.rmtree(outputs / _FOLDER / job_id, ignore_errors=True)


def kept_rounds(outputs: Path) -> list[str]:
    """The jobs of which rounds are kept."""
    return [folder.name for folder in (outputs / _FOLDER).glob("*")]
