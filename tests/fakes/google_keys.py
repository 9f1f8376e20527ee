"""Service accounts of the fake Google: real RSA keys, made once per test run, in files as Google hands them out."""

import json
from dataclasses import dataclass, field
from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

MONITORING, JOBS, DATA = "monitoring.viewer", "bigquery.jobUser", "bigquery.dataViewer"
PROJECT = "my-proj"


@lru_cache
def private_key(name: str) -> RSAPrivateKey:
    """The same key for the same name."""
    return generate_private_key(public_exponent=65537, key_size=2048)


def pem(name: str) -> str:
    return private_key(name).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def public_pem(name: str) -> bytes:
    return private_key(name).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def key_file(name: str = "reader", *, project: str = PROJECT, **changes: object) -> str:
    """A service account's JSON file, indented as Google writes it; a change to None leaves the field out."""
    email = f"{name}@{project}.iam.gserviceaccount.com"
    fields: dict[str, object] = {
        "type": "service_account",
        "project_id": project,
        "private_key_id": f"{name}00112233445566778899aabbccddeeff",
        "private_key": pem(name),
        "client_email": email,
        "client_id": "100000000000000000001",
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": "https://oauth2.googleapis.com/token",
        "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
        "client_x509_cert_url": f"https://www.googleapis.com/robot/v1/metadata/x509/{email}",
        "universe_domain": "googleapis.com",
    }
    return json.dumps({k: v for k, v in (fields | changes).items() if v is not None}, indent=2)


@dataclass
class Account:
    """A service account that the fake knows, the name of its key, and what it may do."""

    key: str
    revoked: bool = False
    roles: set[str] = field(default_factory=lambda: {MONITORING, JOBS, DATA})
