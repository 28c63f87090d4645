"""What is others' is as they made it: by the list of names, versions, licences and hashes."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import synergos_portal

VENDOR = Path(synergos_portal.__file__).parent / "static" / "vendor"
LISTED = json.loads((VENDOR / "vendor.json").read_text())


def test_every_file_is_listed_and_has_its_hash() -> None:
    listed = {name: digest for package in LISTED for name, digest in package["files"].items()}
    there = {
        path.name: sha256(path.read_bytes()).hexdigest() for path in VENDOR.iterdir() if path.name != "vendor.json"
    }

    assert listed == there


def test_every_package_has_a_version_and_a_licence() -> None:
    for package in LISTED:
        assert all(package[name] for name in ("name", "version", "licence", "home", "text")), package["name"]
        assert package["text"] in package["files"]
