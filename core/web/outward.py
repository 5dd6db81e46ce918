"""Looking at an address that somebody else named, without being led into our own house: one https question, one small answer."""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass

SECONDS = 6  # for each step
LONGEST = 15  # for all of it: whoever answers drop by drop is hung up on
LARGEST = 10_000  # bytes of the answer that are read

# What no outsider may make us knock at. Python's own is_global lets several of these through (multicast, NAT64, 6to4, ...).
_FORBIDDEN = [
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
        "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
    )
]  # fmt: skip
_ORDINARY_SIX = ipaddress.ip_network("2000::/3")
_FORBIDDEN_SIX = [ipaddress.ip_network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3ffe::/16", "3fff::/20")]


class NotReached(Exception):
    """It was not asked, or did not answer as it should. The message is for the person who named the address."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    body: bytes


def is_outside(address: str) -> bool:
    """Whether this numeric address lies on the public internet."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv4Address):
        return not any(ip in network for network in _FORBIDDEN)
    return ip in _ORDINARY_SIX and not any(ip in network for network in _FORBIDDEN_SIX)


def addresses_of(host: str, port: int) -> list[str]:
    """The numeric addresses of a host name."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as problem:
        raise NotReached(f"{host} has no address in DNS.") from problem
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def look_at(
    host: str,
    path: str,
    *,
    port: int = 443,
    may_reach: Callable[[str], bool] = is_outside,
    resolve: Callable[[str, int], list[str]] = addresses_of,
    trust: ssl.SSLContext | None = None,
) -> Answer:
    """Ask `https://host/path` once. Raises NotReached.

    The name is looked up once, every address it has must lie outside, and the connection goes to the very address that was
    checked: a name that changes its mind in between gains nothing. Redirects are not followed, proxies not asked, and no more
    is read than a small answer has.
    """
    numeric = resolve(host, port)
    if not numeric or not all(may_reach(address) for address in numeric):
        raise NotReached(f"{host} points to an address that is not on the public internet.")
    context = trust or ssl.create_default_context()
    try:
        with (
            socket.create_connection((numeric[0], port), timeout=SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=host) as line,
        ):
            if not may_reach(str(line.getpeername()[0])):
                raise NotReached(f"{host} points to an address that is not on the public internet.")
            bell = threading.Timer(LONGEST, _hang_up, [line])
            bell.start()
            try:
                return _ask(line, host, path, port)
            finally:
                bell.cancel()
    except (ssl.SSLError, ssl.CertificateError) as problem:
        raise NotReached(f"{host} has no valid certificate.") from problem
    except (OSError, http.client.HTTPException) as problem:
        raise NotReached(f"{host} did not answer.") from problem


def _hang_up(line: ssl.SSLSocket) -> None:
    with contextlib.suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)


def _ask(line: ssl.SSLSocket, host: str, path: str, port: int) -> Answer:
    connection = http.client.HTTPSConnection(host, port, timeout=SECONDS)
    connection.sock = line
    connection.request("GET", path, headers={"Accept": "text/plain", "Accept-Encoding": "identity", "User-Agent": "payment-return-check"})
    answer = connection.getresponse()
    return Answer(answer.status, answer.read(LARGEST))
