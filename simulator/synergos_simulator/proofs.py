"""What a closed grid keeps out: each attempt is made, on the grid that runs, and what came of it is told."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil

from synergos import Driver
from synergos.driver import DriverError
from synergos.errors import GridError
from synergos.ledger.place import LedgerPlace, places_in
from synergos.ledger.verification import verify
from synergos.pki.authority import Authority
from synergos_simulator.broker import broker_in
from synergos_simulator.closed_grid import Admission
from synergos_simulator.datasets import Dataset
from synergos_simulator.grid import Grid
from synergos_simulator.simulation import COLLABORATION
from synergos_simulator.state import Program
from synmanager.config import TRAIN
from synmanager.errors import AccessRefused, BrokerRefused, PublishRefused
from synmanager.roles import TTP

ELSEWHERE = "elsewhere"
"""A collaboration that no owner of data has heard of."""
_PROJECT = (ELSEWHERE, "federated")


@dataclass(frozen=True)
class Proof:
    """One attempt.

    Attributes:
        what: what is to hold.
        attempt: how it was tried.
        found: what came of it.
        holds: whether that is what was to hold.
    """

    what: str
    attempt: str
    found: str
    holds: bool


@dataclass(frozen=True)
class Proving:
    """Tries what a closed grid is to keep out.

    Attributes:
        lead: a driver with the account of whom the collaboration belongs to.
        nodes: each participant's.
        broker: the folder of a cluster's queue; None where there is none.
    """

    grid: Grid
    admission: Admission
    dataset: Dataset
    lead: Driver
    nodes: Mapping[str, Sequence[Program]]
    broker: Path | None = None

    def all(self) -> list[Proof]:
        """All attempts, once a cycle has been gone through.

        Raises:
            GridError: one of them succeeded; says which.
        """
        attempts = (
            self._plain,
            self._stranger_for_ttp,
            self._nobody,
            self._wrong_token,
            self._other_participant,
            self._listening,
            self._uninvited,
            self._unlisted_use,
            *(partial(self._ledger, worker) for worker in self.grid.workers),
            self._edited_ledger,
            *(() if self.broker is None else (partial(self._forged_job, self.broker),)),
        )
        # Else it would be refused whatever is asked.
        self.lead.collaborations.read(COLLABORATION)
        proofs = [attempt() for attempt in attempts]
        if let_through := [proof for proof in proofs if not proof.holds]:
            raise GridError("; ".join(f"{proof.what}, but {proof.attempt}: {proof.found}" for proof in let_through))
        return proofs

    @property
    def _ttp(self) -> Program:
        return self.grid.ttp

    def _plain(self) -> Proof:
        driver = Driver(self._ttp.host, self._ttp.port, raise_errors=True, token=self.admission.lead)
        return _refused(
            "nothing is read without TLS", "asked by http with an account's token", driver, "this port speaks TLS"
        )

    def _stranger_for_ttp(self) -> Proof:
        with tempfile.TemporaryDirectory() as folder:
            another = Authority.founded(Path(folder) / "pki", "Another authority").believed
            driver = Driver(self._ttp.host, self._ttp.port, True, raise_errors=True, tls_ca=another)
            attempt = "believed another authority than the grid's"
            return _refused("a client asks no impostor", attempt, driver, "its certificate does not hold")

    def _nobody(self) -> Proof:
        driver = Driver(self._ttp.host, self._ttp.port, True, raise_errors=True, tls_ca=self._ttp.tls[0])
        return _refused("nothing is read without an account", "asked without one", driver, "sign in")

    def _wrong_token(self) -> Proof:
        last = "A" if self.admission.lead[-1] != "A" else "B"
        driver = self._ttp.driver(self.admission.lead[:-1] + last)
        attempt = "asked with a token of which one letter is another"
        return _refused("a token is good as it was given out", attempt, driver, "this token is none")

    def _other_participant(self) -> Proof:
        one, *others = self.admission.members
        whose = others[0] if others else f"not_{one}"
        what, attempt = "a participant sees its own", f"{one}'s account asked for the tags of {whose}"
        with self._ttp.driver(self.admission.members[one]) as driver:
            asked = partial(driver.tags.read, COLLABORATION, "federated", whose)
            return told(what, attempt, asked, "this takes an account")

    def _listening(self) -> Proof:
        names = {worker.name for worker in self.grid.workers}
        running = [program for program in self.grid.state.programs if program.name in names]
        found = {program.name: len(_listening_sockets(program)) for program in running}
        ports = ", ".join(f"{name}: {count or 'none'}" for name, count in found.items())
        what, attempt = "workers open no port", "counted the sockets that listen"
        return Proof(what, attempt, ports, not any(found.values()))

    def _uninvited(self) -> Proof:
        who = self.dataset.holdings[0].participant_id
        self.lead.collaborations.create(ELSEWHERE)
        self.lead.projects.create(*_PROJECT, action=self.dataset.action, incentives={})
        what, attempt = (
            "participants take part where they are invited",
            f"{who}'s account registered for a project that it was not",
        )
        with self._ttp.driver(self.admission.members[who]) as driver:
            return told(what, attempt, lambda: self._register(driver, who), "is not invited")

    def _unlisted_use(self) -> Proof:
        holding = self.dataset.holdings[0]
        self.lead.invitations.create(*_PROJECT, holding.participant_id)
        with self._ttp.driver(self.admission.members[holding.participant_id]) as driver:
            self._register(driver, holding.participant_id)
            driver.tags.create(*_PROJECT, holding.participant_id, train=[list(holding.train)])
        what = "data are used for what their owner has said"
        attempt = f"aligned for the collaboration {ELSEWHERE!r}"
        return told(what, attempt, lambda: self._aligned(*_PROJECT), "the owner of the data does not let")

    def _register(self, driver: Driver, participant_id: str) -> object:
        registrations = driver.registrations
        for node in self.nodes[participant_id]:
            registrations.add_node(**node.node)
        return registrations.create(*_PROJECT, participant_id, role="host")

    def _aligned(self, collab_id: str, project_id: str) -> object:
        """Align, and wait for it, whether the orchestrator does or not.

        Raises:
            DriverError: it failed.
        """
        answer = self.lead.alignments.create(collab_id, project_id)
        jobs = self.lead.jobs.read_all(collab_id=collab_id, project_id=project_id)["data"]
        return [self.lead.jobs.wait(job["id"]) for job in jobs] or answer

    def _ledger(self, worker: Program) -> Proof:
        [place] = places_in(Path(worker.outputs))
        found = verify(place)
        said = f"{found.lines} lines, each signed and after the one before"
        problems = "; ".join(finding.problem for finding in found.findings)
        what, attempt = "what was done with the data is written down", f"verified the ledger of {worker.name}"
        return Proof(what, attempt, said if found.is_sound else problems, found.is_sound)

    def _edited_ledger(self) -> Proof:
        [place] = places_in(Path(self.grid.workers[0].outputs))
        with tempfile.TemporaryDirectory() as folder:
            copy = LedgerPlace(Path(folder), place.program)
            shutil.copytree(place.folder, copy.folder)
            _edit(copy.files())
            found = verify(copy)
        wrong = [finding for finding in found.findings if finding.is_wrong]
        said = f"line {wrong[0].line}: {wrong[0].problem}" if wrong else "it was not noticed"
        what, attempt = "no line of it is edited unnoticed", f"changed a letter in a copy of {place.program}'s"
        return Proof(what, attempt, said, bool(wrong))

    def _forged_job(self, broker: Path) -> Proof:
        program = next(program for program in self.grid.planned_programs if program.is_broker)
        what, attempt = "a TTP gives nobody work", "published a job as the user of the TTPs at the queue"
        link = broker_in(broker, program.port, TTP, program.tls_context).link()
        try:
            link.publish(*TRAIN.way, "{}")
        except (AccessRefused, BrokerRefused, PublishRefused) as error:
            return Proof(what, attempt, str(error), holds=True)
        finally:
            link.close()
        return Proof(what, attempt, "it was taken", holds=False)


def _refused(what: str, attempt: str, driver: Driver, words: str) -> Proof:
    """Ask for the list of collaborations, which is not to be answered."""
    with driver:
        return told(what, attempt, driver.collaborations.read_all, words)


def told(what: str, attempt: str, ask: Callable[[], object], words: str) -> Proof:
    """Ask for something that is refused with these words; what goes wrong for another reason proves nothing."""
    try:
        ask()
    except DriverError as error:
        return Proof(what, attempt, error.message, words in error.message)
    return Proof(what, attempt, "it was answered", holds=False)


def _listening_sockets(program: Program) -> Sequence[object]:
    assert program.identity is not None  # noqa: S101 - it runs
    process = psutil.Process(program.identity.pid)
    all_of_it = [process, *process.children(recursive=True)]
    return [one for each in all_of_it for one in each.net_connections("inet") if one.status == psutil.CONN_LISTEN]


def _edit(files: Sequence[Path]) -> None:
    """Change a letter of the collaboration in the last line that names it, as somebody would who wants to have done something else."""
    file, content = next(
        (file, found) for file in reversed(files) if COLLABORATION.encode() in (found := file.read_bytes())
    )
    at = content.rindex(COLLABORATION.encode())
    file.write_bytes(content[:at] + b"S" + content[at + 1 :])
