"""The two kinds of Google's keys: a Gemini API key, and a service account's JSON file and what it reads."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from guardian.errors import ProviderKeyRejected, ProviderWrongKeyKind, ValidationError
from guardian.providers.describing import KeyField, KeyKind

KEY_KINDS = (
    KeyKind(
        "admin",
        "Service account key",
        "The JSON file of a service account that may read Cloud Monitoring (roles/monitoring.viewer) and, for costs, "
        "the billing export (roles/bigquery.jobUser and roles/bigquery.dataViewer). Paste the whole file.",
        "https://console.cloud.google.com/iam-admin/serviceaccounts",
        "Google Cloud, IAM, Service accounts, Keys",
    ),
    KeyKind(
        "inference",
        "Gemini API key",
        "A key of Google AI Studio, for the gateway. It cannot read usage: Google has no report for it.",
        "https://aistudio.google.com/apikey",
        "Google AI Studio, API keys",
    ),
)
KEY_FIELDS = (
    KeyField(
        "projectId",
        "Projects",
        "Ids of the Cloud projects whose tokens are read, separated by commas. Empty: the service account's own.",
        kind="admin",
        example="my-project-123, my-other-project",
    ),
    KeyField(
        "billingTable",
        "Billing export table",
        "The table of Cloud Billing's export to BigQuery. Without it no costs are read.",
        kind="admin",
        example="my-project-123.billing.gcp_billing_export_v1_01AB23_CD45EF_678901",
    ),
    KeyField(
        "location",
        "Location of the dataset",
        "Where the billing export's dataset is. Empty: BigQuery finds it.",
        kind="admin",
        example="EU",
    ),
)

# https://cloud.google.com/resource-manager/docs/creating-managing-projects; older ids carry a domain: "acme.com:web".
_PROJECT = re.compile(r"(?:[a-z][a-z0-9.-]{0,61}:)?[a-z][a-z0-9-]{4,28}[a-z0-9]")
_TABLE = re.compile(rf"({_PROJECT.pattern})\.(\w{{1,1024}})\.([\w-]{{1,1024}})", re.ASCII)
_OLD_TABLE = re.compile(r"^([a-z][a-z0-9-]*):(\w+\.[\w-]+)$")  # project:dataset.table, of legacy SQL
_LOCATION = re.compile(r"[A-Za-z0-9-]{2,40}")
_BILLING_ACCOUNT = re.compile(r"gcp_billing_export(?:_resource)?_v1_([0-9A-F]{6})_([0-9A-F]{6})_([0-9A-F]{6})")
_KEPT = ("type", "project_id", "private_key_id", "private_key", "client_email")


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """What a service account's JSON file says."""

    email: str
    project_id: str
    key_id: str
    private_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Places:
    """What a service account reads: projects, the first of which runs the queries, and the billing export's table."""

    projects: tuple[str, ...]
    table: str | None = None
    location: str | None = None

    @property
    def billing_account(self) -> str | None:
        """The id in the table's name, "01AB23-CD45EF-678901"; None for a table of another name."""
        found = _BILLING_ACCOUNT.search(self.table or "")
        return "-".join(found.groups()) if found else None


def is_service_account(api_key: str) -> bool:
    """Whether the key is a JSON file. What a Gemini key looks like is Google's to change."""
    return api_key.lstrip().startswith("{")


def clean_service_account(api_key: str) -> str:
    """The file on one line, with nothing but what is used. Raises as service_account does."""
    account = service_account(api_key)
    values = ("service_account", account.project_id, account.key_id, account.private_key, account.email)
    return json.dumps(dict(zip(_KEPT, values, strict=True)), separators=(",", ":"))


def service_account(api_key: str) -> ServiceAccount:
    """Raises ProviderKeyRejected for a broken file, ProviderWrongKeyKind for a file of another kind of credential."""
    try:
        found: object = json.loads(api_key)
    except (ValueError, RecursionError):
        raise _broken("it is not valid JSON") from None
    if not isinstance(found, dict):
        raise _broken("it is not a JSON object")
    file = cast("Mapping[str, Any]", found)
    if file.get("type") != "service_account":
        raise ProviderWrongKeyKind(
            "This JSON file of Google is not a service account's key. In Google Cloud, open IAM, Service accounts, "
            "Keys, and create a key of type JSON."
        )
    values: dict[str, str] = {}
    for name in _KEPT[1:]:
        value = file.get(name)
        if not isinstance(value, str) or not value.strip() or not value.isascii():
            raise _broken(f"it lacks {name}")
        values[name] = value.strip()
    if not _PROJECT.fullmatch(values["project_id"]):
        raise _broken("its project_id is no project's id")
    _check_private_key(values["private_key"])
    return ServiceAccount(
        values["client_email"], values["project_id"], values["private_key_id"], values["private_key"] + "\n"
    )


def _check_private_key(pem: str) -> None:
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _broken("its private_key cannot be read") from None
    if not isinstance(key, RSAPrivateKey):
        raise _broken("its private_key is not an RSA key")


def _broken(why: str) -> ProviderKeyRejected:
    return ProviderKeyRejected(f"Google's service account key is broken: {why}. Paste the whole JSON file.")


def places(metadata: Mapping[str, Any], account: ServiceAccount) -> Places:
    """What the key's metadata says is to be read. Raises ValidationError naming the field that cannot be."""
    named = str(metadata.get("projectId") or account.project_id)
    projects = tuple(dict.fromkeys(part.strip() for part in named.split(",") if part.strip()))
    if not projects or not all(_PROJECT.fullmatch(project) for project in projects):
        raise _wrong("projectId", "Write the ids of Cloud projects, separated by commas, like my-project-123.")
    table = _OLD_TABLE.sub(r"\1.\2", str(metadata.get("billingTable") or "").strip().strip("`")) or None
    if table is not None and not _TABLE.fullmatch(table):
        raise _wrong(
            "billingTable", "Write the table as project.dataset.table, like acme.billing.gcp_billing_export_v1_…."
        )
    location = str(metadata.get("location") or "").strip() or None
    if location is not None and not _LOCATION.fullmatch(location):
        raise _wrong("location", "Write a location of BigQuery, like US, EU or europe-west1.")
    return Places(projects, table, location)


def _wrong(name: str, message: str) -> ValidationError:
    return ValidationError(message, details=[{"field": f"metadata.{name}", "message": message}])
