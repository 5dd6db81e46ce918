"""Which provider serves a mode: Stripe when its keys are there, else (in test mode only) the sandbox processor; and the bank beside it."""

from __future__ import annotations

import os
import re
from functools import cache

from core.kernel.config import settings
from core.providers.bank import Bank
from core.providers.bank_accounts import accounts
from core.providers.contract import NoSuchProvider, Offer, Provider
from core.providers.receivers import PaysSellers
from core.providers.stripe import Stripe
from core.providers.stripe_methods import KINDS


def provider_for(mode: str) -> Provider:
    """The provider new payments of this mode go to. Raises NoSuchProvider when live mode has no keys."""
    if mode == "test" and not settings().stripe["test"]["secret_key"]:
        return provider_named("sandbox", mode)
    return provider_named("stripe", mode)


def offers_for(mode: str) -> list[tuple[str, Offer]]:
    """(provider, offer) for every way to pay that can be opened in this mode today; empty when nobody serves it."""
    return [(name, offer) for name in _serving(mode) for offer in provider_named(name, mode).methods()]


def _serving(mode: str) -> list[str]:
    """The providers a payer may be sent to: the card processor, and beside it the bank where it has an account of ours."""
    try:
        found = [provider_for(mode).name]
    except NoSuchProvider:
        found = []
    return [*found, "bank"] if accounts(settings().bank_accounts.get(mode, "")) else found


def provider_named(name: str, mode: str) -> Provider:
    """The provider an existing payment belongs to, whatever new ones use. Raises NoSuchProvider for one that is not set up."""
    return _made(name, mode, os.getpid())


@cache
def _made(name: str, mode: str, process: int) -> Provider:
    """One adapter for a process: its open lines must not be shared with a forked one."""
    if (name, mode) == ("sandbox", "test"):
        return _sandbox()
    if name == "bank" and mode in ("test", "live"):
        if not accounts(settings().bank_accounts.get(mode, "")):
            raise NoSuchProvider("provider_not_set_up", f"No bank account takes transfers in {mode} mode.")
        return Bank(mode, accounts(settings().bank_accounts[mode]))
    if name != "stripe" or mode not in ("test", "live"):
        raise NoSuchProvider("no_such_provider", f"There is no provider {name!r} in {mode} mode.")
    kept = settings().stripe[mode]
    if not kept["secret_key"].startswith((f"sk_{mode}_", f"rk_{mode}_")):
        raise NoSuchProvider("provider_not_set_up", f"No secret key for {mode} mode is set.")
    return Stripe(
        "stripe",
        mode,
        key=kept["secret_key"],
        publishable_key=kept["publishable_key"],
        secrets=_several(kept["webhook_secret"]),
        kinds=_several(kept.get("payment_methods", "")) or ["card"],
    )


def our_bank(mode: str) -> Bank:
    """Our own bank, which transfers to whatever account it is told. Raises NoSuchProvider when there is none."""
    found = provider_named("bank", mode)
    if not isinstance(found, Bank):
        raise TypeError("what is called the bank is another provider")
    return found


def _sandbox() -> Stripe:
    base, key = settings().sandbox_url, settings().secrets["sandbox_api_key"]
    if not base:
        raise NoSuchProvider("provider_not_set_up", "SANDBOX_URL is not set, so there is no processor to ask in test mode.")
    return Stripe(
        "sandbox",
        "test",
        key=key,
        publishable_key="pk_test_" + key.removeprefix("sk_test_"),
        secrets=_several(settings().secrets["sandbox_webhook_secret"]),
        api_base=base,
        fields_base=sandbox_pages(),
        kinds=KINDS,
    )


def sandbox_pages() -> str:
    """Where browsers find the sandbox's pages; elsewhere than we do when it stands behind a front server."""
    return (os.environ.get("SANDBOX_PUBLIC_URL") or settings().sandbox_url).rstrip("/")


def _several(text: str) -> list[str]:
    """One secret, or several with commas or spaces between them while one is being changed."""
    return [one for one in re.split(r"[,\s]+", text) if one]


def seller_payer(name: str, mode: str) -> PaysSellers:
    """The provider at which a seller's account is. Raises NoSuchProvider for one that is not set up, or cannot do that."""
    found = provider_named(name, mode)
    if not isinstance(found, PaysSellers):
        raise NoSuchProvider("sellers_not_paid", f"{name} has no accounts for sellers.")
    return found


def pays_sellers(mode: str) -> str:
    """The provider at which sellers can open an account of their own in this mode; empty when there is none."""
    try:
        found = provider_for(mode)
    except NoSuchProvider:
        return ""
    return found.name if isinstance(found, PaysSellers) else ""
