"""A model family that only tests know: Gaussian naive Bayes by sums, in numpy; its messages are no network's weights.

What a participant sends are means over its rows of an indicator of each class, and of the inputs and their squares where the
row is of that class. Their mean over participants, weighted by rows, is that over all rows: one round of FedAvg gives the model
that all rows together would have given.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from synergos.domain.feature_space import Action, FeatureSpace
from synergos.errors import InvalidRequest, NotSupported, RecordNotFound, UnknownName, WireFormatError
from synergos.learning.algorithms import Adjust, Model, Step, Trained, Weights
from synergos.learning.families import FAMILIES, Architecture, Array, Evaluation, LocalPlan, LocalResult, Needs, Recipe
from synergos.learning.families.manifest import GLOBAL_MODEL, recipe_in
from synergos.learning.hyperparameters import Hyperparameters, general_fields, left_over, unknown_key
from synergos.learning.run_fields import GENERAL, Check, number
from synergos.learning.vocabulary import Argument, FamilyVocabulary

L_TYPE = "GaussianNaiveBayes"
Sums = Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True)
class BayesHyperparameters(Hyperparameters):
    """``smoothing`` is added to every variance."""

    checks: ClassVar[Mapping[str, Check]] = {**GENERAL, "smoothing": number(above=True)}

    smoothing: float = 1e-3

    @property
    def loss(self) -> str:
        return "negative log-likelihood"


@dataclass(frozen=True)
class BayesModel:
    """What the sums say.

    Attributes:
        shares: of the rows, by class (C,).
        means: of each input, by class (C, inputs); ``variances`` alike.
    """

    shares: NDArray[np.float64]
    means: NDArray[np.float64]
    variances: NDArray[np.float64]

    @classmethod
    def of(cls, sums: Sums, smoothing: float) -> BayesModel:
        """The model that mean indicators, inputs and squares make."""
        shares = np.maximum(sums["classes"], 1e-9)
        means = sums["inputs"] / shares[:, np.newaxis]
        squares = sums["squares"] / shares[:, np.newaxis]
        return cls(shares / shares.sum(), means, np.maximum(squares - means**2, 0.0) + smoothing)

    def probabilities(self, inputs: Array) -> NDArray[np.float64]:
        """(N, C), of rows (N, inputs)."""
        rows = inputs.astype(np.float64)[:, np.newaxis]
        spread = np.log(2 * np.pi * self.variances) + (rows - self.means) ** 2 / self.variances
        joint = np.log(self.shares) - 0.5 * spread.sum(axis=2)
        likely = np.exp(joint - joint.max(axis=1, keepdims=True))
        probabilities: NDArray[np.float64] = likely / likely.sum(axis=1, keepdims=True)
        return probabilities

    def predict(self, inputs: Array) -> tuple[Array, Array]:
        """Scores and predictions, as every family gives them."""
        probabilities = self.probabilities(inputs).astype(np.float32)
        if probabilities.shape[1] > 2:
            return probabilities, probabilities.argmax(axis=1)
        return probabilities[:, 1:], (probabilities[:, 1:] > 0.5).astype(np.float32)

    def loss(self, inputs: Array, classes: Array) -> float:
        """The mean negative log-likelihood of the classes (N,)."""
        found = self.probabilities(inputs)[np.arange(len(classes)), classes]
        return float(-np.log(np.maximum(found, 1e-12)).mean())


def sums_of(inputs: Array, classes: Array, count: int) -> dict[str, NDArray[np.float64]]:
    """What a participant sends: means over its rows."""
    indicators = np.eye(count)[classes]
    rows = inputs.astype(np.float64)
    return {
        "classes": indicators.mean(axis=0),
        "inputs": indicators.T @ rows / len(rows),
        "squares": indicators.T @ rows**2 / len(rows),
    }


def _arrays(weights: Weights) -> dict[str, NDArray[np.float64]]:
    return {name: tensor.detach().numpy() for name, tensor in weights.items()}


def _tensors(sums: Sums) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(np.ascontiguousarray(values)) for name, values in sums.items()}


class NaiveBayes:
    """See :class:`synergos.learning.families.family.ModelFamily`."""

    name = "naive_bayes"

    def check(self, architecture: object, field: str = "model") -> Architecture:
        if not isinstance(architecture, list) or len(architecture) != 1:
            raise InvalidRequest("expected one object", field)
        [part] = architecture
        if part.get("l_type") != L_TYPE:
            raise UnknownName(part.get("l_type"), [L_TYPE], f"{field}[0].l_type", "a model of this family")
        return architecture

    def hyperparameters(self, run: Mapping[str, Any], action: Action | None = None) -> BayesHyperparameters:
        return BayesHyperparameters.from_run(run, action)

    def check_run(self, run: Mapping[str, Any], action: Action | None = None) -> None:
        if self.hyperparameters(run, action).algorithm != "FedAvg":
            raise InvalidRequest("expected FedAvg; there is no gradient that others could change", "algorithm")

    def unused(self, run: Mapping[str, Any], action: Action | None = None) -> Mapping[str, InvalidRequest]:
        known = self.run_fields({name: [value] for name, value in run.items()})
        return {name: unknown_key(name, known) for name in left_over(run, known)}

    def run_fields(self, choices: Mapping[str, Iterable[object]]) -> frozenset[str]:
        return general_fields(choices) | {"smoothing"}

    def vocabulary(self) -> FamilyVocabulary:
        smoothing = Argument(
            name="smoothing",
            description="What is added to every variance.",
            schema=BayesHyperparameters.checks["smoothing"].json_schema,
            default=BayesHyperparameters.smoothing,
        )
        return FamilyVocabulary(hyperparameters=[smoothing])

    def changes(self, names: Iterable[str]) -> list[str]:
        return []

    def changed(self, architecture: Architecture, run: Mapping[str, Any]) -> Architecture:
        return architecture

    def fit(self, architecture: Architecture, space: FeatureSpace, *, auto_fix: bool = True) -> Architecture:
        if space.action is not Action.CLASSIFY:
            raise InvalidRequest("naive Bayes classifies", "model[0].l_type")
        return [{"l_type": L_TYPE, "structure": {"classes": max(2, len(space.y)), "inputs": len(space.X)}}]

    def initial(self, recipe: Recipe) -> Model:
        classes, inputs = _sizes(recipe)
        zeros = {
            "classes": np.zeros(classes),
            "inputs": np.zeros((classes, inputs)),
            "squares": np.zeros((classes, inputs)),
        }
        return Model(_tensors(zeros), ())

    def outline(self, recipe: Recipe) -> Model:
        return self.initial(recipe)

    def plan(self, recipe: Recipe, rows: int) -> LocalPlan:
        return LocalPlan(batch_rows=rows, smallest_batch=rows, statistics_rows=rows, steps=1)

    def needs(self, recipe: Recipe, rows: int, measured: int) -> Needs:
        return Needs(sum(tensor.nbytes for tensor in self.initial(recipe).weights.values()))

    def trainer(self, recipe: Recipe, participant_id: str, device: str) -> BayesTrainer:
        return BayesTrainer(recipe, self.initial(recipe))

    def write(self, path: Path, weights: Weights) -> Path:
        main = path.with_name(f"{path.name}.json")
        main.write_text(json.dumps({name: values.tolist() for name, values in _arrays(weights).items()}))
        return main

    def read(self, path: Path) -> Weights:
        try:
            content = json.loads(path.read_text())
        except FileNotFoundError as error:
            raise RecordNotFound(f"{path.name} is not there") from error
        except ValueError as error:
            raise WireFormatError(f"{path.name} does not hold a model") from error
        return _tensors({name: np.array(values) for name, values in content.items()})

    def scoring(self, recipe: Recipe, weights: Weights) -> torch.nn.Module:
        raise NotSupported("models of naive Bayes are no torch modules")

    def load(self, folder: Path, model: str = GLOBAL_MODEL) -> BayesModel:
        return _model(recipe_in(folder, self), self.read(folder / f"{model}.json"))


class BayesTrainer:
    """See :class:`synergos.learning.families.family.Trainer`."""

    def __init__(self, recipe: Recipe, model: Model) -> None:
        self.model = model
        self._recipe = recipe

    def warm_up(
        self,
        inputs: torch.Tensor,
        targets: torch.Tensor | None,
        memory: Weights,
        should_stop: Callable[[], bool] | None = None,
    ) -> None:
        """There is nothing to find out."""

    def local(
        self,
        inputs: torch.Tensor,
        targets: torch.Tensor,
        step: Step,
        on_epoch: Callable[[int, int], None],
        should_stop: Callable[[], bool],
    ) -> BayesWork:
        return BayesWork(self._recipe, inputs.numpy(), _classes(targets))

    def measure(
        self,
        weights: Weights,
        inputs: torch.Tensor,
        targets: torch.Tensor,
        should_stop: Callable[[], bool] | None = None,
    ) -> Evaluation:
        return Evaluation(len(inputs), _model(self._recipe, weights).loss(inputs.numpy(), _classes(targets)))

    def predict(
        self, weights: Weights, inputs: torch.Tensor, should_stop: Callable[[], bool] | None = None
    ) -> tuple[Array, Array]:
        return _model(self._recipe, weights).predict(inputs.numpy())

    def release(self) -> None:
        """There is nothing to let go of."""


@dataclass
class BayesWork:
    """See :class:`synergos.learning.algorithms.Local`."""

    recipe: Recipe
    inputs: Array
    classes: Array
    done: list[LocalResult] = field(default_factory=list)
    parameters: Collection[str] = ()

    @property
    def rows(self) -> int:
        return len(self.inputs)

    def train(self, weights: Weights, adjust: Adjust | None = None, epochs: int | None = None) -> Trained:
        """The sums of all rows; whatever the weights were."""
        begun = time.monotonic()
        trained = _tensors(sums_of(self.inputs, self.classes, _sizes(self.recipe)[0]))
        loss = self.loss(trained)
        self.done.append(
            LocalResult(len(self.inputs), loss, 1, time.monotonic() - begun, steps=1, rates=1.0, reach=1.0)
        )
        return Trained(trained, steps=1, rates=1.0)

    def loss(self, weights: Weights) -> float:
        return _model(self.recipe, weights).loss(self.inputs, self.classes)


def _sizes(recipe: Recipe) -> tuple[int, int]:
    structure = recipe.architecture[0]["structure"]
    assert isinstance(structure, Mapping)
    return structure["classes"], structure["inputs"]


def _model(recipe: Recipe, weights: Weights) -> BayesModel:
    hyperparameters = recipe.hyperparameters
    assert isinstance(hyperparameters, BayesHyperparameters)
    return BayesModel.of(_arrays(weights), hyperparameters.smoothing)


def _classes(targets: torch.Tensor) -> NDArray[np.int64]:
    return targets.numpy().reshape(-1).astype(np.int64)


@contextmanager
def known_naive_bayes() -> Iterator[None]:
    """Inside it, naive Bayes is a family of this process."""
    with FAMILIES.having(NaiveBayes()):
        yield
