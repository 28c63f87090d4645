"""Networks of torch layers, as a request lists them."""

from __future__ import annotations

from synergos.learning.families.layers.layers_family import LAYERS, LayersFamily

__all__ = ["LAYERS", "LayersFamily"]
