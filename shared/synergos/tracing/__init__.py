"""Spans: what was done, when, and as part of what; for a collector that speaks OTLP.

Who has something to tell makes a :class:`~synergos.tracing.span.Span` of it when it is over, and puts it to a tracer. Where no
collector was named that is :data:`~synergos.tracing.tracer.OFF`, and nothing of OpenTelemetry is imported; only
:mod:`synergos.tracing.otlp` knows it.
"""

from synergos.tracing.span import Kind, Span, new_span_id, now
from synergos.tracing.target import NO_TARGET, TraceTarget
from synergos.tracing.tracer import OFF, Tracer

__all__ = ["NO_TARGET", "OFF", "Kind", "Span", "TraceTarget", "Tracer", "new_span_id", "now"]
