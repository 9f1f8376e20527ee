"""Both event loops: uvloop is what serves, asyncio what is documented."""

import pytest

from tests.unit.gateway.http.servers import LOOPS


@pytest.fixture(params=LOOPS)
def loop(request: pytest.FixtureRequest) -> str:
    return request.param
