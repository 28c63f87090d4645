"""The bare loop: rounds over raw sockets with nothing around them: a float32 mean, no checks, nothing kept."""

from __future__ import annotations

import multiprocessing
import socket
import struct
import time
from collections.abc import Mapping

import torch

from benchmarks.round_cases import Case, Measured, Participant


def bare(case: Case, rounds: int, participants: int = 2, evaluates: bool = False) -> Measured:
    """Rounds of so many participants, each a process with one torch thread.

    Args:
        evaluates: whether each measures the weights it receives on its rows before it trains.
    """
    weights = Participant(case).reference
    answers = [{name: torch.empty_like(tensor) for name, tensor in weights.items()} for _ in range(participants)]
    measured = Measured()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        context = multiprocessing.get_context("spawn")
        processes = [context.Process(target=_participant, args=(port, case, evaluates)) for _ in range(participants)]
        for process in processes:
            process.start()
        lines = [server.accept()[0] for _ in processes]
        for line in lines:
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(rounds):
            begun = time.perf_counter()
            for line in lines:
                _send(line, weights)
            seconds = []
            for line, answer in zip(lines, answers, strict=True):
                _receive_into(line, answer)
                seconds.append(struct.unpack("<d", line.recv(8, socket.MSG_WAITALL))[0])
            for name, tensor in weights.items():
                torch.mean(torch.stack([answer[name] for answer in answers]), 0, out=tensor)
            measured.walls.append(time.perf_counter() - begun)
            measured.works.append(max(seconds))
        for line in lines:
            line.close()
        for process in processes:
            process.join(30)
    return measured


def _participant(port: int, case: Case, evaluates: bool) -> None:
    """Receive weights, train, send them back."""
    participant = Participant(case)
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        number = 0
        while _receive_into(line, participant.reference):
            seconds = participant.evaluate() if evaluates else 0.0
            seconds += participant.train(number)
            _send(line, participant.weights)
            line.sendall(struct.pack("<d", seconds))
            number += 1


def _send(line: socket.socket, weights: Mapping[str, torch.Tensor]) -> None:
    for tensor in weights.values():
        line.sendall(tensor.reshape(-1).numpy().data.cast("B"))


def _receive_into(line: socket.socket, weights: Mapping[str, torch.Tensor]) -> bool:
    """Fill the tensors with what comes; false when nothing comes any more."""
    for tensor in weights.values():
        view = tensor.view(-1).numpy().data.cast("B")
        position = 0
        while position < view.nbytes:
            count = line.recv_into(view[position:])
            if not count:
                return False
            position += count
    return True
