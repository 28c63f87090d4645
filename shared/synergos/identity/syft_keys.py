"""The one module that knows syft: keys of an identity, what is sealed and signed with them, and what others are known by.

syft 0.10 keeps its keys, envelopes and signatures in the package ``syft_crypto_python``; ``syft`` itself takes six seconds to load,
and log-in libraries of a cloud along with it, so that no program of ours loads it. Key files are as its peer store writes them.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import syft_crypto_python as syft
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from synergos.errors import WireFormatError

_LARGEST_DOCUMENT = 2**14
_STATEMENT = b"synergos statement\n"
"""In front of what is signed as it is: nothing that syft signs begins so."""


@dataclass(frozen=True, eq=False)
class PublicKeys:
    """What others need of an identity, to seal something for it and to know what it has signed.

    Attributes:
        fingerprint: 64 hexadecimal digits that stand for the identity.
        document: the same keys as JSON, signed by the identity itself.
    """

    fingerprint: str
    document: Mapping[str, object]
    bundle: syft.SyftPublicKeyBundle

    @classmethod
    def of(cls, bundle: syft.SyftPublicKeyBundle) -> Self:
        """The same in syft's own type."""
        fingerprint = str(bundle.identity_fingerprint())
        return cls(fingerprint, bundle.to_did_document(f"did:syft:{fingerprint}"), bundle)

    @classmethod
    def read(cls, document: object) -> Self:
        """What somebody says their keys are.

        Raises:
            WireFormatError: it is no such document, or not signed by its own identity.
        """
        if not isinstance(document, Mapping) or len(json.dumps(document)) > _LARGEST_DOCUMENT:
            raise WireFormatError("expected the document of an identity")
        try:
            bundle = syft.SyftPublicKeyBundle.from_did_document(document)
            is_signed = bundle.verify_signatures()
        except ValueError as error:
            raise WireFormatError("what is said to be the document of an identity is none") from error
        if not is_signed:
            raise WireFormatError("the document of an identity is not signed by it")
        return cls.of(bundle)

    def verify(self, statement: bytes, signature: bytes) -> None:
        """Make sure that this identity has signed a statement.

        Raises:
            WireFormatError: it has not.
        """
        try:
            Ed25519PublicKey.from_public_bytes(bytes(self.bundle.identity_key_bytes)).verify(
                signature, _STATEMENT + statement
            )
        except (InvalidSignature, ValueError) as error:
            raise WireFormatError(f"a statement is not signed by {self.fingerprint}, who is said to make it") from error


@dataclass(frozen=True, eq=False)
class Keys:
    """An identity's own keys, which never leave its program and its file."""

    private: syft.SyftPrivateKeys
    public: PublicKeys

    @classmethod
    def new(cls) -> Self:
        """Keys that nobody has had before."""
        return cls._of(syft.SyftRecoveryKey.generate().derive_keys())

    @classmethod
    def from_jwks(cls, stored: object) -> Self:
        """The keys that a file has.

        Raises:
            ValueError: they are none, or do not go together.
        """
        return cls._of(syft.SyftPrivateKeys.from_jwks(stored))

    @classmethod
    def _of(cls, private: syft.SyftPrivateKeys) -> Self:
        return cls(private, PublicKeys.of(private.to_public_bundle()))

    def to_jwks(self) -> dict[str, Any]:
        """The same for a file that nobody else may read."""
        return dict(self.private.to_jwks())

    def sign(self, statement: bytes) -> bytes:
        """This identity's signature below a statement."""
        seed = self.to_jwks()["identity_key"]["d"]
        key = Ed25519PrivateKey.from_private_bytes(base64.urlsafe_b64decode(f"{seed}=="))
        return key.sign(_STATEMENT + statement)

    def seal(self, content: bytes, recipient: PublicKeys) -> bytes:
        """Content that only ``recipient`` can read, and that it knows to be of this identity."""
        whom = syft.EncryptionRecipient(recipient.fingerprint, recipient.bundle)
        return bytes(syft.encrypt_message(self.public.fingerprint, self.private, [whom], content))

    def open(self, envelope: bytes, sender: PublicKeys) -> bytes:
        """What ``sender`` has sealed for this identity.

        Raises:
            WireFormatError: it is not from that sender, not for this identity, or not as it was.
        """
        try:
            parsed = syft.parse_envelope(envelope)
            # A signature holds for the header alone: content that was altered is found when it is opened.
            syft.verify_envelope_signature(parsed, sender.bundle.identity_key_bytes)
            return bytes(syft.decrypt_message(self.public.fingerprint, self.private, sender.bundle, parsed))
        except ValueError as error:
            raise WireFormatError("a sealed message is not from whom it says, not for us, or was altered") from error
