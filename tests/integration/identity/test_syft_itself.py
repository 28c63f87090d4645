"""An identity is one of syft's own: its peer store reads the file, and opens what we seal, and the other way round."""

from __future__ import annotations

import json
import subprocess
import sys
from base64 import b64decode, b64encode
from pathlib import Path

from synergos.identity.identity import identity_in
from synergos.identity.syft_keys import Keys, PublicKeys

PEER = """
import json, sys
from base64 import b64decode, b64encode
from syft.sync.peers.peer import Peer
from syft.sync.peers.peer_store import PeerStore

path, envelope = sys.argv[1:]
store = PeerStore.load_keys(path)
other = json.loads(sys.stdin.read())
name = store._peers and store._peers[0].email or other["name"]
store.add_peer(Peer(email=name, public_encryption_bundle=other["document"]))
store.verify_message(name, b64decode(envelope))
said = store.decrypt(name, b64decode(envelope)).decode()
print(json.dumps({"said": said, "sealed": b64encode(store.encrypt(name, b"and back")).decode()}))
"""


def test_its_peer_store_reads_our_file_and_both_open_what_the_other_seals(tmp_path: Path) -> None:
    identity, other = identity_in(tmp_path / "identity.json"), Keys.new()
    envelope = b64encode(other.seal(b"there", identity.keys.public)).decode()
    document = {"name": other.public.fingerprint, "document": dict(other.public.document)}

    # A process of its own: syft takes seconds to load, and much along with it.
    done = subprocess.run(
        [sys.executable, "-c", PEER, str(tmp_path / "identity.json"), envelope],
        input=json.dumps(document),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    answered = json.loads(done.stdout)
    assert answered["said"] == "there"
    assert other.open(b64decode(answered["sealed"]), PublicKeys.read(identity.keys.public.document)) == b"and back"
