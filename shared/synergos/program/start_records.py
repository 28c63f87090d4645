"""What every program writes of itself when it starts: what it was told, where its log goes, and what it runs on."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Mapping
from importlib.metadata import version

import psutil
import structlog

from synergos.program.resources import Resources

log = structlog.get_logger(__name__)

_USER_INFO = re.compile(r"(://).*@|\?.*", re.DOTALL)
"""Of a URL: who it is, and its options; a password may stand in either."""


def log_start(told: Mapping[str, object], resources: Resources) -> None:
    """Write the records of a program's start.

    Args:
        told: all flags and their values.
    """
    flags = {name: _shown(value) for name, value in told.items() if value is not None}
    of_logging = {
        **{name: value for name, value in flags.items() if name.startswith("logging_")},
        **_parts(
            told.get("logging_variant"), "logging_variant", "logging_host", "logging_port", "logging_metrics_port"
        ),
    }
    of_queue = {
        **{name: value for name, value in flags.items() if name.startswith("queue")},
        **_parts(told.get("queue"), "queue", "queue_host", "queue_port"),
    }
    log.info("input parameters", **_without(flags, "logging_", "queue"))
    log.info("logging parameters", **of_logging, censored=flags.get("censored"), debug=flags.get("debug"))
    if told.get("queue"):
        log.info("queue parameters", **of_queue)
    log.info(
        "system parameters",
        cores=os.cpu_count(),
        cores_used=resources.cpus,
        gpu_count=resources.gpus,
        use_gpu=resources.gpus > 0,
        device=resources.device,
        memory_total=psutil.virtual_memory().total,
        python=platform.python_version(),
        **_of_torch(),
        version=version("synergos"),
    )


def _of_torch() -> dict[str, str]:
    """Its version; nothing of a program that computes nothing."""
    torch = sys.modules.get("torch")
    return {} if torch is None else {"torch": str(torch.__version__)}


def _parts(value: object, *names: str) -> dict[str, object]:
    """The words of a flag that takes several, by their names; ports are numbers wherever they stand."""
    words = zip(names, value, strict=False) if isinstance(value, list | tuple) else ()
    return {name: int(word) if name.endswith("_port") and str(word).isdecimal() else word for name, word in words}


def _without(flags: Mapping[str, object], *prefixes: str) -> dict[str, object]:
    return {name: value for name, value in flags.items() if not name.startswith(prefixes)}


def _shown(value: object) -> object:
    """A flag's value as a record has it; of a URL not whose it is, as that often has a password."""
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, list | tuple | frozenset | set):
        return [_shown(each) for each in value]
    text = str(value)
    return _USER_INFO.sub(r"\1", text) if "://" in text else text
