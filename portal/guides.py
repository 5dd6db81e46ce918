"""Guides: short ways to a first payment, each step of which looks for itself whether it is done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import Response, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.accounts.api_keys import PUBLISHABLE, counts, list_keys
from core.accounts.embed_origins import allowed_origins
from core.accounts.key_models import ApiKey
from core.accounts.receipts import find_receipt_settings
from core.hooks.endpoints import list_endpoints
from core.kernel.config import settings
from core.kernel.errors import NotFound
from core.payments.tried import tried
from core.payouts.accounts import list_accounts
from core.web.guard import current, may
from core.web.page import page
from portal.api.examples import VARIABLE
from portal.blueprint import portal
from portal.button_code import script_tag
from portal.live import needs_of

TEST, LIVE = "test", "live"
CARD, DECLINED = "4242 4242 4242 4242", "4000 0000 0000 9995"


@dataclass(frozen=True)
class Step:
    """One thing to do. `done` is None where only its reader can know; `code` is to be copied."""

    title: str
    text: str
    done: bool | None = None
    href: str = ""
    action: str = ""
    code: str = ""


@dataclass(frozen=True)
class Guide:
    """A way from nothing to something that works."""

    slug: str
    title: str
    lead: str
    steps: list[Step]

    @property
    def checked(self) -> list[Step]:
        """Those that say of themselves whether they are done."""
        return [step for step in self.steps if step.done is not None]

    @property
    def standing(self) -> str:
        """How many are done, and how many nobody can look up: together as many as stand there."""
        unseen = len(self.steps) - len(self.checked)
        if unseen:
            return _(
                "%(done)s of %(steps)s done, and %(unseen)s that only you can know", done=self.done, steps=len(self.checked), unseen=unseen
            )
        return _("%(done)s of %(steps)s done", done=self.done, steps=len(self.checked))

    @property
    def done(self) -> int:
        return sum(bool(step.done) for step in self.checked)


@portal.get("/portal/guides")
@may("home.see")
def guides() -> Response:
    return page("portal/guides/index.html", guides=[_guide(slug) for slug in GUIDES])


@portal.get("/portal/guides/<slug>")
@may("home.see")
def guide(slug: str) -> Response:
    """One of them, as far as this business has come."""
    if slug not in GUIDES:
        raise NotFound
    return page("portal/guides/show.html", guide=_guide(slug))


def _guide(slug: str) -> Guide:
    title, lead, steps = GUIDES[slug]
    return Guide(slug, str(title), str(lead), steps())


def _first_payment() -> list[Step]:
    """In five minutes, by the API."""
    me, base = current(), settings().public_url
    keys = [key for key in list_keys(me.vendor, TEST) if key.kind != PUBLISHABLE]
    done = tried(me.vendor, TEST)
    ask = (
        f'curl {base}/api/v1/payments \\\n  -H "Authorization: Bearer ${VARIABLE}" \\\n  -H "Idempotency-Key: order-4712" \\\n'
        '  -H "Content-Type: application/json" \\\n'
        '  -d \'{"amount": 1999, "currency": "%s", "payer": {"email": "ada@example.com"}, "description": "Order 4712"}\''
        % me.vendor.currency
    )
    return [
        Step(
            _("Make a secret key"), _("While you look at test. It is shown once: copy it."), any(counts(key) for key in keys),
            url_for(".keys"), _("API keys"),
        ),
        Step(
            _("Put it where your terminal finds it"), _("Every example reads it from there."),
            code=f'export {VARIABLE}="portal_sk_test_..."',
        ),
        Step(_("Ask for a payment"), _("The Idempotency-Key is your own name for it: sent twice, it is done once."), _used(keys, "payments:write"), code=ask),
        Step(
            _("Open the page that stands in the answer, and pay"), _("With the test card %(card)s, any later date and any code.", card=CARD), done.paid,
            url_for(".payments"), _("Payments"),
        ),
        Step(
            _("Ask how it stands"), _("succeeded is paid. What a browser brings back to your shop is no proof; this is."),
            _used(keys, "payments:read"), code=f'curl {base}/api/v1/payments -H "Authorization: Bearer ${VARIABLE}"',
        ),
        Step(_("Give a part of it back"), _("By the API, or on the payment’s page."), done.refunded, url_for(".reference_of", resource="refunds"), _("How to")),
    ]  # fmt: skip


def _links() -> list[Step]:
    me = current()
    done = tried(me.vendor, TEST)
    return [
        Step(_("Make a link"), _("Say what it is for and how much. It takes payments at once."), done.link, url_for(".new_link"), _("New link")),
        Step(_("Open it as a payer does"), _("On the link’s page stand its address and its QR code."), done.opened, url_for(".links"), _("Payment links")),
        Step(_("Pay it"), _("With the test card %(card)s, any later date and any code.", card=CARD), done.paid),
        Step(
            _("See what a declined card looks like"),
            _("Pay with %(card)s: another link, or the same one if it may be paid again.", card=DECLINED), done.declined,
            url_for(".payments"), _("Payments"),
        ),
        Step(
            _("Hand it out"), _("By e-mail with reminders, as a poster with a QR code, or in a page of yours: all of it stands on the link’s page."),
            None, url_for(".links"), _("Payment links"),
        ),
    ]  # fmt: skip


def _embed() -> list[Step]:
    me = current()
    done = tried(me.vendor, TEST)
    return [
        Step(
            _("Name your website"), _("Only websites you name may show the form. In test mode http://localhost:8100 will do."),
            bool(allowed_origins(me.vendor, TEST)), url_for(".embedding"), _("On your website"),
        ),
        Step(_("Make a button"), _("Open a link, Put it on your website."), done.button, url_for(".links"), _("Payment links")),
        Step(
            _("Paste what stands there into your page"), _("The link, and this line once on the page. Where it cannot run, the link still pays."),
            code=script_tag(),
        ),
        Step(
            _("Look at it"), _("If it does not show, paste the page’s address below “Why does it not show?”, and one press allows it."),
            None, url_for(".embedding"), _("Why does it not show?"),
        ),
        Step(_("Pay through it"), _("With the test card %(card)s, any later date and any code.", card=CARD), done.paid),
        Step(
            _("Believe your server, not the page"), _("What the page is told is a hint. Whether money came, ask the API or listen to a webhook."),
            None, url_for(".guide", slug="webhooks"), _("Webhooks"),
        ),
    ]  # fmt: skip


def _webhooks() -> list[Step]:
    me = current()
    made = list_endpoints(me.vendor, TEST)
    own = [one for one in made if not one.catches]
    return [
        Step(
            _("See what would be sent"), _("Catch events here needs no server: pay a link and look."), any(one.succeeded_at for one in made),
            url_for(".webhooks"), _("Webhooks"),
        ),
        Step(_("Make a webhook"), _("The address of your receiver. Its secret is shown once."), bool(own), url_for(".new_webhook"), _("New webhook")),
        Step(
            _("Check the signature"), _("Ten lines in Python, Node or PHP stand on the webhook’s page; every Standard Webhooks library does it."),
        ),
        Step(
            _("Send a test event, and answer 2xx"), _("Within 15 seconds; do the work afterwards. The same event may come twice: know it by its id."),
            any(one.succeeded_at for one in own), url_for(".webhooks"), _("Webhooks"),
        ),
        Step(
            _("Know the way back"), _("What your server missed is counted first and then sent: Bring it up to date. Or read the feed of events."),
            None, url_for(".reference_of", resource="webhooks"), _("The feed"),
        ),
    ]  # fmt: skip


def _going_live() -> list[Step]:
    """What has to be there, and what shops forget: what was tried in test mode and has no twin in live mode is named."""
    me = current()
    done = tried(me.vendor, TEST)
    needs = [
        Step(need.title, need.text, need.done, "" if need.done else need.href or url_for(".live"), _("Going live"))
        for need in needs_of(me.vendor, me.user)
    ]
    return [
        Step(_("A payment was taken in test mode"), _("Pay one of your links with %(card)s.", card=CARD), done.paid, url_for(".links"), _("Payment links")),
        Step(_("A declined card was seen"), _("Pay once with %(card)s, and look at what your shop makes of it.", card=DECLINED), done.declined),
        Step(_("A refund has gone back"), _("Open a paid payment and give a part of it back."), done.refunded, url_for(".payments"), _("Payments")),
        *needs,
        Step(
            _("Whoever leads money elsewhere signs in in two steps"), _("Keys and payouts in live mode ask for it."),
            me.user.second_factor_at is not None, url_for(".two_step"), _("Two-step sign-in"),
        ),
        Step(
            _("There is an account to pay out to"), _("Until there is one, what you take stays in your balance."),
            bool(list_accounts(me.vendor, LIVE)), url_for(".payouts"), _("Payouts"),
        ),
        Step(
            _("Receipts say who you are"), _("Many countries want the name and the address of the seller on them."),
            bool(find_receipt_settings(me.vendor).legal_name), url_for(".receipt_settings"), _("Receipts"),
        ),
        *_twins(),
    ]  # fmt: skip


def _twins() -> list[Step]:
    """What stands in test mode and is used, and is missing in live mode: nothing of one counts in the other."""
    me = current()
    found = []
    if any(key.last_used_at for key in list_keys(me.vendor, TEST)):
        live = any(counts(key) for key in list_keys(me.vendor, LIVE))
        found.append(
            Step(
                _("Your software has a live key"),
                _("A test key sees practice money only. Look at live and make one."),
                live,
                url_for(".keys"),
                _("API keys"),
            )
        )
    if any(not one.catches for one in list_endpoints(me.vendor, TEST)):
        live = any(one.state == "on" and not one.catches for one in list_endpoints(me.vendor, LIVE))
        found.append(
            Step(
                _("There is a webhook in live mode"),
                _("Webhooks of test mode hear of practice money only."),
                live,
                url_for(".webhooks"),
                _("Webhooks"),
            )
        )
    if allowed_origins(me.vendor, TEST):
        live = bool(allowed_origins(me.vendor, LIVE))
        found.append(
            Step(
                _("Your website is named in live mode"),
                _("Test and live have lists of their own."),
                live,
                url_for(".embedding"),
                _("On your website"),
            )
        )
    return found


def _used(keys: list[ApiKey], scope: str) -> bool:
    return any(scope in key.used_scopes for key in keys)


# slug -> (title, what it leads to, its steps)
GUIDES: dict[str, tuple[object, object, Callable[[], list[Step]]]] = {
    "first-payment": (_l("Quick start: a payment by the API"), _l("Five minutes, with practice money."), _first_payment),
    "links": (_l("Payment links"), _l("Take money without a line of code."), _links),
    "embed": (_l("A form on your website"), _l("One link and one line of script."), _embed),
    "webhooks": (_l("Webhooks"), _l("Your server hears of everything, signed."), _webhooks),
    "going-live": (_l("Ready for real money?"), _l("The list looks for itself what is there and what is missing."), _going_live),
}
