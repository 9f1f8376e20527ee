"""What all channels share: they deliver, or say why not and whether trying again can help."""

from guardian.errors import GuardianError


class ChannelError(GuardianError):
    """A message was not delivered. `permanent` means that trying again is useless."""

    status_code = 502
    code = "CHANNEL_ERROR"

    def __init__(self, message: str, *, permanent: bool) -> None:
        super().__init__(message)
        self.permanent = permanent
