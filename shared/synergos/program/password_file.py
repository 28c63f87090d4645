"""Files of passwords, which are in nobody's list of processes then."""

from __future__ import annotations

from pathlib import Path

from synergos.errors import InvalidRequest


def read_password(file: Path, flag: str) -> str:
    """The password in a file, which has nothing else but perhaps the end of its line.

    Args:
        flag: that names the file.

    Raises:
        InvalidRequest: it cannot be read, or has none.
    """
    try:
        found = file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, ValueError) as error:
        raise InvalidRequest(f"{file} cannot be read ({type(error).__name__})", flag) from None
    if not found:
        raise InvalidRequest(f"expected a password in {file}, which is empty", flag)
    return found
