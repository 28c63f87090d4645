"""For every error that can end a job there is a text that says what to do, and one for each event."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from fakes.portal import answering, portal
from synergos import errors
from synergos.domain.job import ErrorKind
from synergos.domain.job_event import JobEventKind
from synergos_portal.orchestrator.jobs import Event, JobError
from synergos_portal.pages.jobs import events, remedies
from synergos_portal.services import Service


def kinds(of: type[Exception]) -> Iterator[str]:
    """An error of ours, and all that are more special."""
    yield of.__name__
    for each in of.__subclasses__():
        if each.__module__ == errors.__name__:
            yield from kinds(each)


KINDS = sorted({*kinds(errors.SynergosError), *kinds(errors.JobStopped), *(kind.value for kind in ErrorKind)})


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    return portal(tmp_path_factory.mktemp("portal"), answering()).apps[Service.VIEW]


def test_there_are_kinds_to_look_at() -> None:
    assert {"UnusableData", "WorkerMistaken", "OutputError", "TrialPruned"} <= set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_that_can_end_a_job_says_what_to_do(kind: str, app: Flask) -> None:
    with app.test_request_context():
        assert remedies.remedy(JobError(kind)).endswith(".")
    assert kind in remedies.REMEDIES


def test_no_text_is_of_an_error_that_there_is_not() -> None:
    assert sorted(remedies.REMEDIES) == KINDS


def test_a_worker_that_refuses_a_folder_is_about_the_data(app: Flask) -> None:
    refused = "hospital_1: tags.train[0]: there is no folder 'a/b'"
    with app.test_request_context():
        about_data = remedies.remedy(JobError("UnusableData"))
        assert remedies.remedy(JobError("WorkerRefused", refused, "hospital_1")) == about_data
        assert remedies.remedy(JobError("WorkerRefused", "hospital_1: busy", "hospital_1")) != about_data


def test_an_error_of_another_release_says_something_too(app: Flask) -> None:
    with app.test_request_context():
        assert "log of the TTP" in remedies.remedy(JobError("Unheard"))


@pytest.mark.parametrize("kind", list(JobEventKind))
def test_every_event_has_words_in_both_languages(kind: JobEventKind, app: Flask) -> None:
    event = Event(1, 1, "2026-01-02T12:00:00+00:00", kind.value, "the orchestrator's own", about={"state": "failed"})
    said = []
    for language in ("en", "de"):
        with app.test_request_context(headers={"Accept-Language": language}):
            said.append(events.words(event))

    assert "the orchestrator's own" not in said
    assert said[0] != said[1]


def test_an_event_of_a_newer_release_is_told_in_the_orchestrators_words(app: Flask) -> None:
    with app.test_request_context():
        assert events.words(Event(1, 1, "x", "unheard", "What happened.")) == "What happened."
