"""What is kept of a run's rounds while it runs, so that a TTP that was killed goes on where it stopped."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from safetensors import safe_open
from torch import Tensor

from synergos.domain.loss_history import LossHistory
from synergos.program.log_context import ContextPool
from synergos.wire import encode

_FOLDER = ".rounds"


class StoredWeights(Mapping[str, Tensor]):
    """The tensors of a safetensors file, read one at a time from the mapped file."""

    def __init__(self, path: Path) -> None:
        self._file = safe_open(path, framework="pt")
        self._names = dict.fromkeys(self._file.keys())  # type: ignore[no-untyped-call]

    def __getitem__(self, name: str) -> Tensor:
        tensor: Tensor = self._file.get_tensor(name)  # type: ignore[no-untyped-call]
        return tensor

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __contains__(self, name: object) -> bool:
        # A mapping would read the tensor to find out.
        return name in self._names

    def __len__(self) -> int:
        return len(self._names)


@dataclass(frozen=True)
class RoundFiles:
    """The files of one round: the model it ended with, and the participants' updates it was averaged from."""

    folder: Path

    @property
    def global_weights(self) -> Path:
        """The model after the round."""
        return self.folder / "global.safetensors"

    def update(self, participant_id: str) -> Path:
        """One participant's trained weights."""
        return self.folder / f"local_{participant_id}.safetensors"

    def updates(self, participants: Iterable[str]) -> dict[str, Path]:
        """The updates that are there, by participant, in the order given."""
        found = {participant: self.update(participant) for participant in participants}
        return {participant: path for participant, path in found.items() if path.exists()}


class RoundStore:
    """The rounds of one job, in a folder of their own; a context manager that waits for what is being written.

    A round is committed when its model is on the disk and ``committed.json`` says so. That happens beside the next round's
    training; a crash before it costs that one round, which gives the same bytes again. Rounds are dropped in the same
    thread, so that no round goes before the one after it is committed.
    """

    def __init__(self, outputs: Path, job_id: str) -> None:
        self.folder = outputs / _FOLDER / job_id
        self.folder.mkdir(parents=True, exist_ok=True)
        self._writer = ContextPool(max_workers=1, thread_name_prefix="commit")
        self._writing: Future[None] | None = None
        self._dropping: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.shutdown()

    def files(self, number: int) -> RoundFiles:
        """The files of one round; its folder is made."""
        found = RoundFiles(self.folder / f"round_{number}")
        found.folder.mkdir(exist_ok=True)
        return found

    def commit(
        self,
        number: int,
        weights: Mapping[str, Tensor],
        updates: Mapping[str, Mapping[str, Tensor]],
        history: LossHistory,
    ) -> None:
        """Begin to commit a round; the weights must not change until the next one is.

        Args:
            updates: by participant, what it was averaged from; those that are in no file yet are written to one.

        Raises:
            OSError: the round before could not be committed.
        """
        self.wait_for_commit()
        state = {"round": number, "train": dict(history.train), "evaluate": dict(history.evaluate)}
        state["local"] = {participant: dict(losses) for participant, losses in history.local.items()}
        unwritten = {who: update for who, update in updates.items() if not isinstance(update, StoredWeights)}
        self._writing = self._writer.submit(self._commit, number, dict(weights), unwritten, state)

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

    def load(self) -> tuple[int, dict[str, Tensor], LossHistory] | None:
        """The newest committed round: its number, the model it ended with, and the losses until then."""
        state = self._state()
        if state is None:
            return None
        number = int(state["round"])
        weights = {name: tensor.clone() for name, tensor in StoredWeights(self.files(number).global_weights).items()}
        return number, weights, _history(state)

    def losses(self) -> LossHistory:
        """The losses of the rounds that are committed, none while there is no such round."""
        state = self._state()
        return LossHistory() if state is None else _history(state)

    def rounds(self) -> list[int]:
        """The rounds whose files are there."""
        return [int(folder.name.removeprefix("round_")) for folder in self.folder.glob("round_*")]

    def drop(self, number: int) -> None:
        """Remove the files of a round that nobody needs once the newest one is committed."""
        self._dropping = self._writer.submit(self._drop, number, self._writing)

    def _state(self) -> Any:
        """What ``committed.json`` says, None while it is not there."""
        try:
            return json.loads((self.folder / "committed.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None

    def _commit(
        self,
        number: int,
        weights: dict[str, Tensor],
        updates: Mapping[str, Mapping[str, Tensor]],
        state: Mapping[str, Any],
    ) -> None:
        files = self.files(number)
        for participant, update in updates.items():
            with files.update(participant).open("wb") as file:
                file.writelines(encode(update, {}).buffers())
        self._write(files, weights, json.dumps(state))

    def _drop(self, number: int, newest: Future[None] | None) -> None:
        # One thread: the commit has ended. If it failed, the job goes on from a round before it.
        if newest is None or newest.exception() is None:
            shutil.rmtree(self.folder / f"round_{number}", ignore_errors=True)

    def _write(self, files: RoundFiles, weights: dict[str, Tensor], state: str) -> None:
        # Straight from the tensors' memory; the library would make a copy of all of them first.
        with files.global_weights.open("wb") as file:
            for view in encode(weights, {}).buffers():
                file.write(view)
            file.flush()
            os.fsync(file.fileno())
        staged = self.folder / "committed.json.staged"
        staged.write_text(state, encoding="utf-8")
        _sync(staged)
        staged.replace(self.folder / "committed.json")


def remove_rounds(outputs: Path, job_id: str) -> None:
    """Remove the rounds of one job."""
    shutil.rmtree(outputs / _FOLDER / job_id, ignore_errors=True)


def kept_rounds(outputs: Path) -> list[str]:
    """The jobs of which rounds are kept."""
    return [folder.name for folder in (outputs / _FOLDER).glob("*")]


def _history(state: Mapping[str, Any]) -> LossHistory:
    return LossHistory(
        train=_by_round(state["train"]),
        evaluate=_by_round(state["evaluate"]),
        local={participant: _by_round(losses) for participant, losses in state["local"].items()},
    )


def _by_round(losses: Mapping[str, float | None]) -> dict[int, float | None]:
    return {int(number): loss for number, loss in losses.items()}


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
