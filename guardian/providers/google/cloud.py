"""Google Cloud's APIs as a service account asks them: each request under an access token."""

from collections.abc import Mapping
from typing import Any

from guardian.errors import ProviderError
from guardian.providers.failures import Answer
from guardian.providers.google.bigquery import Ask
from guardian.providers.google.errors import classify
from guardian.providers.google.keys import ServiceAccount
from guardian.providers.google.monitoring import Get
from guardian.providers.google.tokens import AccessTokens
from guardian.providers.http.client import Params, ProviderHttp

BIGQUERY, MONITORING, OAUTH = "google_bigquery_base_url", "google_monitoring_base_url", "google_oauth_token_url"


class Cloud:
    """The hosts besides the Gemini API's, by the settings of their addresses, and the tokens for them."""

    def __init__(self, hosts: Mapping[str, ProviderHttp]) -> None:
        self._hosts = hosts
        self._tokens = AccessTokens(hosts[OAUTH])

    def monitoring(self, account: ServiceAccount, *, attempts: int | None = None) -> Get:
        """Cloud Monitoring; `attempts` in place of the setting."""

        def get(path: str, params: Params, /) -> Answer:
            headers = self._headers(account, attempts)
            return self._hosts[MONITORING].get_json(path, params, headers, classify=_classify, attempts=attempts)

        return get

    def bigquery(self, account: ServiceAccount, *, attempts: int | None = None) -> Ask:
        """BigQuery. Its questions change nothing: a POST is tried again like a GET."""

        def ask(path: str, params: Params, body: Mapping[str, Any] | None, /) -> Answer:
            http, headers = self._hosts[BIGQUERY], self._headers(account, attempts)
            if body is None:
                return http.get_json(path, params, headers, classify=_classify, attempts=attempts)
            return http.post_json(path, body, headers, classify=_classify, attempts=attempts, repeatable=True)

        return ask

    def _headers(self, account: ServiceAccount, attempts: int | None) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._tokens.of(account, attempts=attempts)}"}


def _classify(answer: Answer) -> ProviderError | None:
    return classify(answer, cloud=True)
