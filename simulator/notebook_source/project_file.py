"""The project file of an example dataset: what its notebooks declare, for ``synergos apply``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from notebook_source.grids import Grid
from notebook_source.stories import Story
from synergos_simulator.datasets import Dataset
from synergos_simulator.datasets.dataset import Holding


def project_file(story: Story, grid: Grid, dataset: Dataset) -> str:
    """The text of ``federation.toml``, with the addresses of a compose grid."""
    metric = next(iter(story.measures))
    workers: Any = grid.parameters["workers"]
    head = f"""\
# {story.question}
#
# Addresses are those of docker-compose-{grid.name}.yml. From this folder, with the grid running:
#
#   synergos apply --address http://{_host(grid.parameters["orchestrator"])}

[collaboration]
id = "{story.name}_collaboration"

[project]
id = "{story.name}_project"
action = "{dataset.action}"
"""
    tail = f"""
[experiments.network]
model = "architecture.json"

[experiments.network.runs]
first = "hyperparameters.json"

[experiments.network.studies.ranges]
base_run = "first"
search_space = "ranges.json"
metric = "{metric}"
max_trial_num = 4
"""
    return head + "".join(_participant(each, workers[each.participant_id]) for each in dataset.holdings) + tail


def _participant(holding: Holding, nodes: Sequence[Mapping[str, object]]) -> str:
    at = f"participants.{holding.participant_id}"
    role = "host" if holding.participant_id == "worker_1" else "guest"
    purposes = ("train", "evaluate", "predict")
    tags = [f"{purpose} = [{json.dumps(getattr(holding, purpose))}]" for purpose in purposes]
    listed = ", ".join(f"{{ {', '.join(f'{name} = {json.dumps(node[name])}' for name in node)} }}" for node in nodes)
    return f"\n[{at}]\nrole = {json.dumps(role)}\nnodes = [{listed}]\n\n[{at}.tags]\n" + "\n".join(tags) + "\n"


def _host(place: Any) -> str:
    return f"{place['host']}:{place['port']}"
