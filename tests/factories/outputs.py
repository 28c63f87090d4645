"""What stages leave, in few words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from synergos.domain.agreement import Agreement
from synergos.domain.feature_space import Action, Feature, FeatureSpace
from synergos.domain.outputs import (
    PREDICTED,
    Aligned,
    Export,
    Measured,
    Predicted,
    Trained,
    Validated,
    Validation,
)

SPACE = FeatureSpace("tabular", Action.REGRESS, X=(Feature("age"),), y=(Feature("target"),), input_shape=(1,))

OUTPUTS = Path("/outputs")
"""What a TTP was told as its folder of trained models."""
RUN_FOLDER = OUTPUTS / "c" / "p" / "e" / "r"
"""Of the run that tests are about."""


def aligned(
    *participants: str,
    fitted: Mapping[str, Any] | None = None,
    auto_fix: bool = True,
    missing: Sequence[int] = (),
    agreement: Agreement | None = None,
) -> Aligned:
    """An alignment, in which all lack the same columns."""
    missing_columns = {"train": {"X": list(missing), "y": []}}
    return Aligned(
        missing_columns=dict.fromkeys(participants, missing_columns),  # type: ignore[arg-type]
        feature_space=SPACE,
        fitted=fitted or {},
        auto_fix=auto_fix,
        agreement=agreement or Agreement(),
    )


def trained(path: str | Path = RUN_FOLDER / "global_model.pt") -> Trained:
    """A training whose global model lies at ``path``, and its losses beside it."""
    losses = Path(path).with_name("global_loss_history.json")
    export = Export(origin="ttp", path=str(path), loss_history=str(losses))
    return Trained(global_=export, architecture=["fitted"], feature_space=SPACE, hyperparameters={"rounds": 2})


def measured(res_path: str = "x", **statistics: Any) -> Measured:
    """Statistics, by name."""
    return Measured(statistics=statistics, res_path=res_path)


def validated(**participants: Measured) -> Validated:
    """What was measured at each participant."""
    return Validated(participants={who: Validation(evaluate=found) for who, found in participants.items()})


def predicted(participant: str, found: Measured, tags: Sequence[Sequence[str]] = (("n",),)) -> Predicted:
    """What came of new rows that lack one column."""
    lacking = {"predict": {"X": [1], "y": []}}
    prediction = {"predict": {"statistics": found.statistics, "res_path": found.res_path}}
    return PREDICTED.read({participant: {**prediction, "tags": {"predict": tags}, "alignment": lacking}})
