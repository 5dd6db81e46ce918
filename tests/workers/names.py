"""A small DNS server that answers as real ones do."""

from __future__ import annotations

import socket
import threading

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset


class Names:
    """A DNS server on this machine: answers what stands in `zone`, NXDOMAIN for other names, and nothing at all while it is `silent`."""

    def __init__(self) -> None:
        self.zone: dict[tuple[str, str], list[str]] = {}
        self.silent = False
        self.line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.line.bind(("127.0.0.1", 0))
        self.line.settimeout(0.2)
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._serve, name="names", daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        while not self.over.is_set():
            try:
                wire, asker = self.line.recvfrom(4096)
            except TimeoutError:
                continue
            if not self.silent:
                self.line.sendto(self._answer(dns.message.from_wire(wire)).to_wire(), asker)

    def _answer(self, asked: dns.message.Message) -> dns.message.Message:
        answer = dns.message.make_response(asked)
        answer.flags |= dns.flags.RA
        name, kind = asked.question[0].name, dns.rdatatype.to_text(asked.question[0].rdtype)
        known = name.to_text().rstrip(".")
        while (known, "CNAME") in self.zone and kind != "CNAME":
            (alias,) = self.zone[known, "CNAME"]
            answer.answer.append(dns.rrset.from_text(f"{known}.", 60, "IN", "CNAME", f"{alias}."))
            known = alias
        if found := self.zone.get((known, kind)):
            said = [f"{text}." for text in found] if kind == "CNAME" else found
            answer.answer.append(dns.rrset.from_text(f"{known}.", 60, "IN", kind, *said))
        elif not any(there == known for there, _ in self.zone):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        return answer

    def close(self) -> None:
        self.over.set()
        self.thread.join(5)
        self.line.close()
