"""E-mail addresses: the one spelling in which an address is stored and looked up."""

import email_validator
from email_validator import EmailNotValidError, validate_email

from guardian.errors import ValidationError

# Companies do name their networks .local, and .test is for trying things out; both can be reached by their own mail.
# The library's way to allow them is to change this list: https://github.com/JoshData/python-email-validator
for _domain in ("local", "test"):
    if _domain in email_validator.SPECIAL_USE_DOMAIN_NAMES:
        email_validator.SPECIAL_USE_DOMAIN_NAMES.remove(_domain)


def domain_of(email: str) -> str:
    """The domain of a normal address, in the spelling of DNS: that of organizations' domains."""
    return validate_email(email, check_deliverability=False).ascii_domain.lower()


def normal_email(email: str, field: str = "email") -> str:
    """The address in lower case and Unicode's normal form. Raises ValidationError on that field."""
    try:
        return validate_email(email.strip(), check_deliverability=False).normalized.lower()
    except EmailNotValidError as error:
        raise ValidationError(
            "This is not a valid e-mail address.", details=[{"field": field, "message": str(error)}]
        ) from None
