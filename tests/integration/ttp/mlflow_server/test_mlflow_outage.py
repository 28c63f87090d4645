"""A real MLflow server is away while a TTP dies: nothing is lost, and nothing is there twice."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from servers.mlflow_server import history_of, runs_of, tracking_server
from support.tracked_trainings import AUTH, LOGIN, only_run, until

pytestmark = pytest.mark.timeout(600)

ROUNDS = 10


# A TTP's part in it, in a process that can be killed.
TTP = """
import sys, time
from pathlib import Path
from synergos.domain.keys import RunKey
from synergos_ttp.tracking.login import TrackingLogin
from synergos_ttp.tracking.mlflow_tracker import MlflowTracker
from synergos_ttp.tracking.note_spool import NoteSpool
from synergos_ttp.tracking.tracker import Status, TrackingSubject
from synergos_ttp.tracking.writer_process import WriterProcess

home, address, exports, user, password = sys.argv[1:]
home = Path(home)
writer = WriterProcess(home / "mlflow", TrackingLogin(user, password))
tracker = MlflowTracker(NoteSpool(home / "spool"), writer, interval=0.05, deadline=0.2)
tracker.start()
print("started", flush=True)
for line in sys.stdin:
    match line.split():
        case ["begin", job]:
            run = tracker.training(TrackingSubject(RunKey("away", "risk", "logistic", "first"), address), job, {"lr": 0.1})
        case ["round", number]:
            run.trained(int(number), 1.0 / (int(number) + 1), {"hospital_1": 0.5})
        case ["end"]:
            run.end(Status.FINISHED, Path(exports))
    print("done", flush=True)
time.sleep(600)
"""


class Ttp:
    """The process, which does what it is told."""

    def __init__(self, home: Path, address: str, exports: Path) -> None:
        command = [sys.executable, "-c", TTP, str(home), address, str(exports), LOGIN.user, LOGIN.password]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._answered()

    def tell(self, *words: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{' '.join(map(str, words))}\n".encode())
        self._process.stdin.flush()
        self._answered()

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _answered(self) -> None:
        assert self._process.stdout is not None
        # Between its answers it says what it logs.
        assert any(line in (b"started\n", b"done\n") for line in self._process.stdout)


def test_a_server_that_is_away_while_the_ttp_dies_loses_nothing(tmp_path: Path, exports: Path) -> None:
    from mlflow.tracking import MlflowClient

    server, ttp = tmp_path / "server", tmp_path / "ttp"
    server.mkdir()
    with pytest.MonkeyPatch.context() as changed:
        for name, value in LOGIN.environment.items():
            changed.setenv(name, value)
        # The one whose own first start is tried.
        with tracking_server(server, settings=AUTH, has_store=False) as port:
            address = f"http://127.0.0.1:{port}"
            client = MlflowClient(address, address)
            first = Ttp(ttp, address, exports)
            first.tell("begin", "f" * 32)
            first.tell("round", 0)
            until(lambda: bool(runs_of(client, "away_>_risk_>_logistic")), "the run", 300)
            run_id = only_run(client, "away").info.run_id
            until(lambda: bool(history_of(client, run_id, "global_train_loss")), "the first loss, live", 300)
        for number in range(1, ROUNDS):
            first.tell("round", number)
        first.tell("end")
        # What a round or an end has told is on the disk by now, whoever dies.
        first.kill()
        for path in exports.iterdir():
            path.unlink()
        second = Ttp(ttp, address, exports)
        with tracking_server(server, port=port, settings=AUTH):
            until(lambda: only_run(client, "away").info.status == "FINISHED", "the end", 300)
            until(lambda: bool(client.search_logged_models([only_run(client, "away").info.experiment_id])), "it", 300)
            second.kill()
            run = only_run(client, "away")
            losses = [(each.step, each.value) for each in client.get_metric_history(run_id, "global_train_loss")]
            files = {one.path for one in client.list_artifacts(run_id)}

    assert run.info.run_id == run_id
    assert sorted(losses) == [(number, 1.0 / (number + 1)) for number in range(ROUNDS)]
    assert "global_model.safetensors" in files
