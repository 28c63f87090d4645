"""Stage 1: the participants agree on one feature space."""

from __future__ import annotations

from typing import Any, Unpack

from synergos.driver.lists import OfParticipant
from synergos.driver.task import NOTEBOOKS_WORDS, Task, refuse_others
from synergos.driver.terms import Terms
from synergos.driver.transport import Response, route


class AlignmentTask(Task):
    """Calls about alignments."""

    def create(
        self,
        collab_id: str,
        project_id: str,
        auto_align: bool = True,
        auto_fix: bool = True,
        *,
        unseen: str = "missing",
        shared_labels: bool = True,
        minimum_rows: int | None = None,
        dry_run: bool = False,
        priority: int | None = None,
        respond_async: bool = False,
        **kwargs: Any,
    ) -> Response:
        """Have every participant's data examined, and agree on columns, labels, scaling and imputation.

        On a Basic grid this answers when it is done; on a cluster it answers at once with no data: poll :meth:`read`.

        Args:
            auto_align: let participants lack columns that others have; without it all headers must be equal.
            auto_fix: fit the first and last layer of the project's experiments to the agreed columns and labels.
            unseen: what becomes of rows to predict or to measure on with levels that no training row has: with ``"missing"`` such
                a level counts as a missing cell, with ``"refuse"`` the row is not predicted; the others always are.
            shared_labels: refuse participants whose training rows have no label in common with any other's.
            minimum_rows: how many rows have to share what participants tell of them, wherever their own limit is lower or they have
                none; in alignment, training and figures alike. Nobody tells more than its owner allows.
            dry_run: only say what would be agreed: inputs, labels, what each participant lacks, what is filled and mapped, and how many
                cells were missing. Nothing of it is stored. On a cluster it is in the ``progress`` of the job that is answered.
            priority: of the jobs, -100 to 100; in a cluster, those of a higher one start first.
            respond_async: do not wait: the answer's ``data`` are the jobs, for ``driver.jobs.wait(answer)``.
            kwargs: those of :data:`synergos.driver.task.NOTEBOOKS_WORDS`, which are ignored; others are refused.
        """
        refuse_others(self.create, kwargs, NOTEBOOKS_WORDS)
        # What is not the default is said; the rest is what the original's client sends.
        others: dict[str, tuple[Any, Any]] = {
            "unseen": (unseen, "missing"),
            "shared_labels": (shared_labels, True),
            "minimum_rows": (minimum_rows, None),
            "priority": (priority, None),
        }
        options: dict[str, object] = {"auto_align": auto_align, "auto_fix": auto_fix}
        options |= {name: given for name, (given, default) in others.items() if given != default}
        path = self._route(collab_id, project_id)
        ids = {"collab_id": collab_id, "project_id": project_id}
        if dry_run:
            return self._request_stage("check", ids, path, options, respond_async, Terms(check=True))
        return self._request_stage("preprocess", ids, path, options, respond_async)

    def read(self, collab_id: str, project_id: str, **choices: Unpack[OfParticipant]) -> Response:
        """Where each participant's columns get blanks added, by purpose; an error (404) while there is nothing.

        Args:
            choices: which of them, see :data:`synergos.driver.lists.Page`.
        """
        return self._list(self._route(collab_id, project_id), choices)

    @staticmethod
    def _route(collab_id: str, project_id: str) -> str:
        return route("train", "collaborations", collab_id, "projects", project_id, "alignments")
