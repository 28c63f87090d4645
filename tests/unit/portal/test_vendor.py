"""What is others' is as they made it: by the list of names, versions, licences and hashes."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import synergos_portal

VENDOR = Path(synergos_portal.__file__).parent / "static" / "vendor"
LISTED = json.loads((Path(__file__).parents[3] / "release" / "vendor.json").read_text())


def test_every_file_is_listed_and_has_its_hash() -> None:
    listed = {name: digest for package in LISTED for name, digest in package["files"].items()}
    there = {
        path.name: sha256(path.read_bytes()).hexdigest() for path in VENDOR.iterdir() if path.name != "LICENSES.txt"
    }

    assert listed == there


def test_every_package_has_its_version_and_its_licence_beside_its_files() -> None:
    sections = (VENDOR / "LICENSES.txt").read_bytes().decode().split(f"\n{'-' * 40}\n")[:-1]

    assert [section.partition("\n\n")[0] for section in sections] == [
        f"{package['name']} {package['version']}, {package['home']}" for package in LISTED
    ]
    assert [sha256(section.partition("\n\n")[2].encode()).hexdigest() for section in sections] == [
        package["text"] for package in LISTED
    ]
    assert all(package["licence"] for package in LISTED)
