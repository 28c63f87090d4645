"""The images, as their documentation builds them."""

from __future__ import annotations

from containers.engine import ROOT, build, docker

WORKER, DIRECTOR, PORTAL = "synergos_worker:synbasic", "synergos_director:syncluster", "synergos_portal:synbasic"
BASIC_TTP, CLUSTER_TTP = "synergos_ttp:synbasic", "synergos_ttp:syncluster"
MLOPS, QUEUE = "synergos_mlops:synplus", "synergos_mq:dev"
IMAGES = {
    WORKER: ("docker/Dockerfile", "--target", "worker", "--label", "synworker"),
    DIRECTOR: ("docker/Dockerfile", "--target", "director", "--label", "syncluster_director"),
    CLUSTER_TTP: ("docker/Dockerfile", "--target", "syncluster_ttp", "--label", "syncluster_ttp"),
    # A plain build of a TTP is a basic one.
    BASIC_TTP: ("docker/Dockerfile", "--label", "synbasic_ttp"),
    PORTAL: ("docker/Dockerfile", "--target", "portal", "--label", "synportal"),
    MLOPS: ("docker/mlops.Dockerfile", "--label", "synmlops"),
}
"""Where each is built, and the options of its build; the last one is its label."""
SAME = {
    WORKER: ("synergos_worker:synplus", "synergos_worker:syncluster"),
    BASIC_TTP: ("synergos_ttp:synplus",),
    PORTAL: ("synergos_portal:synplus", "synergos_portal:syncluster"),
    MLOPS: ("synergos_mlops:syncluster",),
    QUEUE: ("synergos_mq:syncluster",),
}
"""What each grid's compose file builds under a name of its own, from the same Dockerfile and the same stage of it, as
tests/unit/test_compose_files.py looks at."""
LOG_RECEIVER = "synergos_test_log_receiver:latest"
"""Takes what programs log where Graylog, whose images are not to be had everywhere, does."""

PROMETHEUS = "synergos_test_prometheus:latest"
"""Debian's, in the place of the public image."""


def build_image(tag: str) -> None:
    """Build one of them from the code as it is."""
    dockerfile, *options = IMAGES[tag]
    build(dockerfile, tag, *options)


def build_all() -> None:
    """Build every image from the code as it is, and give it its name in each grid."""
    for tag in IMAGES:
        build_image(tag)
    build("tests/containers/log_receiver/Dockerfile", LOG_RECEIVER)
    build("Dockerfile", PROMETHEUS, context=ROOT / "tests" / "containers" / "prometheus")
    build("Dockerfile_mq", QUEUE, "--label", "synergos_mq", context=ROOT / "manager")
    for built, names in SAME.items():
        for name in names:
            docker("tag", built, name)
