"""The same rounds by Flower, whose dependencies stay out of ours: run by the interpreter of an environment that has ``flwr``.

    python flower_rounds.py ROLE ADDRESS CASE ROUNDS PARTICIPANTS EVALUATES PATH…

``ROLE`` is ``server``, which prints the seconds of each round and of its slowest participant as JSON, or ``client``.
``PATH…`` are looked in last: torch and our functions that train come from the environment of the benchmark.

It is Flower's shortest way, one process for the server and one for each participant, no SuperLink in between.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmarks.round_cases import Measured


def flower(python: Path, case: str, rounds: int, participants: int = 2, evaluates: bool = False) -> Measured:
    """Rounds of so many participants, each a process with one torch thread.

    Args:
        python: an interpreter that imports ``flwr``.
        case: its name among the cases.
        evaluates: whether each measures the new weights after the round, which Flower does in a second exchange.
    """
    from benchmarks.round_cases import Measured

    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    # One more round, as the last one has no next one that tells when it ended.
    own = [address, case, str(rounds + 1), str(participants), str(int(evaluates)), *filter(None, sys.path)]
    # Nobody but us learns that a benchmark ran.
    environment = {**os.environ, "FLWR_TELEMETRY_ENABLED": "0", "PYTHONPATH": ""}

    def start(role: str) -> subprocess.Popen[str]:
        command = [str(python), "-W", "ignore", __file__, role, *own]
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    server = start("server")
    clients = [start("client") for _ in range(participants)]
    told, _ = server.communicate(timeout=600)
    for client in clients:
        client.communicate(timeout=60)
    if server.returncode:
        raise SystemExit("Flower's server failed")
    found = json.loads(told.splitlines()[-1])
    return Measured(found["walls"], found["works"])


def serve(address: str, case: str, rounds: int, participants: int, evaluates: bool) -> None:
    """Run the rounds, and print how long each took."""
    from flwr.common import ndarrays_to_parameters
    from flwr.server import ServerConfig, start_server
    from flwr.server.strategy import FedAvg

    from benchmarks.round_cases import CASES, Participant

    begun: list[float] = []
    works: list[float] = []

    class Timed(FedAvg):  # type: ignore[misc]
        def configure_fit(self, server_round: int, parameters: Any, client_manager: Any) -> Any:
            begun.append(time.perf_counter())
            return super().configure_fit(server_round, parameters, client_manager)

        def aggregate_fit(self, server_round: int, results: Any, failures: Any) -> Any:
            if failures or len(results) != participants:
                raise SystemExit(f"Flower's round {server_round} failed")
            works.append(max(result.metrics["seconds"] for _, result in results))
            return super().aggregate_fit(server_round, results, failures)

    initial = [tensor.numpy() for tensor in Participant(CASES[case]).weights.values()]
    strategy = Timed(
        fraction_evaluate=float(evaluates),
        min_fit_clients=participants,
        min_available_clients=participants,
        min_evaluate_clients=participants if evaluates else 0,
        initial_parameters=ndarrays_to_parameters(initial),
    )
    start_server(server_address=address, config=ServerConfig(num_rounds=rounds), strategy=strategy)
    walls = [after - before for before, after in pairwise(begun)]
    print(json.dumps({"walls": walls, "works": works[:-1]}))


def take_part(address: str, case: str) -> None:
    """Train when the server asks."""
    import torch
    from flwr.client import NumPyClient, start_client

    from benchmarks.round_cases import CASES, Participant

    class Client(NumPyClient):  # type: ignore[misc]
        def __init__(self) -> None:
            self.participant = Participant(CASES[case])
            self.rounds = 0

        def fit(self, parameters: Sequence[Any], config: Any) -> Any:
            self.receive(parameters)
            seconds = self.participant.train(self.rounds)
            self.rounds += 1
            weights = [tensor.numpy() for tensor in self.participant.weights.values()]
            return weights, CASES[case].rows, {"seconds": seconds}

        def evaluate(self, parameters: Sequence[Any], config: Any) -> Any:
            self.receive(parameters)
            self.participant.evaluate()
            return 0.0, CASES[case].rows, {}

        def receive(self, parameters: Sequence[Any]) -> None:
            for tensor, given in zip(self.participant.reference.values(), parameters, strict=True):
                tensor.copy_(torch.from_numpy(given))

    start_client(server_address=address, client=Client().to_client())


def main(role: str, address: str, case: str, rounds: str, participants: str, evaluates: str, *path: str) -> None:
    """Be the server or a participant."""
    sys.path += path
    if role == "server":
        serve(address, case, int(rounds), int(participants), bool(int(evaluates)))
    else:
        take_part(address, case)


if __name__ == "__main__":
    main(*sys.argv[1:])
