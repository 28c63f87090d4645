"""Renews the files of others that the portal serves, from npm: unchanged, with a list that a test compares.

    python release/vendor.py                          # the versions that are listed
    python release/vendor.py bootstrap@5.3.9 …        # others of some packages

Needs npm; installing and building the portal does not. ``tests/unit/portal/test_vendor.py`` says when list and files differ.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

VENDOR = Path(__file__).resolve().parents[1] / "portal" / "synergos_portal" / "static" / "vendor"
LIST = Path(__file__).with_name("vendor.json")
LICENCES = VENDOR / "LICENSES.txt"
"""What each of them may be used by, word for word, with its version: what goes along with the files."""
PACKAGES = {
    "bootstrap": ("5.3.9", {"bootstrap.min.css": "dist/css/bootstrap.min.css"}),
    "htmx.org": ("4.0.1", {"htmx.min.js": "dist/htmx.min.js"}),
    "gridstack": (
        "14.1.0",
        {"gridstack-all.js": "dist/gridstack-all.js", "gridstack.min.css": "dist/gridstack.min.css"},
    ),
    "uplot": ("1.6.32", {"uPlot.iife.min.js": "dist/uPlot.iife.min.js", "uPlot.min.css": "dist/uPlot.min.css"}),
}
"""Where each file lies in its package, and the version to begin with."""


def main() -> None:
    """Fetch, copy, and write the list."""
    listed = {entry["name"]: entry["version"] for entry in json.loads(LIST.read_text())} if LIST.exists() else {}
    asked = dict(argument.rsplit("@", 1) for argument in sys.argv[1:])
    if unknown := asked.keys() - PACKAGES:
        sys.exit(f"expected some of {', '.join(PACKAGES)}, got {', '.join(sorted(unknown))}")
    versions = {name: asked.get(name, listed.get(name, first)) for name, (first, _) in PACKAGES.items()}
    with tempfile.TemporaryDirectory() as folder:
        npm = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", folder]
        subprocess.run([*npm, *(f"{name}@{version}" for name, version in versions.items())], check=True)
        packages = {name: Path(folder) / "node_modules" / name for name in PACKAGES}
        entries = [_taken(package, name) for name, package in packages.items()]
        texts = [(package / "LICENSE").read_text(encoding="utf-8") for package in packages.values()]
    LIST.write_text(json.dumps(entries, indent=2) + "\n")
    LICENCES.write_text("".join(map(section, entries, texts)), encoding="utf-8")


def section(entry: Mapping[str, object], text: str) -> str:
    """A package with its licence, as the file of licences has it."""
    return f"{entry['name']} {entry['version']}, {entry['home']}\n\n{text}\n{'-' * 40}\n"


def _taken(package: Path, name: str) -> dict[str, object]:
    """Copy a package's files; its entry in the list."""
    told = json.loads((package / "package.json").read_text())
    files = PACKAGES[name][1]
    for target, source in files.items():
        shutil.copyfile(package / source, VENDOR / target)
    return {
        "name": name,
        "version": told["version"],
        "licence": told["license"],
        "home": told.get("homepage") or told["repository"]["url"],
        "text": sha256((package / "LICENSE").read_bytes()).hexdigest(),
        "files": {target: sha256((VENDOR / target).read_bytes()).hexdigest() for target in sorted(files)},
    }


if __name__ == "__main__":
    main()
