"""Ways to pay in tests: offering them, choosing one on the payment's page, and answering at the bank."""

from __future__ import annotations

from core.methods.rules import Bounds, bound_method, switch_method
from tests.factories import unit
from tests.sandbox.running import post_form


def offer(shop, *methods):
    """Switches these on, whatever their order."""
    with unit(shop.app):
        for method in methods:
            switch_method(shop.vendor, "test", method, on=True, by="usr_test")


def bound(shop, method, **bounds):
    with unit(shop.app):
        bound_method(shop.vendor, "test", method, bounds=Bounds(**bounds), by="usr_test")


def listed(page):
    return [e.attrs["value"] for e in page.all("input", type="radio") if e.attrs["name"] == "method"]


def choose(payer, page, method, **more):
    """Presses the button with this way chosen; gives the address the payer is sent to."""
    sent = payer.submit(page.form(f"{page.address}/attempts"), method=method, status=303, follow=False, **more)
    return sent.response.headers["Location"]


def attempts_of(shop, payment):
    from core.payments.queries import list_attempts

    with shop.app.app_context():
        return [(a.number, a.method, a.state, a.surface) for a in list_attempts(shop.vendor, payment)]


def at_the_bank(location, kind, sandbox):
    """From the hosted page to the page of the bank or of the code."""
    status, onward, text = post_form(location, type=kind)
    assert status == 303, text
    return onward if onward.startswith("http") else sandbox + onward
