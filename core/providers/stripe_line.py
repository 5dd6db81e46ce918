"""The line the SDK speaks over: a pool of kept connections. The one it brings costs three times as much for each request."""

from __future__ import annotations

import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import stripe
import urllib3


class Line(stripe.HTTPClient):
    """Asks once; whoever asked knows whether it may be repeated. Goes by the proxies that the environment names."""

    name = "urllib3"

    def __init__(self, *, connect_seconds: int, read_seconds: int) -> None:
        super().__init__()
        self._kept: dict[str, urllib3.PoolManager] = {}
        self._terms: dict[str, Any] = {
            "retries": False,
            "timeout": urllib3.Timeout(connect=connect_seconds, read=read_seconds),
            "cert_reqs": "CERT_REQUIRED",
            "ca_certs": stripe.ca_bundle_path,
        }

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None, *, _usage: list[str] | None = None
    ) -> tuple[Any, int, Mapping[str, str]]:
        """Body, status and headers. Raises stripe.APIConnectionError when there is no answer."""
        try:
            answer = self._pool(url).urlopen(method.upper(), url, headers=headers, body=post_data, redirect=False)
        except urllib3.exceptions.HTTPError as problem:
            raise stripe.APIConnectionError(f"The provider gave no answer ({type(problem).__name__}).") from problem
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
