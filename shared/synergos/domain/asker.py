"""Who asks a worker for something: what a TTP says of itself in the header of every command, and a worker writes into its log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self
from urllib.parse import quote, unquote

from synergos.domain.trace_context import TRACEPARENT, TraceContext

COMPONENT, JOB = "Synergos-Component", "Synergos-Job"
"""Names of header fields; their values are percent-encoded, as ids may be any text."""

_LONGEST = 200


@dataclass(frozen=True)
class Asker:
    """As it says itself, but for the address: nothing of this is proved.

    Attributes:
        component: the id of the program.
        job: the id of the job it works for.
        address: where its connection comes from; None where that is not known.
        trace_id: of the trace that it asks in; None where it asks in none.
    """

    component: str | None = None
    job: str | None = None
    address: str | None = None
    trace_id: str | None = None

    @classmethod
    def of(cls, headers: Mapping[str, str], address: str | None) -> Self:
        """Who sent a request with these header fields."""
        trace = TraceContext.read(headers.get(TRACEPARENT.capitalize()))
        return cls(
            _said(headers.get(COMPONENT)), _said(headers.get(JOB)), address, None if trace is None else trace.trace_id
        )

    @property
    def headers(self) -> dict[str, str]:
        """The header fields of its requests."""
        said = {COMPONENT: self.component, JOB: self.job}
        return {name: quote(value, safe="/") for name, value in said.items() if value is not None}

    @property
    def facts(self) -> dict[str, str]:
        """The same as a log line has it."""
        said = {"address": self.address, "asked_by": self.component, "job_id": self.job, "trace_id": self.trace_id}
        return {name: value for name, value in said.items() if value is not None}


NOBODY = Asker()


def _said(text: str | None) -> str | None:
    return None if text is None else unquote(text)[:_LONGEST]
