"""What somebody has chosen on the Launchpad: in the URL while it is looked at, in the form when it is begun."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from werkzeug.datastructures import MultiDict

from synergos_portal.orchestrator.declared import Declared
from synergos_portal.pages.launch.plan import Experiment, Plan, Task

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
    def named_experiments(self) -> tuple[str, ...]:
        """All that are meant as a whole, or in part."""
        return tuple(dict.fromkeys([*self.experiments, *(expt_id for expt_id, _ in self.runs)]))

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
