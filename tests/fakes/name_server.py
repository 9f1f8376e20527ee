"""A name server on loopback that answers TXT questions from a table, over UDP."""

import socket
import threading
from types import TracebackType

import dns.flags
import dns.message
import dns.rcode
import dns.rrset


class NameServer:
    """`records` are TXT records by domain; a domain that is not in it does not exist. `silent`: it answers nothing."""

    def __init__(self) -> None:
        self.records: dict[str, list[str]] = {}
        self.silent = False
        self.asked: list[str] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def address(self) -> str:
        host, port = self._socket.getsockname()
        return f"{host}:{port}"

    def __enter__(self) -> "NameServer":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # An empty datagram wakes the thread: closing the socket alone would leave it waiting.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"", self._socket.getsockname())
        self._thread.join(10)
        self._socket.close()

    def _run(self) -> None:
        while True:
            wire, client = self._socket.recvfrom(4096)
            if not wire:
                return
            if not self.silent:
                self._socket.sendto(self._answer(wire), client)

    def _answer(self, wire: bytes) -> bytes:
        query = dns.message.from_wire(wire)
        name = query.question[0].name
        domain = name.to_text(omit_final_dot=True).lower()
        self.asked.append(domain)
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA | dns.flags.AA
        if domain not in self.records:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif self.records[domain]:
            texts = ['"' + '" "'.join(_chunks(each)) + '"' for each in self.records[domain]]
            answer.answer.append(dns.rrset.from_text_list(name, 60, "IN", "TXT", texts))
        return answer.to_wire()


def _chunks(text: str) -> list[str]:
    """Strings of a TXT record have at most 255 bytes; shorter ones, so that every answer has to be joined."""
    return [text[start : start + 20] for start in range(0, len(text), 20)] or [""]
