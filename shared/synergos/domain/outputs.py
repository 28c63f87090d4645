"""What the stages leave: made at a TTP, checked where it arrives, and written down with the end of its job."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta as Limits
from msgspec import Struct

from synergos.domain.agreement import Agreement
from synergos.domain.feature_space import FeatureSpace, Side
from synergos.domain.identifiers import check_identifier
from synergos.domain.job import Stage
from synergos.domain.keys import JobKey, RunKey
from synergos.domain.tags import Purpose
from synergos.domain.trained_model import Datasets, Training, VersionNumber
from synergos.errors import InvalidRequest
from synergos.schema import Definition

Statistic: TypeAlias = int | float | Sequence[int | float | None] | None
"""One figure, or one for each class; None where there is none."""

Figure: TypeAlias = int | float | msgspec.UnsetType | None
Reasons: TypeAlias = Mapping[str, str | Sequence[str | None]]
"""By name of a figure why it is None; of a figure per class a text for each that is."""

FilePath: TypeAlias = Annotated[str, Limits(max_length=4096)]
"""As long as a path can be."""

Position: TypeAlias = Annotated[int, Limits(ge=0)]
Sha256: TypeAlias = Annotated[str, Limits(pattern="^[0-9a-f]{64}$")]
"""In hexadecimal digits."""
MissingColumns: TypeAlias = Mapping[Side, Sequence[Position]]
"""Positions in the aligned order of inputs and labels that a table lacks."""


class Aligned(Struct, frozen=True, kw_only=True):
    """A project's participants have one feature space.

    Attributes:
        missing_columns: by participant and purpose.
        fitted: by experiment: its model as it is fitted to the feature space, in the words of its family.
        auto_fix: whether models are fitted.
        rows: for training, by participant.
        columns: of raw data, by participant; it is told nothing of others but names, kinds and what fills them.
        agreement: what each participant brought, and what became of it.
    """

    missing_columns: Mapping[str, Mapping[Purpose, MissingColumns]] = msgspec.field(name="spacers")
    feature_space: FeatureSpace
    fitted: Mapping[str, object]
    auto_fix: bool
    rows: Mapping[str, Annotated[int, Limits(ge=0)]] = {}
    columns: Mapping[str, Sequence[str]] = {}
    agreement: Agreement = Agreement()


class Checked(Struct, frozen=True, kw_only=True):
    """What would be agreed; none of it holds.

    Attributes:
        missing_columns: by participant and purpose.
        fitted: by experiment: its model as it would be fitted to the feature space.
    """

    agreement: Agreement
    feature_space: FeatureSpace
    missing_columns: Mapping[str, Mapping[Purpose, MissingColumns]] = msgspec.field(name="spacers")
    fitted: Mapping[str, object] = {}


class Export(Struct, frozen=True, kw_only=True):
    """One model on the TTP's disk.

    Attributes:
        origin: whose it is: a participant's id, or ``ttp`` for the global model.
        path: of its weights.
        loss_history: path of its losses.
        sha256: of each of its files, by name; a file is read only as long as it is that one. Unset where it was trained before
            this was kept.
    """

    origin: str
    path: FilePath
    loss_history: FilePath
    sha256: Annotated[Mapping[str, Sha256], Limits(max_length=16)] | msgspec.UnsetType = msgspec.UNSET


class Trained(Training, frozen=True, kw_only=True):
    """A run has models, and what it takes to use them later.

    Attributes:
        kept_versions: those before, whose files are still there.
        family: of the model; absent for the default.
        architecture: the model as it was trained, in the words of its family.
        datasets: that it was trained with; unset where it was trained before this was kept. They are in no manifest: whoever gets
            the model is told nothing to know data again by.
        local: the participants' own models, as ``local_<n>`` in order of registration.
    """

    global_: Export = msgspec.field(name="global")
    family: str | msgspec.UnsetType = msgspec.UNSET
    architecture: Any
    feature_space: FeatureSpace
    hyperparameters: Mapping[str, object]
    kept_versions: tuple[VersionNumber, ...] = ()
    datasets: Datasets | msgspec.UnsetType = msgspec.UNSET
    local: Mapping[Annotated[str, Limits(pattern=r"^local_[1-9]\d*$")], Export] = {}


class RowPlace(Struct, frozen=True):
    """Where a row stands.

    Attributes:
        file: its path below the participant's data root.
        row: of the file's rows, counted from 1.
    """

    file: str
    row: Annotated[int, Limits(ge=1)]


class UnseenRows(Struct, frozen=True, kw_only=True):
    """Rows that have a level or a label that no training row had.

    Attributes:
        treated: what became of them, in words.
        rows: how many; None where that are too few to be told.
        which: the first of them, where that may be told; the predictions file has all.
    """

    treated: str
    rows: Annotated[int, Limits(ge=1)] | None
    which: tuple[RowPlace, ...] = ()


class Overall(Struct, frozen=True, kw_only=True):
    """How good a model is on all rows together; None for what is not defined or not told.

    Attributes:
        rows: with a label.
        accuracy: share of rows that are predicted right. This and the following are of classifications.
        balanced_accuracy: mean over the classes that have rows of the share of them that is predicted right.
        brier_score: mean squared distance of the probabilities from what happened.
        calibration_error: mean distance of confidence from accuracy.
        confusion_matrix: rows by true class, and in it by predicted class.
        target_mean: of the true values of a regression; with their variance it takes measurements of several participants together.
        target_variance: see there; mean squared distance from their mean.
    """

    rows: Annotated[int, Limits(ge=0)]
    accuracy: Figure = msgspec.UNSET
    balanced_accuracy: Figure = msgspec.UNSET
    brier_score: Figure = msgspec.UNSET
    calibration_error: Figure = msgspec.UNSET
    confusion_matrix: Sequence[Sequence[int | None] | None] | msgspec.UnsetType | None = msgspec.UNSET
    target_mean: Figure = msgspec.UNSET
    target_variance: Figure = msgspec.UNSET


class Curve(Struct, frozen=True, kw_only=True):
    """How many rows score at least so much of one class.

    Attributes:
        thresholds: falling, the last is 0.
        true_positives: rows of the class, by threshold.
        false_positives: rows of others.
    """

    thresholds: Sequence[float]
    true_positives: Sequence[int] = msgspec.field(name="TPs")
    false_positives: Sequence[int] = msgspec.field(name="FPs")


class Measured(Struct, frozen=True, kw_only=True):
    """How good a model is on one participant's rows.

    Attributes:
        statistics: by name.
        res_path: where they lie at the participant.
        never_trained: by column, the label among them, the rows that have what nobody trained; unset where there are none.
        classes: the labels, in the order of the lists; None for the second class of a project with one label.
        overall: of all rows together.
        reasons: why a figure is None, by its name; ``overall.<name>`` for one of all rows.
        curves: of each class, what curves over thresholds are made of; None where it is not told.
    """

    statistics: Mapping[str, Statistic]
    res_path: FilePath
    never_trained: Mapping[str, UnseenRows] | msgspec.UnsetType = msgspec.UNSET
    classes: Sequence[str | None] | msgspec.UnsetType = msgspec.UNSET
    overall: Overall | msgspec.UnsetType = msgspec.UNSET
    reasons: Reasons | msgspec.UnsetType = msgspec.UNSET
    curves: Sequence[Curve | None] | msgspec.UnsetType = msgspec.UNSET


class Pooled(Struct, frozen=True, kw_only=True):
    """How good a model is on the rows of several participants together, out of counts and sums that each of them told.

    Attributes:
        participants: who was measured.
        statistics: as of one participant.
        over: by name, how many participants a figure is over; of a figure per class a number for each.
        reasons: as of one participant.
        curves: as of one participant, at the thresholds that all of them tell.
    """

    participants: Sequence[str]
    statistics: Mapping[str, Statistic]
    classes: Sequence[str | None] | msgspec.UnsetType = msgspec.UNSET
    overall: Overall
    over: Mapping[str, int | Sequence[int]]
    reasons: Reasons
    curves: Sequence[Curve | None] | msgspec.UnsetType = msgspec.UNSET


class Validation(Struct, frozen=True, kw_only=True):
    """What came of one participant's evaluation rows.

    Attributes:
        pooled: of all participants that were measured with it.
    """

    evaluate: Measured
    pooled: Pooled | msgspec.UnsetType = msgspec.UNSET


class Validated(Struct, frozen=True, kw_only=True):
    """A model was measured, at the participants that have rows to do so."""

    participants: Mapping[str, Validation]


class Prediction(Struct, frozen=True, kw_only=True):
    """What came of one participant's new rows.

    Attributes:
        tags: what was predicted, as its Tag record says from now on.
        alignment: what the new rows lack, as its Alignment record says from now on.
    """

    predict: Measured
    tags: Mapping[Purpose, Sequence[Sequence[str]]]
    alignment: Mapping[Purpose, MissingColumns]


class Predicted(Struct, frozen=True, kw_only=True):
    """A participant used a model."""

    participants: Mapping[str, Prediction]


Outputs: TypeAlias = Aligned | Checked | Trained | Validated | Predicted

# There is in them what comes from participants, and errors do not repeat it.
ALIGNED = Definition(Aligned, quotes=False)
CHECKED = Definition(Checked, quotes=False)
TRAINED = Definition(Trained, rest="local", quotes=False)
MEASURED = Definition(Measured, quotes=False)
VALIDATION = Definition(Validation, quotes=False)
VALIDATED = Definition(Validated, rest="participants", quotes=False)
PREDICTED = Definition(Predicted, rest="participants", quotes=False)

OUTPUTS: Mapping[Stage, Definition[Any]] = {
    Stage.CHECK: CHECKED,
    Stage.PREPROCESS: ALIGNED,
    Stage.TRAIN: TRAINED,
    Stage.VALIDATE: VALIDATED,
    Stage.PREDICT: PREDICTED,
}
"""What each stage leaves."""
_STAGES = {
    Checked: Stage.CHECK,
    Aligned: Stage.PREPROCESS,
    Trained: Stage.TRAIN,
    Validated: Stage.VALIDATE,
    Predicted: Stage.PREDICT,
}


def read_outputs(stage: Stage, value: object) -> Outputs:
    """What a stage left, as it came from a TTP.

    Raises:
        InvalidRequest: a stage leaves something else; names the field.
    """
    read: Outputs = OUTPUTS[stage].read(value)
    return read


def check_outputs(outputs: Outputs, keys: JobKey, root: Path) -> None:
    """Refuse what no TTP leaves that ran the job: files that lie elsewhere, participants that nobody can be called.

    Args:
        keys: the job's.
        root: the folder of trained models.

    Raises:
        InvalidRequest: names the field.
    """
    match outputs:
        case Trained():
            folder = RunKey.of(keys).folder(root)
            for name, export in {"global": outputs.global_, **outputs.local}.items():
                _check_file(export.path, folder, f"{name}.path")
                _check_file(export.loss_history, folder, f"{name}.loss_history")
        case Validated() | Predicted():
            _check_participants(outputs.participants)
        case Aligned() | Checked():
            _check_participants(outputs.missing_columns)


def _check_file(path: str, folder: Path, field: str) -> None:
    # As it is written: what is compared here is what is opened later.
    if path != str(folder / PurePath(path).name) or PurePath(path).name in {"", ".."} or "\0" in path:
        raise InvalidRequest("expected a file in the run's folder below the TTP's --outputs", field)


def _check_participants(participants: Iterable[str]) -> None:
    for participant in participants:
        check_identifier(participant, "participant_id")


def write_outputs(outputs: Outputs) -> dict[str, Any]:
    """What a stage left, as JSON has it."""
    return OUTPUTS[_STAGES[type(outputs)]].write(outputs)
