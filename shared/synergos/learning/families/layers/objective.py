"""What a network is trained for: any of torch's losses, given what it expects, and what the outputs mean."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from synergos.domain.feature_space import Action
from synergos.errors import InvalidRequest
from synergos.learning.families.layers.hyperparameters import LayersHyperparameters
from synergos.learning.families.layers.network import Network

Scores = NDArray[np.float32]
Predicted = NDArray[np.float32] | NDArray[np.int64]

# These turn a network's logits into probabilities; anything else a model ends with is taken as logits.
_PROBABILITIES = frozenset({"sigmoid", "hardsigmoid", "logsigmoid", "softmax", "log_softmax", "gumbel_softmax"})
_ON_CLASS_IDS = frozenset({"NLLLoss", "CrossEntropyLoss", "MultiMarginLoss", "MultiLabelMarginLoss", "KLDivLoss"})


class Objective:
    """A run's loss for one kind of project.

    The loss is computed from logits wherever that is safer than from probabilities; penalties are not part of it.

    Targets are float (N, 1) for a regression and for two classes (0 or 1), int64 (N,) class ids for more.
    """

    def __init__(self, hyperparameters: LayersHyperparameters, action: Action) -> None:
        self.action = action
        self.seed = hyperparameters.seed
        self._name = hyperparameters.criterion_for(action)
        # KLDivLoss warns about its own mean, so its mean is taken here.
        mean = "none" if self._name == "KLDivLoss" else "mean"
        self._mean = self._make(hyperparameters, mean)
        self._sum = self._make(hyperparameters, "sum") if hyperparameters.reduction == "sum" else None
        # torch's default: what the network says is the logarithm of the rate, which is what is predicted.
        self._learns_logarithms = isinstance(self._mean, nn.PoissonNLLLoss) and bool(self._mean.log_input)

    def loss(self, network: Network, inputs: Tensor, targets: Tensor) -> Tensor:
        """Mean over the rows, a scalar, whatever reduction the run asked for."""
        return self._apply(self._mean, *self._arguments(network, inputs, targets)).mean()

    def training_loss(self, network: Network, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """What the gradient is taken of, by the run's own reduction, and the mean over the rows."""
        arguments = self._arguments(network, inputs, targets)
        mean = self._apply(self._mean, *arguments).mean()
        return (mean if self._sum is None else self._apply(self._sum, *arguments)), mean.detach()

    def predict(self, network: Network, inputs: Tensor) -> tuple[Scores, Predicted]:
        """Scores and predictions of rows.

        Returns:
            Regression: the values (N, 1), twice. Two classes: the probability of the second (N, 1), and whether it exceeds
            one half as 0.0 or 1.0 (N, 1). More classes: probabilities (N, C) and the most probable class's id (N,). A row whose
            scores are no numbers has no class: not a number of two classes, -1 of more.
        """
        with torch.no_grad():
            scores = _as_array(self.scores(network, inputs))
        if self.action is Action.REGRESS:
            return scores, scores
        unknown = np.isnan(scores)
        if scores.shape[1] == 1:
            return scores, np.where(unknown, np.float32(np.nan), (scores > 0.5).astype(np.float32))
        return scores, np.where(unknown.any(axis=1), -1, scores.argmax(axis=1))

    def scores(self, network: Network, inputs: Tensor) -> Tensor:
        """The scores that :meth:`predict` tells, as a tensor: values, or probabilities."""
        if self.action is Action.REGRESS:
            values = _outputs(network, inputs)
            return torch.exp(values) if self._learns_logarithms else values
        logits = _logits(network, inputs)
        return torch.sigmoid(logits) if logits.shape[1] == 1 else functional.softmax(logits, dim=1)

    def _make(self, hyperparameters: LayersHyperparameters, reduction: str) -> nn.Module:
        criterion = hyperparameters.make_criterion(reduction, self.action)
        if isinstance(criterion, nn.KLDivLoss):
            criterion.log_target = False  # one-hot targets have no logarithm
        if isinstance(criterion, nn.SoftMarginLoss):
            return nn.BCEWithLogitsLoss(reduction=reduction)  # the same for labels -1 and 1, without the overflow
        return criterion

    def _check_weights(self, outputs: int) -> None:
        """Refuse weights that torch would stretch over outputs that are not there."""
        for name in ("weight", "pos_weight"):
            given = getattr(self._mean, name, None)
            if given is not None and given.numel() not in {1, outputs}:
                raise InvalidRequest(
                    f"expected a number for each output of the network, of which there {'is' if outputs == 1 else 'are'} "
                    f"{outputs}, got {given.numel()}; NLLLoss and CrossEntropyLoss take one for each class",
                    name,
                )

    def _apply(self, criterion: nn.Module, outputs: Tensor, targets: Tensor) -> Tensor:
        # A GPU does not refuse what is no probability, it is lost to the whole process; a processor does, after the fact.
        if outputs.is_cuda and isinstance(criterion, nn.BCELoss) and _has_nan(outputs):
            return outputs.sum()
        try:
            result: Tensor = criterion.to(outputs.device)(outputs, targets)
        except (RuntimeError, ValueError, IndexError, TypeError) as error:
            if _has_nan(outputs):
                return outputs.sum()
            # torch's messages hold shapes here, never values of a row.
            raise InvalidRequest(f"{self._name} cannot be used: {error}", "criterion") from error
        return result

    def _arguments(self, network: Network, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """What this loss expects as input and target."""
        if self.action is Action.REGRESS:
            return _like(_outputs(network, inputs), targets), targets
        logits = _logits(network, inputs)
        if logits.shape[1] > 1:
            return self._several_classes(logits, targets.reshape(-1).long())
        if self._name in _ON_CLASS_IDS:
            both = functional.logsigmoid(torch.cat([-logits, logits], dim=1))
            return self._several_classes(both, targets.reshape(-1).long())
        return self._on_indicators(logits, _like(targets, logits), functional.logsigmoid(logits), torch.sigmoid(logits))

    def _several_classes(self, logits: Tensor, ids: Tensor) -> tuple[Tensor, Tensor]:
        if self._name in {"CrossEntropyLoss", "MultiMarginLoss"}:
            return logits, ids
        log_probabilities = functional.log_softmax(logits, dim=1)
        if self._name == "NLLLoss":
            return log_probabilities, ids
        if self._name == "MultiLabelMarginLoss":
            # A row's list of classes ends with -1.
            padding = torch.full_like(logits, -1, dtype=torch.long)[:, 1:]
            return logits, torch.cat([ids.unsqueeze(1), padding], dim=1)
        indicators = functional.one_hot(ids, logits.shape[1]).to(logits.dtype)
        if self._name == "KLDivLoss":
            return log_probabilities, indicators
        return self._on_indicators(logits, indicators, log_probabilities, log_probabilities.exp().clamp(max=1.0))

    def _on_indicators(
        self, logits: Tensor, indicators: Tensor, log_probabilities: Tensor, probabilities: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Losses over a 0 or 1 per class."""
        self._check_weights(logits.shape[1])
        if self._name in {"BCEWithLogitsLoss", "MultiLabelSoftMarginLoss", "SoftMarginLoss"}:
            return logits, indicators
        if self._name == "HingeEmbeddingLoss":
            return 1 - probabilities, 2 * indicators - 1  # its input is a distance: small where the label is 1
        if self._learns_logarithms:
            return log_probabilities, indicators
        return probabilities, indicators


def _logits(network: Network, inputs: Tensor) -> Tensor:
    apply = network.logits if network.final_activation in _PROBABILITIES else network
    logits = _outputs(apply, inputs)
    if logits.ndim != 2:
        raise InvalidRequest(f"expected an output of shape (rows, classes), got {tuple(logits.shape)}", "model")
    return logits


def _outputs(apply: Callable[[Tensor], Tensor], inputs: Tensor) -> Tensor:
    try:
        return apply(inputs)
    except (RuntimeError, ValueError, IndexError) as error:
        if "more than 1 value per channel" in str(error):
            reason, field = "batch normalisation needs two rows or more in every batch", "batch_size"
        else:
            reason, field = f"the model cannot take rows of shape {tuple(inputs.shape[1:])}: {error}", "model"
        raise InvalidRequest(reason, field) from error


def _like(values: Tensor, other: Tensor) -> Tensor:
    """``values`` in the shape and type of ``other``: torch would broadcast (N,) against (N, 1) to (N, N)."""
    if values.numel() != other.numel():
        raise InvalidRequest(f"expected an output of shape (rows, 1), got {tuple(values.shape)}", "model")
    return values.reshape(other.shape).to(other.dtype)


def _has_nan(values: Tensor) -> bool:
    return bool(values.isnan().any())


def _as_array(values: Tensor) -> Scores:
    array: Scores = values.detach().cpu().float().numpy()
    return array
