"""The tuner: a thread that follows the trials of all studies, and starts new ones up to their concurrency."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import structlog
from sqlalchemy.exc import SQLAlchemyError

from synergos.domain.job import JobError
from synergos.domain.quotas import Quotas
from synergos.domain.study import Study, StudyState, Trial, TrialState
from synergos.errors import Conflict, QuotaExceeded, RecordNotFound, SynergosError, TooManyAtOnce
from synergos.orchestration.orchestrator import Orchestrator
from synergos.orchestration.study_records import StudyRecords
from synergos.program.loop import Loop
from synergos.records.store import RecordStore
from synergos.tuning.picture import draw_picture
from synergos.tuning.samplers import GRID
from synergos.tuning.search_space import SearchSpace
from synergos.tuning.trials import TrialDispatcher, Trials

log = structlog.get_logger(__name__)

SKIPPED_PER_TRIAL = 10
"""How many combinations that cannot be trained are drawn for each trial that is wanted, before a study is given up."""

AHEAD = 2
"""How many trials a study that asks for more hands in for each that can run at once."""

_NOTED_SECONDS = 5.0
"""How much of a study's time is lost to it at most when the program that looks after it is killed."""

Draw = Callable[[Study, Sequence[Trial], Path], Path | None]


class Tuner:
    """A thread that looks after the studies of one record store; all it knows is in the records.

    Args:
        outputs: where pictures of finished studies go.
        seconds: between two looks while a study runs.
        idle_seconds: between two looks while none does.
        draw: makes the picture of a study that has ended.
        quotas: how much each collaboration may have.
        clock: seconds that pass whatever time it is said to be.
    """

    def __init__(
        self,
        store: RecordStore,
        grid: TrialDispatcher,
        outputs: Path,
        seconds: float = 0.1,
        idle_seconds: float = 5.0,
        draw: Draw = draw_picture,
        quotas: Quotas = Quotas(),  # noqa: B008 - it is frozen
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._studies = StudyRecords(store)
        self._trials = Trials(store, self._studies, Orchestrator(store, grid, quotas=quotas))
        self._grid = grid
        self._outputs = outputs
        self._seconds = seconds
        self._idle_seconds = idle_seconds
        self._draw = draw
        self._clock = clock
        # When each study was first seen here, and for how long it had been searched by then.
        self._seen: dict[str, tuple[float, float]] = {}
        self._loop = Loop("tuner", self._turn, pause=seconds)

    def start(self) -> None:
        """Begin, with what an earlier process left unfinished."""
        self._loop.start()

    def wake(self) -> None:
        """Look now: there is a new study."""
        self._loop.wake()

    def close(self) -> None:
        """Start nothing more, and end; trials that run go on, and the next process follows them."""
        self._loop.close()

    def advance(self) -> bool:
        """Go on with every study, once; whether there is one."""
        studies = self._studies.unfinished()
        self._seen = {study.id: self._seen[study.id] for study in studies if study.id in self._seen}
        for study in studies:
            try:
                self._advance(study)
            except (SQLAlchemyError, ConnectionError) as error:
                log.warning("study waits", study_id=study.id, reason=type(error).__name__)
            except (RecordNotFound, QuotaExceeded) as error:
                self._give_up(study, JobError(type(error).__name__, str(error)))
            except Exception:
                log.exception("study given up", study_id=study.id)
                self._give_up(study, JobError("InternalError", "something nobody foresaw; the log has the details"))
        return bool(studies)

    def _turn(self) -> float:
        begun = time.monotonic()
        if not self.advance():
            return self._idle_seconds
        # A study of a thousand trials is looked at less often: the jobs have a use for the processor.
        return max(self._seconds, 4 * (time.monotonic() - begun))

    def _advance(self, study: Study) -> None:
        trials = self._followed(study)
        running = [trial for trial in trials if trial.state is TrialState.RUNNING]
        if study.state is StudyState.STOPPING:
            for trial in running:
                self._trials.cancel(trial)
            if not running:
                self._end(study, trials, StudyState.STOPPED)
            return
        space = SearchSpace.of(study.search_space)
        space = space.as_grid() if study.searcher == GRID else space
        wanted = 0 if self._is_late(study) else _wanted(study, space, trials)
        room = max(0, self._room(study) - len(running))
        if not wanted and not running:
            self._finish(study, trials)
        for _ in range(min(wanted, room)):
            if self._loop.is_stopping:
                return
            try:
                trial = self._trials.start(study, space, trials)
            except TooManyAtOnce:
                # Asked again at the next turn; nothing of it is stored.
                return
            except Conflict as error:
                log.info("trial not started", study_id=study.id, reason=str(error))
                return
            trials.append(trial)
            log.info("trial drawn", study_id=study.id, number=trial.number, state=trial.state, reason=trial.reason)

    def _followed(self, study: Study) -> list[Trial]:
        return [
            self._trials.follow(study, trial) if trial.state is TrialState.RUNNING else trial
            for trial in self._studies.trials(study)
        ]

    def _is_late(self, study: Study) -> bool:
        """Whether its time is over: that in which it was looked after, by this process and those before."""
        if study.max_seconds is None:
            return False
        seen, before = self._seen.setdefault(study.id, (self._clock(), study.searched_seconds))
        searched = before + self._clock() - seen
        if searched - study.searched_seconds >= _NOTED_SECONDS:
            self._studies.note_time(study, searched)
        return searched >= study.max_seconds

    def _room(self, study: Study) -> int:
        # What waits gains nothing beyond the next that is ready when one ends, and holds others up.
        width = self._grid.width(study.experiment)
        return width if study.max_concurrent is None else min(study.max_concurrent, AHEAD * width)

    def _finish(self, study: Study, trials: list[Trial]) -> None:
        came_to_nothing = {TrialState.SKIPPED, TrialState.FAILED}
        if any(trial.state not in came_to_nothing for trial in trials) or not trials:
            self._end(study, trials, StudyState.COMPLETED)
        else:
            reason = f"no combination that was drawn could be trained and judged; the last one: {trials[-1].reason}"
            self._end(study, trials, StudyState.FAILED, JobError("Conflict", reason))

    def _end(self, study: Study, trials: list[Trial], state: StudyState, error: JobError | None = None) -> None:
        picture = None
        try:
            picture = self._draw(study, trials, self._outputs)
        except (OSError, SynergosError) as failure:
            log.warning("no picture of the study", study_id=study.id, reason=str(failure))
        except Exception:
            # What was found matters more than how it looks.
            log.exception("no picture of the study", study_id=study.id)
        self._studies.end(study, state, error, None if picture is None else str(picture))
        log.info("study ended", study_id=study.id, state=state, trials=len(trials))

    def _give_up(self, study: Study, error: JobError) -> None:
        for trial in self._studies.trials(study):
            if trial.state is TrialState.RUNNING:
                self._trials.cancel(trial)
                given_up = replace(trial, state=TrialState.CANCELLED, reason="the study was given up")
                self._studies.end_trial(study, given_up)
        self._studies.end(study, StudyState.FAILED, error)


def _wanted(study: Study, space: SearchSpace, trials: list[Trial]) -> int:
    """How many more trials a study is to start."""
    skipped = sum(trial.state is TrialState.SKIPPED for trial in trials)
    if skipped >= SKIPPED_PER_TRIAL * study.max_trials:
        return 0
    if space.is_grid and len(trials) >= space.grid_size:
        return 0
    return max(0, study.max_trials - (len(trials) - skipped))
