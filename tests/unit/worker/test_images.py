from __future__ import annotations

import json
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from factories.feature_spaces import columns, labels, prepared
from factories.image_data import picture, write_images, write_mapping
from factories.worker_data import SHARED
from synergos.domain.feature_space import Action, FeatureSpace
from synergos.domain.preparation import STATISTICS
from synergos.errors import FeatureDrift, UnusableData
from synergos.images import decoding
from synergos.learning.datatypes.image import IMAGE, ImageMetadata
from synergos.learning.feature_space_agreement import feature_space
from synergos_worker.data_root import DataRoot
from synergos_worker.pipelines.image import ImagePipeline, ImageTable

PIPELINE = ImagePipeline()
GREY = {"a.png": picture((6, 4), 1), "b.png": picture((6, 4), 2), "c.png": picture((6, 4), 3)}
COLOURED = {"a.png": picture((6, 4, 3), 1), "b.png": picture((6, 4, 3), 2)}


def read(root: Path, *tags: str, action: Action = Action.CLASSIFY, needs_labels: bool = True) -> ImageTable:
    datasets = [DataRoot(root).dataset(tuple(tag.split("/")), "tags.train[0]") for tag in tags or ("a",)]
    return PIPELINE.read(datasets, action, needs_labels=needs_labels)


def space_of(table: ImageTable, action: Action = Action.CLASSIFY) -> FeatureSpace:
    described = PIPELINE.describe(table)
    polled = {
        "headers": {"train": described.header},
        "schemas": {"train": described.schema},
        "metadata": {"train": described.metadata},
        "statistics": {"train": PIPELINE.fit(table)},
    }
    return feature_space({"me": prepared(polled)}, action)[0]


def test_rows_keep_the_order_of_the_mapping_and_none_is_left_out(tmp_path: Path) -> None:
    folder = write_images(tmp_path, ["a"], GREY)
    write_mapping(folder, ["b.png", "a.png", "b.png", "./c.png", "b.png"], ["x", "y", "x", "x", "y"])

    table = read(tmp_path)
    examples = PIPELINE.transform(table, space_of(table))

    expected = [np.asarray(GREY[name]) for name in ("b.png", "a.png", "b.png", "c.png", "b.png")]
    assert examples.inputs.shape == (5, 1, 6, 4)
    np.testing.assert_array_equal(examples.inputs[:, 0], np.stack(expected).astype(np.float32) / np.float32(255))
    assert examples.targets is not None
    assert examples.targets.tolist() == [[0.0], [1.0], [0.0], [0.0], [1.0]]
    assert [name for name, _ in examples.origins] == ["a/b.png", "a/a.png", "a/b.png", "a/c.png", "a/b.png"]


def test_colours_are_channels_and_come_first(tmp_path: Path) -> None:
    write_images(tmp_path, ["a"], COLOURED, ["x", "y"], {"colour": "rgb", "scaling": "none"})

    table = read(tmp_path)
    inputs = PIPELINE.transform(table, space_of(table)).inputs

    assert inputs.dtype == np.float32
    assert inputs.shape == (2, 3, 6, 4)
    np.testing.assert_array_equal(inputs[1], np.asarray(COLOURED["b.png"]).transpose(2, 0, 1))


def test_grey_is_what_becomes_of_colours_by_default(tmp_path: Path) -> None:
    write_images(tmp_path, ["a"], {**COLOURED, "g.png": GREY["a.png"]}, ["x", "y", "x"])

    table = read(tmp_path)

    assert table.pixels.shape == (3, 1, 6, 4)
    np.testing.assert_array_equal(table.pixels[0, 0], np.asarray(COLOURED["a.png"].convert("L")))


def test_a_resized_image_fills_its_place_and_a_padded_one_keeps_its_proportions(tmp_path: Path) -> None:
    white = {"wide.png": Image.new("L", (8, 4), 255), "thin.png": Image.new("L", (1, 500), 255)}
    write_images(tmp_path, ["resized"], white, ["x", "y"], {"size": [6, 6]})
    write_images(tmp_path, ["padded"], white, ["x", "y"], {"size": [6, 6], "fit": "pad"})

    assert (read(tmp_path, "resized").pixels == 255).all()
    wide, thin = read(tmp_path, "padded").pixels[:, 0] == 255
    assert wide.sum(axis=1).tolist() == [0, 6, 6, 6, 0, 0]
    assert thin.sum(axis=0).tolist() == [0, 0, 6, 0, 0, 0]


def test_images_of_different_sizes_need_a_size(tmp_path: Path) -> None:
    write_images(tmp_path, ["a"], {"a.png": picture((6, 4)), "b.png": picture((5, 5))}, ["x", "y"])

    with pytest.raises(UnusableData, match=r"a/a\.png is 6x4, a/b\.png is 5x5; expected one size, or operations\.size"):
        read(tmp_path)


def test_a_number_can_be_learnt_from_images(tmp_path: Path) -> None:
    write_images(tmp_path, ["a"], GREY, [1.5, -2, 1e3])

    table = read(tmp_path, action=Action.REGRESS)
    targets = PIPELINE.transform(table, space_of(table, Action.REGRESS)).targets

    assert targets is not None
    assert targets.tolist() == [[1.5], [-2.0], [1000.0]]
    assert PIPELINE.describe(table).schema == {"target": "float64"}


@pytest.mark.parametrize("labels", [None, ["x", "", "y"]])
def test_labels_may_be_missing_where_they_are_not_needed(tmp_path: Path, labels: list[str] | None) -> None:
    write_images(tmp_path, ["a"], GREY, labels)

    assert PIPELINE.describe(read(tmp_path, needs_labels=False)).header == columns([])
    with pytest.raises(UnusableData, match=r"a/mapping\.csv: column 'target': expected a label in every row"):
        read(tmp_path)


def test_what_is_told_of_images_is_their_shape_and_options_and_no_pixel(tmp_path: Path) -> None:
    write_images(tmp_path, ["a"], GREY, ["x", "y", "1.0"])

    table = read(tmp_path)
    described = PIPELINE.describe(table)

    assert described.header == columns([], labels("1", "x", "y"))
    assert STATISTICS.write(PIPELINE.fit(table)) == {}
    assert json.loads(json.dumps(IMAGE.metadata.write(ImageMetadata.of(described.metadata)))) == {
        "_type": "image",
        "src_count": 3,
        "files": {"a/mapping.csv": 3},
        "pixel_height": 6,
        "pixel_width": 4,
        "color": "L",
        "shape": [1, 6, 4],
        "options": {"size": [6, 4], "fit": "resize", "colour": "grayscale", "scaling": "unit"},
    }


@pytest.mark.parametrize(
    ("operations", "complaint"),
    [
        ({"color": "rgb"}, r"operations\.color: 'color' is not an option of images; did you mean colour"),
        ({"colour": "bgr"}, r'operations\.colour: expected grayscale or rgb, found "bgr"'),
        ({"fit": None}, r"operations\.fit: expected resize or pad, found null"),
        ({"fit": ["pad"]}, r"operations\.fit: expected"),
        ({"scaling": "standard"}, r"operations\.scaling: expected unit or none"),
        ({"size": 28}, r"operations\.size: expected \[height, width\], each from 1 to 4096, or null, found 28"),
        ({"size": [28, 0]}, r"operations\.size"),
        ({"size": [28, True]}, r"operations\.size"),
        ({"size": [28, 5000]}, r"operations\.size"),
        ([], r"operations: expected an object"),
    ],
)
def test_a_wrong_option_is_named(tmp_path: Path, operations: Any, complaint: str) -> None:
    write_images(tmp_path, ["a"], GREY, "xyx", operations)

    with pytest.raises(UnusableData, match=rf"^a/metadata\.json: {complaint}"):
        read(tmp_path)


def test_datasets_of_one_purpose_share_their_options(tmp_path: Path) -> None:
    write_images(tmp_path, ["a"], GREY, "xyx")
    write_images(tmp_path, ["b"], GREY, "xyx", {"colour": "rgb"})
    write_images(tmp_path, ["c"], GREY, "zzz")

    assert len(read(tmp_path, "a", "c").pixels) == 6
    with pytest.raises(UnusableData, match=r'b/metadata\.json: operations\.colour is "rgb", in a "grayscale"'):
        read(tmp_path, "a", "b")


@pytest.mark.parametrize(
    "text",
    ["target,image\nx,a.png\n", "image,label\na.png,x\n", "a.png,x\nb.png,y\n", "image,target,more\na.png,x,1\n", ""],
)
def test_the_mapping_has_one_header(tmp_path: Path, text: str) -> None:
    folder = write_images(tmp_path, ["a"], GREY, "xyx")
    (folder / "mapping.csv").write_text(text)

    with pytest.raises(UnusableData, match=r"^a/mapping\.csv: (expected the header image,target|is empty)"):
        read(tmp_path)


@pytest.mark.parametrize("name", ["../b/a.png", "/etc/passwd", "sub/../../b/a.png", "missing.png", "", "."])
def test_a_row_names_a_file_of_its_own_folder(tmp_path: Path, name: str) -> None:
    write_images(tmp_path, ["b"], GREY, "xyx")
    folder = write_images(tmp_path, ["a"], GREY, "xyx")
    write_mapping(folder, ["a.png", name], ["x", "y"])

    with pytest.raises(
        UnusableData, match=r"^a/mapping\.csv: row 2: expected the path of a file in the dataset's folder"
    ):
        read(tmp_path)


def test_all_wrong_paths_and_missing_labels_are_told_at_once(tmp_path: Path) -> None:
    folder = write_images(tmp_path, ["a"], GREY, "xyx")
    (folder / "mapping.csv").write_text("image,target\nA.png,x\na.png,x\nlost.png,\nB.PNG,\n")
    write_images(tmp_path, ["b"], GREY, "xyx")
    (tmp_path / "b" / "mapping.csv").write_text("image,target\na.png,\nnobody.png,y\n")

    with pytest.raises(UnusableData) as refused:
        read(tmp_path, "a", "b")

    assert str(refused.value) == (
        "a/mapping.csv: rows 1, 3, 4: expected the path of a file in the dataset's folder; for rows 1, 4 there is one whose "
        "path differs in upper and lower case only; b/mapping.csv: row 2: expected the path of a file in the dataset's folder; "
        "a/mapping.csv: column 'target': expected a label in every row, missing in 2 of them, and in 1 of b/mapping.csv"
    )


def test_a_check_of_a_folder_tells_paths_and_labels_each(tmp_path: Path) -> None:
    folder = write_images(tmp_path, ["a"], GREY, "xyx")
    (folder / "mapping.csv").write_text("image,target\nlost.png,x\na.png,\n")
    dataset = DataRoot(tmp_path).dataset(("a",), "tags.train[0]")

    found = [str(problem) for problem in PIPELINE.problems(dataset, Action.CLASSIFY, needs_labels=True)]

    assert found == [
        "a/mapping.csv: column 'target': expected a label in every row, missing in 1 of them",
        "a/mapping.csv: row 1: expected the path of a file in the dataset's folder",
    ]


def test_of_many_wrong_paths_the_first_are_named(tmp_path: Path) -> None:
    folder = write_images(tmp_path, ["a"], GREY, "xyx")
    (folder / "mapping.csv").write_text("image\n" + "lost.png\n" * 1000)

    with pytest.raises(UnusableData, match=r"rows 1, 2, .* 19, 20 and 980 more: expected the path"):
        read(tmp_path, needs_labels=False)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("image,target\na.png,x\nb.png,y,\n", "line 3 has more cells than its header line: expected 2, found 3"),
        ("image,target\na.png\nb.png,y\n", "line 2 has fewer cells than its header line: expected 2, found 1"),
        ("image,target\na.png,x\n\nb.png,y\n", "line 3 is blank"),
        ("image;target\na.png;x\n", '"delimiter": ";" in metadata.json'),
        ("image\na.png\n\nb.png\n", "row 2: expected the path"),
    ],
)
def test_the_cells_of_a_mapping_are_counted_in_every_line(tmp_path: Path, text: str, complaint: str) -> None:
    folder = write_images(tmp_path, ["a"], GREY, "xyx")
    (folder / "mapping.csv").write_text(text)

    with pytest.raises(UnusableData, match=rf"^a/mapping\.csv: .*{complaint}"):
        read(tmp_path, needs_labels=False)


def test_a_mapping_may_be_written_otherwise_where_that_is_declared(tmp_path: Path) -> None:
    folder = write_images(tmp_path, ["a"], GREY, "xyx")
    (folder / "metadata.json").write_text(
        '{"datatype": "image", "delimiter": ";", "encoding": "cp1252", "decimal": ","}'
    )
    (folder / "mapping.csv").write_bytes("image;target\na.png;1,5\nb.png;2\n".encode("cp1252"))

    labels_read = read(tmp_path, action=Action.REGRESS).labels

    assert labels_read is not None
    assert labels_read.values.tolist() == [1.5, 2.0]


def test_a_label_that_is_no_number_is_told_by_its_line(tmp_path: Path) -> None:
    folder = write_images(tmp_path, ["a"], GREY, "xyx")
    (folder / "mapping.csv").write_text('image,target\na.png,1\nb.png,"1,200.00"\n')

    with pytest.raises(UnusableData, match="column 'target': 1 of 2 cells is unreadable, the first in line 3"):
        read(tmp_path, action=Action.REGRESS)


def test_a_link_does_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    write_images(tmp_path, ["b"], GREY, "xyx")
    folder = write_images(tmp_path, ["a"], GREY, "xyx")
    (folder / "c.png").unlink()
    (folder / "c.png").symlink_to(tmp_path / "b" / "c.png")

    with pytest.raises(UnusableData, match=r"^a/c\.png: is a link that leads out of the dataset's folder"):
        read(tmp_path)


@pytest.mark.parametrize("suffix", ["jpg", "png", "gif", "bmp", "tif", "webp"])
def test_a_file_that_is_not_complete_is_named(tmp_path: Path, suffix: str) -> None:
    folder = write_images(tmp_path, ["a"], {"a.png": GREY["a.png"], f"b.{suffix}": picture((6, 4, 3))}, "xy")
    blob = (folder / f"b.{suffix}").read_bytes()
    (folder / f"b.{suffix}").write_bytes(blob[: len(blob) // 2])

    with pytest.raises(UnusableData, match=rf"^a/b\.{suffix}: (cannot be decoded|is no image)"):
        read(tmp_path)


def test_what_is_no_image_is_named(tmp_path: Path) -> None:
    folder = write_images(tmp_path, ["a"], GREY, "xyx")
    (folder / "b.png").write_text("%!PS-Adobe-3.0 EPSF-3.0\n")

    with pytest.raises(UnusableData, match=r"^a/b\.png: is no image; expected one of BMP, GIF, JPEG"):
        read(tmp_path)


def test_an_image_too_large_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    folder = write_images(tmp_path, ["a"], GREY, "xyx")
    blob = bytearray((folder / "b.png").read_bytes())
    blob[16:24] = (9000).to_bytes(4, "big") + (9000).to_bytes(4, "big")
    blob[29:33] = zlib.crc32(blob[12:29]).to_bytes(4, "big")
    (folder / "b.png").write_bytes(blob)

    tracemalloc.start()
    with pytest.raises(UnusableData, match=r"^a/b\.png: has more than 67,108,864 pixels"):
        read(tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < decoding.LARGEST_IMAGE // 8


def test_what_is_transparent_is_white(tmp_path: Path) -> None:
    drawing = Image.new("RGBA", (4, 6), (0, 0, 0, 0))
    drawing.putpixel((1, 2), (0, 0, 0, 255))
    write_images(tmp_path, ["a"], {"a.png": drawing, "b.gif": drawing.convert("P")}, "xy")

    pixels = read(tmp_path).pixels[0, 0]

    assert pixels[2, 1] == 0
    assert (pixels == 255).sum() == 23


def test_a_camera_held_sideways_is_set_upright(tmp_path: Path) -> None:
    upright = picture((6, 4))
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90° to see it
    folder = write_images(tmp_path, ["a"], {"a.png": upright}, "x")
    upright.transpose(Image.Transpose.ROTATE_90).save(folder / "a.png", exif=exif)

    np.testing.assert_array_equal(read(tmp_path).pixels[0, 0], np.asarray(upright))


@pytest.mark.parametrize(
    ("operations", "shape", "complaint"),
    [
        ({}, (8, 8), r"size \[8, 8\] \(agreed: \[6, 4\]\)"),
        ({"colour": "rgb"}, (6, 4), "colour rgb .agreed: grayscale."),
        ({"scaling": "none"}, (6, 4), "scaling none .agreed: unit."),
    ],
)
def test_images_treated_otherwise_than_agreed_have_drifted(
    tmp_path: Path, operations: Any, shape: tuple[int, int], complaint: str
) -> None:
    write_images(tmp_path, ["a"], GREY, "xyx")
    write_images(tmp_path, ["later"], {"a.png": picture(shape)}, "x", operations)

    with pytest.raises(FeatureDrift, match=complaint):
        PIPELINE.transform(read(tmp_path, "later"), space_of(read(tmp_path)))


def test_a_change_of_an_image_is_noticed(tmp_path: Path) -> None:
    folder = write_images(tmp_path, ["a"], GREY, "xyx")
    before = DataRoot(tmp_path).dataset(("a",), "tags").fingerprint()
    picture((12, 4)).save(folder / "b.png")

    assert DataRoot(tmp_path).dataset(("a",), "tags").fingerprint() != before


def test_images_take_less_than_twice_their_tensor(tmp_path: Path) -> None:
    count, side = 300, 64
    folder = write_images(tmp_path, ["a"], {f"{n}.png": picture((side, side), n) for n in range(20)})
    write_mapping(folder, [f"{n % 20}.png" for n in range(count)], ["x"] * count)
    read(tmp_path)  # what decoding costs once in a process

    tracemalloc.start()
    table = read(tmp_path)
    examples = PIPELINE.transform(table, space_of(table))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert examples.inputs.nbytes == count * side * side * 4
    assert peak < 1.5 * examples.inputs.nbytes


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared example datasets are not there")
@pytest.mark.parametrize(
    ("party", "rows"),
    [(1, {"train": 58, "evaluate": 38, "predict": 39}), (2, {"train": 44, "evaluate": 39, "predict": 37})],
)
def test_imagenette_has_its_known_shapes(party: int, rows: dict[str, int]) -> None:
    tables = {purpose: read(SHARED, f"imagenette/data{party}/{purpose}") for purpose in rows}

    assert {purpose: table.pixels.shape for purpose, table in tables.items()} == {
        purpose: (count, 1, 28, 28) for purpose, count in rows.items()
    }
    assert PIPELINE.describe(tables["train"]).header.y == labels("n01440764", "n02102040", "n02979186")
