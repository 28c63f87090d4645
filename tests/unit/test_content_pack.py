"""The log server's content pack: Graylog can read it, it is what our records need, and the compose files fit it."""

from __future__ import annotations

import runpy
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from support.content_packs import AggregationWidget, ContentPack, Dashboard, Input, Position, Stream, Tab
from support.dashboard_fields import measured, named
from synergos.program.system_metrics import SystemMetrics

ROOT = Path(__file__).resolve().parents[2]
LOGGER = ROOT / "docker" / "logger"
PACK = LOGGER / "content_packs" / "synergos.json"
PORTS = {"Sysmetrics": 9100, "Director": 9200, "TTP": 9300, "Worker": 9400, "Test": 12201}
PREFIXES = {"Sysmetrics": "SYS_", "Director": "DIR_", "TTP": "TTP_", "Worker": "WKR_"}


@pytest.fixture(scope="module")
def pack() -> ContentPack:
    return msgspec.json.decode(PACK.read_bytes(), type=ContentPack)


def of_kind(pack: ContentPack, kind: type[Any]) -> dict[str, Any]:
    """Its entities of one kind, by their ids."""
    return {entity.id: found for entity in pack.entities if isinstance(found := entity.read(), kind)}


@pytest.fixture(scope="module")
def dashboard(pack: ContentPack) -> Dashboard:
    [found] = of_kind(pack, Dashboard).values()
    assert isinstance(found, Dashboard)
    return found


def test_it_is_what_its_script_writes() -> None:
    written = runpy.run_path(str(LOGGER / "content_pack.py"))["content_pack"]()

    assert msgspec.json.decode(PACK.read_bytes()) == written, "run docker/logger/content_pack.py"


def test_it_has_five_inputs_four_streams_and_a_dashboard(pack: ContentPack) -> None:
    assert len(of_kind(pack, Input)) == 5
    assert len(of_kind(pack, Stream)) == 4
    assert len(of_kind(pack, Dashboard)) == 1
    assert len(pack.entities) == len({entity.id for entity in pack.entities}) == 10


def test_inputs_take_null_terminated_gelf_at_the_documented_ports(pack: ContentPack) -> None:
    inputs: dict[str, Input] = of_kind(pack, Input)

    assert {each.title.value: each.configuration.port.value for each in inputs.values()} == {
        f"{name} Logs": port for name, port in PORTS.items()
    }
    assert {each.type.value for each in inputs.values()} == {"org.graylog2.inputs.gelf.tcp.GELFTCPInput"}
    assert all(each.is_global.value and each.configuration.use_null_delimiter.value for each in inputs.values())


def test_streams_tell_programs_apart_by_how_a_logger_begins(pack: ContentPack) -> None:
    streams: dict[str, Stream] = of_kind(pack, Stream)
    rules = {
        each.title.value: [(r.type.value, r.field.value, r.value.value) for r in each.stream_rules]
        for each in streams.values()
    }

    assert rules == {f"{name} Stream": [("REGEX", "logger", f"^{prefix}")] for name, prefix in PREFIXES.items()}
    assert not any(each.disabled.value or each.remove_matches.value for each in streams.values())


def test_a_tab_shows_one_stream_in_all_its_widgets(pack: ContentPack, dashboard: Dashboard) -> None:
    streams = {
        entity_id: stream.title.value.removesuffix(" Stream") for entity_id, stream in of_kind(pack, Stream).items()
    }
    queries = {query.id: query for query in dashboard.search.queries}
    tabs = {tab.titles.tab.title.removesuffix(" Analysis"): query for query, tab in dashboard.state.items()}

    assert dashboard.state.keys() == queries.keys()
    assert tabs.keys() == {"Director", "TTP", "Worker", "Sysmetrics"}
    for name, query in tabs.items():
        shown = [*dashboard.state[query].widgets, *queries[query].search_types]
        assert {streams[stream] for each in shown for stream in each.streams} == {name}
        assert all(each.timerange.range == 300 for each in shown)


def test_each_widget_has_a_title_a_place_and_a_search_of_its_own(dashboard: Dashboard) -> None:
    for query in dashboard.search.queries:
        tab, searches = dashboard.state[query.id], {search.id: search for search in query.search_types}
        ids = {widget.id for widget in tab.widgets}
        assert ids == tab.titles.widget.keys() == tab.positions.keys() == tab.widget_mapping.keys()
        assert sorted(search for found in tab.widget_mapping.values() for search in found) == sorted(searches)
        for widget in tab.widgets:
            [search] = (searches[search] for search in tab.widget_mapping[widget.id])
            assert named(widget) == named(search) or not isinstance(widget, AggregationWidget)
            assert measured(widget) == measured(search)


def overlap(one: Position, other: Position) -> bool:
    columns = one.col < other.col + other.width and other.col < one.col + one.width
    return columns and one.row < other.row + other.height and other.row < one.row + one.height


def test_no_widget_lies_upon_another(dashboard: Dashboard) -> None:
    for tab in dashboard.state.values():
        assert not any(overlap(*pair) for pair in combinations(tab.positions.values(), 2))
        assert all(place.col + place.width <= 13 for place in tab.positions.values())


def of_system_metrics(dashboard: Dashboard) -> Tab:
    [found] = (tab for tab in dashboard.state.values() if tab.titles.tab.title == "Sysmetrics Analysis")
    return found


def test_gauges_are_averaged_and_counters_shown_as_rates(dashboard: Dashboard) -> None:
    functions = {
        series.function
        for widget in of_system_metrics(dashboard).widgets
        if isinstance(widget, AggregationWidget)
        for series in widget.config.series
    }

    assert {function.partition("(")[0] for function in functions} == {"avg", "count"}
    assert not [function for function in functions if function.endswith(("_counter)", "_bytes)", "_sent)", "_recv)"))]


def test_every_figure_it_shows_is_measured(dashboard: Dashboard) -> None:
    sample = SystemMetrics().sample()
    wanted = {field for widget in of_system_metrics(dashboard).widgets for field in measured(widget)}

    assert len(wanted) == 15
    assert {type(sample[field]) for field in wanted} <= {int, float}


@pytest.mark.parametrize("grid", ["synplus", "syncluster"])
def test_the_compose_files_have_it_installed_and_its_ports_reachable(pack: ContentPack, grid: str) -> None:
    service = yaml.safe_load((ROOT / f"docker-compose-{grid}.yml").read_text())["services"]["synergos_logger"]
    inputs: dict[str, Input] = of_kind(pack, Input)
    settings = service["environment"]
    mounts = dict(_mount(volume) for volume in service["volumes"])

    assert settings["GRAYLOG_CONTENT_PACKS_LOADER_ENABLED"] == "true"
    assert settings["GRAYLOG_CONTENT_PACKS_AUTO_INSTALL"] == PACK.name
    assert (ROOT / mounts[settings["GRAYLOG_CONTENT_PACKS_DIR"]]).resolve() == PACK.parent
    published = {int(port.rpartition(":")[2]) for port in service["ports"]}
    assert published == {9000, *(each.configuration.port.value for each in inputs.values())}


def _mount(volume: str) -> tuple[str, str]:
    source, _, target = volume.removesuffix(":ro").rpartition(":")
    return target, source


def broken(pack: ContentPack) -> Sequence[bytes]:
    """The pack with something that Graylog would not read."""
    whole = PACK.read_bytes()
    return [
        whole.replace(b'"REGEX"', b"7"),
        whole.replace(b'"search_types"', b'"searches"'),
        whole.replace(b'"avg(cpu_percent)"', b'"mean(cpu_percent)"'),
        whole.replace(b'"@type": "integer"', b'"@type": "number"'),
        whole.replace(b'"rollup": true', b'"rollup": "yes"'),
    ]


def test_what_graylog_would_not_read_is_found(pack: ContentPack) -> None:
    for text in broken(pack):
        assert text != PACK.read_bytes()
        with pytest.raises(msgspec.ValidationError):
            [entity.read() for entity in msgspec.json.decode(text, type=ContentPack).entities]
