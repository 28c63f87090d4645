"""Stage 2: looking for good hyperparameters."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Unpack

from synergos.domain.study import FINAL_STUDY_STATES, StudyState
from synergos.driver.downloads import fetch_file
from synergos.driver.errors import DriverError, JobFailed
from synergos.driver.going_on import GoingOn
from synergos.driver.lists import OfTrial, Page
from synergos.driver.task import Task
from synergos.driver.transport import Response, route
from synergos.driver.waiting import Patience, interrupts_named

Study = dict[str, Any]
Trial = dict[str, Any]


class OptimizationTask(Task):
    """Calls about hyperparameter tuning, on every kind of grid.

    :meth:`create` begins a study, which tries sets of hyperparameters as runs of the experiment. A study has ``id``,
    ``state`` (running, stopping, completed, stopped, failed), ``keys`` (the experiment's ids), what was asked for
    (``metric``, ``optimize_mode``, ``search_space``, ``max_trial_num``, …), ``counts`` of trials by state, ``best``
    (``run_id``, ``number``, ``objective``, ``hyperparameters``; None at first), ``error`` and ``trials``: each with
    ``number``, ``run_id``, ``state`` (running, completed, pruned, failed, cancelled, skipped), ``hyperparameters``,
    ``objective``, ``objective_over`` (how many participants and figures it is a mean over), ``reason``, the ids of its ``jobs`` and their ``progress``.

    Where a call takes a study, it takes a study's id or the answer of :meth:`create`.
    """

    def create(
        self,
        collab_id: str,
        project_id: str,
        expt_id: str,
        search_space: Mapping[str, Mapping[str, Any]],
        metric: str,
        optimize_mode: str,
        trial_concurrency: int = 1,
        max_exec_duration: str | int = "1h",
        max_trial_num: int = 10,
        is_remote: bool = True,
        use_annotation: bool = True,
        auto_align: bool = True,
        dockerised: bool = True,
        verbose: bool = True,
        log_msgs: bool = True,
        *,
        base_run: str | None = None,
        seed: int | None = None,
        max_concurrent: int | None = None,
        priority: int | None = None,
        **kwargs: Any,
    ) -> Response:
        """Try several sets of hyperparameters on one experiment.

        Answers at once: ``params`` has the ``study_id``, for :meth:`wait` and the others; ``data`` are the trials so far.

        Args:
            search_space: by hyperparameter, ``{"_type": <how to draw>, "_value": [<from what>]}``; for example
                ``{"lr": {"_type": "loguniform", "_value": [0.0001, 0.1]}}``.
            metric: the name of the statistic to go by.
            optimize_mode: ``max`` or ``min``.
            trial_concurrency: how many sets are tried at the same time; 1 leaves that to the grid.
            max_exec_duration: for how long new ones are started: ``"30m"``, ``"1h"``, ``"2h 30m"``, or seconds.
            max_trial_num: how many sets are tried.
            base_run: a run of the experiment that has the hyperparameters which are not searched.
            seed: what chance begins with; the same seed draws the same sets from the same results.
            max_concurrent: how many sets are tried at the same time, instead of ``trial_concurrency``; here 1 means one.
            priority: of the trials' jobs, -100 to 100.
            kwargs: sent along (``backend``, ``scheduler``, ``searcher``, ``tuner``, …); ``log_msg`` means ``log_msgs``.
        """
        others = dict(kwargs)
        payload = {
            "search_space": search_space,
            "metric": metric,
            "optimize_mode": optimize_mode,
            "trial_concurrency": trial_concurrency,
            "max_exec_duration": max_exec_duration,
            "max_trial_num": max_trial_num,
            "is_remote": is_remote,
            "use_annotation": use_annotation,
            "auto_align": auto_align,
            "dockerised": dockerised,
            "verbose": verbose,
            "log_msgs": others.pop("log_msg", log_msgs),
        }
        optional = {"base_run": base_run, "seed": seed, "max_concurrent": max_concurrent, "priority": priority}
        given = {name: value for name, value in optional.items() if value is not None}
        return self._post(self._route(collab_id, project_id, expt_id), payload | given | others)

    def read(self, collab_id: str, project_id: str, expt_id: str, **choices: Unpack[OfTrial]) -> Response:
        """What the tried sets reached so far; an error (404) while there is nothing.

        Args:
            choices: which of them, see :data:`synergos.driver.lists.Page`.
        """
        return self._list(self._route(collab_id, project_id, expt_id), choices)

    def studies(
        self,
        collab_id: str | None = None,
        project_id: str | None = None,
        expt_id: str | None = None,
        state: str | None = None,
        **choices: Unpack[Page],
    ) -> Response:
        """All studies, or those of a collaboration, project, experiment or state; oldest first, without their trials.

        Args:
            choices: which of them, see :data:`synergos.driver.lists.Page`.
        """
        filters = {"collab_id": collab_id, "project_id": project_id, "expt_id": expt_id, "state": state}
        return self._list(route("studies"), {**filters, **choices})

    def show(self, study: str | Mapping[str, Any]) -> Response:
        """One study with its trials."""
        return self._get(route("studies", _id_of(study)))

    def picture(self, study: str | Mapping[str, Any], *, to: str | Path) -> Path:
        """Have the picture of a study that has ended in a file (PNG).

        Raises:
            DriverError: there is no such study, it has no picture, or the file cannot be written.
        """
        return fetch_file(self._transport, f"{route('studies', _id_of(study))}/picture", Path(to))

    def stop(self, study: str | Mapping[str, Any]) -> Response:
        """Start no new trials and cancel those that run; an error (409) when the study has ended already."""
        return self._post(route("studies", _id_of(study), "stop"), {})

    def best(self, study: str | Mapping[str, Any]) -> Trial | None:
        """The best trial so far: ``run_id``, ``number``, ``objective`` and ``hyperparameters``; None while there is none.

        Raises:
            DriverError: there is no such study, or the orchestrator does not answer.
        """
        found: Trial | None = self._look_at(_id_of(study))["best"]
        return found

    def wait(
        self,
        study: str | Mapping[str, Any],
        timeout: float | None = None,
        *,
        progress: bool = False,
        on_progress: Callable[[Study], None] | None = None,
        interval: float = 2.0,
        sleep: Callable[[float], None] = time.sleep,
        raise_errors: bool | None = None,
    ) -> Study:
        """Wait until a study has ended, whatever way; a restart of the orchestrator in between is waited out.

        Args:
            timeout: seconds after which to give up; None waits as long as it takes.
            progress: show a table of the trials as they go on.
            on_progress: told the study as it stands, every time it is asked for.
            interval: seconds between two looks, kept between 0.1 and 10.
            sleep: how to pass the time.
            raise_errors: raise when the study fails; without it as the driver was told. Whoever does not let it be raised looks
                at ``state`` and ``error``.

        Returns:
            The study as it ended, with its trials.

        Raises:
            JobFailed: it failed, and that is to be raised.
            WaitTimeout: it has not ended in time; it goes on all the same.
            Interrupted: Ctrl-C; it goes on all the same.
            DriverError: there is no such study, the orchestrator does not answer, or the answer to ``create`` is an
                error.
        """
        study_id = _id_of(study)
        with _shown(progress, on_progress) as show:
            ended = self._wait(study_id, show, Patience(timeout, interval, sleep))
        if ended["state"] == StudyState.FAILED and (
            self._transport.raise_errors if raise_errors is None else raise_errors
        ):
            reason = (ended.get("error") or {}).get("message") or "no reason given"
            raise JobFailed(f"study {study_id} failed: {reason}", [ended])
        return ended

    def _wait(self, study_id: str, show: Callable[[Study], None], patience: Patience) -> Study:
        going_on = GoingOn(study=study_id)
        with interrupts_named(lambda: going_on):
            while True:
                study = patience.look(partial(self._look_at, study_id), going_on)
                show(study)
                if study["state"] in FINAL_STUDY_STATES:
                    return study
                patience.pause(going_on)

    def _look_at(self, study_id: str) -> Study:
        study: Study = self._found(route("studies", study_id))
        return study

    @staticmethod
    def _route(collab_id: str, project_id: str, expt_id: str) -> str:
        ids = (collab_id, "projects", project_id, "models", expt_id)
        return route("train", "collaborations", *ids, "optimizations") + "/"


def _id_of(study: str | Mapping[str, Any]) -> str:
    if isinstance(study, str):
        return study
    if "data" not in study:
        raise DriverError(str(study.get("message") or "no reason given"), study.get("status"), body=study)
    study_id = (study.get("params") or {}).get("study_id")
    if study_id is None:
        raise DriverError("the answer names no study; is it one of driver.optimizations.create?", body=study)
    return str(study_id)


@contextmanager
def _shown(progress: bool, on_progress: Callable[[Study], None] | None) -> Iterator[Callable[[Study], None]]:
    """Where to show a study: a table, whoever wants to be told, both or neither."""
    tell = on_progress or (lambda _study: None)
    if not progress:
        yield tell
        return
    # Imported late: it takes longer than the rest of the driver.
    from rich.console import Console

    from synergos.driver.study_display import display_study_on

    with display_study_on(Console(stderr=True)) as display:

        def show(study: Study) -> None:
            display.study(study)
            tell(study)

        yield show
