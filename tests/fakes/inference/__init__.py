"""The inference side of the vendors, as a server on 127.0.0.1 that counts what it serves and fails on demand."""

from tests.fakes.inference.answers import KEYS, Served
from tests.fakes.inference.server import FakeInference, Fault

__all__ = ["KEYS", "FakeInference", "Fault", "Served"]
