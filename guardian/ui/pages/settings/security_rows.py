"""From the views of signing in to the text that the settings show: pure functions."""

from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address, ip_network
from zoneinfo import ZoneInfo

from guardian.services.people.access.identities import LinkedView
from guardian.services.people.access.second_factors import SecondFactorView
from guardian.ui import format
from guardian.ui.rows import NO_MOMENT, Moment

# RFC 1918, RFC 4193 and link-local: offices and homes.
_PRIVATE = tuple(
    map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10"))
)
METHODS = {"password": "password", "google": "Google", "github": "GitHub", "oidc": "single sign-on"}


@dataclass(frozen=True)
class WayRow:
    """A sign-in provider; `email` is what it calls the person, `used` when it last signed them in."""

    provider: str = ""
    label: str = ""
    linked: bool = False
    email: str = ""
    used: Moment = NO_MOMENT


NO_WAY = WayRow()


def way_row(view: LinkedView, now: datetime, tz: ZoneInfo) -> WayRow:
    return WayRow(
        provider=view.provider,
        # A name such as "single sign-on" begins the row.
        label=view.label[:1].upper() + view.label[1:],
        linked=view.linked,
        email=view.email or "",
        used=Moment.of(view.last_used_at, now, tz, never="never"),
    )


def factor_text(view: SecondFactorView, tz: ZoneInfo) -> str:
    """Since when it is on, and how many recovery codes are left."""
    if view.since is None:
        return "Off. A password alone, or your provider alone, signs you in."
    left = view.recovery_left
    codes = "1 recovery code is" if left == 1 else f"{left or 'no'} recovery codes are"
    return f"On since {format.absolute(view.since, tz)}; {codes} left."


def place(address: str | None) -> str:
    """Where an address is, as far as it tells by itself: nobody outside is asked about it."""
    try:
        found = ip_address(address or "")
    except ValueError:
        return "unknown address"
    if found.is_loopback:
        return f"this computer ({found})"
    return f"private network ({found})" if any(found in each for each in _PRIVATE) else str(found)


def method(name: str) -> str:
    """How a session was signed in, after "with"."""
    return METHODS.get(name, name)


def in_fours(secret: str) -> str:
    """A secret as it is typed off: ABCD EFGH."""
    return " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
