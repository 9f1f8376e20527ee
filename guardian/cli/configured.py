"""The settings that commands run with."""

import os

from guardian.config import Settings, settings
from guardian.embedded.discover import settings_with_embedded


def configured() -> Settings:
    """The settings, completed by what a running `guardian up` of the same data directory has started."""
    os.environ.update(settings_with_embedded(settings()))
    settings.cache_clear()
    return settings()
