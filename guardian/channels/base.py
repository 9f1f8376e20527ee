"""What all channels share: they deliver, or say why not, whether trying again can help, and when."""

from dataclasses import dataclass

from guardian.errors import GuardianError


class ChannelError(GuardianError):
    """A message was not delivered. `permanent` means that trying again is useless.

    `status` is the HTTP status of the refusal, `retry_after` what the server wishes us to wait, in seconds. `gone`: the
    place is closed for good, and nothing more is to be sent there.
    """

    status_code = 502
    code = "CHANNEL_ERROR"

    def __init__(
        self,
        message: str,
        *,
        permanent: bool,
        status: int | None = None,
        retry_after: float | None = None,
        gone: bool = False,
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.status = status
        self.retry_after = retry_after
        self.gone = gone


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that was taken: the server's status, and what it or we call the message."""

    status: int
    reference: str
