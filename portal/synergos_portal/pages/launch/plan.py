"""What a launch comes to: which requests are made, in which order, and how many jobs they become."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from werkzeug.datastructures import MultiDict

from synergos_portal.orchestrator.declared import Declared


class Task(StrEnum):
    """What may be launched; the value is what its results are called in a route."""

    ALIGN = "alignments"
    TRAIN = "models"
    VALIDATE = "validations"

    @property
    def part(self) -> str:
        """The part of the interface below which it is asked for."""
        return "evaluate" if self is Task.VALIDATE else "train"


@dataclass(frozen=True)
class Experiment:
    """What may be launched of an experiment.

    Attributes:
        runs: how many there are.
        models: how many of them are trained as they stand.
    """

    expt_id: str
    runs: int
    models: int = 0


@dataclass(frozen=True)
class Request:
    """One request for a stage.

    Attributes:
        ids: what follows the project in its route: an experiment's id, and a run's.
        jobs: how many it becomes.
    """

    task: Task
    ids: tuple[str, ...] = ()
    jobs: int = 1

    def parts(self, collab_id: str, project_id: str) -> tuple[str, ...]:
        """Its route below ``/ttp``, part by part."""
        return (self.task.part, "collaborations", collab_id, "projects", project_id, self.task.value, *self.ids)


@dataclass(frozen=True)
class Plan:
    """What was chosen.

    Attributes:
        tasks: what is to be done.
        experiments: of which all runs are meant, by id.
        runs: which single ones are meant besides, as experiment and run.
    """

    tasks: frozenset[Task]
    experiments: Mapping[str, Experiment]
    runs: Sequence[tuple[str, str]] = ()

    @property
    def requests(self) -> list[Request]:
        """In the order in which they rest on each other."""
        return list(self._requests())

    @property
    def jobs(self) -> int:
        """How many jobs they become."""
        return sum(request.jobs for request in self._requests())

    def jobs_of(self, task: Task) -> int:
        """How many jobs one task becomes."""
        return sum(request.jobs for request in self._requests() if request.task is task)

    def _requests(self) -> Iterator[Request]:
        if Task.ALIGN in self.tasks:
            yield Request(Task.ALIGN)
        for task in (Task.TRAIN, Task.VALIDATE):
            if task in self.tasks:
                yield from self._of_runs(task)

    def _of_runs(self, task: Task) -> Iterator[Request]:
        for experiment in self.experiments.values():
            if experiment.runs:
                yield Request(task, (experiment.expt_id,), experiment.runs)
        for expt_id, run_id in dict.fromkeys(self.runs):
            # Of an experiment that is meant as a whole it is among the others.
            if expt_id not in self.experiments:
                yield Request(task, (expt_id, run_id))


TASK, EXPERIMENT, RUN, IS_CHOSEN = "task", "expt", "run", "chosen"
"""The names of fields; the last says that nothing but what is said is meant."""


@dataclass(frozen=True)
class Choice:
    """What is to be done, and with what.

    Attributes:
        experiments: of which all runs are meant, by id.
        runs: single ones, as experiment and run.
    """

    tasks: frozenset[Task]
    experiments: tuple[str, ...] = ()
    runs: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, said: MultiDict[str, str]) -> Choice | None:
        """What fields say; None where nothing is said yet."""
        if not any(name in said for name in (TASK, EXPERIMENT, RUN, IS_CHOSEN)):
            return None
        tasks = frozenset(task for task in Task if task.value in said.getlist(TASK))
        named = (name.partition("/") for name in dict.fromkeys(said.getlist(RUN)))
        runs = tuple((expt_id, run_id) for expt_id, slash, run_id in named if expt_id and slash and run_id)
        # Who comes from a run or an experiment has chosen no task yet.
        return cls(
            tasks if IS_CHOSEN in said or tasks else frozenset({Task.TRAIN, Task.VALIDATE}),
            tuple(dict.fromkeys(filter(None, said.getlist(EXPERIMENT)))),
            runs,
        )

    @property
    def run_names(self) -> frozenset[str]:
        """The single runs, as ``experiment/run``."""
        return frozenset(f"{expt_id}/{run_id}" for expt_id, run_id in self.runs)

    @property
    def fields(self) -> list[tuple[str, str]]:
        """The same as fields of a form or a URL."""
        return [
            (IS_CHOSEN, "1"),
            *((TASK, task.value) for task in Task if task in self.tasks),
            *((EXPERIMENT, expt_id) for expt_id in self.experiments),
            *((RUN, f"{expt_id}/{run_id}") for expt_id, run_id in self.runs),
        ]

    def plan(self, known: Mapping[str, Declared]) -> Plan:
        """What it comes to.

        Args:
            known: the experiments that are meant as a whole, by id.
        """
        whole = {
            expt_id: Experiment(expt_id, known[expt_id].count("Run"), known[expt_id].count("Model"))
            for expt_id in self.experiments
            if expt_id in known
        }
        return Plan(self.tasks, whole, self.runs)


def usual(experiments: Sequence[Declared], *, is_aligned: bool) -> Choice:
    """What is meant when nobody has chosen yet: all there is, and an alignment where there was none."""
    tasks = {Task.TRAIN, Task.VALIDATE} | (set() if is_aligned else {Task.ALIGN})
    return Choice(frozenset(tasks), tuple(each.id for each in experiments if each.count("Run")))
