"""One script makes a release of a branch: commit, tag, wheel and source archive, or says why not and leaves everything as it is."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from support.releases import copy_of_the_tree

NEWS = "# Changelog\n\nWords.\n\n## Unreleased\n\n### Added\n\n- A thing.\n"
AUTHOR = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Tests"), ("EMAIL", "tests@example.org"))
}


class Repository:
    """A repository with what a release is made of."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        copy_of_the_tree(folder, "release/release.py", "release/image_arguments.sh", ".gitignore")
        (folder / "CHANGELOG.md").write_text(NEWS)
        self.run("git", "init", "--quiet", "--initial-branch", "main")
        self.commit("Everything")

    def run(self, *command: str, code: int = 0) -> str:
        environment: Mapping[str, str] = {
            "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
            **AUTHOR,
        }
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False, env=environment)
        assert done.returncode == code, done.stdout + done.stderr
        return (done.stdout + done.stderr).strip()

    def commit(self, words: str) -> None:
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--message", words)

    def release(self, version: str, code: int = 0) -> str:
        return self.run(sys.executable, "release/release.py", version, code=code)

    def state(self) -> tuple[str, str, str]:
        return (self.run("git", "rev-parse", "HEAD"), self.run("git", "tag"), self.run("git", "status", "--porcelain"))


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    return Repository(tmp_path_factory.mktemp("repository"))


def test_a_release_is_a_commit_a_tag_a_wheel_and_a_source_archive(repository: Repository) -> None:
    words = repository.release("7.3.0")

    dist = repository.folder / "dist"
    assert sorted(path.name for path in dist.iterdir()) == ["synergos-7.3.0-py3-none-any.whl", "synergos-7.3.0.tar.gz"]
    with zipfile.ZipFile(dist / "synergos-7.3.0-py3-none-any.whl") as wheel:
        assert b"Version: 7.3.0" in wheel.read("synergos-7.3.0.dist-info/METADATA")
        assert "synergos/services/files/synergos-ttp.service" in wheel.namelist()
    with tarfile.open(dist / "synergos-7.3.0.tar.gz") as archive:
        assert "synergos-7.3.0/worker/synergos_worker/app.py" in archive.getnames()
    assert 'version = "7.3.0"' in repository.run("git", "show", "v7.3.0:pyproject.toml")
    assert "## Unreleased\n\n## 7.3.0 - 20" in repository.run("git", "show", "v7.3.0:CHANGELOG.md")
    assert (
        repository.run("git", "tag", "--list", "--format=%(contents)", "v7.3.0")
        == "Synergos 7.3.0\n\n### Added\n\n- A thing."
    )
    # The branch goes on, and says so: what is built from it is no release.
    assert 'version = "7.4.0.dev0"' in (repository.folder / "pyproject.toml").read_text()
    assert repository.run("git", "rev-list", "--count", "v7.3.0..main") == "1"
    assert repository.run("git", "rev-parse", "v7.3.0^{commit}") in words


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("7.3", "'7.3' is no version: expected three numbers"),
        ("v7.4.0", "'v7.4.0' is no version"),
        ("7.3.0", "v7.3.0 is there already"),
        ("7.2.0", "7.2.0 is older than v7.3.0"),
        ("7.5.0", "7.5.0 leaves out a minor version after v7.3.0"),
        ("7.4.0", "CHANGELOG.md says nothing under '## Unreleased'"),
    ],
)
def test_what_is_not_the_next_release_is_refused_in_words(repository: Repository, version: str, words: str) -> None:
    before = repository.state()

    assert f"no release: {words}" in repository.release(version, code=1)
    assert repository.state() == before


def test_what_does_not_build_leaves_branch_and_tags_as_they_are(repository: Repository) -> None:
    project = repository.folder / "pyproject.toml"
    sound = project.read_text()
    (repository.folder / "CHANGELOG.md").write_text(NEWS)
    project.write_text(sound.replace("build-backend", "build-back-end").replace('"shared/synergos",', ""))
    repository.commit("Something that does not build")
    before = repository.state()

    repository.release("7.4.0", code=1)

    assert repository.state() == before
    assert repository.run("git", "worktree", "list").count("\n") == 0
    project.write_text(sound)
    repository.commit("Mended")


def test_what_is_not_committed_is_in_no_release(repository: Repository) -> None:
    (repository.folder / "notes").write_text("of somebody")

    assert "there are changes that are not committed" in repository.release("7.4.0", code=1)
    (repository.folder / "notes").unlink()


def test_images_are_labelled_with_version_and_commit(repository: Repository) -> None:
    commit = repository.run("git", "rev-parse", "HEAD")

    asked = repository.run("sh", "release/image_arguments.sh")
    (repository.folder / "README.md").write_text("changed")
    changed = repository.run("sh", "release/image_arguments.sh", "--environment")
    repository.run("git", "checkout", "--quiet", "README.md")

    assert asked == f"--build-arg VERSION=7.4.0.dev0 --build-arg COMMIT={commit}"
    assert changed == f"SYNERGOS_VERSION=7.4.0.dev0 SYNERGOS_COMMIT={commit}-changed"
