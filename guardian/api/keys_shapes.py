"""What clients send and get about keys and about the providers that they belong to."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr, StringConstraints

from guardian.api.answers.envelope import Body, Line, Money, Out, Time
from guardian.api.answers.lists import ListQuery
from guardian.api.requests.key_settings import sound_settings
from guardian.models.enums import KeyStatus, Provider

_Name = Annotated[str, StringConstraints(min_length=1, max_length=50)]
_Text = Annotated[str, StringConstraints(max_length=2_000)]
# A text, a list of lines or names, or an object of texts, such as headers and the settings of `usage`.
_Settings = Annotated[
    dict[_Name, _Text | list[_Text] | dict[_Name, _Text]], Field(max_length=40), BeforeValidator(sound_settings)
]
_Key = Annotated[SecretStr, Field(max_length=10_000)]  # a service account's key is a JSON file


class NewKey(Body):
    """`metadata` is what a provider needs besides the key: keys/providers lists the names.

    `key` may be left out for a server that needs none. `externalKeyId` is the provider's own id of the key, by which
    its reports name it: with it, reported usage is known to be this key's.
    """

    provider: Provider
    key: _Key = SecretStr("")
    label: Line | None = None
    metadata: _Settings = Field(default_factory=dict)
    external_key_id: Line | None = None


class KeyChange(Body):
    """What is left out stays. A `label` or `externalKeyId` of null or "" takes it away; a new `key` is tested before it
    replaces, and forgets the old one's `externalKeyId`.

    `metadata` changes settings together with a `key`, which goes to no address but the one that it was given for.
    """

    label: Line | None = None
    is_active: bool | None = None
    key: _Key | None = None
    metadata: _Settings | None = None
    external_key_id: Line | None = None


class SyncBody(Body):
    """Days in UTC, of which `endDate` is the last one within, or instants; without them, what is missing."""

    start_date: Line | None = None
    end_date: Line | None = None


class RateLimitOut(Out):
    """`name` is the provider's word: requests, tokens, input-tokens. Null is what it did not say."""

    name: str
    limit: int | None
    remaining: int | None
    resets_at: Time | None


class RateLimitsOut(Out):
    """What the newest answer to calls of a model said. `refused`: it was a 429, to be tried again from `retryAt` on."""

    model: str
    observed_at: Time
    limits: list[RateLimitOut]
    refused: bool
    retry_at: Time | None


class KeyQuery(ListQuery):
    """Keys of one provider or state, or those that are on."""

    sort: Literal["label", "-label", "provider", "-provider", "lastUsed", "-lastUsed"] | None = None
    provider: Provider | None = None
    status: KeyStatus | None = None
    is_active: bool | None = None


class KeyOut(Out):
    """`hint` is the key's last four characters. `metadata.kind` is admin for a key that may read the reports.

    `statusMessage` says in words what the last contact with the provider showed, and what to do. `noReporting` says
    what is not reported to this key and how it comes in instead; empty where nothing is missing. `balance` is the
    credit that is left on the account, a decimal in `balanceCurrency`, where the provider tells it. `rateLimits` are
    the provider's, by model, newest observation first; empty while no answer through the gateway has told any.
    """

    id: str
    provider: Provider
    label: str | None
    hint: str
    is_active: bool
    status: KeyStatus
    status_message: str | None
    account_id: str | None
    account_name: str | None
    user_id: str
    owner: str
    created_at: Time
    last_used: Time | None
    last_validated: Time | None
    no_reporting: str
    balance: Money | None
    balance_currency: str | None
    balance_at: Time | None
    external_key_id: str | None
    rate_limits: list[RateLimitsOut]
    metadata: dict[str, Any]


class ChangedKeyOut(KeyOut):
    """`jobId` is the pull that the change has started; null where the key cannot read reports."""

    job_id: str | None = None


class KeyKindOut(Out):
    """`kind` is admin for keys that read reports. `hint` says what it is, `place` where at `href` it is made."""

    kind: str
    name: str
    hint: str
    href: str
    place: str


class KeyFieldOut(Out):
    """A name of `metadata`. `choices` are the values that it may have, the first being the default; empty for a text.

    A `secret` one is never shown again. `kind` is the kind of key that it belongs to, null for all.
    """

    name: str
    label: str
    help: str
    secret: bool
    required: bool
    kind: str | None
    choices: list[tuple[str, str]]
    example: str


class ProviderOut(Out):
    """`reporting` says whether any kind of its keys reads reports; `noReporting` what comes in another way, and how."""

    provider: Provider
    name: str
    reporting: bool
    no_reporting: str
    key_kinds: list[KeyKindOut]
    fields: list[KeyFieldOut]


class TestOut(Out):
    """`success` is the key's, not the request's."""

    success: bool
    message: str
    kind: str | None
    key: KeyOut
