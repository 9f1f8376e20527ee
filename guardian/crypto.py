"""EncryptionService (AES-256-GCM as Node's crypto writes it), its key ring, and hashes of our own tokens."""

import hashlib
import hmac
import os
import secrets
from binascii import Error as HexError
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from guardian.config import settings
from guardian.errors import ConfigurationError, DecryptionError

IV_BYTES = 16  # the guide's size; GCM's usual 12 would not be read by the Node side's tests
TAG_BYTES = 16


@dataclass(frozen=True, slots=True)
class EncryptedData:
    """Ciphertext, initialization vector and tag, each as lower-case hex; `key_id` names the key that sealed them."""

    encrypted_data: str
    iv: str
    tag: str
    key_id: str


@dataclass(frozen=True, slots=True)
class SealedSecret:
    """A provider key as the vault stores it. `key_id` None means: sealed before key ids existed, try the whole ring."""

    encrypted_key: str
    iv: str
    tag: str
    key_id: str | None = None


def key_id(encryption_key: str) -> str:
    """A short public name of an encryption key: 8 hex digits of a hash, which tell nothing of it."""
    return hashlib.sha256(b"guardian-key-id:" + bytes.fromhex(encryption_key)).hexdigest()[:8]


class EncryptionService:
    """AES-256-GCM with a ring of keys: seals with the first, opens with whichever sealed it.

    >>> service = EncryptionService("00" * 32)
    >>> sealed = service.encrypt("secret")
    >>> service.decrypt(sealed.encrypted_data, sealed.iv, sealed.tag)
    'secret'
    """

    def __init__(self, encryption_key: str, previous_key: str | None = None) -> None:
        self._ring: dict[str, bytes] = {}
        for key in [encryption_key, previous_key] if previous_key else [encryption_key]:
            try:
                material = bytes.fromhex(key)
            except ValueError:
                material = b""
            # fromhex skips blanks, so that 64 characters may be fewer than 32 bytes.
            if len(key) != 64 or len(material) != 32:
                raise ConfigurationError("Encryption key must be 32 bytes (64 hex characters)")
            self._ring[key_id(key)] = material
        self.current_key_id = next(iter(self._ring))

    def encrypt(self, text: str) -> EncryptedData:
        """Seal UTF-8 text with the current key and a fresh random iv."""
        iv = os.urandom(IV_BYTES)
        encryptor = Cipher(algorithms.AES(self._ring[self.current_key_id]), modes.GCM(iv)).encryptor()
        data = encryptor.update(text.encode()) + encryptor.finalize()
        return EncryptedData(data.hex(), iv.hex(), encryptor.tag.hex(), self.current_key_id)

    def decrypt(self, encrypted_data: str, iv: str, tag: str, sealed_by: str | None = None) -> str:
        """Open what `encrypt` or Node sealed; `sealed_by` is the key's id, None tries every key of the ring.

        Raises DecryptionError when the key is not in the ring or the bytes were changed.
        """
        if sealed_by is not None and sealed_by not in self._ring:
            raise DecryptionError(
                f"This value was sealed with encryption key {sealed_by}, which is not configured. "
                "Set it as ENCRYPTION_KEY_PREVIOUS, or store the value again."
            )
        keys = self._ring.values() if sealed_by is None else [self._ring[sealed_by]]
        try:
            data, nonce, mac = bytes.fromhex(encrypted_data), bytes.fromhex(iv), bytes.fromhex(tag)
        except (ValueError, HexError):
            raise DecryptionError("This sealed value is not hex: it was changed after it was stored.") from None
        # Node and the cryptography library both accept short tags; a forged 4-byte tag must not pass.
        if len(mac) != TAG_BYTES or len(nonce) != IV_BYTES:
            raise DecryptionError("This sealed value has a wrong iv or tag length: it was changed after it was stored.")
        for key in keys:
            decryptor = Cipher(algorithms.AES(key), modes.GCM(nonce, mac)).decryptor()
            try:
                return (decryptor.update(data) + decryptor.finalize()).decode()
            except (InvalidTag, UnicodeDecodeError):
                continue
        raise DecryptionError("This sealed value cannot be opened: wrong encryption key, or it was changed.")

    def sign(self, text: str) -> tuple[str, str]:
        """A code in hex that only a holder of the current key can make of this text, and that key's id."""
        return self._code(self._ring[self.current_key_id], text), self.current_key_id

    def signed(self, text: str, code: str, signed_by: str) -> bool:
        """Whether `sign` made this code of this text. Raises LookupError when that key is not in the ring."""
        return hmac.compare_digest(self._code(self._ring[signed_by], text), code)

    @staticmethod
    def _code(key: bytes, text: str) -> str:
        # A key of its own, so that nothing signed says anything of what is sealed.
        own = hmac.digest(key, b"guardian-signing", "sha256")
        return hmac.digest(own, text.encode(), "sha256").hex()

    def encrypt_api_key(self, api_key: str) -> SealedSecret:
        sealed = self.encrypt(api_key)
        return SealedSecret(sealed.encrypted_data, sealed.iv, sealed.tag, sealed.key_id)

    def decrypt_api_key(self, stored: SealedSecret) -> str:
        return self.decrypt(stored.encrypted_key, stored.iv, stored.tag, stored.key_id)


def encryption() -> EncryptionService:
    """The key ring of this installation. Raises ConfigurationError when ENCRYPTION_KEY is missing or wrong."""
    known = settings()
    previous = known.encryption_key_previous
    return EncryptionService(known.require_encryption_key(), previous.get_secret_value() if previous else None)


def new_token(prefix: str = "") -> str:
    """256 random bits, URL-safe, behind a prefix that tells secret scanners whose token it is."""
    return prefix + secrets.token_urlsafe(32)


def hash_token(token: str) -> str:
    """SHA-256 in hex: enough for our own tokens, which carry 256 random bits (a password needs argon2 instead)."""
    return hashlib.sha256(token.encode()).hexdigest()
