"""Nav, view and track as three programs, asked by two names of this machine: signed in once, and out everywhere."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from html import unescape
from urllib.parse import urljoin

import pytest
import requests

from grids.forked import forked
from grids.processes import Processes
from servers.orchestrator import accounts, orchestrator
from support.waiting import until
from synergos_portal.services import Service
from synergos_simulator.grid import HOST, FreePorts, is_healthy
from synergos_simulator.state import Program

pytestmark = pytest.mark.timeout(240)

PASSWORD = "correct horse battery"
NAMES = {Service.NAV: "127.0.0.1", Service.VIEW: "localhost", Service.TRACK: "localhost"}


@pytest.fixture(scope="module")
def origins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Service, str]]:
    """Where the three are, in front of an orchestrator with accounts."""
    folder = tmp_path_factory.mktemp("hosts")
    ports = FreePorts()
    at = {service: ports() for service in Service}
    processes = Processes(forked)
    with orchestrator(folder / "orchestrator", "--auth") as (asked, _):
        with accounts(folder / "orchestrator") as administration:
            administration.add("lead", "orchestrator", None, PASSWORD)
        command = [sys.executable, "-m", "synergos_portal"]
        places = [word for each in Service for word in (f"--{each}_host", NAMES[each], f"--{each}_port", str(at[each]))]
        flags = ["--host", HOST, "--orchestrator", asked.address, "--outputs", str(folder / "outputs"), *places]
        programs = [
            Program(
                each, [*command, each, "--port", str(at[each]), *flags], str(folder / f"{each}.log"), HOST, at[each]
            )
            for each in Service
        ]
        try:
            for program in programs:
                processes.start(program)
            for program in programs:
                until(lambda program=program: is_healthy(program), f"{program.name} to answer")  # type: ignore[misc]
            yield {each: f"http://{NAMES[each]}:{at[each]}" for each in Service}
        finally:
            processes.end_all()


def opened(browser: requests.Session, page: str) -> requests.Response:
    """Read a page, by way of those that have it asked once more from where they are."""
    answer = browser.get(page)
    while found := re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', answer.text):
        answer = browser.get(urljoin(answer.url, unescape(found[1])))
    return answer


def send(browser: requests.Session, page: str, to: str | None = None, **values: str) -> requests.Response:
    """Send the last form of a page."""
    shown = opened(browser, page)
    tokens = dict(re.findall(r'name="(csrf_token|once)" value="([^"]*)"', shown.text))
    address = to or shown.url
    origin = re.match(r"https?://[^/]+", address)
    assert origin is not None
    sent = {**tokens, **values}
    answer = browser.post(address, data=sent, headers={"Origin": origin[0]}, allow_redirects=False)
    # A browser says where it comes from of what it posts, and not of the page that this leads to.
    return opened(browser, urljoin(address, answer.headers["Location"])) if answer.status_code == 303 else answer


def test_who_signs_in_at_nav_is_signed_in_at_view_and_track_and_signs_out_at_all_of_them(
    origins: dict[Service, str],
) -> None:
    nav, view, track = (origins[service] for service in Service)
    with requests.Session() as browser:
        # A link to a page of view leads to nav's form, and from there back to it.
        back = send(browser, f"{view}/collaborations", name="lead", password=PASSWORD)
        assert (back.status_code, back.url) == (200, f"{view}/collaborations")
        assert [each for each in back.history if "/choices/signed-in?code=" in each.url]

        station = opened(browser, f"{track}/station")
        assert (station.status_code, station.url) == (200, f"{track}/station")
        assert "Sign out" in station.text

        assert send(browser, f"{view}/collaborations", f"{view}/choices/sign-out").url == f"{nav}/sign-in"
        for page in (f"{nav}/home", f"{view}/collaborations", f"{track}/station"):
            assert opened(browser, page).url.startswith(f"{nav}/sign-in"), page


def test_what_was_handed_over_is_no_good_to_another_browser(origins: dict[Service, str]) -> None:
    with requests.Session() as browser, requests.Session() as other:
        send(browser, f"{origins[Service.NAV]}/sign-in", name="lead", password=PASSWORD)
        led = browser.get(f"{origins[Service.VIEW]}/jobs", allow_redirects=False).headers["Location"]
        code = browser.get(led, allow_redirects=False).headers["Location"]
        other.get(f"{origins[Service.VIEW]}/jobs")

        assert "/choices/signed-in?code=" in code
        assert other.get(code).status_code == 403
        assert browser.get(code).status_code == 403
