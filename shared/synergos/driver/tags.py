"""Tags: which of its datasets a participant gives to a project."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from synergos.driver.members import one_of
from synergos.driver.tag_lists import Tags, tag_list
from synergos.driver.task import Task, refuse_others
from synergos.driver.terms import Terms
from synergos.driver.transport import Response

_PURPOSES = ("train", "evaluate", "predict")


class TagTask(Task):
    """Calls about tags; a participant has one tag record in each project it is registered for."""

    def create(
        self,
        collab_id: str,
        project_id: str,
        participant_id: str,
        train: Tags,
        evaluate: Tags = (),
        predict: Tags = (),
        model: Sequence[str] | None = None,
        hyperparameters: Sequence[str] | None = None,
        **kwargs: Any,
    ) -> Response:
        """Declare which datasets take part. Several for one purpose are used as one dataset.

        Args:
            train: for training, for example ``[["abalone", "data1", "train"]]``.
            evaluate: for measuring the model.
            predict: for predictions; a prediction request replaces them.
            model: stored as it is.
            hyperparameters: stored as it is.
            kwargs: those of :class:`~synergos.driver.terms.Terms`; others are refused.
        """
        terms = Terms.taken_from(kwargs)
        refuse_others(self.create, kwargs)
        given = dict(zip(_PURPOSES, (train, evaluate, predict), strict=True))
        payload = {purpose: tag_list(tags or (), purpose) for purpose, tags in given.items()}
        extras = {"model": model, "hyperparameters": hyperparameters}
        chosen = {name: list(value) for name, value in extras.items() if value is not None}
        return self._post(
            one_of(collab_id, project_id, participant_id, "registration", "tags"), payload | chosen, terms
        )

    def read(self, collab_id: str, project_id: str, participant_id: str) -> Response:
        """A participant's tags in a project."""
        return self._get(one_of(collab_id, project_id, participant_id, "registration", "tags"))

    def update(self, collab_id: str, project_id: str, participant_id: str, **updates: Any) -> Response:
        """Change the tags of one purpose or several.

        Args:
            updates: what they say now; and on which terms, see :class:`~synergos.driver.terms.Terms`.
        """
        terms = Terms.taken_from(updates)
        tags = {
            purpose: tag_list(updates[purpose], purpose) for purpose in _PURPOSES if updates.get(purpose) is not None
        }
        return self._put(one_of(collab_id, project_id, participant_id, "registration", "tags"), updates | tags, terms)

    def delete(self, collab_id: str, project_id: str, participant_id: str, if_unchanged: str | None = None) -> Response:
        """Delete a participant's tags and alignment in a project; the answer is the record as it was.

        Whatever the participant is needed for is cancelled first; the project has to be aligned again.

        Args:
            if_unchanged: only if it says what it said when it was read, see :class:`~synergos.driver.terms.Terms`.
        """
        return self._delete(
            one_of(collab_id, project_id, participant_id, "registration", "tags"), if_unchanged=if_unchanged
        )
