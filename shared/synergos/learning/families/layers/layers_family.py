"""The family ``layers``: networks of torch layers, see :class:`~synergos.learning.families.family.ModelFamily`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from synergos.domain.feature_space import Action, FeatureSpace
from synergos.errors import InvalidRequest
from synergos.learning.algorithms import Model, Weights
from synergos.learning.families.family import Architecture, Array, LocalPlan, Recipe
from synergos.learning.families.layers import files
from synergos.learning.families.layers.architecture_overrides import overrides, with_overrides
from synergos.learning.families.layers.fit_to_feature_space import check_fit, fit_layers
from synergos.learning.families.layers.hyperparameters import LayersHyperparameters, check_run, run_fields, unused
from synergos.learning.families.layers.layer_checks import Layer, check_layers
from synergos.learning.families.layers.local_trainer import parameter_names
from synergos.learning.families.layers.local_training import infer
from synergos.learning.families.layers.needs import layer_needs, needs_of, refuse_unusable
from synergos.learning.families.layers.network import Network, build_network
from synergos.learning.families.layers.objective import Objective, Predicted, Scores
from synergos.learning.families.layers.plan import local_plan
from synergos.learning.families.layers.trainer import LayersTrainer
from synergos.learning.families.layers.vocabulary import vocabulary
from synergos.learning.families.manifest import GLOBAL_MODEL, recipe_in
from synergos.learning.families.needs import Needs
from synergos.learning.vocabulary import FamilyVocabulary


class LayersFamily:
    """An architecture is a list of layers; a model is its network's state dict."""

    name = "layers"

    def check(self, architecture: object, field: str = "model") -> Architecture:
        """Layers that torch can build."""
        return check_layers(architecture, field)

    def hyperparameters(self, run: Mapping[str, object], action: Action | None = None) -> LayersHyperparameters:
        """With torch's optimizer, loss and scheduler."""
        return LayersHyperparameters.from_run(run, action)

    def check_run(self, run: Mapping[str, object], action: Action | None = None) -> None:
        """All that torch will build is built once."""
        check_run(run, action)

    def unused(self, run: Mapping[str, object], action: Action | None = None) -> Mapping[str, InvalidRequest]:
        """What neither the run itself nor optimizer, loss, scheduler and algorithm take."""
        return unused(run, action)

    def run_fields(self, choices: Mapping[str, Iterable[object]]) -> frozenset[str]:
        """The arguments of optimizers, losses and schedulers among them."""
        return run_fields(choices)

    def vocabulary(self) -> FamilyVocabulary:
        """With torch's optimizers, losses, schedulers, layers and activations."""
        return vocabulary()

    def changes(self, names: Iterable[str]) -> list[str]:
        """``model[0].structure.out_features`` and its like."""
        return overrides(names)

    def changed(self, architecture: Architecture, run: Mapping[str, object]) -> Architecture:
        """With the arguments and activations that the run says."""
        return with_overrides(_layers(architecture), run)

    def fit(self, architecture: Architecture, space: FeatureSpace, *, auto_fix: bool = True) -> Architecture:
        """Input sizes follow the data, the output follows the labels."""
        layers = _layers(architecture)
        if auto_fix:
            layers = fit_layers(layers, space)
        else:
            check_fit(layers, space)
        refuse_unusable(layers, space)
        return layers

    def initial(self, recipe: Recipe) -> Model:
        """As torch initialises each layer."""
        network = _network(recipe, recipe.hyperparameters.seed)
        return Model(network.state_dict(), parameter_names(network))

    def outline(self, recipe: Recipe) -> Model:
        """On torch's meta device."""
        with torch.device("meta"):
            network = _network(recipe)
        return Model(network.state_dict(), parameter_names(network))

    def plan(self, recipe: Recipe, rows: int) -> LocalPlan:
        """By what torch's schedule says of its rates, by what else makes a step larger, and by what its layers keep of rows."""
        with torch.device("meta"):
            network = _network(recipe)
        return local_plan(network, _hyperparameters(recipe), rows)

    def needs(self, recipe: Recipe, rows: int, measured: int) -> Needs:
        """Judged layer by layer."""
        return needs_of(_layers(recipe.architecture), _hyperparameters(recipe), recipe.space, rows, measured)

    def trainer(self, recipe: Recipe, participant_id: str, device: str) -> LayersTrainer:
        """Its network, trained with torch."""
        layers = _layers(recipe.architecture)
        needs = layer_needs(layers, recipe.space)
        return LayersTrainer(layers, _hyperparameters(recipe), recipe.space.action, participant_id, device, needs)

    def write(self, path: Path, weights: Weights) -> Path:
        """As ``.pt`` and ``.safetensors``."""
        return files.write(path, weights)

    def read(self, path: Path) -> Weights:
        """Either of them."""
        return files.read(path)

    def scoring(self, recipe: Recipe, weights: Weights) -> nn.Module:
        """The network, and what makes scores of its outputs."""
        with torch.device("meta"):
            network = _network(recipe)
        network.load_state_dict({name: tensor.detach().clone() for name, tensor in weights.items()}, assign=True)
        return _Scoring(network, Objective(_hyperparameters(recipe), recipe.space.action)).eval()

    def load(self, folder: Path, model: str = GLOBAL_MODEL) -> LayersPredictor:
        """The network with its weights."""
        recipe = recipe_in(folder, self)
        with torch.device("meta"):
            network = _network(recipe)
        network.load_state_dict(files.read(folder / f"{model}.safetensors"), assign=True)
        return LayersPredictor(network, Objective(_hyperparameters(recipe), recipe.space.action))


class _Scoring(nn.Module):
    """A network with its last activation, whatever the loss took."""

    def __init__(self, network: Network, objective: Objective) -> None:
        super().__init__()
        self.network = network
        self._objective = objective

    def forward(self, inputs: Tensor) -> Tensor:
        """Scores of rows."""
        return self._objective.scores(self.network, inputs)


class LayersPredictor:
    """A network that is used on this machine's processor."""

    def __init__(self, network: Network, objective: Objective) -> None:
        self._network = network
        self._objective = objective

    def predict(self, inputs: Array) -> tuple[Scores, Predicted]:
        """See :class:`~synergos.learning.families.family.Predictor`."""
        return infer(self._network, torch.from_numpy(inputs), self._objective)


def _network(recipe: Recipe, seed: int | None = None) -> Network:
    return build_network(_layers(recipe.architecture), seed)


def _layers(architecture: Architecture) -> Sequence[Layer]:
    # Whatever reaches the family has been checked by it, or was made by it.
    return cast(Sequence[Layer], architecture)


def _hyperparameters(recipe: Recipe) -> LayersHyperparameters:
    return cast(LayersHyperparameters, recipe.hyperparameters)


LAYERS = LayersFamily()
