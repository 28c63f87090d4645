"""What may be said when a stage is asked for; what is left out is true."""

from __future__ import annotations

from synergos.orchestration.validation import Schema

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

_NAME = {"type": ["string", "null"]}
_COUNT = {"type": ["integer", "null"], "minimum": 1, "maximum": 10_000}

OPTIMIZATIONS = Schema(
    "Optimizations",
    {
        "type": "object",
        "properties": {
            **_OPTIONS,
            "search_space": {
                "type": "object",
                "description": 'by hyperparameter: {"_type": "loguniform", "_value": [0.0001, 0.1]}',
                "maxProperties": 100,
            },
            "metric": {"type": "string", "description": "the statistic that is the objective"},
            "optimize_mode": {"type": "string", "description": "max or min"},
            "max_trial_num": {**_COUNT, "type": "integer", "default": 10},
            "max_concurrent": {**_COUNT, "description": "trials at once; left out: as many as the grid can run"},
            "trial_concurrency": {**_COUNT, "description": "as max_concurrent; 1 means nothing"},
            "max_exec_duration": {
                "type": ["string", "number", "null"],
                "default": "1h",
                "description": "for how long trials are started: 2h 30m, or seconds",
            },
            "base_run": {**_NAME, "description": "the run whose hyperparameters hold where none are searched"},
            "seed": {"type": ["integer", "null"], "minimum": 0, "maximum": 2**31 - 1},
            "searcher": {**_NAME, "description": "what draws combinations: TPE, GP, random, grid"},
            "tuner": {**_NAME, "description": "as searcher"},
            "scheduler": {**_NAME, "description": "what prunes trials: median, successive halving, hyperband, none"},
            "backend": {"enum": ["tune", "nni"], "description": "whose words the request uses; it makes no difference"},
        },
        "required": ["search_space", "metric", "optimize_mode"],
    },
)

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
