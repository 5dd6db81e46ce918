"""Asking at an address that somebody else named, without being led into our own house: one question, one small answer."""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

SECONDS = 6  # for each step
LONGEST = 15  # for all of it: whoever answers drop by drop is hung up on
TRIED = 3  # addresses of one name
SECOND = 1_000_000_000  # nanoseconds
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
    headers: Mapping[str, str] = field(default_factory=dict)  # small letters; the first line of each name


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


Trust = ssl.SSLContext | None
Reach = Callable[[str], bool]
Resolve = Callable[[str, int], list[str]]


def look_at(
    host: str, path: str, *, port: int = 443, may_reach: Reach = is_outside, resolve: Resolve = addresses_of, trust: Trust = None
) -> Answer:
    """Ask `https://host/path` once. Raises NotReached.

    The name is looked up once, every address it has must lie outside, and the connection goes to the very address that was
    checked: a name that changes its mind in between gains nothing. Redirects are not followed, proxies not asked, and no more
    is read than a small answer has.
    """
    headers = {"Accept": "text/plain", "Accept-Encoding": "identity", "User-Agent": "payment-return-check"}
    numeric = _allowed(host, port, may_reach, resolve)
    with _asking(host):
        return _once(host, port, numeric, may_reach, trust or ssl.create_default_context(), ("GET", path, None, headers))


def post_to(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    may_reach: Reach = is_outside,
    resolve: Resolve = addresses_of,
    trust: Trust = None,
) -> Answer:
    """Send these very bytes to an address once, in the same careful way. Raises NotReached.

    `url` is one that the business has looked over: whole, with no name or password in it. The certificate is checked for its host name.
    """
    parts = urlsplit(url)
    secure, host = parts.scheme == "https", parts.hostname or ""
    port = parts.port or (443 if secure else 80)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    numeric = _allowed(host, port, may_reach, resolve)
    context = (trust or ssl.create_default_context()) if secure else None
    with _asking(host):
        return _once(host, port, numeric, may_reach, context, ("POST", path, body, {"Accept-Encoding": "identity", **headers}))


def _allowed(host: str, port: int, may_reach: Reach, resolve: Resolve) -> list[str]:
    numeric = resolve(host, port)
    if not numeric or not all(may_reach(address) for address in numeric):
        raise NotReached(f"{host} points to an address that is not on the public internet.")
    return numeric[:TRIED]


@contextmanager
def _asking(host: str) -> Iterator[None]:
    """What went wrong, in words for whoever named the host."""
    try:
        yield
    except TimeoutError as problem:
        raise NotReached(f"{host} did not answer in time.") from problem
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError) as problem:
        raise NotReached(f"{host} hung up.") from problem
    except (ssl.SSLError, ssl.CertificateError) as problem:
        raise NotReached(f"{host} has no valid certificate.") from problem
    except (OSError, http.client.HTTPException) as problem:
        raise NotReached(f"{host} did not answer.") from problem


def _once(
    host: str, port: int, numeric: list[str], may_reach: Reach, context: Trust, asked: tuple[str, str, bytes | None, Mapping[str, str]]
) -> Answer:
    until = time.monotonic_ns() + LONGEST * SECOND
    with contextlib.ExitStack() as open_lines:
        lines: list[socket.socket] = [open_lines.enter_context(_connected(numeric, port, until))]
        if not may_reach(str(lines[0].getpeername()[0])):
            raise NotReached(f"{host} points to an address that is not on the public internet.")
        rung = threading.Event()
        bell = threading.Timer(_left(until), _hang_up, [lines, rung])
        bell.start()
        try:
            if context is not None:
                secure = context.wrap_socket(lines[0], server_hostname=host, do_handshake_on_connect=False)
                lines.append(open_lines.enter_context(secure))  # whoever dawdles over the handshake is hung up on as well
                secure.do_handshake()
            answer = _ask(lines[-1], host, port, secure=context is not None, asked=asked)
        except (OSError, http.client.HTTPException) as problem:
            if rung.is_set():
                raise TimeoutError from problem
            raise
        finally:
            bell.cancel()
        if rung.is_set():
            raise TimeoutError
        return answer


def _left(until: int) -> int:
    """Whole seconds, one at least."""
    return max((until - time.monotonic_ns()) // SECOND, 1)


def _connected(numeric: list[str], port: int, until: int) -> socket.socket:
    """A line to the first of these addresses that takes one."""
    for last, address in enumerate(numeric, 1):
        try:
            return socket.create_connection((address, port), timeout=min(SECONDS, _left(until)))
        except OSError:
            if last == len(numeric):
                raise
    raise OSError("no address")


def _hang_up(lines: list[socket.socket], rung: threading.Event) -> None:
    rung.set()
    with contextlib.suppress(OSError):
        lines[-1].shutdown(socket.SHUT_RDWR)


def _ask(line: socket.socket, host: str, port: int, *, secure: bool, asked: tuple[str, str, bytes | None, Mapping[str, str]]) -> Answer:
    method, path, body, headers = asked
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    connection = kind(host, port, timeout=LONGEST)
    connection.sock = line
    line.settimeout(LONGEST if method == "POST" else SECONDS)
    connection.request(method, path, body=body, headers=dict(headers))
    answer = connection.getresponse()
    found: dict[str, str] = {}
    for name, value in answer.getheaders():
        found.setdefault(name.lower(), value)
    return Answer(answer.status, answer.read(LARGEST), found)
