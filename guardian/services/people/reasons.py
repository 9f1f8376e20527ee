"""The reason that who runs the installation gives for what they do to an organization: one line of text."""

from guardian.errors import ValidationError

MIN_REASON, MAX_REASON = 10, 500  # characters


def told_reason(reason: str) -> str:
    """The reason on one line. Raises ValidationError on the field reason where it is too short or too long."""
    text = " ".join("".join(c if c.isprintable() else " " for c in reason).split())
    if not MIN_REASON <= len(text) <= MAX_REASON:
        message = f"Say why in {MIN_REASON} to {MAX_REASON} characters."
        raise ValidationError(message, details=[{"field": "reason", "message": message}])
    return text
