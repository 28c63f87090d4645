"""An engine, the images built from the code as it is, and example data that every user may read."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from containers import engine
from containers.grids import EXAMPLES
from containers.images import WORKER, build_all
from support.original_notebooks import SHIPPED, lay_out


@pytest.fixture(scope="session")
def docker_engine() -> None:
    if not engine.start():
        reason = "NO DOCKER ENGINE: CONTAINERS ARE NOT TESTED. Start one, so that `docker info` works"
        print(reason, file=sys.__stderr__)
        pytest.skip(reason)


@pytest.fixture(scope="session")
def images(docker_engine: None) -> None:
    """All images, as their documentation builds them."""
    build_all()


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Path]:
    """A folder whose sub-folders are for Docker to make, and to be given back to who runs the tests."""
    yield tmp_path
    if os.getuid() == 0:
        # Pytest removes what is root's as well as anybody's.
        return
    mount = ("--volume", f"{tmp_path}:/given-back", "--entrypoint", "rm", WORKER)
    engine.docker("run", "--rm", *mount, "-rf", *(f"/given-back/{entry.name}" for entry in tmp_path.iterdir()))


@pytest.fixture(scope="session")
def datasets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The original's example data, and the simulator's."""
    if not SHIPPED.is_dir():
        pytest.skip("the original's example data is not on this machine")
    data = tmp_path_factory.mktemp("datasets")
    lay_out(data)
    for own in EXAMPLES.iterdir():
        if own.is_dir():
            shutil.copytree(own, data / own.name)
    data.chmod(0o755)
    return data
