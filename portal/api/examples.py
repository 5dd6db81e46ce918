"""Calls that run as they stand, in three languages, made from what the endpoints declare. The key comes from the environment: PORTAL_KEY."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from pprint import pformat
from typing import Any

from portal.api.endpoint import ENDPOINTS, Endpoint
from portal.api.kinds import Amount, Currency, Day, Email, Fields, Flag, Kind, Listed, Moment, Number, Pairs, Text, Within

VARIABLE, TOKEN = "PORTAL_KEY", "PORTAL_TOKEN"  # of a person's app: the access token in the place of the key
OUTSIDE = re.compile(r"<(?:\w+:)?(\w+)>")
# What stands in the place of an id in an address; whoever runs it puts one of their own there.
IDS = {
    "payments": "pay_...", "payment-links": "lnk_...", "refunds": "ref_...", "refund-links": "rcl_...", "customers": "cus_...", "disputes": "dp_...", "payouts": "po_...",
    "memberships": "mbr_...", "membership-plans": "mpl_...", "invoices": "doc_...", "orders": "ord_...", "listings": "lst_...",
    "checkout-sessions": "lnk_...", "keys": "key_...", "branches": "brn_...", "products": "prd_...", "webhook-endpoints": "whe_...", "events": "evt_...",
    "messages": "msg_...", "users": "...",
}  # fmt: skip
OF_PLACE = {"delivery": "dlv_..."}  # where a second one stands in the address
OF_FIELD = {"payment": "pay_...", "listing": "lst_...", "seller": "vnd_...", "checkout_id": "cart-1"}


@dataclass(frozen=True)
class Example:
    """One call in one language."""

    language: str
    title: str
    text: str


def sample(fields: Fields) -> dict[str, Any]:
    """A body with all that has to be there, and nothing else."""
    return {name: _value(name, kind) for name, kind in fields.items() if kind.required or kind.example == "Order 4711"}


def _value(name: str, kind: Kind) -> Any:
    if kind.example is not None:
        return kind.example
    if isinstance(kind, Within):
        return sample(kind.fields)
    if isinstance(kind, Listed):
        return [_value(name, kind.of)]
    if isinstance(kind, Text):
        return OF_FIELD.get(name) or (kind.one_of[0] if kind.one_of else "A text")
    plain: dict[type[Kind], Any] = {
        Number: getattr(kind, "least", 1), Flag: True, Amount: 1999, Currency: "GBP", Email: "ada@example.com", Pairs: {}, Day: "", Moment: ""
    }  # fmt: skip
    return plain[type(kind)]


def address_of(told: Endpoint) -> str:
    """Below /api/v1, with something in the place of ids."""
    return OUTSIDE.sub(lambda found: OF_PLACE.get(found[1]) or IDS.get(told.word, "..."), told.path)


def examples_of(told: Endpoint, base: str) -> list[Example]:
    """The same call three times."""
    url = f"{base}/api/v1{address_of(told)}"
    body = (
        sample(told.takes) if told.writes and not told.partly else {"title": "A new title"} if told.partly and "title" in told.takes else {}
    )
    if told.partly and not body:
        body = {"name": "A new name"}
    return [
        Example("curl", "curl", _curl(told, url, body)),
        Example("python", "Python", _python(told, url, body)),
        Example("node", "Node", _node(told, url, body)),
    ]


def _held(told: Endpoint) -> str:
    """Where the key or the token stands."""
    return TOKEN if told.access == "user" else VARIABLE


def _is_named(told: Endpoint) -> bool:
    """Whether it carries a name of its own, as writes do that somebody known asks for."""
    return told.writes and told.access != "public"


def _curl(told: Endpoint, url: str, body: dict[str, Any]) -> str:
    lines = [f"curl {'' if told.method == 'GET' else f'-X {told.method} '}{shlex.quote(url)}"]
    if told.access != "public":
        lines.append(f'-H "Authorization: Bearer ${_held(told)}"')
    if _is_named(told):
        lines.append('-H "Idempotency-Key: $(uuidgen 2>/dev/null || date +%s%N)"')
    if body:
        lines += ['-H "Content-Type: application/json"', f"-d {shlex.quote(json.dumps(body, ensure_ascii=False, indent=2))}"]
    return " \\\n  ".join(lines)


def _python(told: Endpoint, url: str, body: dict[str, Any]) -> str:
    headers = [f'"Authorization": f"Bearer {{os.environ[\'{_held(told)}\']}}"'] if told.access != "public" else []
    if _is_named(told):
        headers.append('"Idempotency-Key": str(uuid.uuid4())')
    if body:
        headers.append('"Content-Type": "application/json"')
    data = f"    data=json.dumps({pformat(body, width=80, sort_dicts=False)}).encode(),\n" if body else ""
    names = ", ".join(["json", "os", "urllib.request", *(["uuid"] if _is_named(told) else [])])
    return (
        f"import {names}\n\nrequest = urllib.request.Request(\n    {json.dumps(url)},\n    method={json.dumps(told.method)},\n"
        f"    headers={{{', '.join(headers)}}},\n{data})\nwith urllib.request.urlopen(request) as answer:\n    print(json.load(answer))"
    )


def _node(told: Endpoint, url: str, body: dict[str, Any]) -> str:
    headers = [f"Authorization: `Bearer ${{process.env.{_held(told)}}}`"] if told.access != "public" else []
    if _is_named(told):
        headers.append('"Idempotency-Key": crypto.randomUUID()')
    if body:
        headers.append('"Content-Type": "application/json"')
    data = f"  body: JSON.stringify({json.dumps(body, ensure_ascii=False, indent=2)}),\n" if body else ""
    return (
        f"const answer = await fetch({json.dumps(url)}, {{\n  method: {json.dumps(told.method)},\n"
        f"  headers: {{ {', '.join(headers)} }},\n{data}}});\nconsole.log(await answer.json());"
    )


def endpoints_of(words: tuple[str, ...]) -> list[Endpoint]:
    """Those whose address begins with one of these words, in the order of the address."""
    return sorted((one for one in ENDPOINTS if one.word in words), key=lambda one: (one.path, one.method))
