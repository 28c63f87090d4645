"""Flags that the worker and its check have in common."""

from __future__ import annotations

import argparse
import os
import ssl
from collections.abc import Callable
from pathlib import Path

from synergos.domain.catalogue import Extent
from synergos.errors import InvalidRequest
from synergos.identity.trust import Trust
from synergos.permission.judging import Unlisted
from synergos.program.flags import add_flag, default_folder, whole_number
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
        type=_mode,
        # A text, which argparse checks as it checks what is typed.
        default=os.environ.get("SYNERGOS_DISCLOSURE") or str(Mode.STRICT),
        metavar="{strict,open}",
        help="strict: of values, levels and figures that too few rows share nothing leaves; open: everything that was ever "
        "asked for, for data that may be seen by all. Also SYNERGOS_DISCLOSURE",
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
    named = os.environ.get("SYNERGOS_POLICY")
    add_flag(
        flags,
        "--policy",
        type=Path,
        default=Path(named) if named else None,
        metavar="FILE",
        help="policy.toml: what an orchestrator may ask of this worker; the usual limits unless said. Also SYNERGOS_POLICY",
    )


def add_trust_flag(flags: argparse.ArgumentParser) -> None:
    """Add the flag that says who may ask; :func:`trust_of` reads it."""
    add_flag(
        flags,
        "--trust",
        nargs="+",
        default=os.environ.get("SYNERGOS_TRUST", "").split(),
        metavar="FINGERPRINT|FILE|any",
        help="orchestrators that may use this worker, or files of their fingerprints, one a line; any: everybody who reaches it."
        " Others wait until its owner decides with synergos peer approve. Also SYNERGOS_TRUST, separated by blanks",
    )


def add_participant_flag(flags: argparse.ArgumentParser) -> None:
    """Add the flag that says whose worker it is."""
    add_flag(
        flags,
        "--participant",
        default=os.environ.get("SYNERGOS_PARTICIPANT") or None,
        metavar="NAME",
        help="the participant whose worker this is, as projects have it; a worker that does not trust anybody takes part for no other."
        " --id unless said. Also SYNERGOS_PARTICIPANT",
    )


def add_join_flags(flags: argparse.ArgumentParser) -> None:
    """Add the flags of a worker that dials out; :func:`meeting_of` reads them."""
    add_flag(
        flags,
        "--join",
        default=os.environ.get("SYNERGOS_JOIN") or None,
        metavar="HOST:PORT",
        help="listen nowhere, and dial the rendezvous of an orchestrator (synergos-ttp --rendezvous_port), which asks by the"
        " connections that are made so. Also SYNERGOS_JOIN",
    )
    add_flag(
        flags,
        "--join_proxy",
        default=os.environ.get("SYNERGOS_JOIN_PROXY") or None,
        metavar="http://[USER:PASSWORD@]HOST:PORT|none",
        help="the HTTP proxy through which that is dialled; the one that HTTPS_PROXY and NO_PROXY name unless said. Also"
        " SYNERGOS_JOIN_PROXY",
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
    try:
        host, port = Meeting.read(given.join)
    except InvalidRequest as error:
        flags.error(f"--join: {error}")
    try:
        if given.join_proxy == "none":
            proxy = None
        elif given.join_proxy is not None:
            proxy = Proxy.read(given.join_proxy)
        else:
            proxy = proxy_of(os.environ, host, port)
    except InvalidRequest as error:
        flags.error(f"--join_proxy: {error}")
    return Meeting(host, port, proxy, tls)


def add_unlisted_flag(flags: argparse.ArgumentParser) -> None:
    """Add the flag that says what holds for folders whose owner says nothing."""
    add_flag(
        flags,
        "--unlisted",
        type=_unlisted,
        default=os.environ.get("SYNERGOS_UNLISTED") or None,
        metavar="{deny,allow}",
        help="what holds for dataset folders that no syft.pub.yaml says anything of: deny, unless the worker trusts anybody; allow: every"
        " orchestrator it serves may use them. Also SYNERGOS_UNLISTED",
    )


def add_approve_models_flag(flags: argparse.ArgumentParser) -> None:
    """Add the flag that says whether what is computed has to be approved."""
    add_flag(
        flags,
        "--approve_models",
        type=_is_on,
        # A text, which argparse checks as it checks what is typed.
        default=os.environ.get("SYNERGOS_APPROVE_MODELS") or "off",
        metavar="{on,off}",
        help="on: layers, hyperparameters, feature space and purposes of every run are taken only when the owner has approved of them with"
        " synergos approval approve; others wait. Also SYNERGOS_APPROVE_MODELS",
    )


def add_catalogue_flag(flags: argparse.ArgumentParser) -> None:
    """Add the flag that says how much is published of the datasets."""
    add_flag(
        flags,
        "--catalogue",
        type=_extent,
        # A text, which argparse checks as it checks what is typed.
        default=os.environ.get("SYNERGOS_CATALOGUE") or str(Extent.OFF),
        metavar="{off,names,schema}",
        help="what orchestrators are told of the folders that they may use, before anything is aligned: nothing; which there are; or also"
        " their columns and types and about how many rows, unless a folder's catalogue.json says less. Never a value."
        " Also SYNERGOS_CATALOGUE",
    )


def trust_of(flags: argparse.ArgumentParser, given: argparse.Namespace) -> Trust:
    """Who may ask, by the command line; ends the program with a clear message when that makes no sense."""
    try:
        return Trust.of(given.trust)
    except InvalidRequest as error:
        flags.error(f"--trust: {error}")


def limits_of(flags: argparse.ArgumentParser, given: argparse.Namespace) -> OwnerLimits:
    """What may be asked, by the command line; ends the program with a clear message when the file cannot be believed."""
    try:
        return USUAL if given.policy is None else read_policy(given.policy)
    except InvalidRequest as error:
        flags.error(f"--policy: {error}")


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
        default = os.environ.get(variable) or None
        add_flag(flags, name, type=whole_number(2**20, 2**50), default=default, help=f"{help_text}. Also {variable}")
    add_flag(
        flags,
        "--sessions",
        type=whole_number(1),
        default=os.environ.get("SYNERGOS_SESSIONS") or "64",
        help="how many sessions there may be at a time. Also SYNERGOS_SESSIONS",
    )


def memory_of(given: argparse.Namespace) -> MemoryLimits:
    """What sessions may take, by the command line."""
    return MemoryLimits.of_machine(given.session_memory, given.memory, given.sessions)


def policy_of(given: argparse.Namespace) -> Policy:
    """What may be told, by the command line."""
    return Policy(given.disclosure, given.minimum_rows)


def _mode(text: str) -> Mode:
    try:
        return Mode(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected {' or '.join(Mode)}, got {text!r}") from None


def _extent(text: str) -> Extent:
    try:
        return Extent(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected {', '.join(Extent)}, got {text!r}") from None


def _unlisted(text: str) -> Unlisted:
    try:
        return Unlisted(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected {' or '.join(Unlisted)}, got {text!r}") from None


def _is_on(text: str) -> bool:
    if text not in ("on", "off"):
        raise argparse.ArgumentTypeError(f"expected on or off, got {text!r}")
    return text == "on"
