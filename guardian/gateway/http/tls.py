"""The two ways to trust a server's certificate; loading the authorities takes some 20 ms, so each is made once."""

import ssl
from functools import lru_cache

import httpx


@lru_cache(maxsize=2)
def context(verify: bool) -> ssl.SSLContext:
    """As the adapters trust (SSL_CERT_FILE and SSL_CERT_DIR are honoured); without `verify` any certificate will do."""
    made = httpx.create_ssl_context(verify=verify)
    made.set_alpn_protocols(["http/1.1"])
    return made
