"""What a job is asked with: the part of its request's body that its record keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict


class JobOptions(TypedDict, total=False):
    """Each may be absent: a stage has its own, and jobs of earlier versions have fewer.

    Attributes:
        auto_align: whether columns that somebody lacks are filled.
        auto_fix: whether models are fitted to the feature space.
        unseen: what becomes of rows with levels that no training row has; see :class:`synergos.domain.feature_space.Unseen`.
        shared_labels: whether a participant without a label in common with others is refused.
        minimum_rows: how many rows have to share what is told of them; None where that is left to the owners.
        dockerised: as the original's clients say it, and without effect; so are ``log_msgs`` and ``verbose``.
        priority: how urgent it is.
        tags: of the datasets to predict.
        trial: of a trial's training, :class:`synergos.domain.study.TrialMark` as JSON has it.
    """

    auto_align: bool
    auto_fix: bool
    unseen: str
    shared_labels: bool
    minimum_rows: int | None
    dockerised: bool
    log_msgs: bool
    verbose: bool
    priority: int
    tags: Sequence[Sequence[str]]
    trial: Mapping[str, object]
