"""With accounts nobody sees what is another's: pages of a grid on which somebody has had rows predicted."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from grids.real_grid import WORKERS, Study
from servers.orchestrator import accounts, orchestrator
from servers.portal import RunningPortal, running
from support.visitor import Visitor

pytestmark = pytest.mark.slow

PASSWORD = "correct horse battery"
_REFUSED = ("403", "404", "422")
"""What the browser says on its console of pages that are not for whoever asks."""
_MOST = 80


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory, finished: Study) -> Iterator[tuple[Path, str]]:
    """An orchestrator that has the same records, and accounts; its folder, and where it is."""
    folder = tmp_path_factory.mktemp("accounts")
    (folder / "data").mkdir()
    with (
        closing(sqlite3.connect(finished.grid.grid.folder / "ttp" / "data" / "records.sqlite")) as there,
        closing(sqlite3.connect(folder / "data" / "records.sqlite")) as here,
    ):
        there.backup(here)
    with orchestrator(folder, "--auth") as (program, _):
        with accounts(folder) as administration:
            for name in ("lead", "other"):
                administration.add(name, "orchestrator", None, PASSWORD)
            for who in WORKERS:
                administration.add(who, "participant", who, PASSWORD)
            administration.give("lead", finished.keys[0])
        yield folder, program.address


@pytest.fixture(scope="module")
def pages(closed: tuple[Path, str]) -> Iterator[RunningPortal]:
    """A portal in front of it."""
    folder, address = closed
    with running(folder / "portal", address) as found:
        yield found


def signed_in(visitor: Visitor, pages: RunningPortal, name: str) -> None:
    visitor.expected.update(_REFUSED)
    visitor.origins |= pages.origins
    visitor.open(f"{pages.nav}/sign-in")
    visitor.fill({"Name": name, "Password": PASSWORD})
    visitor.follow("Sign in")
    expect(visitor.page.get_by_role("button", name="Sign out")).to_be_visible()


def where_it_is_told(visitor: Visitor, pages: RunningPortal, path: str, *jobs: str) -> list[str]:
    """All pages and files that links lead to and that tell of these, with those that somebody could guess."""
    begin = [f"{pages.nav}/home", f"{pages.nav}/search?q=worker_1", f"{pages.view}/collaborations"]
    begin += [f"{pages.view}/{each}" for each in ("jobs", "jobs?stage=predict", "participants", "catalogue")]
    begin += [f"{pages.view}/participants/worker_1{end}" for end in ("", "/live", "/predict", "/predict/live")]
    of_jobs = [f"{pages.view}/jobs/{job}{end}" for job in jobs for end in ("", "/live", "/events", "/nodes")]
    told = []
    for address, answer in visitor.reached(*begin, *of_jobs, most=_MOST):
        # Whoever asks for a job by its id knows that.
        secrets = (path,) if address in of_jobs else (path, *jobs)
        if any(secret in answer.text() for secret in secrets) or (address in of_jobs and answer.ok):
            told.append(f"{address}: {answer.status}")
    return told


@pytest.fixture
def secrets(finished: Study) -> list[str]:
    """Where the predictions lie, and the ids of the jobs that made them."""
    return [str(finished.grid.outputs("worker_1")), *(job["id"] for job in finished.jobs("predict"))]


def test_whose_rows_are_predicted_sees_it_and_so_does_the_owner_of_the_collaboration(
    visitor: Visitor, pages: RunningPortal, secrets: list[str], chromium: Browser
) -> None:
    signed_in(visitor, pages, "worker_1")
    visitor.open(f"{pages.view}/participants/worker_1/predict")
    visitor.sees("completed", secrets[0])

    owner = Visitor(chromium.new_page())
    signed_in(owner, pages, "lead")
    owner.open(f"{pages.view}/jobs/{secrets[1]}")
    owner.sees("completed", "worker_1")
    owner.page.close()


def test_whoever_invites_is_kept_from_nothing(visitor: Visitor, pages: RunningPortal, finished: Study) -> None:
    """By axe; a participant that has come later is invited by keyboard."""
    signed_in(visitor, pages, "lead")
    collab_id, project_id, *_ = finished.keys
    project = f"{pages.view}/collaborations/{collab_id}/projects/{project_id}"
    visitor.open(f"{pages.view}/participants/new")
    visitor.fill({"Name": "latecomer"})
    visitor.follow("Declare")
    visitor.open(project)
    visitor.tab_to("Invite a participant")
    visitor.press("Enter")
    visitor.page.get_by_label("Participant").select_option("latecomer")
    assert visitor.findings() == []
    visitor.follow("Invite")

    visitor.sees("invited, not registered yet")
    assert visitor.findings() == []
    visitor.follow("Take back latecomer")
    visitor.sees("latecomer may register for project")
    assert visitor.findings() == []


@pytest.mark.parametrize("name", ["worker_2", "other"])
def test_nobody_else_sees_a_prediction(visitor: Visitor, pages: RunningPortal, secrets: list[str], name: str) -> None:
    signed_in(visitor, pages, name)

    assert where_it_is_told(visitor, pages, *secrets) == []
    visitor.open(f"{pages.view}/jobs/{secrets[1]}")
    visitor.does_not_see("completed", secrets[0])


def test_whoever_signs_out_leaves_nothing_behind(visitor: Visitor, pages: RunningPortal, secrets: list[str]) -> None:
    signed_in(visitor, pages, "worker_1")
    visitor.open(f"{pages.view}/participants/worker_1/predict")
    visitor.page.get_by_role("button", name="Sign out").click()
    visitor.sees("Accounts are made by whoever runs it.")

    visitor.page.go_back()

    expect(visitor.page.get_by_role("main")).to_contain_text("Accounts are made by whoever runs it.")
    assert secrets[0] not in visitor.page.content()


def test_whoever_signs_in_at_nav_is_somebody_where_view_and_track_have_another_name(
    visitor: Visitor, closed: tuple[Path, str]
) -> None:
    folder, address = closed
    other = ["--nav_host", "127.0.0.1", "--view_host", "localhost", "--track_host", "localhost"]
    with running(folder / "of several names", address, other) as found:
        view, track = (origin.replace("127.0.0.1", "localhost") for origin in (found.view, found.track))
        visitor.origins |= {view, track}
        signed_in(visitor, found, "lead")

        for page in (f"{view}/collaborations", f"{track}/station"):
            visitor.open(page)
            expect(visitor.page).to_have_url(page)
            expect(visitor.page.get_by_role("button", name="Sign out")).to_be_visible()

        visitor.page.get_by_role("button", name="Sign out").click()
        visitor.sees("Accounts are made by whoever runs it.")
        for page in (f"{found.nav}/home", f"{view}/collaborations"):
            visitor.open(page)
            visitor.sees("Accounts are made by whoever runs it.")
        assert {cookie["sameSite"] for cookie in visitor.page.context.cookies()} == {"Strict"}
