#!/usr/bin/env bash
# Runs a whole federated cycle on real data, on this machine: sets up what is needed, then runs `synergos simulate`.
#
#   bash simulator/quickstart.sh                                  # breast cancer data, two participants
#   bash simulator/quickstart.sh --dataset digits --split skewed
#   bash simulator/quickstart.sh --grid plus                      # with an MLflow server, whose page is named at the end
#   bash simulator/quickstart.sh --grid cluster                   # a queue, a director and two TTPs: jobs in parallel
#   bash simulator/quickstart.sh --secure                         # nobody is let in who is not known; says what was proved
#   bash simulator/quickstart.sh --portal                         # with web pages on which it is watched, named when they are there
#   bash simulator/quickstart.sh --help                           # all options
set -euo pipefail

source "$(dirname "${BASH_SOURCE[0]}")/setup_environment.sh"
setup_environment simulator
if [[ " $* " == *" --grid cluster "* || " $* " == *" --grid=cluster "* ]]; then
  have_rabbitmq
fi

# In this shell's place, so that Ctrl-C and signals reach the program itself.
exec "$synergos_bin/synergos" simulate "$@"
