"""Looking up the names of layers, activations, optimizers, losses and schedulers in torch; unknown ones are refused with near misses."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules import loss as losses
from torch.optim import Optimizer, lr_scheduler
from torch.optim.lr_scheduler import LRScheduler

from synergos.errors import InvalidRequest, UnknownName

T = TypeVar("T")

_NOT_SEQUENTIAL = "cannot stand in a sequence of layers: it takes several inputs or is made of other modules"
_CONTAINERS = frozenset({"Sequential", "TransformerEncoder", "TransformerEncoderLayer", "SyncBatchNorm"})
_OVER_CLASSES = frozenset({"softmax", "softmin", "log_softmax"})
_SEVERAL = (
    "needs more than an output and a target; BCELoss, BCEWithLogitsLoss, NLLLoss and CrossEntropyLoss fit classes, "
    "MSELoss, L1Loss, SmoothL1Loss and HuberLoss numbers"
)
_REFUSED: Mapping[str, Mapping[str, str]] = {
    "optimizer": {
        "LBFGS": "needs the loss several times per step, which local training does not offer",
        "SparseAdam": "works on sparse gradients only",
        "Muon": "works on matrices only; a network has biases too",
    },
    "criterion": dict.fromkeys(
        (
            "AdaptiveLogSoftmaxWithLoss",
            "CTCLoss",
            "CosineEmbeddingLoss",
            "GaussianNLLLoss",
            "LinearCrossEntropyLoss",
            "MarginRankingLoss",
            "TripletMarginLoss",
            "TripletMarginWithDistanceLoss",
        ),
        _SEVERAL,
    ),
    "lr_scheduler": {
        "ChainedScheduler": "is built from other schedulers",
        "SequentialLR": "is built from other schedulers",
        "MultiplicativeLR": "is built from a function; LambdaLR follows lr_decay",
    },
}
"""Classes that a run cannot name, and why."""
_MOST_LISTED = 24
"""So many names are said where none is a near miss: optimizers, losses and schedulers, not the layers."""


def layer_class(name: object, field: str) -> type[nn.Module]:
    """The ``torch.nn`` layer of that name.

    Raises:
        InvalidRequest: there is none (:class:`UnknownName`), or it cannot stand in a sequence.
    """
    return _look_up(name, *_layers(), field=field, what="a layer of torch.nn")


def optimizer_class(name: object, field: str = "optimizer") -> type[Optimizer]:
    """The ``torch.optim`` optimizer of that name.

    Raises:
        InvalidRequest: there is none (:class:`UnknownName`), or it cannot train an arbitrary network from batches.
    """
    return _look_up(name, _optimizers(), _REFUSED["optimizer"], field=field, what="an optimizer of torch.optim")


def criterion_class(name: object, field: str = "criterion") -> type[nn.Module]:
    """The ``torch.nn`` loss of that name.

    Raises:
        InvalidRequest: there is none (:class:`UnknownName`), or it needs more than an output and a target.
    """
    return _look_up(name, _losses(), _REFUSED["criterion"], field=field, what="a loss of torch.nn")


def scheduler_class(name: object, field: str = "lr_scheduler") -> type[LRScheduler]:
    """The ``torch.optim.lr_scheduler`` class of that name.

    Raises:
        InvalidRequest: there is none (:class:`UnknownName`), or it is built from functions or other schedulers.
    """
    refused, what = _REFUSED["lr_scheduler"], "a scheduler of torch.optim.lr_scheduler"
    return _look_up(name, _schedulers(), refused, field=field, what=what)


def usable(field: str) -> Mapping[str, type]:
    """What a run may name in one of ``optimizer``, ``criterion`` and ``lr_scheduler``."""
    finders: Mapping[str, Callable[[], Mapping[str, type]]] = {
        "optimizer": _optimizers,
        "criterion": _losses,
        "lr_scheduler": _schedulers,
    }
    known = finders[field]()
    return {name: kind for name, kind in sorted(known.items()) if name not in _REFUSED[field]}


def layers() -> Mapping[str, type[nn.Module]]:
    """What a layer can be, by name."""
    known, refused = _layers()
    return {name: kind for name, kind in sorted(known.items()) if name not in refused}


def activations() -> list[str]:
    """What can be applied to a layer's output, by name."""
    # What ends in an underscore means the one without.
    return sorted(name for name in _activations() if not name.endswith("_"))


@dataclass(frozen=True)
class Activation:
    """A function of ``torch.nn.functional`` that is applied to a layer's output."""

    name: str

    def __call__(self, values: Tensor, training: bool = False) -> Tensor:
        """Apply it; ``training`` matters to the ones that drop values at random."""
        result: Tensor = _function(self.name)(values, **({"training": training} if self._takes_training else {}))
        return result

    @property
    def _takes_training(self) -> bool:
        return "dropout" in self.name or self.name.startswith("rrelu")

    @property
    def draws(self) -> bool:
        """Whether it draws random numbers."""
        return self._takes_training or self.name == "gumbel_softmax"


def activation(name: object, field: str) -> Activation | None:
    """The activation of that name; ``None`` for an empty name, which means identity.

    Raises:
        UnknownName: it is not a function of ``torch.nn.functional`` that takes one tensor.
    """
    if name is None or name == "":
        return None
    if name not in _activations():
        raise UnknownName(name, _activations(), field, "a function of torch.nn.functional that takes one tensor")
    return Activation(str(name))


def _look_up(name: object, known: Mapping[str, T], refused: Mapping[str, str], *, field: str, what: str) -> T:
    if isinstance(name, str) and name in refused:
        raise InvalidRequest(f"{name} {refused[name]}", field)
    usable = known.keys() - refused.keys()
    if not isinstance(name, str) or name not in usable:
        listed = sorted(usable) if len(usable) <= _MOST_LISTED else ()
        raise UnknownName(name, sorted(usable), field, what, listed=listed)
    return known[name]


def _subclasses(namespace: Mapping[str, object], root: type[T]) -> dict[str, type[T]]:
    """The concrete public subclasses of ``root`` in a module."""
    return {
        name: value
        for name, value in namespace.items()
        if inspect.isclass(value) and issubclass(value, root) and value is not root and not name.startswith("_")
    }


@cache
def _optimizers() -> dict[str, type[Optimizer]]:
    return _subclasses(vars(torch.optim), Optimizer)


@cache
def _schedulers() -> dict[str, type[LRScheduler]]:
    return _subclasses(vars(lr_scheduler), LRScheduler)


@cache
def _losses() -> dict[str, type[nn.Module]]:
    public = _subclasses(vars(nn), nn.Module)
    deprecated = {"NLLLoss2d"}
    return {name: value for name, value in public.items() if name.endswith("Loss") and name not in deprecated}


@cache
def _layers() -> tuple[dict[str, type[nn.Module]], dict[str, str]]:
    """Layers that can stand in a sequence, and why each other module cannot."""
    known = _subclasses(vars(nn), nn.Module)
    refused: dict[str, str] = {}
    for name, layer in known.items():
        if name in _losses() or layer.__module__ == losses.__name__:
            refused[name] = "is a loss, not a layer; a run names it as its criterion"
        elif name.startswith("Lazy"):
            refused[name] = f"has no size yet; write {name.removeprefix('Lazy')}, auto_fix sets its input size"
        elif name in _CONTAINERS or not _takes_one_tensor(layer):
            refused[name] = _NOT_SEQUENTIAL
    return known, refused


def _takes_one_tensor(layer: type[nn.Module]) -> bool:
    parameters = list(inspect.signature(layer.forward).parameters.values())[1:]
    required = [parameter for parameter in parameters if parameter.default is inspect.Parameter.empty]
    return len(required) == 1 and required[0].kind is not inspect.Parameter.VAR_POSITIONAL


def _function(name: str) -> Any:
    # The in-place forms (relu_) would change the participant's own rows where they come first.
    found = getattr(functional, name.removesuffix("_"), None)
    # Without a dimension torch guesses one, and warns; dimension 1 holds the classes or channels.
    return partial(found, dim=1) if found is not None and name in _OVER_CLASSES else found


@cache
def _activations() -> frozenset[str]:
    # Some of the functions that are tried are deprecated, and some draw random numbers that are somebody else's.
    # Not on the meta device, whoever asks: dropout loads torch's compiler there, for a second, and 60 MiB.
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]), torch.device("cpu"):
        warnings.simplefilter("ignore")
        return frozenset(name for name in vars(functional) if not name.startswith("_") and _is_activation(name))


def _is_activation(name: str) -> bool:
    function = _function(name)
    if not callable(function) or inspect.isclass(function):
        return False
    return any(_keeps_rows(function, shape) for shape in ((2, 4), (2, 4, 4, 4), (2, 4, 4, 4, 4)))


def _keeps_rows(function: Any, shape: tuple[int, ...]) -> bool:
    try:
        result = function(torch.zeros(shape))
    except Exception:  # whatever a function of torch says to one tensor, it is not an activation
        return False
    return (
        isinstance(result, Tensor)
        and result.ndim == len(shape)
        and len(result) == shape[0]
        and result.is_floating_point()
    )
