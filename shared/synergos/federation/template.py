"""What ``synergos init`` writes: a project file with a word about everything it may say."""

from __future__ import annotations

TEMPLATE = """\
# A project of a collaboration, and all that belongs to it.
#
#   synergos diff       what the orchestrator has otherwise
#   synergos apply      declare what is missing, change what differs
#   synergos destroy    delete what is declared here
#
#   synergos align | train | validate | predict | tune     use the ids of this file
#
# What is commented out may be said; what is left out is as the documentation of the REST interface says.
# Layers, runs and search spaces may be JSON files beside this one: model = "architecture.json".

[collaboration]
id = "heart"
# The services that its programs use, where it has any.
# mlops = { host = "mlflow.example.org", ports = { main = 5500 } }

[project]
id = "risk"
action = "classify"                 # or regress
# incentives = { tier_1 = [], tier_2 = [] }

# One table for each participant. A participant and a collaboration may be part of other projects too:
# of them only what is said here is compared and changed.
[participants.hospital_1]
role = "guest"                      # or host, arbiter
# summary = "Cardiology"
# email = "data@hospital-1.example.org"

# Its workers; in a cluster one for each sub-grid. port is the data port, where model weights travel,
# and f_port the command port. Addresses are as the orchestrator reaches them.
[[participants.hospital_1.nodes]]
host = "10.0.0.11"
port = 8020
f_port = 5000

# Its datasets: folders below the worker's --data, each as the names that lead to it, outermost first.
[participants.hospital_1.tags]
train = [["train"]]
evaluate = [["evaluate"]]
predict = [["predict"]]

[participants.hospital_2]
nodes = [{ host = "10.0.0.12", port = 8020, f_port = 5000 }]
tags = { train = [["train"]], evaluate = [["evaluate"]] }

# How synergos align asks.
# [alignment]
# unseen = "refuse"                 # rows with levels that no training row has; otherwise they count as missing
# auto_fix = false                  # leave the first and last layer of networks as they are

# A network, layer by layer: classes of torch.nn, their arguments, and functions of torch.nn.functional.
# Alignment fits the first and the last layer to the columns and labels that were agreed.
[experiments.logistic]
# model = "architecture.json"

[[experiments.logistic.model]]
is_input = true
l_type = "Linear"
structure = { in_features = 1, out_features = 1, bias = true }
activation = "sigmoid"

# Its runs: hyperparameters, and arguments of the optimizer, the criterion and the scheduler.
[experiments.logistic.runs.first]
# or, in [experiments.logistic.runs]: first = "hyperparameters.json"
algorithm = "FedAvg"
rounds = 20
epochs = 1
lr = 0.05
batch_size = 32

# What synergos tune searches, and what it goes by. What is not searched is as in base_run.
[experiments.logistic.studies.rates]
base_run = "first"
metric = "roc_auc_score"
max_trial_num = 10
# search_space = "ranges.json"

[experiments.logistic.studies.rates.search_space]
lr = { _type = "loguniform", _value = [0.001, 0.1] }
batch_size = { _type = "choice", _value = [16, 32, 64] }
"""
