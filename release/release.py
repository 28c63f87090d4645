"""Makes a release of the branch that is checked out: its commit and tag, wheel and source archive, all of it or nothing.

    python release/release.py 0.1.0

The version stands in pyproject.toml and nowhere else; CHANGELOG.md has what is new under "Unreleased". Everything is made and built in
a folder of its own first; only then do branch and tag come to be, and ``dist/`` is filled. Nothing is pushed or uploaded. Needs git and
hatchling, see docs/operations.md.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
UNRELEASED = "## Unreleased\n"
IN_THE_WHEEL = (
    "synergos/services/files/synergos-worker.service",
    "synergos/records/migrations/env.py",
    "synergos_ttp/__main__.py",
    "synergos_worker/__main__.py",
)


class Refused(Exception):
    """Why there is no release."""


def run(*command: str, cwd: Path = ROOT, **environment: str) -> str:
    """What a program says; its last words when it fails."""
    done = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, check=False, env={**os.environ, **environment}
    )
    if done.returncode:
        raise Refused(f"{' '.join(command[:3])}: {(done.stderr or done.stdout).strip()[-1000:]}")
    return done.stdout.strip()


def numbers(version: str) -> tuple[int, ...]:
    """The three numbers of a version."""
    if not re.fullmatch(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)", version):
        raise Refused(f"{version!r} is no version: expected three numbers, as 0.2.0")
    return tuple(int(part) for part in version.split("."))


def refuse_unready(version: str) -> None:
    """Make sure that this is the next release and nothing else than what is committed."""
    if run("git", "status", "--porcelain"):
        raise Refused("there are changes that are not committed")
    tags = run("git", "tag", "--list", "v*", "--sort=-version:refname").split()
    if f"v{version}" in tags:
        raise Refused(f"v{version} is there already")
    released = [numbers(tag[1:]) for tag in tags if re.fullmatch(r"v\d+\.\d+\.\d+", tag)]
    before, now = max(released, default=None), numbers(version)
    if before is None:
        return
    if now < before:
        raise Refused(f"{version} is older than v{'.'.join(map(str, before))}")
    if now[0] == before[0] and now[1] > before[1] + 1:
        # Neighbouring minor versions of TTP and worker go together, so none may be left out.
        raise Refused(f"{version} leaves out a minor version after v{'.'.join(map(str, before))}")


def with_version(project: str, version: str) -> str:
    """pyproject.toml with another version."""
    text, count = re.subn(r'^version = ".+"$', f'version = "{version}"', project, count=1, flags=re.MULTILINE)
    if count != 1:
        raise Refused("pyproject.toml has no version")
    return text


def with_release(changelog: str, version: str, day: str) -> tuple[str, str]:
    """The changelog with what is new under a release's name, and what is new."""
    before, heading, rest = changelog.partition(UNRELEASED)
    if not heading:
        raise Refused("CHANGELOG.md has no '## Unreleased'")
    news, mark, older = rest.partition("\n## ")
    if not news.strip():
        raise Refused("CHANGELOG.md says nothing under '## Unreleased'")
    return f"{before}{UNRELEASED}\n## {version} - {day}\n{news.rstrip()}\n{mark}{older}", news.strip()


def committed(tree: Path, version: str) -> str:
    """Commit the release and the beginning of the next in a tree; what is new."""
    day = datetime.datetime.now(datetime.UTC).date().isoformat()
    project, changelog = tree / "pyproject.toml", tree / "CHANGELOG.md"
    text, news = with_release(changelog.read_text(encoding="utf-8"), version, day)
    changelog.write_text(text, encoding="utf-8")
    project.write_text(with_version(project.read_text(encoding="utf-8"), version), encoding="utf-8")
    run("git", "commit", "--quiet", "--all", "--message", f"Release {version}", cwd=tree)
    return news


def began_next(tree: Path, version: str) -> None:
    """Have the branch say that it is on the way to the next minor version."""
    major, minor, _ = numbers(version)
    project = tree / "pyproject.toml"
    project.write_text(
        with_version(project.read_text(encoding="utf-8"), f"{major}.{minor + 1}.0.dev0"), encoding="utf-8"
    )
    run("git", "commit", "--quiet", "--all", "--message", f"On the way to {major}.{minor + 1}.0", cwd=tree)


def built(tree: Path, version: str, folder: Path) -> list[Path]:
    """Wheel and source archive of what is committed in a tree; the same bytes from the same commit."""
    source = folder / "source"
    source.mkdir()
    run("git", "archive", "--output", str(folder / "source.tar"), "HEAD", cwd=tree)
    shutil.unpack_archive(folder / "source.tar", source)
    moment = run("git", "log", "-1", "--format=%ct", cwd=tree)
    run(sys.executable, "-m", "hatchling", "build", "-d", str(folder / "dist"), cwd=source, SOURCE_DATE_EPOCH=moment)
    files = sorted((folder / "dist").iterdir())
    if [file.name for file in files] != [f"synergos-{version}-py3-none-any.whl", f"synergos-{version}.tar.gz"]:
        raise Refused(f"built something else than wheel and source archive: {[file.name for file in files]}")
    with zipfile.ZipFile(files[0]) as wheel:
        if missing := set(IN_THE_WHEEL) - set(wheel.namelist()):
            raise Refused(f"the wheel lacks {', '.join(sorted(missing))}")
    return files


def release(version: str) -> None:
    """Make it."""
    refuse_unready(version)
    branch = run("git", "branch", "--show-current")
    if not branch:
        raise Refused("no branch is checked out")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tree = folder / "tree"
        run("git", "worktree", "add", "--quiet", "--detach", str(tree), "HEAD")
        try:
            news = committed(tree, version)
            files = built(tree, version, folder)
            commit = run("git", "rev-parse", "HEAD", cwd=tree)
            began_next(tree, version)
            # Before the branch: without a tag nothing has happened yet.
            run(
                "git",
                "tag",
                "--annotate",
                f"v{version}",
                commit,
                "--cleanup=verbatim",
                "--message",
                f"Synergos {version}\n\n{news}\n",
            )
            try:
                run("git", "merge", "--quiet", "--ff-only", run("git", "rev-parse", "HEAD", cwd=tree))
            except Refused:
                run("git", "tag", "--delete", f"v{version}")
                raise
        finally:
            run("git", "worktree", "remove", "--force", str(tree))
        (ROOT / "dist").mkdir(exist_ok=True)
        for file in files:
            shutil.copy(file, ROOT / "dist" / file.name)
            print(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  dist/{file.name}")
    print(f"v{version} is {commit}; next: git push origin {branch} v{version}")
    print(f"images, from the tag: docker build --build-arg VERSION={version} --build-arg COMMIT={commit} …")


def main() -> None:
    """Read the command line."""
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("version", help="three numbers, as 0.2.0")
    try:
        release(flags.parse_args().version)
    except Refused as reason:
        sys.exit(f"no release: {reason}")


if __name__ == "__main__":
    main()
