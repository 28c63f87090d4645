"""The folders that the compose grids write to: in the repository, left out of it, and emptied by ``cleanup.sh``."""

from __future__ import annotations

import re
import subprocess

import pytest

from support.checkout import LASTING, OWN, ROOT, TARGETS


def test_it_empties_what_the_compose_grids_write_to() -> None:
    compose = "".join(path.read_text() for path in ROOT.glob("docker-compose-*.yml"))

    mounted = re.findall(r"/((?:metadata|outputs)/\w+):/", compose)
    assert set(mounted) == {*TARGETS, *LASTING, *OWN}


def test_a_participants_nodes_in_the_cluster_have_one_key() -> None:
    compose = (ROOT / "docker-compose-syncluster.yml").read_text()

    workers = re.findall(r"container_name: sync_worker_(\d)_n\d\n(.*?)\n\n", compose, re.DOTALL)
    keys = [(worker, re.findall(r"/metadata/(\w+):/worker/key$", text, re.MULTILINE)) for worker, text in workers]
    assert sorted(keys) == [(number, [f"worker_{number}_key"]) for number in ("1", "1", "2", "2")]
    assert all("--digest_key /worker/key/" in text for _, text in workers)


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a clone")
def test_the_repository_has_the_folders_and_git_ignores_what_grids_write() -> None:
    for target in (*TARGETS, *LASTING, *OWN):
        assert (ROOT / "simulator" / target / "README.md").is_file()
        ignored = subprocess.run(
            ["git", "check-ignore", "--quiet", "--no-index", f"simulator/{target}/model"], cwd=ROOT, check=False
        )
        kept = subprocess.run(
            ["git", "check-ignore", "--quiet", "--no-index", f"simulator/{target}/README.md"], cwd=ROOT, check=False
        )
        assert (ignored.returncode, kept.returncode) == (0, 1), target
