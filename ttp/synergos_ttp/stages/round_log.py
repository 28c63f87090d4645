"""Which rounds of a job are committed, and what each has lost: a line of JSON for each, ``committed.jsonl``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from msgspec import Struct
from msgspec import field as named

from synergos.domain.loss_history import LossHistory, Measurements
from synergos.errors import Conflict, InvalidRequest
from synergos.schema import Definition
from synergos_ttp.stages import round_writing
from synergos_ttp.stages.weighing import WeighingState

_FILE = "committed.jsonl"


class RoundLine(Struct, frozen=True, kw_only=True):
    """What is new with a round.

    Attributes:
        sets: of the algorithm's state, in their order.
        model: those of them that are the global model.
        has_more: whether others are in a file of their own.
        numbers: of the state.
        train: the mean training loss, ``local`` that of each participant, and ``initial`` the mean one before the first round.
        evaluate: the evaluation losses that have become known since the round before, by round; of the same rounds ``measured`` is
            what each participant has measured, and ``missing`` who has not.
        limits: what is known of updates; nothing where an older release has written it.
    """

    number: int = named(name="round")
    sets: tuple[str, ...]
    model: tuple[str, ...]
    has_more: bool
    # Whole ones stay whole.
    numbers: Mapping[str, int | float]
    train: float | None
    initial: float | None = None
    local: Mapping[str, float | None]
    evaluate: Mapping[str, float | None]
    measured: Mapping[str, Measurements] = {}
    limits: WeighingState = WeighingState()
    missing: Mapping[str, tuple[str, ...]] = {}


_LINE = Definition(RoundLine, quotes=False)


@dataclass
class CommittedRounds:
    """What the lines say, up to the first that is not whole.

    Attributes:
        newest: the last of them; None where there is none.
        end: how many bytes they are.
    """

    newest: RoundLine | None = None
    history: LossHistory = field(default_factory=LossHistory)
    end: int = 0

    def add(self, line: bytes) -> bool:
        """Take note of the next line; whether it is one.

        Raises:
            Conflict: it is whole, and says something else than a round.
        """
        try:
            found = json.loads(line) if line.endswith(b"\n") else None
        except ValueError:
            found = None
        if not isinstance(found, dict):
            return False
        try:
            said = _LINE.read(found)
        except InvalidRequest as error:
            raise Conflict(
                f"what is committed of its rounds is damaged ({error}): ask for the training again"
            ) from error
        self.newest = said
        self.history.trained(said.number, said.train, said.local)
        self.history.initial = said.initial
        for judged, loss in said.evaluate.items():
            measured = said.measured.get(judged) or None
            self.history.evaluated(int(judged), loss, measured, said.missing.get(judged, ()))
        self.end += len(line)
        return True


class RoundLog:
    """The file in the folder of a job's rounds, written and read by the job's thread."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / _FILE
        # Where the next line begins, None while none was written.
        self._end: int | None = None

    def append(self, line: RoundLine) -> None:
        """Add a line that is whole, or is not there for whoever reads.

        Raises:
            OSError: it cannot be written.
            Conflict: a line before it says something else than a round.
        """
        if self._end is None:
            self._end = self.read().end
        content = json.dumps(_LINE.write(line)).encode() + b"\n"
        round_writing.append(self._file, self._end, content)
        self._end += len(content)

    def read(self) -> CommittedRounds:
        """What the file says.

        Raises:
            Conflict: a line that is whole says something else than a round.
        """
        found = CommittedRounds()
        try:
            content = self._file.read_bytes()
        except FileNotFoundError:
            return found
        for line in content.splitlines(keepends=True):
            if not found.add(line):
                break
        return found
