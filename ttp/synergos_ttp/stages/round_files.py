"""The files of one round, and what they are called."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from synergos.learning.bags import WEIGHTS, Weights
from synergos.wire import stored_parcel
from synergos_ttp.stages.spare_files import SpareFiles

_ANSWER, _KEPT, _LOCAL = "answer_", "kept_", "local_"


@dataclass(frozen=True)
class RoundFiles:
    """The files of one round: the state it ended with, the participants' answers, and what they keep.

    Attributes:
        spares: what large ones are written over.
    """

    folder: Path
    spares: SpareFiles

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
        return self.folder / f"{_LOCAL}{participant_id}.safetensors"

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
        return self.folder / f"{_ANSWER}{exchange}_{participant_id}.safetensors"

    def create_answer(self, exchange: int, participant_id: str) -> BinaryIO:
        """That file, to be written; see :meth:`SpareFiles.create`."""
        self.folder.mkdir(exist_ok=True)
        return self.spares.create(self.answer(exchange, participant_id), self.update(participant_id).name)

    def answers(self) -> Iterator[Path]:
        """Those that were written."""
        return (path for path in self.folder.iterdir() if path.name.startswith(_ANSWER))

    @property
    def may_be_spared(self) -> Iterator[Path]:
        """Files that nobody reads once the round is needed no more."""
        found = (self.global_weights, self.state, *self.folder.glob(f"{_LOCAL}*"))
        return (path for path in found if path.exists())
