"""torch's optimizers as we use them: nothing is compiled, so torch's compiler is not loaded.

torch has its optimizers load the compiler when the first one is made, only to tell it to leave them alone; that takes as long
as importing torch does, and some 60 MiB.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import unwrap
from typing import Any

import torch
from torch.optim import Optimizer

_UNCOMPILED: dict[type[Optimizer], type[Optimizer]] = {}


def uncompiled(kind: type[Optimizer]) -> type[Optimizer]:
    """The same optimizer, to the last bit, without the wrappers that speak to the compiler."""
    if kind not in _UNCOMPILED:
        methods = {name: unwrap(getattr(kind, name)) for name in ("add_param_group", "zero_grad")}
        methods["step"] = _step(unwrap(kind.step))
        _UNCOMPILED[kind] = type(kind.__name__, (kind,), methods)
    return _UNCOMPILED[kind]


def _step(step: Callable[..., Any]) -> Callable[..., Any]:
    def without_compiler(self: Optimizer, *arguments: Any, **options: Any) -> Any:
        # What else torch's wrapper does.
        with torch.set_grad_enabled(bool(self.defaults.get("differentiable"))):
            return step(self, *arguments, **options)

    return without_compiler
