"""Launching: what is aligned, trained and validated, looked at before it is begun, followed while it runs, and the files that come of it."""

from __future__ import annotations

from contextlib import ExitStack
from http import HTTPStatus

from flask import Response, render_template, request
from flask.typing import ResponseReturnValue

from synergos_portal.orchestrator import results
from synergos_portal.orchestrator.declared import Spot

# Imported for the pages that they have.
from synergos_portal.pages.launch import compare, launchpad, tune
from synergos_portal.pages.launch.launchpad import RUN, pages
from synergos_portal.pages.launch.studies import pages as studies
from synergos_portal.web.current import client

__all__ = ["compare", "launchpad", "pages", "studies", "tune"]

_ASKED = ("Range", "If-Range", "If-None-Match", "If-Match", "If-Modified-Since")
_OF_RUN = f"/downloads{RUN}"


@pages.get(_OF_RUN)
@pages.get(f"{_OF_RUN}/versions/<int:version>")
def files(version: int | None = None, **ids: str) -> ResponseReturnValue:
    """The files of a run, or of one of its trainings."""
    run = Spot.of_keys(ids, "run_id")
    return render_template(
        "launch/files.html",
        run=run,
        version=version,
        files=results.artifacts(client(), run, version),
        trainings=results.trainings(client(), run),
    )


@pages.get(f"{_OF_RUN}/<name>")
@pages.get(f"{_OF_RUN}/versions/<int:version>/<name>")
def file(name: str, version: int | None = None, **ids: str) -> ResponseReturnValue:
    """One of them."""
    return handed_on(*results.files_of(Spot.of_keys(ids, "run_id"), version), name)


@pages.get("/downloads/studies/<study_id>/picture")
def picture(study_id: str) -> ResponseReturnValue:
    """The picture of a study."""
    return handed_on("studies", study_id, "picture")


def handed_on(*parts: str) -> Response:
    """A file of the orchestrator, piece by piece (:func:`~synergos_portal.orchestrator.results.file`).

    Raises:
        Refused: there is none.
    """
    asked = {name: request.headers[name] for name in _ASKED if name in request.headers}
    with ExitStack() as stack:
        file = stack.enter_context(results.file(client(), parts, asked))
        response = Response(file.pieces, status=file.status, headers=file.headers)
        if request.method == "HEAD" or file.status == HTTPStatus.NOT_MODIFIED:
            response.response = []
        else:
            # The answer is read as fast as the browser takes it, and let go when the browser has it, or leaves.
            response.call_on_close(stack.pop_all().close)
    return response
