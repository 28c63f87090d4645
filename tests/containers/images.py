"""The images, as their documentation builds them."""

from __future__ import annotations

from containers.engine import ROOT, build

WORKER, DIRECTOR = "synergos_worker:synbasic", "synergos_director:syncluster"
BASIC_TTP, CLUSTER_TTP = "synergos_ttp:synbasic", "synergos_ttp:syncluster"
IMAGES = {
    WORKER: ("docker/Dockerfile", "--target", "worker", "--label", "synworker"),
    DIRECTOR: ("docker/Dockerfile", "--target", "director", "--label", "syncluster_director"),
    CLUSTER_TTP: ("docker/Dockerfile", "--target", "syncluster_ttp", "--label", "syncluster_ttp"),
    # A plain build of a TTP is a basic one.
    BASIC_TTP: ("docker/Dockerfile", "--label", "synbasic_ttp"),
    "synergos_mlops:synplus": ("docker/mlops.Dockerfile", "--label", "synmlops"),
}
"""Where each is built, and the options of its build; the last one is its label."""
LOG_RECEIVER = "synergos_test_log_receiver:latest"
"""Takes what programs log where Graylog, whose images are not to be had everywhere, does."""

PROMETHEUS = "synergos_test_prometheus:latest"
"""Debian's, in the place of the public image."""


def build_image(tag: str) -> None:
    """Build one of them from the code as it is."""
    dockerfile, *options = IMAGES[tag]
    build(dockerfile, tag, *options)


def build_all() -> None:
    """Build every image from the code as it is."""
    for tag in IMAGES:
        build_image(tag)
    build("tests/containers/log_receiver/Dockerfile", LOG_RECEIVER)
    build("Dockerfile", PROMETHEUS, context=ROOT / "tests" / "containers" / "prometheus")
    build("Dockerfile_mq", "synergos_mq:dev", "--label", "synergos_mq", context=ROOT / "manager")
