"""What the key manager says when a key was stored, and before one is deleted: whole sentences."""

from guardian import amounts
from guardian.services.people.views import KeyLoss, KeyView
from guardian.ui import format
from guardian.ui.colors import provider_name
from guardian.ui.pages.keys.rows import rows_of


def stored(key: KeyView) -> str:
    """What was achieved by storing a key, and what happens now."""
    if key.kind == "admin":
        return f"{key.name} works and is stored. What it can read is being pulled."
    return f"{key.name} works and is stored. {key.status_message or ''}".strip()


def loss(found: KeyLoss) -> list[str]:
    """What goes with the key and what stays, a sentence each, the losses first."""
    key, vendor = found.key, provider_name(found.key.provider)
    said = [f"The key itself goes. To connect this account again, you need it or a new one of {vendor}."]
    if found.pulls == 1:
        said.append("Its pull is forgotten: what it read, added and changed.")
    elif found.pulls:
        said.append(f"Its {format.number(found.pulls)} pulls are forgotten: what each one read, added and changed.")
    if found.last_of_account:
        account = f"the account {key.account_name}" if key.account_name else "this account"
        said.append(f"It is the last active admin key of {account}: its figures stop being updated.")
    if found.usage_rows:
        worth = f"{rows_of(found.usage_rows)} worth {amounts.dollars(found.cost)}"
        said.append(f"What was recorded stays: {worth}.")
    else:
        said.append("No usage was recorded with it, so no figure changes.")
    return said
