"""What a worker publishes of its folders: as much as its owner lets it, and nothing that stands in a cell."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from PIL import Image

from factories.worker_data import write_dataset
from synergos.domain.catalogue import Extent, PublishedFolder, PublishedRows
from synergos.domain.tags import Purpose, Tag
from synergos_worker.cataloguing.catalogue import Catalogue
from synergos_worker.cataloguing.folders import Folders
from synergos_worker.data_root import DataRoot
from synergos_worker.disclosure.policy import OPEN, STRICT, Policy
from synergos_worker.disclosure.rounding import rows_shown

SCHEMA = {
    "version": 1,
    "label": "outcome",
    "columns": {
        "age": {"type": "float64", "unit": "years", "bounds": {"minimum": 0, "maximum": 111}},
        "blood": {"type": "float64", "rename": "glucose"},
        "ward": {"type": "category", "levels": ["planted north", "south"]},
        "pain": {"type": "category", "order": ["planted none", "some", "much"]},
        "patient": "id",
        "notes": "ignore",
        "outcome": "category",
    },
}


def table(rows: int, labels: Sequence[str] = ("ill", "well")) -> str:
    lines = [f"{30 + n},5.5,south,some,P-{n},planted note,{labels[n % len(labels)]}" for n in range(rows)]
    return "\n".join(["age,blood,ward,pain,patient,notes,outcome", *lines])


def say(root: Path, tag: Sequence[str], **said: Any) -> None:
    root.joinpath(*tag, "catalogue.json").write_text(json.dumps(said))


def published(
    root: Path, extent: Extent = Extent.SCHEMA, policy: Policy = STRICT, **more: Any
) -> dict[str, PublishedFolder]:
    allowed = more.get("allowed", lambda _: tuple(Purpose))
    return {"/".join(each.path): each for each in Catalogue(DataRoot(root), policy, extent).published(allowed).folders}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_dataset(tmp_path, ["heart", "train"], table(83), SCHEMA)
    write_dataset(tmp_path, ["heart", "few"], table(9), SCHEMA)
    return tmp_path


def test_nothing_is_published_unless_the_owner_wants_it(root: Path) -> None:
    say(root, ["heart", "train"], publish="schema", classes=True)

    assert published(root, Extent.OFF) == {}


def test_names_are_paths_and_kinds_alone(root: Path) -> None:
    found = published(root, Extent.NAMES)

    assert json.loads(msgspec.json.encode(list(found.values()))) == [
        {"path": ["heart", name], "datatype": "tabular", "purposes": ["train", "evaluate", "predict"]}
        for name in ("few", "train")
    ]


def test_a_schema_is_columns_types_and_about_how_many_rows(root: Path) -> None:
    found = json.loads(msgspec.json.encode(published(root)["heart/train"]))

    assert found["columns"] == [
        {"name": "age", "type": "float64", "unit": "years"},
        {"name": "glucose", "type": "float64"},
        {"name": "ward", "type": "category"},
        {"name": "pain", "type": "ordinal"},
        {"name": "patient", "type": "id"},
        {"name": "outcome", "type": "category", "is_label": True},
    ]
    assert found["rows"] == {"about": 80}
    assert "classes" not in found


def test_nothing_of_a_cell_is_in_it(root: Path) -> None:
    say(root, ["heart", "train"], classes=True)

    text = msgspec.json.encode(list(published(root, policy=OPEN).values())).decode()

    assert [value for value in ("planted", "south", "P-1", "111", "years") if value in text] == ["years"]


@pytest.mark.parametrize(
    ("rows", "minimum", "shown"),
    [
        (9, 10, {"fewer_than": 10}),
        (0, 10, {"fewer_than": 10}),
        (24, 25, {"fewer_than": 25}),
        (10, 10, {"about": 10}),
        (14, 10, {"about": 10}),
        (15, 10, {"about": 20}),
        (999, 10, {"about": 1000}),
        (1049, 10, {"about": 1000}),
        (1050, 10, {"about": 1100}),
        (123_456, 10, {"about": 120_000}),
    ],
)
def test_rows_are_rounded_and_few_are_said_to_be_few(rows: int, minimum: int, shown: dict[str, int]) -> None:
    assert rows_shown(rows, minimum) == PublishedRows(**shown)


def test_few_rows_are_few_at_an_open_worker_and_where_a_folder_wants_more(root: Path) -> None:
    metadata = {"datatype": "tabular", "disclosure": {"minimum_rows": 100}}
    (root / "heart" / "train" / "metadata.json").write_text(json.dumps(metadata))

    found = published(root, policy=OPEN)

    assert found["heart/few"].rows == PublishedRows(fewer_than=10)
    assert found["heart/train"].rows == PublishedRows(fewer_than=100)


def test_classes_are_named_where_the_owner_allows_it_and_enough_rows_have_them(root: Path) -> None:
    rare = "\n".join([table(80), "60,5.5,south,some,P-x,note,planted disease"])
    write_dataset(root, ["heart", "rare"], rare, SCHEMA)
    for name in ("few", "rare"):
        say(root, ["heart", name], classes=True)

    found = published(root, policy=OPEN)

    assert {name: each.classes for name, each in found.items()} == {
        "heart/few": (),
        "heart/rare": ("ill", "well"),
        "heart/train": (),
    }


def test_classes_that_a_schema_lists_are_named_whether_or_not_rows_have_them(root: Path) -> None:
    listed = {"type": "category", "levels": ["ill", "well", "unknown"]}
    write_dataset(
        root,
        ["heart", "train"],
        table(40),
        {**SCHEMA, "columns": {**SCHEMA["columns"], "outcome": listed}},  # type: ignore[dict-item]
    )
    say(root, ["heart", "train"], classes=True)

    assert set(published(root)["heart/train"].classes) == {"ill", "well", "unknown"}


def test_a_number_to_predict_has_no_classes(root: Path) -> None:
    columns = {**SCHEMA["columns"], "outcome": "float64"}  # type: ignore[dict-item]
    write_dataset(root, ["heart", "train"], table(40, ["1.5", "77.7"]), {**SCHEMA, "columns": columns})
    say(root, ["heart", "train"], classes=True)

    assert published(root)["heart/train"].classes == ()


def test_a_folder_says_less_than_the_worker_and_never_more(root: Path) -> None:
    write_dataset(root, ["heart", "hidden"], table(20), SCHEMA)
    say(root, ["heart", "hidden"], publish="off")
    say(root, ["heart", "few"], publish="names", title="A few hearts", description="Of 2024.")
    say(root, ["heart", "train"], publish="schema")

    found, named = published(root), published(root, Extent.NAMES)

    assert list(found) == ["heart/few", "heart/train"]
    assert (found["heart/few"].title, found["heart/few"].description) == ("A few hearts", "Of 2024.")
    assert found["heart/few"].columns == named["heart/train"].columns == ()
    assert found["heart/train"].columns != ()


def test_of_a_folder_whose_owner_cannot_be_understood_nothing_is_said(root: Path) -> None:
    say(root, ["heart", "few"], publsh="off")

    assert list(published(root)) == ["heart/train"]


def test_what_somebody_may_not_use_is_not_there_for_them(root: Path) -> None:
    def allowed(tag: Tag) -> tuple[Purpose, ...]:
        return (Purpose.PREDICT,) if tag[-1] == "few" else ()

    found = published(root, allowed=allowed)

    assert {name: each.purposes for name, each in found.items()} == {"heart/few": (Purpose.PREDICT,)}


def test_a_folder_that_cannot_be_read_is_said_to_be_so_and_not_why(root: Path) -> None:
    (root / "heart" / "few" / "rows.csv").write_text("planted,header\n1,2,3\n")

    found = published(root)["heart/few"]

    assert (found.is_readable, found.rows, found.columns) == (False, None, ())
    assert "planted" not in msgspec.json.encode(found).decode()


def test_what_has_changed_is_read_again_and_nothing_else(root: Path) -> None:
    catalogue = Catalogue(DataRoot(root), STRICT, Extent.SCHEMA)
    before = catalogue.published(lambda _: tuple(Purpose)).folders
    again = catalogue.published(lambda _: tuple(Purpose)).folders
    (root / "heart" / "few" / "rows.csv").write_text(table(40))

    after = catalogue.published(lambda _: tuple(Purpose)).folders

    assert before == again
    assert (before[0].rows, after[0].rows) == (PublishedRows(fewer_than=10), PublishedRows(about=40))
    assert after[1].columns is before[1].columns


def test_a_description_is_no_part_of_what_a_folder_holds(root: Path) -> None:
    before = DataRoot(root).dataset(("heart", "train"), "x").files

    say(root, ["heart", "train"], title="Hearts")

    assert DataRoot(root).dataset(("heart", "train"), "x").files == before


def test_images_have_a_kind_options_rows_and_no_columns(tmp_path: Path) -> None:
    folder = tmp_path / "scans"
    folder.mkdir()
    for number in range(12):
        Image.new("L", (8, 8)).save(folder / f"{number}.png")
    lines = [f"{number}.png,{('cat', 'dog')[number % 2]}" for number in range(12)]
    (folder / "mapping.csv").write_text("\n".join(["image,target", *lines]))
    (folder / "metadata.json").write_text('{"datatype": "image", "operations": {"size": [8, 8]}}')

    found = published(tmp_path)["scans"]

    assert (found.datatype, found.columns, found.rows) == ("image", (), PublishedRows(about=10))
    assert found.options["size"] == [8, 8]


def test_links_and_hidden_folders_are_not_followed(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    write_dataset(elsewhere, ["secret"], table(20), SCHEMA)
    (root / "link").symlink_to(elsewhere)
    (root / "circle").symlink_to(root)
    write_dataset(root, [".hidden"], table(20), SCHEMA)

    assert list(published(root)) == ["heart/few", "heart/train"]


def test_a_look_that_is_too_long_ends_and_says_so(root: Path) -> None:
    look = Folders(root, most=3)

    assert list(look) == []
    assert not look.is_whole
    assert sorted(whole := Folders(root)) == [("heart", "few"), ("heart", "train")]
    assert whole.is_whole


def test_what_does_not_fit_any_more_is_left_out_and_said(root: Path) -> None:
    whole = Catalogue(DataRoot(root), STRICT, Extent.SCHEMA).published(lambda _: tuple(Purpose))
    size = len(msgspec.json.encode(whole.folders))

    cut = Catalogue(DataRoot(root), STRICT, Extent.SCHEMA, size - 100).published(lambda _: tuple(Purpose))

    assert (len(whole.folders), whole.is_whole) == (2, True)
    assert (len(cut.folders), cut.is_whole) == (1, False)


def test_a_name_that_is_too_long_takes_no_other_folder_with_it(root: Path) -> None:
    columns = {"a" * 2000: "float64", "target": "category"}
    write_dataset(root, ["heart", "few"], "\n".join([",".join(columns), *["1,ill"] * 12]), columns)

    found = published(root)

    assert (found["heart/few"].is_readable, found["heart/train"].is_readable) == (False, True)
