"""Words that several of these pages have."""

from __future__ import annotations

from synergos_portal.web.words import lazy

STAGES = {
    "check": lazy("trial alignment"),
    "preprocess": lazy("alignment"),
    "train": lazy("training"),
    "validate": lazy("validation"),
    "predict": lazy("prediction"),
}
"""What each stage is called."""
