"""Addresses of the shop: whose they are, and how a payer is sent back to them."""

from urllib.parse import urlencode, urlsplit, urlunsplit


def origin_of(url):
    parts = urlsplit(url or "")
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in ("http", "https") and parts.netloc else None


def with_query(url, **values):
    """The address with more parameters, those it has kept as they are."""
    parts = urlsplit(url)
    query = "&".join(part for part in (parts.query, urlencode(values)) if part)
    return urlunsplit(parts._replace(query=query))


def success_url(session):
    return session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"])


def state_of(session, intent):
    """What a payer reads who comes back to a session that is over."""
    if session["mode"] == "setup":
        return "saved"
    if session["payment_status"] == "paid":
        return "paid"
    return "processing" if intent["status"] == "processing" else "not_paid"


def return_url(intent, url):
    """The shop's address with the three parameters an intent's return carries."""
    outcomes = {"succeeded": "succeeded", "requires_capture": "succeeded", "requires_action": "pending", "processing": "pending"}
    kind = intent["object"]
    carried = {kind: intent["id"], f"{kind}_client_secret": intent["client_secret"]}
    return with_query(url, **carried, redirect_status=outcomes.get(intent["status"], "failed"))
