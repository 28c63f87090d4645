"""What a model family is: everything that is particular to one kind of model, behind one protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NotRequired, Protocol, TypedDict

from numpy.typing import NDArray
from torch import Tensor, nn

from synergos.domain.feature_space import Action, FeatureSpace
from synergos.domain.trained_model import DEFAULT_FAMILY
from synergos.errors import InvalidRequest
from synergos.learning.algorithms import Local, Model, Step, Weights
from synergos.learning.families.needs import Needs
from synergos.learning.hyperparameters import Hyperparameters
from synergos.learning.vocabulary import FamilyVocabulary

Architecture = Sequence[Mapping[str, object]]
"""What an experiment says of its model: a list with at least one object in it; what it means is its family's to say."""

Array = NDArray[Any]

DEFAULT = DEFAULT_FAMILY
"""The family of an experiment that names none."""


class WrittenRecipe(TypedDict):
    """A recipe as model records and messages hold it.

    Attributes:
        family: absent where it is the default.
    """

    family: NotRequired[str]
    architecture: list[Mapping[str, object]]
    feature_space: Mapping[str, object]
    hyperparameters: Mapping[str, object]


@dataclass(frozen=True)
class Recipe:
    """All it takes to make a model, and to train it.

    Attributes:
        architecture: as it is trained: fitted to the feature space.
    """

    family: ModelFamily
    architecture: Architecture
    hyperparameters: Hyperparameters
    space: FeatureSpace

    def to_dict(self) -> WrittenRecipe:
        """As JSON-able values, as model records and messages hold them; the family is not named where it is the default."""
        written = WrittenRecipe(
            architecture=list(self.architecture),
            feature_space=self.space.to_dict(),
            hyperparameters=self.hyperparameters.to_dict(),
        )
        return written if self.family.name == DEFAULT else {"family": self.family.name, **written}


@dataclass(frozen=True)
class LocalResult:
    """What local training came to; the weights are in the trainer.

    Attributes:
        loss: mean over the rows of the criterion alone, in the last epoch; not a number when training diverged.
        epochs: how many were run.
        steps: how many the optimizer made.
        rates: the sum of their learning rates.
        reach: how far steps along gradients of length 1 can have moved the weights: the sum of the learning rates without their signs, and what decay makes of it.
        first_loss: the same as ``loss`` in the first epoch, or before it where that has strayed; None where nobody can tell.
    """

    rows: int
    loss: float
    epochs: int
    seconds: float
    steps: int
    rates: float
    reach: float
    first_loss: float | None = None


@dataclass(frozen=True)
class Evaluation:
    """A model's loss on rows it does not learn from: the mean over them of the criterion alone."""

    rows: int
    loss: float


class LocalWork(Local, Protocol):
    """What an algorithm is handed at a participant for one exchange."""

    @property
    def done(self) -> Sequence[LocalResult]:
        """What each training came to."""


@dataclass(frozen=True)
class LocalPlan:
    """What a round of local training will come to at a participant, of the round where it is most.

    Attributes:
        batch_rows: that a step takes.
        smallest_batch: rows of the step that takes fewest, as the last one of an epoch may.
        statistics_rows: how many rows the running statistics of the model are means of, at least; all of them where it has none.
        steps: of the optimizer, unless training stops early.
        rates: the sum of their learning rates times ``gain``, as far ahead as the schedule is followed.
        gain: how many times larger a step can be than its rate says.
    """

    batch_rows: int
    smallest_batch: int
    statistics_rows: float
    steps: int
    rates: float = 0.0
    gain: float = 1.0


class Trainer(Protocol):
    """One session's model at one participant: trained in its own memory, used by one thread at a time.

    Rows are (N, *row shape) float32, targets as :class:`~synergos.learning.families.layers.objective.Objective` has them: float32
    (N, 1) where a model has one output, else int64 (N,) class ids; weights, rows and targets are on the session's device.
    """

    @property
    def model(self) -> Model:
        """The model as it was last trained, in the trainer's own memory."""

    def warm_up(
        self, inputs: Tensor, targets: Tensor | None, memory: Weights, should_stop: Callable[[], bool] | None = None
    ) -> None:
        """Pay what the first step costs, and find out whether model, run and rows go together.

        Args:
            memory: of the model's layout, which may be written to: a large model needs no third copy then. Empty without targets.
            should_stop: asked within it, where it takes long; it ends with :class:`JobCancelled`.

        Raises:
            InvalidRequest: they do not.
        """

    def local(
        self,
        inputs: Tensor,
        targets: Tensor,
        step: Step,
        on_epoch: Callable[[int, int], None],
        should_stop: Callable[[], bool],
    ) -> LocalWork:
        """What the algorithm is handed for one exchange.

        Args:
            on_epoch: told after each epoch how many are done, and of how many.
            should_stop: asked before each step; training ends with :class:`JobCancelled`.
        """

    def measure(
        self, weights: Weights, inputs: Tensor, targets: Tensor, should_stop: Callable[[], bool] | None = None
    ) -> Evaluation:
        """The loss of weights that stay where they are; what was last trained stays as well.

        Args:
            should_stop: asked before each batch; it ends with :class:`JobCancelled`.
        """

    def predict(
        self, weights: Weights, inputs: Tensor, should_stop: Callable[[], bool] | None = None
    ) -> tuple[Array, Array]:
        """What weights say of rows, as :meth:`Predictor.predict` does; they stay where they are.

        Args:
            should_stop: asked before each batch; it ends with :class:`JobCancelled`.
        """

    def release(self) -> None:
        """Let go of all memory on the device; nothing can be computed any more."""


class Predictor(Protocol):
    """A trained model, to be used."""

    def predict(self, inputs: Array) -> tuple[Array, Array]:
        """Scores and predictions of rows of the feature space the model was trained in.

        Args:
            inputs: (N, *row shape), float32.

        Returns:
            Regression: the values (N, 1), twice. Two classes: the probability of the second (N, 1), and whether it is the second
            as 0.0 or 1.0 (N, 1). More classes: probabilities (N, C) and the most probable class's id (N,). A row whose scores are
            no numbers has no class: not a number of two classes, -1 of more.
        """


class ModelFamily(Protocol):
    """One kind of model, from what a request says of it to its files. It keeps nothing between calls; threads share it."""

    @property
    def name(self) -> str:
        """As an experiment says it."""

    # What a request says

    def check(self, architecture: object, field: str = "model") -> Architecture:
        """Return what an experiment asks for.

        Raises:
            InvalidRequest: nobody can build it; names the part (``model[1].structure.out_features``) and what was expected.
        """

    def hyperparameters(self, run: Mapping[str, object], action: Action | None = None) -> Hyperparameters:
        """Read a run record or request, with defaults for what it does not say.

        Args:
            action: what the project does, when known.

        Raises:
            InvalidRequest: names the key and what was expected.
        """

    def check_run(self, run: Mapping[str, object], action: Action | None = None) -> None:
        """Refuse a run that could not train; more is tried out than :meth:`hyperparameters` does.

        Raises:
            InvalidRequest: names the key and what was expected.
        """

    def unused(self, run: Mapping[str, object], action: Action | None = None) -> Mapping[str, InvalidRequest]:
        """Those of a run's keys that would be without effect, and for each why a request is refused that has it.

        Args:
            run: one that :meth:`check_run` has found nothing wrong with.
        """

    def run_fields(self, choices: Mapping[str, Iterable[object]]) -> frozenset[str]:
        """The keys that mean something in a run; which they are can depend on what others say.

        Args:
            choices: the values that each key can have, of those that are known.
        """

    def vocabulary(self) -> FamilyVocabulary:
        """What can be said, for whoever makes forms of it."""

    def changes(self, names: Iterable[str]) -> list[str]:
        """Those of a run's keys that change the model itself."""

    # From a request to a model

    def changed(self, architecture: Architecture, run: Mapping[str, object]) -> Architecture:
        """A new architecture, changed as a run says.

        Raises:
            InvalidRequest: names the key.
        """

    def fit(self, architecture: Architecture, space: FeatureSpace, *, auto_fix: bool = True) -> Architecture:
        """A new architecture that takes rows of the feature space, and predicts what its projects predict.

        Args:
            auto_fix: change what does not fit; without it, everything has to fit as it is.

        Raises:
            InvalidRequest: it cannot be fitted, or does not fit; names the part.
        """

    def initial(self, recipe: Recipe) -> Model:
        """The model before its first round: named tensors, as messages carry them. They depend on the run's seed alone."""

    def outline(self, recipe: Recipe) -> Model:
        """The tensors of :meth:`initial` by name, type and shape: they need have no memory."""

    # At a participant

    def plan(self, recipe: Recipe, rows: int) -> LocalPlan:
        """What a round will come to on so many rows, 1 at least; nothing is computed on any."""

    def needs(self, recipe: Recipe, rows: int, measured: int) -> Needs:
        """What a trainer takes, judged before there is one.

        Args:
            rows: to train on; 0 where it does not train.
            measured: the most rows that are measured or predicted at once, of one purpose.

        Raises:
            InvalidRequest: the model does not take such rows, or one of them takes longer than anything may that cannot be stopped.
        """

    def trainer(self, recipe: Recipe, participant_id: str, device: str) -> Trainer:
        """What trains, measures and predicts in one session.

        Args:
            device: of torch, that computes.
        """

    # Elsewhere

    def scoring(self, recipe: Recipe, weights: Weights) -> nn.Module:
        """A torch module that makes of rows what :meth:`Trainer.predict` says are their scores; for export to other programs.

        Raises:
            NotSupported: models of this kind are no torch modules.
        """

    # Files

    def write(self, path: Path, weights: Weights) -> Path:
        """Write a model, in as many formats as the family has.

        Args:
            path: of its files, without a suffix.

        Returns:
            The file that records name.

        Raises:
            OSError: the disk takes no more, or fails.
        """

    def read(self, path: Path) -> Weights:
        """Read a file that :meth:`write` wrote; nothing in it is ever executed.

        Raises:
            RecordNotFound: there is no such file.
            WireFormatError: the file does not hold a model.
        """

    def load(self, folder: Path, model: str = "global_model") -> Predictor:
        """A model of an exported run, ready to predict on this machine's processor.

        Args:
            folder: of the run; its ``manifest.json`` names the family.
            model: the name of its files, without a suffix.

        Raises:
            RecordNotFound: it is not there.
            WireFormatError: the files do not hold a model.
        """
