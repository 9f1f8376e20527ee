"""The TXT records of a domain, by the machine's name servers or by the one that DNS_RESOLVER names."""

import dns.exception
import dns.resolver

from guardian.config import settings
from guardian.errors import UnavailableError

# All servers and all tries together: dnspython asks each again, a little later each time, until this is over.
LIFETIME_SECONDS = 6.0
MAX_RECORDS = 100


def txt_records(domain: str) -> list[str]:
    """Its TXT records as text, the parts of each joined; none where there is no such domain.

    Raises UnavailableError when no name server answers.
    """
    try:
        answer = _resolver().resolve(f"{domain}.", "TXT", lifetime=LIFETIME_SECONDS)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except (dns.exception.DNSException, OSError):
        raise UnavailableError(
            f"The name servers of {domain} do not answer. Nothing was changed; try again shortly."
        ) from None
    parts: list[tuple[bytes, ...]] = [record.strings for record in answer]
    return [b"".join(each).decode("utf-8", "replace") for each in parts[:MAX_RECORDS]]


def _resolver() -> dns.resolver.Resolver:
    wanted = settings().dns_resolver
    if wanted is None:
        return dns.resolver.Resolver()
    resolver = dns.resolver.Resolver(configure=False)
    host, _, port = wanted.rpartition(":") if wanted.count(":") == 1 else (wanted, "", "")
    resolver.nameservers = [host]
    resolver.port = int(port or 53)
    return resolver
