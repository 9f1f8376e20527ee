"""One CUSTOM key and its server: what goes out with each call."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from guardian.errors import ProviderKeyRejected
from guardian.providers.custom.fields import NONE
from guardian.providers.custom.settings import CustomSettings, Secret
from guardian.providers.failures import Answer
from guardian.providers.http.client import Classify, Params, ProviderHttp, check_key


class Wire:
    """Sends requests with the key, the headers and the query parameters of one CUSTOM key.

    Raises ProviderKeyRejected for a key that cannot be sent, or that was given for another address.
    """

    def __init__(self, http: ProviderHttp, settings: CustomSettings, secret: Secret) -> None:
        if settings.auth_scheme != NONE:
            check_key(http.vendor, secret.key)
        if secret.base_url and secret.base_url != settings.base_url:
            raise ProviderKeyRejected("This key was stored for another address. Give it again for this one.")
        self.http = http
        self.settings = settings
        self._open = {**settings.headers, **secret.headers}
        self._headers = {**self._open, **settings.auth(secret.key)}

    def get(
        self,
        path: str,
        params: Params = (),
        *,
        classify: Classify | None = None,
        attempts: int | None = None,
        anonymous: bool = False,
    ) -> Answer:
        """GET below the base URL, or from a whole address; `anonymous` leaves the key out."""
        headers = self._open if anonymous else self._headers
        query = [*self.settings.query, *params]
        return self.http.get_json(path, query, headers, classify=classify, attempts=attempts)

    def post(self, path: str, body: Mapping[str, Any], *, attempts: int | None = None) -> Answer:
        query = urlencode(self.settings.query)
        return self.http.post_json(f"{path}?{query}" if query else path, body, self._headers, attempts=attempts)
