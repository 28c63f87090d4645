"""What is declared before anything runs: collaborations, projects, experiments, runs, participants and their data."""

from __future__ import annotations

from synergos.orchestration.validation import Schema

_ID = {"type": "string", "minLength": 1, "maxLength": 128}
_PORT = {"type": "integer", "minimum": 1, "maximum": 65535}
# The driver writes port 0 for "there is none".
_OPTIONAL_PORT = {"type": ["integer", "null"], "minimum": 0, "maximum": 65535}


def _connection(*required: str) -> dict[str, object]:
    return {
        "type": ["object", "null"],
        "properties": {
            "host": {"type": ["string", "null"]},
            "ports": {
                "type": "object",
                "properties": dict.fromkeys((*required, "ui"), _OPTIONAL_PORT),
                "required": list(required),
            },
            "secure": {"type": ["boolean", "null"]},
        },
    }


COLLABORATION = Schema(
    "Collaboration",
    {
        "type": "object",
        "properties": {
            "collab_id": _ID,
            "catalogue": _connection("main"),
            "logs": _connection("main", "sysmetrics", "director", "ttp", "worker"),
            "meter": _connection("main"),
            "mlops": _connection("main"),
            "mq": _connection("main"),
        },
        "required": ["collab_id"],
    },
)

PROJECT = Schema(
    "Project",
    {
        "type": "object",
        "properties": {
            "project_id": _ID,
            "action": {"enum": ["regress", "classify"]},
            "incentives": {"type": "object"},
            "universe_alignment": {"type": "array", "items": {"type": "string"}},
            "start_at": {},
        },
        "required": ["project_id", "incentives"],
    },
)

EXPERIMENT = Schema(
    "Experiment",
    {
        "type": "object",
        "properties": {
            "expt_id": _ID,
            "family": {"type": ["string", "null"], "description": "of the model; layers when it is absent"},
            "model": {
                "description": "for the family layers: the network, layer by layer",
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "properties": {
                        "is_input": {"type": "boolean"},
                        "l_type": {"type": "string", "description": "name of a class in torch.nn"},
                        "structure": {"type": "object", "description": "its keyword arguments"},
                        "activation": {
                            "type": ["string", "null"],
                            "description": "name of a function in torch.nn.functional; empty or null for none",
                        },
                    },
                },
            },
        },
        "required": ["expt_id", "model"],
    },
)

_INTEGERS = (
    "input_size output_size rounds epochs seed precision_fractional step_size_up step_size_down last_epoch patience"
)
_NUMBERS = (
    "lr lr_decay weight_decay mu l1_lambda l2_lambda dampening base_lr max_lr gamma base_momentum max_momentum delta"
)
_BOOLEANS = "is_condensed is_snn use_CLR cycle_momentum cumulative_delta"
_NAMES = "algorithm optimizer criterion lr_scheduler"

RUN = Schema(
    "Run",
    {
        "type": "object",
        "description": "Any argument of the optimizer, the criterion and the scheduler may be given beside these.",
        "properties": {
            "run_id": _ID,
            **{name: {"type": "integer"} for name in _INTEGERS.split()},
            **{name: {"type": "number"} for name in _NUMBERS.split()},
            **{name: {"type": "boolean"} for name in _BOOLEANS.split()},
            **{name: {"type": "string"} for name in _NAMES.split()},
            "batch_size": {"type": ["integer", "null"], "description": "null: all rows at once"},
            "reduction": {"enum": ["none", "mean", "sum"]},
            "mode": {"enum": ["triangular", "triangular2", "exp_range", "min", "max"]},
            "scale_mode": {"enum": ["cycle", "iterations"]},
        },
        "required": ["run_id"],
    },
)

PARTICIPANT = Schema(
    "Participant",
    {
        "type": "object",
        "properties": {
            "id": _ID,
            "category": {"type": ["array", "null"], "items": {"type": "string"}},
            "summary": {"type": ["string", "null"]},
            "phone": {"type": ["string", "null"]},
            "email": {"type": ["string", "null"]},
            "socials": {"type": ["object", "null"]},
        },
        "required": ["id"],
    },
)

_NODE = {
    "type": "object",
    "properties": {
        # Letters, digits and what addresses are written with: a host becomes part of a URL.
        "host": {"type": "string", "pattern": r"^[A-Za-z0-9_.:%\[\]-]{1,255}$"},
        "port": {**_PORT, "description": "where model weights travel"},
        "f_port": {**_PORT, "description": "the worker's REST port"},
        "log_msgs": {"type": "boolean"},
        "verbose": {"type": "boolean"},
    },
    "required": ["host", "port", "f_port"],
}

REGISTRATION = Schema(
    "Registration",
    {
        "type": "object",
        "description": "node_0 to node_<n_count - 1> must be there.",
        "properties": {
            "role": {"enum": ["host", "guest", "arbiter"]},
            "n_count": {"type": "integer", "minimum": 1},
            "node_0": _NODE,
        },
        "patternProperties": {r"^node_(0|[1-9]\d{0,5})$": _NODE},
        "additionalProperties": False,
        "required": ["role", "n_count", "node_0"],
    },
)

_TAGS = {"type": "array", "items": {"type": "array", "items": {"type": "string"}}}

TAG = Schema(
    "Tag",
    {
        "type": "object",
        "properties": {
            "train": {**_TAGS, "description": "folders below the data root, as path tokens"},
            "evaluate": _TAGS,
            "predict": _TAGS,
            "model": {"type": "array", "items": {"type": "string"}},
            "hyperparameters": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["train"],
    },
)
