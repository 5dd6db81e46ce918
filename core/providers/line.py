"""The line to a processor over HTTP: kept connections, one try, by the proxies that the environment names."""

from __future__ import annotations

import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import urllib3

NO_ANSWER = urllib3.exceptions.HTTPError  # what `ask` raises when nothing came back


class Line:
    """Asks once; whoever asked knows whether it may be repeated. `ca_bundle` is the file of the authorities that are believed."""

    def __init__(self, *, connect_seconds: int, read_seconds: int, ca_bundle: str) -> None:
        self._kept: dict[str, urllib3.PoolManager] = {}
        self._terms: dict[str, Any] = {
            "retries": False,
            "timeout": urllib3.Timeout(connect=connect_seconds, read=read_seconds),
            "cert_reqs": "CERT_REQUIRED",
            "ca_certs": ca_bundle,
        }

    def ask(self, method: str, url: str, headers: Mapping[str, str] | None, body: Any = None) -> tuple[bytes, int, Mapping[str, str]]:
        """Body, status and headers, whatever the status. Raises NO_ANSWER."""
        answer = self._pool(url).urlopen(method.upper(), url, headers=headers, body=body, redirect=False)
        return answer.data, answer.status, answer.headers

    def close(self) -> None:
        """Lets go of the open connections."""
        for pool in self._kept.values():
            pool.clear()

    def _pool(self, url: str) -> urllib3.PoolManager:
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin not in self._kept:
            proxy = None if urllib.request.proxy_bypass(parts.hostname or "") else urllib.request.getproxies().get(parts.scheme)
            self._kept[origin] = urllib3.ProxyManager(proxy, **self._terms) if proxy else urllib3.PoolManager(**self._terms)
        return self._kept[origin]
