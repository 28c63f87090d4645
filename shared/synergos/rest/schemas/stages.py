"""What may be said when a stage is asked for; what is left out is true."""

from __future__ import annotations

from synergos.rest.validation import Schema

_SWITCH = {"type": "boolean", "default": True}
_SWITCHES = dict.fromkeys(("auto_align", "dockerised", "log_msgs", "verbose"), _SWITCH)
_PRIORITY = {
    "type": "integer",
    "minimum": -100,
    "maximum": 100,
    "default": 0,
    "description": "in a cluster, jobs of a higher priority start first",
}
_OPTIONS = {**_SWITCHES, "priority": _PRIORITY}

ALIGNMENTS = Schema(
    "Alignments",
    {"type": "object", "properties": {"auto_align": _SWITCH, "auto_fix": _SWITCH, "priority": _PRIORITY}},
)

MODELS = Schema("Models", {"type": "object", "properties": _OPTIONS})

VALIDATIONS = Schema("Validations", {"type": "object", "properties": _OPTIONS})

PREDICTIONS = Schema(
    "Predictions",
    {
        "type": "object",
        "properties": {
            **_OPTIONS,
            "tags": {
                "type": "object",
                "description": "by project: the participant's datasets to predict",
                "additionalProperties": {
                    "type": "array",
                    "items": {"type": "array", "items": {"type": "string"}},
                },
            },
        },
        "required": ["tags"],
    },
)
