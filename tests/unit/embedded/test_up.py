"""What `guardian up` refuses before it starts anything."""

from pathlib import Path

import pytest

from guardian.config import Settings
from guardian.embedded.processes import free_port
from guardian.embedded.up import up
from guardian.errors import ConfigurationError


def test_one_port_for_two_processes_is_refused(tmp_path: Path) -> None:
    port = free_port()
    with pytest.raises(ConfigurationError, match=f"GUARDIAN_PORT and GUARDIAN_GATEWAY_PORT are both {port}"):
        up(Settings(guardian_data_dir=tmp_path, guardian_port=port, guardian_gateway_port=port))


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
def test_an_address_of_another_machine_is_named_as_such(tmp_path: Path, host: str) -> None:
    with pytest.raises(ConfigurationError, match=f"GUARDIAN_HOST is {host}, which is no address of this machine"):
        up(Settings(guardian_data_dir=tmp_path, guardian_host=host))
