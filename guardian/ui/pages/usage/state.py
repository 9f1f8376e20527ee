"""What the parts of the explorer's State share: the address that decides what is shown."""

from guardian.ui.pages.usage.address import Address
from guardian.ui.session import Page


class Addressed(Page, mixin=True):
    """Reads the page's own address."""

    def _address(self) -> Address:
        return Address.read(self.router.url.query)
