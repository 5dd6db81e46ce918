"""Why a payment page does not show on a website: looked at step by step, as a browser would, from what somebody pastes about that page.

Nothing is fetched. What a page's own headers forbid is read from the headers themselves, which any browser shows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.accounts.embed_origins import BadOrigin, lets_in, read_origin
from core.kernel.sentence import said

# Which directives of a page's policy decide, and what stands in for one that is not there.
DECIDES = {"script-src": ("script-src-elem", "script-src", "default-src"), "frame-src": ("frame-src", "child-src", "default-src"),
           "form-action": ("form-action",)}  # fmt: skip
_POLICY = re.compile(r"(?im)^\s*content-security-policy\s*:\s*")
# A policy may be pasted over several lines: a line that begins with a scheme goes on with it.
_NEXT_HEADER = re.compile(r"(?im)^(?!https?:|wss?:|data:|blob:|filesystem:|mediastream:)[a-z0-9-]+\s*:|^\s*$")
_TAKES_FROM_ALL = ("*", "https:")


@dataclass(frozen=True, slots=True)
class Finding:
    """One step: whether it is passed, in words; `allow` is the origin that one press would let in."""

    good: bool
    text: str
    allow: str = ""


def examine(text: str, mode: str, *, allowed: list[str], headers: str, home: str) -> list[Finding]:
    """What a browser would ask in turn. `headers` are the page's own, as far as somebody pasted them; `home` is our origin."""
    try:
        origin = read_origin(text, mode)
    except BadOrigin as no:
        return [Finding(False, no.message)]
    found = [Finding(True, said("%(origin)s is a website that may show payment pages, once it is named.", origin=origin))]
    found.append(_listed(origin, allowed))
    if "require-corp" in headers.lower():
        found.append(
            Finding(
                False, said("The page sends Cross-Origin-Embedder-Policy: require-corp, which keeps every payment page out. Take it away.")
            )
        )
    return found + _policy(headers, home, origin)


def _listed(origin: str, allowed: list[str]) -> Finding:
    if lets_in(allowed, origin):
        return Finding(True, said("%(origin)s is on your list.", origin=origin))
    if not allowed:
        return Finding(False, said("Your list is empty, so your payment pages are shown nowhere."), allow=origin)
    scheme, _, host = origin.partition("://")
    twin = f"{scheme}://{host.removeprefix('www.') if host.startswith('www.') else 'www.' + host}"
    if lets_in(allowed, twin):
        return Finding(
            False, said("You have named %(twin)s. To a browser %(origin)s is another website.", twin=twin, origin=origin), allow=origin
        )
    return Finding(False, said("%(origin)s is not on your list.", origin=origin), allow=origin)


def _policy(headers: str, home: str, origin: str) -> list[Finding]:
    if not headers.strip():
        return []
    policies = [part for part in _POLICY.split(headers) if part.strip()] if _POLICY.search(headers) else [headers]
    found = []
    for policy in policies:
        directives = read_policy(_NEXT_HEADER.split(policy)[0])
        for wanted, chain in DECIDES.items():
            name = next((name for name in chain if name in directives), None)
            if name is None:
                continue
            if _takes(directives[name], home, origin):
                found.append(Finding(True, said("The page’s policy lets us in by %(directive)s.", directive=name)))
            else:
                found.append(
                    Finding(False, said("The page’s policy keeps us out: add %(home)s to its %(directive)s.", home=home, directive=wanted))
                )
    return found or [Finding(True, said("The page’s headers forbid nothing that a payment page needs."))]


def read_policy(policy: str) -> dict[str, list[str]]:
    """Directive -> its sources, in small letters. Of two of one name the first counts, as in browsers."""
    found: dict[str, list[str]] = {}
    for part in policy.replace("\r", " ").replace("\n", " ").split(";"):
        words = part.lower().split()
        if words:
            found.setdefault(words[0], words[1:])
    return found


def _takes(sources: list[str], home: str, origin: str) -> bool:
    """Whether a list of sources lets our address in. Nonces and digests are not counted: they are for the script's tag to bring."""
    scheme, _, place = home.partition("://")
    for source in sources:
        if source in _TAKES_FROM_ALL and (source == "*" or scheme == "https"):
            return True
        if source == "'self'" and origin == home:
            return True
        named, _, host = source.rpartition("://")
        if named in ("", scheme) and (host.rstrip("/") == place or (host.startswith("*.") and place.endswith(host[1:]))):
            return True
    return False


def line_for(home: str) -> str:
    """What a page with a policy of its own has to add to it."""
    return f"script-src {home}; frame-src {home}; form-action {home}"
