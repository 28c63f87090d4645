"""The Command Station: windows of other programs' pages, by mouse and by keyboard."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from servers.portal import RunningPortal, running
from servers.shown_tool import Shown, as_json, shown_tool
from support.visitor import Visitor

_JOB = {
    "id": "9a",
    "stage": "train",
    "state": "completed",
    "keys": {"collab_id": "c/1", "project_id": "p", "expt_id": "e", "run_id": "r"},
    "started_at": "2026-03-01T10:02:00+00:00",
    "finished_at": "2026-03-01T10:04:00+00:00",
}


def _page(text: str) -> tuple[int, list[tuple[str, str]], list[Any]]:
    return 200, [("Content-Type", "text/html")], [f"<h1>{text}</h1>".encode()]


def _answer(data: object) -> Any:
    return as_json({"apiVersion": "0.1.0", "success": 1, "status": 200, "method": "x", "params": {}, "data": data})


@dataclass
class Station:
    """The portal, and the programs whose pages it shows; one more listens that it was not told of."""

    portal: RunningPortal
    orchestrator: Shown
    mlops: Shown
    logs: Shown
    trap: Shown


@pytest.fixture(scope="module")
def station(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    with shown_tool() as orchestrator, shown_tool() as mlops, shown_tool() as logs, shown_tool() as trap:
        place = {"host": "127.0.0.1", "ports": {"main": 5672, "ui": trap.port}}
        orchestrator.answers |= {
            "/health": as_json({"status": "ok", "component": "ttp", "id": "t", "accounts": "off"}),
            "/ttp/jobs": _answer([_JOB]),
            "/ttp/jobs/9a": _answer(_JOB),
            "/ttp/connect/": _page("What may be declared"),
            "/ttp/connect/collaborations": _answer([]),
            "/ttp/connect/collaborations/c%2F1": _answer({"mq": place, "mlops": None}),
        }
        experiment = as_json({"experiment": {"experiment_id": "17"}})
        mlops.answers |= {"/": _page("Experiments"), "/api/2.0/mlflow/experiments/get-by-name": experiment}
        logs.answers |= {"/search": _page("Messages")}
        flags = ["--mlops", mlops.url, "--logs", logs.url]
        with running(tmp_path_factory.mktemp("portal"), orchestrator.url, flags) as portal:
            yield Station(portal, orchestrator, mlops, logs, trap)


@pytest.fixture
def page(station: Station, visitor: Visitor) -> Page:
    visitor.origins |= station.portal.origins
    visitor.open(f"{station.portal.track}/")
    return visitor.page


def window(page: Page, key: str) -> Locator:
    return page.locator(f'[data-key="{key}"]')


def box(item: Locator) -> tuple[int, int, int, int]:
    """Left, top, width and height in cells."""
    told = item.evaluate("item => { const {x, y, w, h} = item.gridstackNode; return [x, y, w, h]; }")
    return told[0], told[1], told[2], told[3]


def drag(page: Page, what: Locator, across: int, down: int, *, corner: bool = False) -> None:
    found = what.bounding_box()
    assert found is not None
    x, y = (
        (found["x"] + found["width"] - 9, found["y"] + found["height"] - 9)
        if corner
        else (found["x"] + 150, found["y"] + 12)
    )
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + across / 2, y + down / 2, steps=6)
    page.mouse.move(x + across, y + down, steps=6)
    page.mouse.up()


def verb(page: Page, key: str, name: str) -> Locator:
    return window(page, key).locator(f".station-{name}")


def shows(page: Page, key: str, text: str) -> None:
    expect(window(page, key).frame_locator("iframe").locator("body")).to_contain_text(text)


def test_windows_show_pages_of_listed_programs_though_they_forbid_framing(page: Page) -> None:
    shows(page, "mlops", "Experiments")
    shows(page, "logs", "Messages")
    shows(page, "rest", "What may be declared")


def test_windows_are_moved_resized_and_locked_by_mouse_and_stay_so_over_a_reload(page: Page) -> None:
    drag(page, window(page, "mlops"), 500, 260)
    assert box(window(page, "mlops"))[:2] > (0, 9)
    before = box(window(page, "logs"))
    drag(page, window(page, "logs"), -200, -100, corner=True)
    assert box(window(page, "logs"))[2] < before[2]
    assert box(window(page, "logs"))[3] < before[3]
    verb(page, "logs", "lock").click()
    fixed = box(window(page, "logs"))

    drag(page, window(page, "logs"), 300, 300)
    drag(page, window(page, "mlops"), -600, -260)

    assert box(window(page, "logs")) == fixed
    placed = {key: box(window(page, key)) for key in ("mlops", "logs", "rest")}
    page.reload()
    assert {key: box(window(page, key)) for key in ("mlops", "logs", "rest")} == placed
    expect(verb(page, "logs", "lock")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Reset layout").click()
    assert box(window(page, "logs")) == before
    expect(verb(page, "logs", "lock")).to_have_attribute("aria-pressed", "false")


def test_every_verb_has_a_key(page: Page, visitor: Visitor) -> None:
    visitor.tab_to("Reset layout")
    title = window(page, "logs").locator(".station-title").inner_text()
    visitor.tab_to(f"Move {title}")
    x, y, w, h = box(window(page, "logs"))

    visitor.press("ArrowDown", "ArrowDown", "Shift+ArrowRight", "Shift+ArrowDown", "Shift+ArrowDown", "ArrowRight")
    moved = box(window(page, "logs"))
    assert moved != (x, y, w, h)
    assert moved[1] >= y + 2
    expect(page.locator("#announcer")).to_contain_text(f"{title}: column")

    visitor.tab_to(f"Lock {title}")
    visitor.press("Enter", "Shift+Tab", "ArrowUp", "Shift+ArrowLeft")
    assert box(window(page, "logs")) == moved
    expect(page.locator("#announcer")).to_contain_text("stays where it is")

    visitor.tab_to(f"Enlarge {title}")
    visitor.press("Space")
    large = window(page, "logs").bounding_box()
    assert large is not None
    assert large["width"] > 1200
    assert large["height"] > 800
    visitor.press("Escape")
    assert box(window(page, "logs")) == moved
    assert visitor.focused() == f"Enlarge {title}"

    visitor.tab_to(f"Open {title} in a tab")
    with page.context.expect_page() as tab:
        visitor.press("Enter")
    expect(tab.value.get_by_role("heading")).to_have_text("Messages")
    tab.value.close()

    visitor.tab_to(f"Close {title}")
    visitor.press("Enter")
    expect(window(page, "logs")).to_have_count(0)
    assert visitor.focused() == "What a new window shows"
    page.reload()
    expect(window(page, "mlops")).to_have_count(1)
    expect(window(page, "logs")).to_have_count(0)

    visitor.tab_to("What a new window shows")
    visitor.press("l", "Tab", "Enter")
    shows(page, "logs", "Messages")
    assert visitor.focused() == f"Move {title}"
    page.get_by_role("button", name="Reset layout").focus()
    visitor.press("Enter")
    assert box(window(page, "logs")) == (x, y, w, h)


def test_any_page_of_view_may_be_a_window_and_no_page_of_others(page: Page, station: Station) -> None:
    page.get_by_label("What a new window shows").select_option("other")
    for wrong in (station.trap.url, "//127.0.0.1/", "collaborations", "javascript:alert(1)"):
        page.get_by_label("Address of the page").fill(wrong)
        page.get_by_role("button", name="Add window").click()
        expect(page.locator(".station-window")).to_have_count(3)
    page.get_by_label("Address of the page").fill("/collaborations")
    page.get_by_role("button", name="Add window").click()
    shows(page, "page:/collaborations", "Collaborations")
    framed = window(page, "page:/collaborations").frame_locator("iframe")
    expect(framed.get_by_role("main")).to_be_visible()
    expect(framed.get_by_role("navigation", name="Menu")).to_have_count(0)
    with page.context.expect_page() as tab:
        verb(page, "page:/collaborations", "tab").click()
    expect(tab.value.get_by_role("navigation", name="Menu")).to_be_visible()
    assert station.trap.asked == []


def test_what_is_kept_in_the_browser_is_not_believed(page: Page, station: Station) -> None:
    junk = (
        f'[{{"key": "page:{station.trap.url}", "x": 0, "y": 0, "w": 3, "h": 3}}, {{"key": "logs", "x": -4, "y": 0, "w": 99, "h": 3}},'
        ' {"key": "mlops", "x": 1, "y": 2, "w": 5, "h": 6}, {"key": "mlops", "x": 0, "y": 0, "w": 5, "h": 6}, 7, null]'
    )
    for kept, there in ((junk, ["mlops"]), ("{", ["logs", "mlops", "rest"]), ("7", ["logs", "mlops", "rest"])):
        page.evaluate("kept => localStorage.setItem('synergos.station', kept)", kept)
        page.reload()
        expect(page.locator(".station-window")).to_have_count(len(there))
        assert sorted(page.locator("[data-key]").evaluate_all("all => all.map(one => one.dataset.key)")) == there
    assert station.trap.asked == []


def test_a_program_that_is_stopped_says_so_in_its_window_and_comes_back_by_itself(
    page: Page, station: Station, visitor: Visitor
) -> None:
    visitor.expected.add("502")
    shows(page, "logs", "Messages")
    station.logs.stop()
    try:
        page.reload()
        shows(page, "logs", "Graylog does not answer at")
        expect(verb(page, "logs", "trouble")).to_contain_text("Graylog does not answer at")
        shows(page, "mlops", "Experiments")
    finally:
        station.logs.start()
    shows(page, "logs", "Messages")
    expect(verb(page, "logs", "trouble")).to_be_hidden()


def test_it_follows_a_job(page: Page, station: Station) -> None:
    station.logs.asked.clear()
    station.mlops.asked.clear()
    page.get_by_label("Follow", exact=True).select_option("9a")
    with page.expect_navigation():
        page.get_by_role("button", name="Follow it").click()

    shows(page, "mlops", "Experiments")
    frame = window(page, "mlops").locator("iframe").evaluate("frame => frame.contentWindow.location.hash")
    assert frame == "#/experiments/17/runs?searchFilter=tags.%60synergos.job%60%20%3D%20%279a%27"
    asked = [one.target for one in station.mlops.asked if "get-by-name" in one.target]
    assert "/api/2.0/mlflow/experiments/get-by-name?experiment_name=c%2F1_%3E_p_%3E_e" in asked
    shows(page, "logs", "Messages")
    # What the page asked for that was left may come later.
    searched = [one.target for one in station.logs.asked if one.target.startswith("/search")]
    assert (
        "/search?q=job_id%3A%229a%22&rangetype=absolute&from=2026-03-01T10%3A01%3A00.000Z&to=2026-03-01T10%3A05%3A00.000Z"
    ) in searched


def test_what_only_a_record_names_is_a_link_and_is_never_asked(page: Page, station: Station, visitor: Visitor) -> None:
    page.goto(f"{station.portal.track}/station?job=9a")
    page.get_by_text("All pages as links").click()

    link = page.get_by_role("link", name="Queue", exact=True)
    expect(link).to_have_attribute("href", f"{station.trap.url}/")
    expect(link).to_have_attribute("rel", re.compile("noreferrer"))
    expect(window(page, "mlops").frame_locator("iframe").locator("body")).to_contain_text("Experiments")
    assert station.trap.asked == []


def test_on_a_small_screen_it_is_one_column_and_is_laid_out_as_before_on_a_large_one(
    page: Page, visitor: Visitor
) -> None:
    placed = {key: box(window(page, key)) for key in ("mlops", "logs", "rest")}
    page.set_viewport_size({"width": 400, "height": 800})
    expect(page.locator(".grid-stack.gs-1")).to_have_count(1)
    for key in placed:
        assert box(window(page, key))[0] == 0
        assert box(window(page, key))[2] == 1
    assert visitor.findings() == []
    page.set_viewport_size({"width": 1280, "height": 900})
    page.reload()
    assert {key: box(window(page, key)) for key in ("mlops", "logs", "rest")} == placed


def test_nobody_is_kept_from_it(page: Page, visitor: Visitor) -> None:
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        shows(page, "mlops", "Experiments")
        assert visitor.findings() == []
