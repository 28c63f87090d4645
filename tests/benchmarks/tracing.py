"""What spans cost a TTP's processor in a round of two participants: in the job's thread, without a collector and with one, and in
the thread that sends.

    python tests/benchmarks/tracing.py [rounds]

Processor time of this process alone; nothing is sent, as a collector's part is not the TTP's.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fakes.spans import Recorder
from synergos.domain.job import Job, Stage
from synergos.domain.keys import RunKey
from synergos.tracing import OFF, Tracer
from synergos.tracing.otlp import OtlpExport
from synergos.tracing.sender import AT_ONCE
from synergos_ttp.events import RoundDone, RoundSeconds
from synergos_ttp.traces import traces

PARTICIPANTS = ("worker_1", "worker_2")
JOB = Job(Stage.TRAIN, RunKey("benchmark", "benchmark", "benchmark", "benchmark"))
SECONDS = RoundSeconds(1.0, 1.0, 1.0, 1.0, 1.0, dict.fromkeys(PARTICIPANTS, (1.0, 1.0)))


def of_rounds(tracer: Tracer, rounds: int) -> float:
    """Microseconds of a round in the job's thread."""
    trace, losses = traces(tracer)(JOB), dict.fromkeys(PARTICIPANTS, 0.5)
    begun = time.process_time()
    for number in range(rounds):
        for who in PARTICIPANTS:
            with trace.at(who).transfer("PUT round", 16_000, number) as transfer:
                transfer.note(16_000)
        trace(RoundDone(number, rounds, 0.5, losses, {}, None, seconds=SECONDS))
    return 1e6 * (time.process_time() - begun) / rounds


def of_sending(recorder: Recorder) -> float:
    """Microseconds of a span until it is bytes."""
    export = OtlpExport("http://127.0.0.1:4318/v1/traces", None, "ttp", "ttp_0")
    begun = time.process_time()
    for start in range(0, len(recorder.spans), AT_ONCE):
        batch = [export.written(span) for span in recorder.spans[start : start + AT_ONCE]]
        encode_spans(batch).SerializePartialToString()
    return 1e6 * (time.process_time() - begun) / len(recorder.spans)


def main() -> None:
    """Measure and show it."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    recorder = Recorder()
    off, on = of_rounds(OFF, rounds), of_rounds(recorder, rounds)
    each, spans = of_sending(recorder), len(recorder.spans) / rounds
    table = Table("processor time of a round", "µs", title=f"{rounds} rounds of {len(PARTICIPANTS)} participants")
    table.add_row("in the job's thread, without a collector", f"{off:.0f}")
    table.add_row("in the job's thread, with one", f"{on:.0f}")
    table.add_row(f"in the sender's thread: {spans:.0f} spans of {each:.0f} µs", f"{spans * each:.0f}")
    Console().print(table)


if __name__ == "__main__":
    main()
