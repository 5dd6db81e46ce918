"""Looking objects up and listing them, the same way for every kind."""

from core.web.wire import lists
from core.web.wire.errors import not_found

# what an id of each prefix is: expand and cursors go by the id, not by the field it stands in
KINDS = {
    "pi": "payment_intent",
    "ch": "charge",
    "re": "refund",
    "txn": "balance_transaction",
    "pm": "payment_method",
    "cus": "customer",
    "seti": "setup_intent",
    "cs": "checkout.session",
    "evt": "event",
    "we": "webhook_endpoint",
    "du": "dispute",
    "file": "file",
    "po": "payout",
    "pmd": "payment_method_domain",
    "acct": "account",
    "ba": "bank_account",
    "tr": "transfer",
    "trr": "transfer_reversal",
}
TITLES = {
    "payment_intent": "payment_intent",
    "payment_method": "PaymentMethod",
    "setup_intent": "setupintent",
    "checkout.session": "checkout.session",
    "webhook_endpoint": "webhook endpoint",
    "balance_transaction": "balance transaction",
}


EMBEDDED = 10  # the newest rows of a list that stands within another object


def get(shelf, kind, identity, param="id"):
    """The object, or 404 in the words of the wire."""
    found = shelf.find(kind, identity)
    if found is None:
        raise not_found(TITLES.get(kind, kind), identity, param)
    return found


def find_any(shelf, identity):
    return shelf.find(KINDS.get(identity.split("_")[0], ""), identity)


def list_page(shelf, params, kind, url, *, equal=None, among=None, created=None):
    """One page of a kind; what a filter asks for is read before, so that unknown parameters are refused here."""
    query = lists.page_query(params)
    params.finish()

    def place_of(identity, param):
        place = shelf.place(kind, identity)
        if place is None:
            raise not_found(TITLES.get(kind, kind), identity, param)
        return place

    def fetch(before, after, count):
        wanted = {name: value for name, value in (equal or {}).items() if value is not None}
        return shelf.rows(kind, equal=wanted, among=among, created=created, older_than=before, newer_than=after, count=count)

    return lists.page(url, query, fetch, place_of)


def embedded(shelf, kind, url, equal):
    """The list as it stands within another object."""
    rows = shelf.rows(kind, equal=equal, count=EMBEDDED + 1)
    return lists.envelope(url, rows[:EMBEDDED], len(rows) > EMBEDDED)
