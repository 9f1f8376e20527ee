"""A job's transactions: given up early where who waits for them does not want them any more."""

import pytest
from sqlmodel import Session

from guardian.errors import UnavailableError
from guardian.jobs.patience import patiently


@pytest.mark.usefixtures("session")
def test_it_is_given_up_when_asked_to() -> None:
    tried: list[Session] = []

    def work(session: Session) -> None:
        tried.append(session)
        raise UnavailableError("away")

    with pytest.raises(UnavailableError):
        patiently(work, unless=lambda: len(tried) == 2)
    assert len(tried) == 2
