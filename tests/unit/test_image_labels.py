"""Every image says which version it is and of which commit, as its build is told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCKERFILES = ("docker/Dockerfile", "docker/mlops.Dockerfile", "manager/Dockerfile_mq")


def stages(dockerfile: str) -> list[str]:
    """The stages of a Dockerfile that are run as images."""
    text = (ROOT / dockerfile).read_text()
    return [
        stage
        for stage in re.split(r"^FROM ", text, flags=re.MULTILINE)[1:]
        if "ENTRYPOINT" in stage or "_mq" in dockerfile
    ]


@pytest.mark.parametrize("dockerfile", DOCKERFILES)
def test_an_image_is_labelled_with_version_and_commit(dockerfile: str) -> None:
    found = stages(dockerfile)

    assert found
    for stage in found:
        # An argument is known below its line only, and in its own stage.
        assert re.search(
            r"^ARG VERSION=unknown\nARG COMMIT=unknown\nLABEL (.|\n)*image\.version=\$VERSION (.|\n)*image\.revision=\$COMMIT ",
            stage,
            re.MULTILINE,
        ), stage


@pytest.mark.parametrize("grid", ["basic", "plus", "cluster"])
def test_compose_files_hand_both_to_what_they_build(grid: str) -> None:
    text = (ROOT / f"docker-compose-syn{grid}.yml").read_text()

    assert text.count("VERSION: ${SYNERGOS_VERSION:-unknown}") == text.count("dockerfile: ") > 0
    assert text.count("COMMIT: ${SYNERGOS_COMMIT:-unknown}") == text.count("dockerfile: ")
