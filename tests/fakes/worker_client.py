"""What a TTP does with one worker, in-process: both of its applications, called as over the network."""

from __future__ import annotations

import io
import json
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Any, TypeVar

from torch import Tensor
from typing_extensions import ParamSpec
from werkzeug.test import Client, TestResponse

from factories.feature_spaces import prepared
from support.decoding import decode
from synergos.domain.feature_space import Action, FeatureSpace
from synergos.learning.families.layers.layer_checks import Layer
from synergos.learning.families.layers.network import build_network
from synergos.learning.feature_space_agreement import feature_space
from synergos.wire import Layout, encode
from synergos_worker.bootstrap import WorkerService

P = ParamSpec("P")
R = TypeVar("R")
Weights = Mapping[str, Tensor]
Tags = Mapping[str, Sequence[Sequence[str]]]

SESSION = "0123456789abcdef" * 2
RUN = {"rounds": 10, "epochs": 2, "lr": 0.1, "criterion": "NLLLoss", "algorithm": "FedProx", "batch_size": 32}


class HeldExecutor(Executor):
    """Runs what it is given in the thread that submits it, or keeps it until told to when it is held."""

    def __init__(self) -> None:
        self.is_held = False
        self.has_some = threading.Event()
        self._waiting: deque[Callable[[], None]] = deque()

    def submit(self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        future: Future[R] = Future()

        def run() -> None:
            if not future.running() and not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(fn(*args, **kwargs))
            except Exception as error:
                future.set_exception(error)

        if self.is_held:
            self._hold(future)
            self._waiting.append(run)
            self.has_some.set()
        else:
            run()
        return future

    def _hold(self, future: Future[Any]) -> None:
        """It waits, and may be cancelled."""

    def release(self) -> None:
        """Run what has been kept, and nothing is kept any more."""
        self.is_held = False
        while self._waiting:
            self._waiting.popleft()()


class BusyExecutor(HeldExecutor):
    """What it is given while it is held has begun already."""

    def _hold(self, future: Future[Any]) -> None:
        future.set_running_or_notify_cancel()


@dataclass
class WorkerClient:
    """Talks to a worker; a method returns the answer's ``data`` when the status is the one expected."""

    service: WorkerService
    project: str = "p1"
    run: str = "r1"
    session_id: str = SESSION

    def command(self, method: str, path: str, status: int, body: object = None) -> dict[str, Any]:
        """Call the command port; the whole answer."""
        response = self.service.command_app.test_client().open(path, method=method, json=body)
        assert response.status_code == status, response.get_data(as_text=True)
        answer: dict[str, Any] = response.get_json()
        return answer

    def poll(self, tags: Tags, action: Action = Action.CLASSIFY, status: int = 202) -> dict[str, Any]:
        """Ask for a preparation."""
        body = {"action": action, "tags": tags}
        data: dict[str, Any] = self.command("POST", f"/worker/poll/c/{self.project}", status, body)["data"]
        return data

    def prepared(self, tags: Tags, action: Action = Action.CLASSIFY, **changes: object) -> dict[str, Any]:
        """Ask for a preparation and wait for its end."""
        body = {"action": action, "tags": tags, **changes}
        asked = self.command("POST", f"/worker/poll/c/{self.project}", 202, body)["data"]
        path = f"/worker/poll/c/{self.project}?preparation={asked['preparation']}&wait=30"
        data: dict[str, Any] = self.command("GET", path, 200)["data"]
        return data

    def agree(self, tags: Tags, action: Action = Action.CLASSIFY, minimum_rows: int | None = None) -> Agreement:
        """Prepare, and agree on a feature space with nobody else."""
        polled = self.prepared(tags, action, minimum_rows=minimum_rows)
        assert polled["state"] == "completed", polled
        space, alignment = feature_space({"me": prepared(polled)}, action, minimum_rows=minimum_rows)
        return Agreement(tags, space, alignment.missing_columns["me"])

    def initialise(
        self,
        agreement: Agreement,
        *,
        status: int = 201,
        metas: Sequence[str] = ("train", "evaluate"),
        **changes: object,
    ) -> dict[str, Any]:
        """Open a session; the whole answer."""
        body = agreement.body() | {
            "id": "participant_1",
            "session_id": self.session_id,
            "architecture": agreement.layers(),
            "hyperparameters": RUN,
            "metas": list(metas),
        }
        return self.command("POST", f"/worker/initialise/c/{self.project}/e1/{self.run}", status, body | changes)

    def predict(self, *metas: str, wait: float = 30, status: int = 200) -> dict[str, Any]:
        """Have predictions made; the whole answer."""
        body = {"session_id": self.session_id, "metas": metas, "wait": wait}
        return self.command("POST", f"/worker/predict/c/{self.project}/e1/{self.run}", status, body)

    def terminate(self, **body: object) -> dict[str, Any]:
        """End the session."""
        body = {"session_id": self.session_id, **body}
        return self.command("POST", f"/worker/terminate/c/{self.project}/e1/{self.run}", 200, body)

    def data(self, method: str, path: str, blob: bytes = b"", wait: float = 30) -> TestResponse:
        """Call the data port."""
        return Client(self.service.data_app).open(
            f"/sessions/{self.session_id}/{path}",
            method=method,
            input_stream=io.BytesIO(blob),
            content_length=len(blob),
            headers={"Prefer": f"wait={wait}"},
        )


@dataclass(frozen=True)
class Agreement:
    """What came of an alignment."""

    tags: Tags
    space: FeatureSpace
    missing_columns: Mapping[str, Any]

    def body(self) -> dict[str, Any]:
        """What ``align`` is asked with."""
        return {
            "action": self.space.action,
            "tags": self.tags,
            "alignments": self.missing_columns,
            "feature_space": self.space.to_dict(),
        }

    def layers(self) -> list[Layer]:
        """A network of one layer that fits."""
        activation = (
            None if self.space.action is Action.REGRESS else "sigmoid" if self.space.outputs == 1 else "softmax"
        )
        structure = {"in_features": len(self.space.X), "out_features": self.space.outputs, "bias": True}
        return [{"is_input": True, "l_type": "Linear", "structure": structure, "activation": activation}]

    def weights(self, seed: int = 1) -> Weights:
        """Weights to begin with."""
        return build_network(self.layers(), seed).state_dict()


def blob_of(weights: Weights, **metadata: object) -> bytes:
    """Weights as a message."""
    return b"".join(encode(weights, metadata).chunks())


def message_in(response: TestResponse, like: Weights) -> tuple[Weights, dict[str, Any]]:
    """Weights and metadata of an answer."""
    assert response.status_code == 200, response.get_data(as_text=True)
    blob = response.get_data()
    assert response.content_length == len(blob)
    return decode(io.BytesIO(blob).read, len(blob), Layout.of(like), bytearray())


def message_of(response: TestResponse) -> str:
    """The text of an error."""
    return str(json.loads(response.get_data())["message"])
