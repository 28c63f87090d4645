"""What every program has beside its own routes: a front page, its health and bytes to measure a line with, documented at ``/docs``."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, NoReturn

from flask import Blueprint, Flask, Response, request
from flask_restx import Api, Resource
from msgspec import UNSET, Meta, Struct, UnsetType

from synergos.program import bandwidth, heavy_bodies, metrics, page_policy
from synergos.program.api_version import API_VERSION
from synergos.program.front_page import front_page
from synergos.program.health import OK
from synergos.schema import Definition
from synergos.schema.swagger import in_swagger

DOCUMENTATION = "/docs"
LINKS = {"/health": "how this program is", DOCUMENTATION: "this page and the like: documentation"}
"""What there is at every program."""


class Health(Struct, frozen=True, kw_only=True):
    """How a program is; each has more to say of itself."""

    status: Annotated[str, Meta(description="ok or degraded")]
    component: Annotated[str, Meta(description="which program it is: ttp, director or worker")]
    id: Annotated[str, Meta(description="what this one is called")]
    version: Annotated[str, Meta(description="of Synergos")]
    time: Annotated[str, Meta(description="its clock, in ISO 8601")]
    fingerprint: Annotated[str, Meta(description="of its identity")] | UnsetType = UNSET
    grid_kind: Annotated[str, Meta(description="of an orchestrator: basic or cluster")] | UnsetType = UNSET
    accounts: Annotated[str, Meta(description="of an orchestrator: on, or off and what that means")] | UnsetType = UNSET


class Degraded(Health, frozen=True, kw_only=True):
    """How a program is that cannot do its work."""

    problems: Annotated[Mapping[str, str], Meta(description="what keeps it from its work, and why")]


@dataclass(frozen=True)
class About:
    """What a program says of itself.

    Attributes:
        health: what it says now.
        links: address on this port to what is there.
        metrics: what it measures; None where nobody is to read that.
    """

    health: Callable[[], Mapping[str, object]]
    links: Mapping[str, str]
    metrics: metrics.Answer | None = None

    @property
    def all_links(self) -> Mapping[str, str]:
        """The same with its metrics, where there are any."""
        return self.links if self.metrics is None else {**self.links, metrics.ROUTE: "what it measures, for Prometheus"}


def install(app: Flask, about: About) -> None:
    """Have an application answer these routes."""
    blueprint = Blueprint("about", __name__)
    api: Any = _Api(blueprint, version=API_VERSION, title="Synergos", doc=DOCUMENTATION)
    health = api.schema_model("Health", in_swagger(Definition(Health).json_schema))
    degraded = api.schema_model("Degraded", in_swagger(Definition(Degraded).json_schema))
    documented = {"responses": {"200": ("how it is", health), "503": ("the same, and why it is degraded", degraded)}}
    api.add_resource(_FrontPage, "/", resource_class_args=(about,), endpoint="front_page")
    api.add_resource(_Health, "/health", resource_class_args=(about,), endpoint="health", route_doc={"get": documented})
    if about.metrics is not None:
        api.add_resource(_Metrics, metrics.ROUTE, resource_class_args=(about.metrics,), endpoint="metrics")
    api.add_resource(_Bandwidth, bandwidth.ROUTE, endpoint="bandwidth")
    app.register_blueprint(blueprint)
    page_policy.install(app)
    heavy_bodies.install(app)


class _Api(Api):  # type: ignore[misc]
    """Leaves errors to the application, and ``/`` to the front page."""

    def handle_error(self, e: Exception) -> NoReturn:
        raise e

    def _register_doc(self, app_or_blueprint: Any) -> None:
        app_or_blueprint.add_url_rule(DOCUMENTATION, "doc", self.render_doc)

    @property
    def base_path(self) -> str:
        """Where the routes begin."""
        return "/"


class _About(Resource):  # type: ignore[misc]
    def __init__(self, api: object, about: About) -> None:
        super().__init__(api)
        self.about = about


class _FrontPage(_About):
    """Where to go on."""

    def get(self) -> Response:
        """Show a page with links; programs get the same as JSON, with what there is at /health."""
        page, kind = front_page(self.about.health(), self.about.all_links, request.accept_mimetypes)
        return Response(page, mimetype=kind)


class _Health(_About):
    """How this program is."""

    def get(self) -> Response:
        """Say which program this is, and how it is; with 503 while something keeps it from its work."""
        told = self.about.health()
        status = HTTPStatus.OK if told["status"] == OK else HTTPStatus.SERVICE_UNAVAILABLE
        return Response(json.dumps(told, allow_nan=False) + "\n", int(status), mimetype="application/json")


class _Metrics(Resource):  # type: ignore[misc]
    """What this program measures."""

    def __init__(self, api: object, answer: metrics.Answer) -> None:
        super().__init__(api)
        self.answer = answer

    def get(self) -> Response:
        """Show it as Prometheus' text, or as OpenMetrics where that is accepted."""
        text, kind = self.answer(request.headers.get("Accept", ""))
        return Response(text, content_type=kind)


class _Bandwidth(Resource):  # type: ignore[misc]
    """Bytes that mean nothing."""

    def get(self) -> Response:
        """Receive so many bytes, 4 MiB at most, to measure the line from here."""
        count = bandwidth.amount(request.args.get("bytes", ""))
        headers = {"Content-Length": str(count)}
        return Response(bandwidth.pieces(count), mimetype="application/octet-stream", headers=headers)

    def put(self) -> Response:
        """Have up to 4 MiB thrown away, to measure the line to here."""
        thrown = bandwidth.discard(request.stream.read, bandwidth.amount(str(request.content_length or 0)))
        return Response(f'{{"bytes": {thrown}}}\n', mimetype="application/json")


_Bandwidth.get.__apidoc__ = {  # type: ignore[attr-defined]
    "params": {"bytes": {"in": "query", "description": "how many", "type": "integer", "required": True}}
}
