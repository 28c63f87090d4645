"""OTLP over HTTP, by OpenTelemetry's own exporter; the only module that knows that library."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from http import HTTPStatus
from importlib.metadata import version
from pathlib import Path
from typing import Any

import requests
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.status import Status, StatusCode

from synergos.tracing.span import Kind, Span

_KINDS = {
    Kind.INTERNAL: SpanKind.INTERNAL,
    Kind.CLIENT: SpanKind.CLIENT,
    Kind.SERVER: SpanKind.SERVER,
    Kind.PRODUCER: SpanKind.PRODUCER,
    Kind.CONSUMER: SpanKind.CONSUMER,
}


class OtlpExport:
    """Sends spans of one program to one collector; see :class:`synergos.tracing.sender.Export`.

    Headers, compression, time limit and the program's own certificate are as the variables ``OTEL_EXPORTER_OTLP_*`` say.

    Args:
        endpoint: the whole URL.
        authority: a PEM file of who vouches for the collector; None for whom those variables or the system trust.
        component: which program this is.
        component_id: what it is called.
    """

    def __init__(self, endpoint: str, authority: Path | None, component: str, component_id: str) -> None:
        self._exporter = OTLPSpanExporter(
            endpoint, certificate_file=None if authority is None else str(authority), session=_Heads()
        )
        # The sender says it once that a collector takes nothing; the library would, for each batch, with its address.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        self._resource = Resource(
            {
                "service.name": f"synergos-{component}",
                "service.version": version("synergos"),
                "service.instance.id": component_id,
            }
        )
        self._scope = InstrumentationScope("synergos", version("synergos"))

    def send(self, spans: Sequence[Span]) -> bool:
        """See :class:`synergos.tracing.sender.Export`."""
        return self._exporter.export([self.written(span) for span in spans]) is SpanExportResult.SUCCESS

    def give_up(self) -> None:
        """See :class:`synergos.tracing.sender.Export`."""
        self._exporter.shutdown()

    def written(self, span: Span) -> ReadableSpan:
        """A span as the exporter takes it."""
        trace_id = int(span.context.trace_id, 16)
        flags = TraceFlags(TraceFlags.SAMPLED)
        return ReadableSpan(
            span.name,
            context=SpanContext(trace_id, int(span.context.span_id, 16), is_remote=False, trace_flags=flags),
            parent=None
            if span.parent is None
            else SpanContext(trace_id, int(span.parent, 16), is_remote=span.kind is Kind.SERVER, trace_flags=flags),
            resource=self._resource,
            attributes=span.attributes,
            kind=_KINDS[span.kind],
            status=Status(StatusCode.UNSET) if span.failure is None else Status(StatusCode.ERROR, span.failure),
            start_time=span.start,
            end_time=max(span.start, span.end),
            instrumentation_scope=self._scope,
        )


class _Heads(requests.Session):
    """Reads the heads of answers and nothing behind them: a collector has nothing to say, however long it goes on."""

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """See :meth:`requests.Session.send`."""
        # Who was named to vouch for the collector is not to be replaced by whom the environment names for other programs.
        named = {"verify": self.verify} if isinstance(self.verify, str) else {}
        answer = super().send(request, **{**options, **named, "stream": True})
        answer.close()
        if HTTPStatus.MULTIPLE_CHOICES <= answer.status_code < HTTPStatus.BAD_REQUEST:
            # To the exporter all below 400 is success; spans have not arrived with whoever sends us elsewhere.
            raise requests.TooManyRedirects("a collector redirects", response=answer, request=request)
        return answer

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Nowhere: spans go to the collector that was named, and what a redirect says beside its head is not read."""
