from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom.uid import DeflatedExplicitVRLittleEndian, JPEGLosslessSV1

from factories.image_data import picture, write_images, write_mapping
from factories.odd_images import COLOURED, GREY, GREY_AND_ALPHA, deep_png, tiff, write_dicom
from synergos.domain.feature_space import Action
from synergos.errors import UnusableData
from synergos_worker.data_root import DataRoot
from synergos_worker.pipelines.image import ImagePipeline

WINDOW = {"window": [1000, 3000]}
DEEP = np.array([[0, 1000, 2000], [3000, 2500, 65535]], dtype=np.uint16)
SEEN = [[0, 0, 128], [255, 191, 255]]
"""What the window makes of it: 2000 is half-way, 127.5, which rounds to the even 128; 2500 three quarters, 191.25."""


def pixels_of(root: Path, content: bytes | Callable[[Path], object], name: str, operations: Any = None) -> Any:
    folder = write_images(root, ["a"], {}, "", operations)
    write_mapping(folder, [name], ["x"])
    if isinstance(content, bytes):
        (folder / name).write_bytes(content)
    else:
        content(folder / name)
    dataset = DataRoot(root).dataset(("a",), "tags.train[0]")
    return ImagePipeline().read([dataset], Action.CLASSIFY, needs_labels=True).pixels[0]


def pages(path: Path) -> None:
    first, *others = (picture((4, 4), seed) for seed in range(3))
    first.save(path, save_all=True, append_images=others)


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("grey.png", deep_png(GREY, DEEP[..., np.newaxis]), "is grey, of more than 8 bits"),
        (
            "rgb.png",
            deep_png(COLOURED, np.ones((2, 2, 3), np.uint16)),
            "is coloured or transparent, of more than 8 bits",
        ),
        ("la.png", deep_png(GREY_AND_ALPHA, np.ones((2, 2, 2), np.uint16)), "is coloured or transparent, of more"),
        ("rgb.tiff", tiff(16, 2, 3), "is coloured or transparent, of more than 8 bits"),
        ("signed.tiff", tiff(8, 1, 1, sample_format=2), "more than 8 bits"),
        ("deep.ppm", b"P6\n2 2\n65535\n" + bytes(24), "is coloured or transparent, of more than 8 bits"),
        ("lab.tiff", tiff(8, 8, 3), "is CIELAB; expected grey or RGB"),
        ("inks.tiff", tiff(8, 5, 4), "is CMYK"),
        ("pages.tiff", pages, "has 3 pages or pictures; expected a file for each"),
        ("film.gif", pages, "has 3 pages or pictures"),
    ],
)
def test_what_would_lose_something_is_refused_by_name(
    tmp_path: Path, name: str, content: bytes | Callable[[Path], object], complaint: str
) -> None:
    with pytest.raises(UnusableData, match=rf"^a/{name}: .*{complaint}"):
        pixels_of(tmp_path, content, name)


def test_deep_grey_is_read_through_the_window_of_its_dataset(tmp_path: Path) -> None:
    content = deep_png(GREY, DEEP[..., np.newaxis])

    assert pixels_of(tmp_path, content, "a.png", WINDOW).tolist() == [SEEN]


def test_a_window_says_nothing_of_colours(tmp_path: Path) -> None:
    with pytest.raises(UnusableData, match="coloured or transparent, of more than 8 bits"):
        pixels_of(tmp_path, deep_png(COLOURED, np.ones((2, 2, 3), np.uint16)), "a.png", WINDOW)


@pytest.mark.parametrize("window", [[1], [2, 1], [1, 1], ["0", 1], [0, True], "wide"])
def test_a_wrong_window_is_named(tmp_path: Path, window: object) -> None:
    with pytest.raises(UnusableData, match=r"operations\.window: expected \[value for black, larger value for white\]"):
        pixels_of(tmp_path, tiff(8, 1, 1), "a.tiff", {"window": window})


def test_what_telephones_write_is_their_photograph(tmp_path: Path) -> None:
    photograph = picture((8, 8), 1)

    def write(path: Path) -> None:
        photograph.save(path, format="MPO", save_all=True, append_images=[picture((8, 8), 2)], quality=100)

    difference = np.abs(pixels_of(tmp_path, write, "a.jpg")[0].astype(int) - np.asarray(photograph))

    assert difference.max() <= 3


def test_a_dicom_file_is_grey_as_it_is(tmp_path: Path) -> None:
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4)

    assert pixels_of(tmp_path, lambda path: write_dicom(path, grey), "a.dcm").tolist() == [grey.tolist()]


def test_a_dicom_file_that_counts_from_white_is_turned_round(tmp_path: Path) -> None:
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4)

    def write(path: Path) -> None:
        write_dicom(path, grey, PhotometricInterpretation="MONOCHROME1")

    assert pixels_of(tmp_path, write, "a.dcm").tolist() == [(255 - grey).tolist()]


def test_a_dicom_file_in_colours(tmp_path: Path) -> None:
    colours = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)

    found = pixels_of(tmp_path, lambda path: write_dicom(path, colours), "a.dcm", {"colour": "rgb"})

    np.testing.assert_array_equal(found, np.moveaxis(colours, -1, 0))


def test_a_deep_dicom_file_is_rescaled_and_then_seen_through_the_window(tmp_path: Path) -> None:
    def write(path: Path) -> None:
        # Stored halves: what they mean is twice that, less 100.
        write_dicom(
            path,
            np.clip((DEEP.astype(int) + 100) // 2, 0, 65535).astype(np.uint16),
            RescaleSlope=2,
            RescaleIntercept=-100,
        )

    assert pixels_of(tmp_path, write, "a.dcm", WINDOW).tolist() == [SEEN]


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({}, "is grey DICOM, of more than 8 bits"),
        ({"NumberOfFrames": 7}, "has 7 frames; expected a file for each"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "neither grey nor RGB"),
        ({"Rows": 60_000, "Columns": 60_000}, "has more than 67,108,864 pixels"),
        ({"TransferSyntaxUID": JPEGLosslessSV1}, "is compressed as JPEG Lossless"),
        ({"TransferSyntaxUID": DeflatedExplicitVRLittleEndian}, "is compressed as Deflated"),
    ],
)
def test_a_dicom_file_that_cannot_be_read_rightly_says_why(
    tmp_path: Path, fields: dict[str, object], complaint: str
) -> None:
    with pytest.raises(UnusableData, match=rf"^a/a\.dcm: .*{complaint}"):
        pixels_of(tmp_path, lambda path: write_dicom(path, DEEP, **fields), "a.dcm")


def test_rows_that_no_memory_holds_are_refused_before_it_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("synergos.images.pictures.memory_left", lambda: 2**20)
    folder = write_images(tmp_path, ["a"], {"a.png": Image.new("L", (64, 64))}, "x", {"size": [600, 600]})
    write_mapping(folder, ["a.png"] * 8, "xyxyxyxy")

    with pytest.raises(UnusableData, match=r"8 images of 600x600 would take 0\.0 GiB, more than this machine has free"):
        ImagePipeline().read([DataRoot(tmp_path).dataset(("a",), "tags.train[0]")], Action.CLASSIFY, needs_labels=True)


def test_rows_that_there_is_no_room_for_are_refused_before_memory_is_taken(tmp_path: Path) -> None:
    folder = write_images(tmp_path, ["a"], {"a.png": Image.new("L", (64, 64))}, "x", {"size": [600, 600]})
    write_mapping(folder, ["a.png"] * 8, "xyxyxyxy")
    datasets = [DataRoot(tmp_path).dataset(("a",), "tags.train[0]")]

    with pytest.raises(UnusableData, match=r"more than there is room for: 1,048,576 bytes \(--session_memory\)"):
        ImagePipeline().read(datasets, Action.CLASSIFY, needs_labels=True, room=2**20)


@pytest.mark.parametrize(
    ("there", "named", "difference"),
    [
        ("Scan.PNG", "scan.png", "in upper and lower case only"),
        ("größe.png", "gro\u0308ße.png", "in its Unicode form"),
        ("Größe.png", "gro\u0308ße.png", "in upper and lower case and its Unicode form"),
    ],
)
def test_a_path_that_only_looks_alike_is_told_so(tmp_path: Path, there: str, named: str, difference: str) -> None:
    folder = write_images(tmp_path, ["a"], {there: picture((4, 4))}, "x")
    write_mapping(folder, [named], ["x"])

    with pytest.raises(UnusableData, match=rf"row 1: .*there is one whose path differs {difference}") as refused:
        ImagePipeline().read([DataRoot(tmp_path).dataset(("a",), "tags.train[0]")], Action.CLASSIFY, needs_labels=True)

    assert named not in str(refused.value)
