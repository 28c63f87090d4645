"""What a worker loads: it is small, and there soon."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
import torch
from synergos.domain.feature_space import Action, Feature, FeatureSpace
from synergos.learning.families.layers.fit_to_feature_space import fit_layers
from synergos.learning.families.layers.hyperparameters import LayersHyperparameters, check_run
from synergos.learning.families.layers.local_training import train_locally
from synergos.learning.families.layers.network import build_network
from synergos.learning.families.layers.objective import Objective

assert "torch._dynamo" not in sys.modules, "torch loads its compiler by itself"
layers = [{"is_input": True, "l_type": "Linear", "structure": {"in_features": 3, "out_features": 1}, "activation": "sigmoid"}]
features, classes = tuple(map(Feature, "abc")), (Feature("target", "0"), Feature("target", "1"))
fit_layers(layers, FeatureSpace("tabular", Action.CLASSIFY, features, classes, (3,)))
assert "torch._dynamo" not in sys.modules, "fitting a model loads it"
run = {"rounds": 2, "epochs": 2, "batch_size": 4, "algorithm": "FedAvg"}
check_run(run)
hyperparameters = LayersHyperparameters.from_run(run)
network = build_network(layers, seed=1)
train_locally(
    network, torch.rand(9, 3), torch.ones(9, 1), hyperparameters=hyperparameters, round_index=1, participant_id="one",
    objective=Objective(hyperparameters, Action.CLASSIFY),
    reference={name: tensor.clone() for name, tensor in network.state_dict().items()},
)
assert "torch._dynamo" not in sys.modules, "training loads it"
"""


def test_training_never_loads_the_compiler_of_torch() -> None:
    finished = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert (finished.returncode, finished.stderr) == (0, "")
