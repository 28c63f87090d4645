"""Flags that the worker and its check have in common."""

from __future__ import annotations

import argparse
import os
import ssl
from collections.abc import Callable
from pathlib import Path

from synergos.domain.catalogue import Extent
from synergos.identity.trust import Trust
from synergos.permission.judging import Unlisted
from synergos.program.flags import add_flag, default_folder, one_of, refusing, whole_number
from synergos.program.tunnel import Proxy, proxy_of
from synergos_worker.disclosure.policy import MINIMUM_ROWS, Mode, Policy
from synergos_worker.joining.rendezvous import Meeting
from synergos_worker.memory import MemoryLimits
from synergos_worker.policy.limits import USUAL, OwnerLimits
from synergos_worker.policy.policy_file import read_policy


def add_data_flag(flags: argparse.ArgumentParser) -> None:
    """Add the flag of the data folder."""
    add_flag(
        flags,
        "--data",
        type=Path,
        default=default_folder("worker/data", "/worker/data"),
        help="folder of the participant's datasets; only read",
    )


def add_disclosure_flags(flags: argparse.ArgumentParser) -> None:
    """Add what says how much may be told."""
    add_flag(
        flags,
        "--disclosure",
        type=one_of(Mode),
        default=str(Mode.STRICT),
        variable="SYNERGOS_DISCLOSURE",
        metavar="{strict,open}",
        help="strict: of values, levels and figures that too few rows share nothing leaves; open: everything that was ever "
        "asked for, for data that may be seen by all",
    )
    add_flag(
        flags,
        "--minimum_rows",
        type=whole_number(1),
        default=MINIMUM_ROWS,
        help="how many rows have to share what is told of them, unless the folder's metadata.json has a number of its own",
    )


def add_policy_flag(flags: argparse.ArgumentParser) -> None:
    """Add the flag of the file that says what may be asked."""
    add_flag(
        flags,
        "--policy",
        type=Path,
        variable="SYNERGOS_POLICY",
        metavar="FILE",
        help="policy.toml: what an orchestrator may ask of this worker; the usual limits unless said",
    )


def add_trust_flag(flags: argparse.ArgumentParser) -> None:
    """Add the flag that says who may ask; :func:`trust_of` reads it."""
    add_flag(
        flags,
        "--trust",
        nargs="+",
        default=[],
        variable="SYNERGOS_TRUST",
        metavar="FINGERPRINT|FILE|any",
        help="orchestrators that may use this worker, or files of their fingerprints, one a line; any: everybody who reaches it."
        " Others wait until its owner decides with synergos peer approve",
    )


def add_participant_flag(flags: argparse.ArgumentParser) -> None:
    """Add the flag that says whose worker it is."""
    add_flag(
        flags,
        "--participant",
        variable="SYNERGOS_PARTICIPANT",
        metavar="NAME",
        help="the participant whose worker this is, as projects have it; a worker that does not trust anybody takes part for no other."
        " --id unless said",
    )


def add_join_flags(flags: argparse.ArgumentParser) -> None:
    """Add the flags of a worker that dials out; :func:`meeting_of` reads them."""
    add_flag(
        flags,
        "--join",
        variable="SYNERGOS_JOIN",
        metavar="HOST:PORT",
        help="listen nowhere, and dial the rendezvous of an orchestrator (synergos-ttp --rendezvous_port), which asks by the"
        " connections that are made so",
    )
    add_flag(
        flags,
        "--join_proxy",
        variable="SYNERGOS_JOIN_PROXY",
        metavar="http://[USER:PASSWORD@]HOST:PORT|none",
        help="the HTTP proxy through which that is dialled; the one that HTTPS_PROXY and NO_PROXY name unless said",
    )


def meeting_of(
    flags: argparse.ArgumentParser, given: argparse.Namespace, tls: Callable[[], ssl.SSLContext] | None = None
) -> Meeting | None:
    """The rendezvous to dial; None for a worker that listens. Ends the program with a clear message when it makes no sense.

    Args:
        tls: the context of a connection that is made now; None for plain HTTP.
    """
    if given.join is None:
        if given.join_proxy is not None:
            flags.error("--join_proxy: has no effect without --join")
        return None
    for name in ("host", "port", "data_port"):
        if getattr(given, name) != flags.get_default(name):
            flags.error(f"--{name}: has no effect with --join: such a worker listens nowhere")
    with refusing(flags, "--join"):
        host, port = Meeting.read(given.join)
    with refusing(flags, "--join_proxy"):
        if given.join_proxy == "none":
            proxy = None
        elif given.join_proxy is not None:
            proxy = Proxy.read(given.join_proxy)
        else:
            proxy = proxy_of(os.environ, host, port)
    return Meeting(host, port, proxy, tls)


def add_unlisted_flag(flags: argparse.ArgumentParser) -> None:
    """Add the flag that says what holds for folders whose owner says nothing."""
    add_flag(
        flags,
        "--unlisted",
        type=one_of(Unlisted),
        variable="SYNERGOS_UNLISTED",
        metavar="{deny,allow}",
        help="what holds for dataset folders that no syft.pub.yaml says anything of: deny, unless the worker trusts anybody; allow: every"
        " orchestrator it serves may use them",
    )


def add_approve_models_flag(flags: argparse.ArgumentParser) -> None:
    """Add the flag that says whether what is computed has to be approved."""
    add_flag(
        flags,
        "--approve_models",
        type=_is_on,
        default="off",
        variable="SYNERGOS_APPROVE_MODELS",
        metavar="{on,off}",
        help="on: layers, hyperparameters, feature space and purposes of every run are taken only when the owner has approved of them with"
        " synergos approval approve; others wait",
    )


def add_catalogue_flag(flags: argparse.ArgumentParser) -> None:
    """Add the flag that says how much is published of the datasets."""
    add_flag(
        flags,
        "--catalogue",
        type=one_of(Extent),
        default=str(Extent.OFF),
        variable="SYNERGOS_CATALOGUE",
        metavar="{off,names,schema}",
        help="what orchestrators are told of the folders that they may use, before anything is aligned: nothing; which there are; or also"
        " their columns and types and about how many rows, unless a folder's catalogue.json says less. Never a value",
    )


def trust_of(flags: argparse.ArgumentParser, given: argparse.Namespace) -> Trust:
    """Who may ask, by the command line; ends the program with a clear message when that makes no sense."""
    with refusing(flags, "--trust"):
        return Trust.of(given.trust)


def limits_of(flags: argparse.ArgumentParser, given: argparse.Namespace) -> OwnerLimits:
    """What may be asked, by the command line; ends the program with a clear message when the file cannot be believed."""
    with refusing(flags, "--policy"):
        return USUAL if given.policy is None else read_policy(given.policy)


def add_memory_flags(flags: argparse.ArgumentParser) -> None:
    """Add what bounds the sessions."""
    for name, variable, help_text in (
        (
            "--memory",
            "SYNERGOS_MEMORY",
            "bytes for all sessions; default: three quarters of what the machine, or its container, has",
        ),
        (
            "--session_memory",
            "SYNERGOS_SESSION_MEMORY",
            "bytes for one session; default: half of that, and all of a --memory that is said",
        ),
    ):
        add_flag(flags, name, variable=variable, type=whole_number(2**20, 2**50), help=help_text)
    add_flag(
        flags,
        "--sessions",
        type=whole_number(1),
        default=64,
        variable="SYNERGOS_SESSIONS",
        help="how many sessions there may be at a time",
    )


def memory_of(given: argparse.Namespace) -> MemoryLimits:
    """What sessions may take, by the command line."""
    return MemoryLimits.of_machine(given.session_memory, given.memory, given.sessions)


def policy_of(given: argparse.Namespace) -> Policy:
    """What may be told, by the command line."""
    return Policy(given.disclosure, given.minimum_rows)


def _is_on(text: str) -> bool:
    if text not in ("on", "off"):
        raise argparse.ArgumentTypeError(f"expected on or off, got {text!r}")
    return text == "on"
