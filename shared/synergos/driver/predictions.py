"""Stage 3: predicting one participant's data with trained models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

from synergos.driver.confusion import ConfusionMatrix
from synergos.driver.curves import RocCurves
from synergos.driver.figures import figures_of
from synergos.driver.lists import Page
from synergos.driver.tag_lists import Tags, tags_by_project
from synergos.driver.task import Task, refuse_others, stage_options
from synergos.driver.terms import Terms
from synergos.driver.transport import Response, narrowed, route


class PredictionTask(Task):
    """Calls about predictions."""

    def create(
        self,
        tags: Mapping[str, Tags],
        participant_id: str,
        collab_id: str,
        project_id: str | None = None,
        expt_id: str | None = None,
        run_id: str | None = None,
        auto_align: bool = True,
        dockerised: bool = True,
        verbose: bool = False,
        log_msgs: bool = False,
        *,
        priority: int | None = None,
        respond_async: bool = False,
        **kwargs: Any,
    ) -> Response:
        """Predict datasets of one participant with the models of a collaboration, project, experiment or run.

        The predictions themselves stay with the participant's worker; the answer says where, and has the statistics
        if the datasets are labelled.

        Args:
            tags: by project id, the datasets to predict, as in :meth:`synergos.driver.tags.TagTask.create`.
            priority: of the jobs, -100 to 100; in a cluster, those of a higher one start first.
            respond_async: do not wait: the answer's ``data`` are the jobs, for ``driver.jobs.wait(answer)``.
        """
        terms = Terms.taken_from(kwargs)
        refuse_others(self.create, kwargs, ["log_msg"])
        path = self._route(participant_id, collab_id, project_id, expt_id, run_id)
        plain = tags_by_project(tags)
        options = stage_options(auto_align, dockerised, verbose, log_msgs, kwargs, priority)
        ids = {"collab_id": collab_id, "project_id": project_id, "expt_id": expt_id, "run_id": run_id}
        ids |= {"participant_id": participant_id}
        return self._request_stage("predict", ids, path, {**options, "tags": plain}, respond_async, terms)

    def read(
        self,
        participant_id: str,
        collab_id: str,
        project_id: str | None = None,
        expt_id: str | None = None,
        run_id: str | None = None,
        **choices: Unpack[Page],
    ) -> Response:
        """The statistics of predictions that are there; an error (404) while there are none.

        Args:
            choices: which of them, see :data:`synergos.driver.lists.Page`.
        """
        return self._list(self._route(participant_id, collab_id, project_id, expt_id, run_id), choices)

    def delete(
        self,
        participant_id: str,
        collab_id: str,
        project_id: str,
        expt_id: str,
        run_id: str,
        keep_files: bool = False,
    ) -> Response:
        """Delete a participant's predictions by a run, and their files at its worker; the answer has them as they were.

        What is at work on them is cancelled first, and waited for.

        Args:
            keep_files: leave files where they are; otherwise ``files`` of the answer says what became of them, as where a run is
                deleted.
        """
        return self._delete(self._route(participant_id, collab_id, project_id, expt_id, run_id), keep_files)

    def confusion_matrix(
        self, participant_id: str, collab_id: str, project_id: str, expt_id: str, run_id: str
    ) -> ConfusionMatrix:
        """Which classes a run's model took for which in rows that were predicted and have labels: ``.plot()``, ``.frame``.

        Raises:
            DriverError: nothing was predicted, or the participant tells no matrix; says why.
        """
        found = self._found(self._route(participant_id, collab_id, project_id, expt_id, run_id))
        return ConfusionMatrix.of(*figures_of(found, f"{expt_id}/{run_id}", participant_id))

    def roc(self, participant_id: str, collab_id: str, project_id: str, expt_id: str, run_id: str) -> RocCurves:
        """How a run's model does at other thresholds on rows that were predicted and have labels: ``.plot()``, ``.frame``.

        Raises:
            DriverError: nothing was predicted, or the participant tells no curve; says why.
        """
        found = self._found(self._route(participant_id, collab_id, project_id, expt_id, run_id))
        return RocCurves.of(*figures_of(found, f"{expt_id}/{run_id}", participant_id))

    @staticmethod
    def _route(
        participant_id: str, collab_id: str, project_id: str | None, expt_id: str | None, run_id: str | None
    ) -> str:
        ids = narrowed(project_id=project_id, expt_id=expt_id, run_id=run_id)
        return route("evaluate", "participants", participant_id, "collaborations", collab_id, "predictions", *ids)
