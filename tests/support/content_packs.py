"""Content packs as Graylog 7 reads them, as far as ours goes: what may be left out, what may stand there, and nothing it does not know.

Facts of its public source, https://github.com/Graylog2/graylog2-server, below ``graylog2-server/src/main/java/org``:
``graylog2/contentpacks/model/ContentPackV1.java`` and ``…/model/entities`` (inputs, streams, views, searches, widgets),
``graylog2/contentpacks/model/entities/references/ValueType.java``, ``graylog2/plugin/streams/StreamRuleType.java``,
``graylog2/inputs/transports/TcpTransport.java`` with what it extends, ``graylog/plugins/views/search/searchtypes/pivot``, and
``graylog/plugins/views/search/views/widgets``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Raw, Struct, UnsetType, convert, json

NotBlank = Annotated[str, Meta(pattern=r"\S")]
Nothing = Annotated[Sequence[str], Meta(max_length=0)]
"""A list that ours leaves empty."""


class Strict(Struct, forbid_unknown_fields=True):
    """It has nothing else."""


class Text(Strict, tag_field="@type", tag="string", rename={"value": "@value"}):
    value: str


class Flag(Strict, tag_field="@type", tag="boolean", rename={"value": "@value"}):
    value: bool


class Number(Strict, tag_field="@type", tag="integer", rename={"value": "@value"}):
    value: int


class ModelType(Strict):
    name: str
    version: str


class ServerVersion(Strict, tag_field="type", tag="server-version"):
    version: Annotated[str, Meta(pattern=r"^>=\d+\.\d+\.\d+$")]


class InputSettings(Strict):
    """Of a GELF TCP input; what is left out has a default."""

    bind_address: Text
    port: Number
    recv_buffer_size: Number
    use_null_delimiter: Flag
    max_message_size: Number
    decompress_size_limit: Number
    number_worker_threads: Number
    tcp_keepalive: Flag
    tls_enable: Flag
    tls_client_auth: Text


class Input(Strict, rename={"is_global": "global"}):
    title: Text
    type: Text
    is_global: Flag
    configuration: InputSettings
    static_fields: Mapping[str, Text]
    extractors: Nothing


class StreamRule(Strict):
    type: Text
    field: Text
    value: Text
    inverted: Flag
    description: Text


class Stream(Strict):
    title: Text
    description: Text
    disabled: Flag
    matching_type: Text
    stream_rules: Sequence[StreamRule]
    alert_conditions: Nothing
    alarm_callbacks: Nothing
    outputs: Nothing
    default_stream: Flag
    remove_matches: Flag


class RelativeRange(Strict, tag_field="type", tag="relative"):
    range: Annotated[int, Meta(ge=0)]


class BackendQuery(Strict, tag_field="type", tag="elasticsearch"):
    query_string: str


class AutoInterval(Strict, tag_field="type", tag="auto"):
    scaling: float


class TimeBucket(Strict, tag_field="type", tag="time"):
    fields: Sequence[NotBlank]
    interval: AutoInterval


class ValuesBucket(Strict, tag_field="type", tag="values"):
    fields: Sequence[NotBlank]
    limit: int


class Series(Strict):
    """What is counted or measured in a bucket; counting alone needs no field."""

    type: Literal["avg", "card", "count", "latest", "max", "min", "stddev", "sum", "sumofsquares", "variance"]
    id: str
    field: NotBlank | None


class MessageSort(Strict):
    field: NotBlank
    order: Literal["ASC", "DESC"]


class Pivot(Strict, tag_field="type", tag="pivot"):
    id: str
    name: str | None
    timerange: RelativeRange
    query: BackendQuery
    streams: Sequence[str]
    filter: None
    filters: Nothing
    series: Sequence[Series]
    row_groups: Sequence[TimeBucket | ValuesBucket]
    column_groups: Sequence[TimeBucket | ValuesBucket]
    sort: Nothing
    rollup: bool
    row_limit: int | None = None
    column_limit: int | None = None


class MessageList(Strict, tag_field="type", tag="messages"):
    id: str
    name: str | None
    timerange: RelativeRange
    query: BackendQuery
    streams: Sequence[str]
    filter: None
    filters: Nothing
    limit: int
    offset: int
    sort: Sequence[MessageSort]
    decorators: Nothing


class Query(Strict):
    id: str
    timerange: RelativeRange
    filters: Nothing
    query: BackendQuery
    search_types: Sequence[Pivot | MessageList]


class Search(Strict):
    queries: Sequence[Query]
    parameters: Nothing
    requires: Mapping[str, str]
    created_at: str


class ValuesSettings(Strict):
    limit: int


class TimeSettings(Strict):
    interval: AutoInterval


class WidgetTime(Strict, tag_field="type", tag="time"):
    fields: Sequence[NotBlank]
    config: TimeSettings


class WidgetValues(Strict, tag_field="type", tag="values"):
    fields: Sequence[NotBlank]
    config: ValuesSettings


class SeriesSettings(Strict):
    name: str | None


class WidgetSeries(Strict):
    function: Annotated[str, Meta(pattern=r"^(avg|card|count|latest|max|min|stddev|sum|sumofsquares|variance)\(\w*\)$")]
    config: SeriesSettings


class Looks(Strict):
    """Of a line or of bars."""

    axis_type: Literal["linear", "logarithmic"]
    interpolation: Literal["linear", "step-after", "spline"] | UnsetType = UNSET
    barmode: Literal["stack", "overlay", "group", "relative"] | UnsetType = UNSET


class Aggregation(Strict):
    visualization: Literal["area", "bar", "heatmap", "line", "numeric", "pie", "scatter", "table"]
    visualization_config: Looks | None
    series: Sequence[WidgetSeries]
    row_pivots: Sequence[WidgetTime | WidgetValues]
    column_pivots: Sequence[WidgetTime | WidgetValues]
    sort: Nothing
    rollup: bool
    event_annotation: bool
    row_limit: int | None
    column_limit: int | None
    formatting_settings: None


class PivotSort(Strict, tag_field="type", tag="pivot"):
    field: NotBlank
    direction: Literal["Ascending", "Descending"]


class Listing(Strict):
    fields: Sequence[NotBlank]
    show_message_row: bool
    show_summary: bool
    decorators: Nothing
    sort: Sequence[PivotSort]


class AggregationWidget(Strict, tag_field="type", tag="aggregation"):
    id: str
    filter: None
    filters: Nothing
    timerange: RelativeRange
    query: BackendQuery
    streams: Sequence[str]
    config: Aggregation


class ListingWidget(Strict, tag_field="type", tag="messages"):
    id: str
    filter: None
    filters: Nothing
    timerange: RelativeRange
    query: BackendQuery
    streams: Sequence[str]
    config: Listing


class Position(Strict):
    """On a page of 12 columns, which are counted from 1."""

    col: Annotated[int, Meta(ge=1, le=12)]
    row: Annotated[int, Meta(ge=1)]
    height: Annotated[int, Meta(ge=1)]
    width: Annotated[int, Meta(ge=1, le=12)]


class TabTitle(Strict):
    title: NotBlank


class Titles(Strict):
    tab: TabTitle
    widget: Mapping[str, NotBlank]


class Formatting(Strict):
    highlighting: Nothing


class DisplayMode(Strict):
    positions: Mapping[str, Position]


class Tab(Strict):
    selected_fields: None
    static_message_list_id: None
    titles: Titles
    widgets: Sequence[AggregationWidget | ListingWidget]
    widget_mapping: Mapping[str, Sequence[str]]
    positions: Mapping[str, Position]
    formatting: Formatting
    display_mode_settings: DisplayMode


class Dashboard(Strict):
    type: Literal["DASHBOARD"]
    title: Text
    summary: Text
    description: Text
    search: Search
    state: Mapping[str, Tab]
    properties: Nothing
    requires: Mapping[str, str]
    created_at: str


class Entity(Strict):
    """Anything a pack can hold; what its data are its type says."""

    v: Literal["1"]
    type: ModelType
    id: str
    data: Raw
    constraints: Sequence[ServerVersion]

    def read(self) -> Input | Stream | Dashboard:
        """Its data.

        Raises:
            msgspec.ValidationError: Graylog would not read them.
        """
        return convert(json.decode(self.data), _TYPES[self.type.name, self.type.version])


_TYPES: Mapping[tuple[str, str], type[Input | Stream | Dashboard]] = {
    ("input", "1"): Input,
    ("stream", "1"): Stream,
    ("dashboard", "2"): Dashboard,
}


class ContentPack(Strict):
    v: Literal["1"]
    id: str
    rev: int
    name: NotBlank
    summary: str
    description: str
    vendor: str
    url: str
    # With parameters, it would not be installed by itself.
    parameters: Nothing
    entities: Sequence[Entity]
