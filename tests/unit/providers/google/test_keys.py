"""Google's two kinds of keys: what is taken for a service account's file, what is kept of it, what it may read."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from guardian.errors import ProviderKeyRejected, ProviderWrongKeyKind, ValidationError
from guardian.providers.google import GoogleProvider
from guardian.providers.google.keys import is_service_account, places, service_account
from tests.fakes.google_api import AUTH_KEY, GEMINI_KEY
from tests.fakes.google_cloud import TABLE
from tests.fakes.google_keys import key_file, pem

ELLIPTIC = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def test_a_file_is_kept_on_one_line_with_what_is_used_only() -> None:
    kept = GoogleProvider.clean_key(f"\n {key_file()} \n")
    assert "\n" not in kept
    assert json.loads(kept).keys() == {"type", "project_id", "private_key_id", "private_key", "client_email"}
    assert GoogleProvider.clean_key(kept) == kept
    assert service_account(kept) == service_account(key_file())


def test_people_recognise_a_file_by_the_id_of_its_key() -> None:
    assert GoogleProvider.key_hint(GoogleProvider.clean_key(key_file())) == "reader00112233445566778899aabbccddeeff"
    assert GoogleProvider.key_hint(GEMINI_KEY) == GEMINI_KEY


@pytest.mark.parametrize("key", [GEMINI_KEY, AUTH_KEY, "whatever-comes-next"])
def test_a_gemini_key_is_known_by_no_prefix(key: str) -> None:
    assert not is_service_account(key)
    assert GoogleProvider.clean_key(f" {key}\n") == key


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "not valid JSON"),
        ("{" * 100_000, "not valid JSON"),
        (key_file(client_email=None), "lacks client_email"),
        (key_file(project_id=""), "lacks project_id"),
        (key_file(project_id="UPPER/../case"), "no project's id"),
        (key_file(private_key_id=7), "lacks private_key_id"),
        (key_file(private_key="-----BEGIN PRIVATE KEY-----\nnonsense\n-----END PRIVATE KEY-----"), "cannot be read"),
        (key_file(private_key=pem("reader")[:-200]), "cannot be read"),
        (key_file(private_key=ELLIPTIC), "not an RSA key"),
        (key_file(client_email="é@example.com"), "lacks client_email"),
    ],
    ids=lambda v: v[:20] if isinstance(v, str) else v,
)
def test_a_broken_file_is_refused_and_not_repeated(text: str, why: str) -> None:
    with pytest.raises(ProviderKeyRejected, match=why) as caught:
        GoogleProvider.clean_key(text)
    assert "Paste the whole JSON file" in caught.value.message
    assert "PRIVATE" not in str(caught.value)


@pytest.mark.parametrize("kind", ["authorized_user", "external_account", None])
def test_another_file_of_google_is_the_wrong_kind(kind: str | None) -> None:
    with pytest.raises(ProviderWrongKeyKind, match="not a service account's key"):
        GoogleProvider.clean_key(key_file(type=kind))


def test_the_private_key_is_in_no_repr() -> None:
    assert "PRIVATE" not in repr(service_account(key_file()))


def test_places_default_to_the_account_s_own_project() -> None:
    found = places({}, service_account(key_file()))
    assert (found.projects, found.table, found.location, found.billing_account) == (("my-proj",), None, None, None)


def test_places_are_read_as_people_write_them() -> None:
    metadata = {"projectId": " my-proj, other-proj ,my-proj", "billingTable": f"`{TABLE}`", "location": " EU "}
    found = places(metadata, service_account(key_file()))
    assert (found.projects, found.table, found.location) == (("my-proj", "other-proj"), TABLE, "EU")
    assert found.billing_account == "01AB23-CD45EF-678901"


@pytest.mark.parametrize(
    ("table", "wanted", "account"),
    [
        ("acme-prod:billing.export", "acme-prod.billing.export", None),
        ("example.com:acme-prod.billing.export", "example.com:acme-prod.billing.export", None),
        (
            "acme-prod.billing.gcp_billing_export_resource_v1_01AB23_CD45EF_678901",
            "acme-prod.billing.gcp_billing_export_resource_v1_01AB23_CD45EF_678901",
            "01AB23-CD45EF-678901",
        ),
    ],
)
def test_tables_of_other_spellings(table: str, wanted: str, account: str | None) -> None:
    found = places({"billingTable": table}, service_account(key_file()))
    assert (found.table, found.billing_account) == (wanted, account)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("projectId", "no/such"),
        ("projectId", "ok-project, ../etc"),
        ("projectId", ","),
        ("billingTable", "billing.export"),
        ("billingTable", "acme-prod.billing.export` WHERE TRUE; DROP TABLE x; --"),
        ("billingTable", "acme-prod.billing.x`y"),
        ("billingTable", "acme-prod.bill ing.x"),
        ("location", "EU&dryRun=false"),
    ],
)
def test_what_cannot_be_a_place_is_refused_by_its_field(field: str, value: str) -> None:
    with pytest.raises(ValidationError) as caught:
        GoogleProvider.prepare(key_file(), {field: value})
    assert caught.value.details[0]["field"] == f"metadata.{field}"


def test_settings_of_a_gemini_key_are_not_looked_at() -> None:
    assert GoogleProvider.prepare(GEMINI_KEY, {"projectId": "no/such"}) == (GEMINI_KEY, {"projectId": "no/such"})
