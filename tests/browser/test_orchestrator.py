"""What pages say of their orchestrator: while it is away, and to those who sign in."""

from __future__ import annotations

import signal
from pathlib import Path

import requests
from playwright.sync_api import expect

from servers.orchestrator import accounts, orchestrator
from servers.portal import RunningPortal, running
from support.visitor import Visitor
from support.waiting import until
from synergos_portal.web.live import LATER, SOON

PASSWORD = "correct horse battery"


def test_pages_stay_readable_while_the_orchestrator_is_away_and_come_back_by_themselves(
    tmp_path: Path, visitor: Visitor
) -> None:
    with (
        orchestrator(tmp_path / "ttp") as (program, processes),
        running(tmp_path / "portal", program.address) as portal,
    ):
        visitor.page.clock.install()
        visitor.open(f"{portal.view}/collaborations/new")
        visitor.fill({"Name": "heart"})
        visitor.follow("Declare")
        visitor.sees("There is no project yet")
        visitor.open(f"{portal.view}/collaborations")
        visitor.sees("heart")
        visitor.page.evaluate("() => { window.isTheSame = true; }")
        silence = visitor.page.locator("#no-news")
        other = visitor.page.context.new_page()
        visitor.watch(other)
        # What the browser says of a page that cannot be made.
        visitor.expected.add("status of 502")

        for how, fresh, words in (
            (signal.SIGKILL, "participants", "There is no participant yet"),
            (signal.SIGTERM, "studies", "There is no such study"),
        ):
            until(lambda: pace(portal) == LATER, "the portal to hear of it", every=0.5)
            processes.end("ttp", how)
            until(lambda: pace(portal) == SOON, "the portal to hear nothing", every=0.5)
            visitor.page.clock.fast_forward(1000 * LATER)
            expect(silence).to_contain_text("has not answered since")
            other.goto(f"{portal.view}/collaborations/heart")
            expect(other.get_by_role("main")).to_contain_text("There is no project yet")
            expect(other.locator("#no-news")).to_contain_text("What you see is from then.")
            other.goto(f"{portal.view}/{fresh}")
            expect(other.get_by_role("main")).to_contain_text("comes back by itself")

            processes.start(program)
            expect(silence).to_have_count(0)
            expect(other.get_by_role("main")).to_contain_text(words)
            assert visitor.page.evaluate("() => window.isTheSame === true")


def pace(portal: RunningPortal) -> int:
    """After how many seconds the list of collaborations is asked for again."""
    return int(requests.get(f"{portal.view}/choices/header", timeout=60).headers["Live-Pace"])


def test_somebody_signs_in_is_led_back_and_signs_out(tmp_path: Path, visitor: Visitor) -> None:
    with (
        orchestrator(tmp_path / "ttp", "--auth") as (program, _),
        running(tmp_path / "portal", program.address) as portal,
    ):
        with accounts(tmp_path / "ttp") as administration:
            administration.add("lead", "orchestrator", None, PASSWORD)
        # What the browser says of the answer to a wrong password.
        visitor.expected.add("422")

        visitor.origins.update(portal.origins)
        visitor.open(f"{portal.view}/collaborations")
        visitor.sees("Accounts are made by whoever runs it.")
        visitor.fill({"Name": "lead", "Password": "something else"})
        visitor.follow("Sign in")
        visitor.sees("are not right")
        visitor.fill({"Name": "lead", "Password": PASSWORD})
        visitor.follow("Sign in")
        expect(visitor.page).to_have_url(f"{portal.view}/collaborations")
        visitor.sees("There is no collaboration yet")
        visitor.does_not_see("has no accounts")

        visitor.page.get_by_role("button", name="Sign out").click()
        visitor.sees("Accounts are made by whoever runs it.")
