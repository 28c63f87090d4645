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
from hashlib import sha256
from pathlib import Path

VENDOR = Path(__file__).resolve().parents[1] / "portal" / "synergos_portal" / "static" / "vendor"
LIST = VENDOR / "vendor.json"
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
        entries = [_taken(Path(folder) / "node_modules" / name, name) for name in PACKAGES]
    LIST.write_text(json.dumps(entries, indent=2) + "\n")


def _taken(package: Path, name: str) -> dict[str, object]:
    """Copy a package's files; its entry in the list."""
    told = json.loads((package / "package.json").read_text())
    text = f"{name}.LICENSE.txt"
    files = {**PACKAGES[name][1], text: "LICENSE"}
    for target, source in files.items():
        shutil.copyfile(package / source, VENDOR / target)
    return {
        "name": name,
        "version": told["version"],
        "licence": told["license"],
        "home": told.get("homepage") or told["repository"]["url"],
        "text": text,
        "files": {target: sha256((VENDOR / target).read_bytes()).hexdigest() for target in sorted(files)},
    }


if __name__ == "__main__":
    main()
