"""The line to a processor over HTTP: kept connections, one try, by the proxies that the environment names."""

from __future__ import annotations

import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import urllib3

NO_ANSWER = urllib3.exceptions.HTTPError  # what `ask` raises when nothing came back
MOST_KEPT = 8  # open connections: as many as there are threads that could be asking


class Line:
    """Asks once; whoever asked knows whether it may be repeated. `ca_bundle` is the file of the authorities that are believed."""

    def __init__(self, *, connect_seconds: int, read_seconds: int, ca_bundle: str) -> None:
        self._kept: dict[str, tuple[Any, bool]] = {}
        self._terms: dict[str, Any] = {
            "retries": False,
            "timeout": urllib3.Timeout(connect=connect_seconds, read=read_seconds),
            "cert_reqs": "CERT_REQUIRED",
            "ca_certs": ca_bundle,
        }

    def ask(self, method: str, url: str, headers: Mapping[str, str] | None, body: Any = None) -> tuple[bytes, int, Mapping[str, str]]:
        """Body, status and headers, whatever the status. Raises NO_ANSWER."""
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        for last in (False, True):
            pool, through = self._pool(origin, parts.scheme, parts.hostname or "")
            target = url if through else url[len(origin) :] or "/"
            try:
                answer = pool.urlopen(method.upper(), target, headers=headers, body=body, redirect=False)
                break
            except urllib3.exceptions.ClosedPoolError:  # let go of by another thread before a word was sent: a new one is opened
                if last:
                    raise
        return answer.data, answer.status, answer.headers

    def close(self) -> None:
        """Lets go of the open connections."""
        kept, self._kept = self._kept, {}
        for pool, through in kept.values():
            if through:
                pool.clear()
            else:
                pool.close()

    def _pool(self, origin: str, scheme: str, host: str) -> tuple[Any, bool]:
        """The connections to one address, and whether they go through a proxy, which is told the whole address."""
        kept = self._kept
        if origin not in kept:
            proxy = None if urllib.request.proxy_bypass(host) else urllib.request.getproxies().get(scheme)
            straight = self._terms if scheme == "https" else {name: self._terms[name] for name in ("retries", "timeout")}
            kept[origin] = (
                (urllib3.ProxyManager(proxy, **self._terms), True)
                if proxy
                else (urllib3.connection_from_url(origin, maxsize=MOST_KEPT, **straight), False)
            )
        return kept[origin]
