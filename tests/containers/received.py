"""What another project's inputs in Graylog's place have taken of a grid: see servers/gelf_listener.py."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PREFIXES = {9100: "SYS_", 9200: "DIR_", 9300: "TTP_", 9400: "WKR_"}
"""What the loggers that log to a port are called by."""
STAGES = {"preprocess", "train", "validate", "predict"}


@dataclass(frozen=True)
class Received:
    """One record, and how it came."""

    port: int
    transport: str
    fields: dict[str, Any]

    @property
    def logger(self) -> str:
        """Who says it."""
        return str(self.fields["_logger"])


def received(folder: Path) -> list[Received]:
    """All records, each of which has to be one JSON object; those of an input in the order in which they came."""
    records = []
    for path in sorted(folder.glob("*-*")):
        transport, _, port = path.name.partition("-")
        # The last line may not be whole yet.
        *lines, _ = path.read_bytes().split(b"\n")
        records += [Received(int(port), transport, json.loads(line)) for line in lines]
    return records


def refuse_malformed(records: Iterable[Received]) -> None:
    """Fail when one is not as GELF 1.1 has it, or came where others than its program's are taken."""
    for record in records:
        fields = record.fields
        assert fields["version"] == "1.1", fields
        assert all(isinstance(fields[name], str) and fields[name] for name in ("host", "short_message")), fields
        assert isinstance(fields["timestamp"], int | float), fields
        assert fields["level"] in range(8), fields
        own = {name: value for name, value in fields.items() if name.startswith("_")}
        assert set(fields) - set(own) <= {"version", "host", "short_message", "full_message", "timestamp", "level"}, (
            fields
        )
        assert all(re.fullmatch(r"_[\w.-]+", name) and name != "_id" for name in own), fields
        assert all(isinstance(value, str | int | float) for value in own.values()), fields
        assert record.logger.startswith(PREFIXES[record.port]), fields


def stages_of(records: Sequence[Received], project_id: str) -> set[str]:
    """The stages that somebody said to have begun, of a project."""
    begun = [one.fields for one in records if one.fields.get("_event") == "job started"]
    return {fields["_stage"] for fields in begun if fields.get("_project_id") == project_id}
