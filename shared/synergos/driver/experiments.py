"""Experiments: the networks a project tries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

from synergos.driver.lists import OfExperiment
from synergos.driver.task import COLLABORATIONS, Task, refuse_others
from synergos.driver.terms import Terms
from synergos.driver.transport import Response, route


class ExperimentTask(Task):
    """Calls about experiments."""

    def create(
        self,
        collab_id: str,
        project_id: str,
        expt_id: str,
        model: Sequence[Mapping[str, object]],
        family: str | None = None,
        **kwargs: Any,
    ) -> Response:
        """Declare an experiment. Declaring it again replaces it.

        Args:
            model: the network's layers in order, each ``{"is_input": bool, "l_type": <class in torch.nn>,
                "structure": {<its arguments>}, "activation": <function in torch.nn.functional, or "">}``.
            family: of the model; without it, a network of layers.
            kwargs: those of :class:`~synergos.driver.terms.Terms`; others are refused.
        """
        terms = Terms.taken_from(kwargs)
        refuse_others(self.create, kwargs)
        named = {} if family is None else {"family": family}
        payload = {"expt_id": expt_id, "model": list(model), **named}
        return self._post(self._route(collab_id, project_id), payload, terms)

    def read_all(self, collab_id: str, project_id: str, **choices: Unpack[OfExperiment]) -> Response:
        """All experiments of a project, or those that ``choices`` choose (:data:`synergos.driver.lists.Page`)."""
        return self._list(self._route(collab_id, project_id), choices)

    def read(self, collab_id: str, project_id: str, expt_id: str) -> Response:
        """One experiment, with its runs and their results."""
        return self._get(self._route(collab_id, project_id, expt_id))

    def update(self, collab_id: str, project_id: str, expt_id: str, **updates: Any) -> Response:
        """Change fields of an experiment.

        Args:
            updates: what they say now; and on which terms, see :class:`~synergos.driver.terms.Terms`.
        """
        terms = Terms.taken_from(updates)
        return self._put(self._route(collab_id, project_id, expt_id), updates, terms)

    def delete(
        self, collab_id: str, project_id: str, expt_id: str, keep_files: bool = False, if_unchanged: str | None = None
    ) -> Response:
        """Delete an experiment with its runs and their results; the answer is the record as it was.

        What is at work on it is cancelled first, and waited for. Files go as well, here and at the participants' workers:
        ``files`` of the answer says where none is left (``removed``), where they go as soon as somebody is back
        (``waiting``, see :attr:`~synergos.driver.client.Driver.removals`), and what stays for which reason.

        Args:
            keep_files: leave files where they are.
            if_unchanged: only if it says what it said when it was read, see :class:`~synergos.driver.terms.Terms`.
        """
        return self._delete(self._route(collab_id, project_id, expt_id), keep_files, if_unchanged)

    @staticmethod
    def _route(collab_id: str, project_id: str, *expt_id: str) -> str:
        return route(*COLLABORATIONS, collab_id, "projects", project_id, "experiments", *expt_id)
