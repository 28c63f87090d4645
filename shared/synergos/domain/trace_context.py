"""Where in a trace something is done: what one program tells the next of it, as W3C's Trace Context has it (https://www.w3.org/TR/trace-context/)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256

TRACEPARENT = "traceparent"
"""Name of the header field, and of the key in queue messages."""

_FORM = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.{0,200})?", re.ASCII)
_TRACE_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
_NO_TRACE, _NO_SPAN = "0" * 32, "0" * 16


@dataclass(frozen=True, slots=True)
class TraceContext:
    """One span, as others refer to it.

    Attributes:
        trace_id: 32 hexadecimal digits.
        span_id: 16 hexadecimal digits.
        is_sampled: whether whoever began the trace wants it recorded.
    """

    trace_id: str
    span_id: str
    is_sampled: bool = True

    @classmethod
    def read(cls, text: str | None) -> TraceContext | None:
        """What a header field says; None where there is none, or what is there is none."""
        found = None if text is None else _FORM.fullmatch(text)
        if found is None:
            return None
        version, trace_id, span_id, flags, more = found.groups()
        # Versions to come may say more behind what this one says.
        if version == "ff" or (version == "00" and more) or trace_id == _NO_TRACE or span_id == _NO_SPAN:
            return None
        return cls(trace_id, span_id, bool(int(flags, 16) & 1))

    @property
    def header(self) -> str:
        """As it is sent."""
        return f"00-{self.trace_id}-{self.span_id}-{int(self.is_sampled):02x}"

    def beneath(self, span_id: str) -> TraceContext:
        """Another span of the same trace."""
        return TraceContext(self.trace_id, span_id, self.is_sampled)


def trace_id_of(job_id: str) -> str:
    """The trace of a job that was asked for in nobody's: its own id, where that can be one.

    Whoever takes the job up, now or after a kill, comes to the same without being told.
    """
    if _TRACE_ID.fullmatch(job_id) and job_id != _NO_TRACE:
        return job_id
    return sha256(job_id.encode()).hexdigest()[:32]


def span_id_of(job_id: str) -> str:
    """The span of a whole job; it is recorded once, however many attempts it takes, and known to all who have a part in it."""
    return sha256(f"job\0{job_id}".encode()).hexdigest()[:16]
