"""Runs: the hyperparameters an experiment tries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Unpack

from synergos.driver.comparisons import chosen_runs, comparison
from synergos.driver.frames import frame_of, results
from synergos.driver.lists import OfRun
from synergos.driver.task import COLLABORATIONS, Task
from synergos.driver.terms import Terms
from synergos.driver.transport import Response, route

if TYPE_CHECKING:
    import pandas as pd


class RunTask(Task):
    """Calls about runs."""

    def create(
        self,
        collab_id: str,
        project_id: str,
        expt_id: str,
        run_id: str,
        algorithm: str = "FedProx",
        batch_size: int | None = None,
        rounds: int = 10,
        epochs: int = 100,
        lr: float = 0.001,
        weight_decay: float = 0.0,
        lr_decay: float = 0.1,
        mu: float = 0.1,
        l1_lambda: float = 0.0,
        l2_lambda: float = 0.0,
        optimizer: str = "SGD",
        criterion: str = "BCELoss",
        lr_scheduler: str | None = None,
        delta: float = 0.0,
        patience: int = 10,
        seed: int = 42,
        is_condensed: bool = True,
        is_snn: bool = False,
        precision_fractional: int = 5,
        **kwargs: Any,
    ) -> Response:
        """Declare a run. Declaring it again replaces it.

        Args:
            algorithm: how the participants' models become one: ``FedAvg``, ``FedProx``, ``FedAdam``, ``SCAFFOLD``, …
            batch_size: rows per step; None takes all of a participant's rows at once.
            rounds: how often the participants' models are averaged.
            epochs: passes over its rows a participant makes in each round.
            lr: learning rate.
            weight_decay: of the optimizer.
            lr_decay: how fast ``LambdaLR`` lowers the rate.
            mu: weight of FedProx's proximal term.
            l1_lambda: weight of the L1 penalty.
            l2_lambda: weight of the L2 penalty.
            optimizer: a class in ``torch.optim``.
            criterion: a loss in ``torch.nn``.
            lr_scheduler: a class in ``torch.optim.lr_scheduler``; the rate stays as it is when nothing is said, but with ``base_lr`` or
                ``max_lr`` it is ``CyclicLR``.
            delta: by how much the loss must fall to count as better (early stopping).
            patience: how many rounds without getting better are borne (early stopping).
            seed: of everything that is random.
            is_condensed: stored as it is; nothing depends on it.
            is_snn: stored as it is; nothing depends on it. Networks are not split.
            precision_fractional: stored as it is; nothing depends on it. Numbers are not shared secretly.
            kwargs: settings of the algorithm (``server_lr``, ``beta1``, …), and any other argument of the optimizer, criterion or
                scheduler (``base_lr``, ``momentum``, …). An argument that is called like one of these keys, or that several of the
                three take, is said to one alone by its name before a dot: ``**{"criterion.delta": 2.0, "lr_scheduler.patience": 3}``.
        """
        terms = Terms.taken_from(kwargs)
        if lr_scheduler is None and ("base_lr" in kwargs or "max_lr" in kwargs):
            # As the original's client says it.
            lr_scheduler = "CyclicLR"
        named = {
            "run_id": run_id,
            "algorithm": algorithm,
            "batch_size": batch_size,
            "rounds": rounds,
            "epochs": epochs,
            "lr": lr,
            "weight_decay": weight_decay,
            "lr_decay": lr_decay,
            "mu": mu,
            "l1_lambda": l1_lambda,
            "l2_lambda": l2_lambda,
            "optimizer": optimizer,
            "criterion": criterion,
            "lr_scheduler": lr_scheduler,
            "delta": delta,
            "patience": patience,
            "seed": seed,
            "is_condensed": is_condensed,
            "is_snn": is_snn,
            "precision_fractional": precision_fractional,
        }
        payload = {name: value for name, value in named.items() if value is not None} | kwargs
        return self._post(self._route(collab_id, project_id, expt_id), payload, terms)

    def read_all(self, collab_id: str, project_id: str, expt_id: str, **choices: Unpack[OfRun]) -> Response:
        """All runs of an experiment, or those that ``choices`` choose (:data:`synergos.driver.lists.Page`)."""
        return self._list(self._route(collab_id, project_id, expt_id), choices)

    def read(self, collab_id: str, project_id: str, expt_id: str, run_id: str) -> Response:
        """One run, with its results."""
        return self._get(self._route(collab_id, project_id, expt_id, run_id))

    def update(self, collab_id: str, project_id: str, expt_id: str, run_id: str, **updates: Any) -> Response:
        """Change hyperparameters of a run.

        Args:
            updates: what they say now; and on which terms, see :class:`~synergos.driver.terms.Terms`.
        """
        terms = Terms.taken_from(updates)
        return self._put(self._route(collab_id, project_id, expt_id, run_id), updates, terms)

    def delete(
        self,
        collab_id: str,
        project_id: str,
        expt_id: str,
        run_id: str,
        keep_files: bool = False,
        if_unchanged: str | None = None,
    ) -> Response:
        """Delete a run with its results; the answer is the record as it was.

        What is at work on it is cancelled first, and waited for. Files go as well, here and at the participants' workers:
        ``files`` of the answer says where none is left (``removed``), where they go as soon as somebody is back
        (``waiting``, see :attr:`~synergos.driver.client.Driver.removals`), and what stays for which reason.

        Args:
            keep_files: leave files where they are.
            if_unchanged: only if it says what it said when it was read, see :class:`~synergos.driver.terms.Terms`.
        """
        return self._delete(self._route(collab_id, project_id, expt_id, run_id), keep_files, if_unchanged)

    def results(self, collab_id: str, project_id: str, expt_id: str, run_id: str) -> pd.DataFrame:
        """What a run's model was measured to be worth, as a frame: a row for each participant and class, then those of all together.

        In the rows of all, ``participant_id`` is ``(all)``; classes have their names in ``label``, and figures of all rows are
        ``overall.<name>``.

        Raises:
            DriverError: nothing was measured, or the orchestrator does not answer.
        """
        return results({"data": self._found(_measured(collab_id, project_id, expt_id, run_id))})

    def compare(
        self,
        collab_id: str,
        project_id: str,
        expt_id: str | None = None,
        run_ids: Sequence[str] | None = None,
        *,
        all_hyperparameters: bool = False,
    ) -> pd.DataFrame:
        """Runs beside each other, as a frame with a row for each: what they differ in, and what came of them.

        Of the training there are ``model.version``, ``model.rounds``, ``model.best_round`` and losses; of validations the figures of all
        participants together (``overall.<name>``, or ``R2``, ``MSE`` and ``MAE``), and as ``mean.<name>`` the scores that take single
        rows, as means over participants of means over classes, which is what a study goes by.

        Args:
            expt_id: of which experiment; without it, of all of the project.
            run_ids: which, in this order; without it all.
            all_hyperparameters: also those that are the same everywhere.

        Raises:
            DriverError: there is no such project or experiment, or the orchestrator does not answer.
            UnknownName: there is no run of a name.
        """
        experiments = [expt_id] if expt_id is not None else self._experiments(collab_id, project_id)
        declared = [run for each in experiments for run in self._found(self._route(collab_id, project_id, each))]
        runs = chosen_runs(declared, run_ids)
        ids = (collab_id, project_id) if expt_id is None else (collab_id, project_id, expt_id)
        models = self._all_found(_trained(*ids), {"fields": "figures,version"})
        validations = self._all_found(_measured(*ids), {"fields": "evaluate,pooled"})
        return frame_of(comparison(runs, models, validations, all_hyperparameters))

    def _experiments(self, collab_id: str, project_id: str) -> list[str]:
        path = route(*COLLABORATIONS, collab_id, "projects", project_id, "experiments")
        return [found["key"]["expt_id"] for found in self._found(path, {"fields": "doc_id"})]

    @staticmethod
    def _route(collab_id: str, project_id: str, expt_id: str, *run_id: str) -> str:
        return route(*COLLABORATIONS, collab_id, "projects", project_id, "experiments", expt_id, "runs", *run_id)


def _measured(collab_id: str, project_id: str, *ids: str) -> str:
    return route("evaluate", "collaborations", collab_id, "projects", project_id, "validations", *ids)


def _trained(collab_id: str, project_id: str, *ids: str) -> str:
    return route("train", "collaborations", collab_id, "projects", project_id, "models", *ids)
