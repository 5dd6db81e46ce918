"""By which address somebody came to a link: its signed one, one sent by e-mail, one with answers filled in, or one people can read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import current_app, request, url_for

from core.accounts.models import Vendor
from core.accounts.standing import check_open
from core.directory.models import Branch
from core.directory.queries import find_branch
from core.kernel.ids import is_public_id
from core.kernel.money import BadAmount, Money, parse_amount
from core.payments.basket import offer_of
from core.payments.funnel import add_openings, today_of
from core.payments.instalments import progress_of
from core.payments.link import link_state, note_opening
from core.payments.locked_price import button_state
from core.payments.models import Payment, PaymentLink
from core.payments.offer import MOST_ITEMS
from core.payments.open_address import open_address
from core.payments.origin import Origin, read_attribution
from core.payments.send_link import note_sending_opened
from core.payments.sharing_models import LinkPrefill, LinkSending
from core.payments.slug import open_readable
from core.web.fields import plain_text
from core.web.framed import framed
from core.web.languages import suggest
from core.web.looking import find_banner
from core.web.tally import Tally
from core.web.this_request import asked
from core.web.visitors import is_program

openings = Tally(add_openings)
BRANCH = "branch"  # ?branch=brn_…: on which wall the code was
LONGEST = {"email": 254, "name": 120, "payer_reference": 60}


@dataclass(frozen=True)
class WayIn:
    """The link, and how it was opened. `name` is the readable address as it is written now, when it was opened by one."""

    vendor: Vendor
    link: PaymentLink
    token: str | None = None
    name: tuple[str, str] | None = None
    sending: LinkSending | None = None
    prefill: LinkPrefill | None = None

    @property
    def key(self) -> str:
        """Under what this browser remembers its payment: a filled-in address is about a payment of its own."""
        return self.prefill.token_id if self.prefill else self.link.token_id

    @property
    def personal(self) -> bool:
        """Whether the address was made for one payer, with something of theirs on its page."""
        return self.sending is not None or self.prefill is not None

    @property
    def state(self) -> str:
        """The link's, or why the button that leads here does not count now: button_paused, expired or price_changed."""
        mine = button_state(self.vendor, self.link, self.prefill) if self.prefill else "open"
        return link_state(self.link) if mine == "open" else mine

    @property
    def attribution(self) -> dict[str, str]:
        return read_attribution(request.args)

    @property
    def branch(self) -> Branch | None:
        """The branch whose poster was scanned, where the address names one of the vendor's."""
        named = request.args.get(BRANCH, "")
        return find_branch(self.vendor, self.link.mode, named) if named else None

    @property
    def action(self) -> str:
        """Where the form goes: the same address, with what it says of its source and nothing else."""
        named = request.args.get(BRANCH, "")
        said = self.attribution | ({BRANCH: named} if is_public_id("brn", named) else {})
        if self.name:
            return name_url(self.link.mode, self.name, **said)
        return url_for("checkout.start", token=self.token, **said)

    @property
    def source(self) -> str:
        """For the count of openings: one of a few words, never what somebody wrote into an address."""
        ref = request.args.get("ref", "")
        if framed():
            return "embed"
        if ref in ("poster", "code"):
            return ref
        if self.prefill and self.prefill.look is not None:
            return "button"
        return "mail" if self.sending else "filled" if self.prefill else "name" if self.name else "other"

    def origin(self, reference: str, before: Payment | None) -> Origin:
        """What the payment keeps of this. Whoever cancels and begins again still came by the same letter."""
        sending = self.sending.id if self.sending else before.sending_id if before else None
        place = self.branch
        branch = place.id if place else before.branch_id if before else None
        return Origin(reference, self.attribution, sending_id=sending, branch_id=branch, prefill=self.prefill)

    def note(self, *, new: bool) -> None:
        """A person has opened the link: once in a link's and a letter's life that is written down, and otherwise counted. The staff who look at a
        vendor's pages and follow a link there are no payer: some links run out so many hours after they were first opened."""
        if is_program(asked()) or find_banner() is not None:
            return
        note_opening(self.vendor, self.link)
        if self.sending:
            note_sending_opened(self.sending)
        if new:
            app = current_app._get_current_object()  # type: ignore[attr-defined]
            openings.add(app, (self.vendor.id, self.link.mode, self.link.id, today_of(self.vendor), self.source))


def by_token(token: str) -> WayIn:
    """Raises TokenRefused."""
    opened = open_address(token)
    check_open(opened.vendor, opened.link.mode)
    suggest((opened.prefill.locale if opened.prefill else "") or opened.link.locale)
    return WayIn(opened.vendor, opened.link, token=token, sending=opened.sending, prefill=opened.prefill)


def by_name(mode: str, vendor: str, slug: str) -> WayIn:
    """Raises TokenRefused."""
    owner, link, name = open_readable(mode, vendor, slug)
    check_open(owner, mode)
    suggest(link.locale)
    return WayIn(owner, link, name=name)


def name_url(mode: str, name: tuple[str, str], **values: str) -> str:
    """The path of a readable address."""
    endpoint = "checkout.practice_by_name" if mode == "test" else "checkout.by_readable_name"
    return url_for(endpoint, vendor=name[0], slug=name[1], **values)


def fixed_answers(way: WayIn) -> dict[str, Any]:
    """What the address has filled in for good; what it leaves to the payer is empty. The payer reads it and cannot change it."""
    prefill = way.prefill
    if prefill is None:
        return {"email": "", "name": "", "payer_reference": "", "amount": None, "quantities": {}}
    amount = Money(prefill.amount_minor, way.link.currency) if prefill.amount_minor else None
    return {
        "email": prefill.email,
        "name": prefill.payer_name,
        "payer_reference": prefill.payer_reference,
        "amount": amount,
        "quantities": prefill.quantities or {},
    }


def proposed_answers(way: WayIn) -> dict[str, Any]:
    """What the address only proposes (?email=&name=&reference=&amount=&product=), and a letter's own recipient: the payer may change all of it."""
    if not request.args and not way.sending:
        return {}
    given = {
        "email": request.args.get("email", ""),
        "name": request.args.get("name", ""),
        "payer_reference": request.args.get("reference", ""),
    }
    found: dict[str, Any] = {
        name: " ".join(value.split())[: LONGEST[name]] for name, value in given.items() if value.strip() and not plain_text(value)
    }
    if way.sending:
        found.setdefault("email", way.sending.recipient)
    found |= _proposed_quantities(way.link)
    try:
        amount = parse_amount(request.args.get("amount", "")[:64].strip(), way.link.currency)
    except BadAmount:
        return found
    if way.link.amount is None and amount.minor > 0:
        offered = amount.minor in suggestions(way.link)
        found |= {"choice": str(amount.minor)} if offered else {"choice": "own", "amount": amount}
    return found


def _proposed_quantities(link: PaymentLink) -> dict[str, int]:
    """`?product=Rye loaf` for one, `?product=Rye loaf:3` for three, several of them for several things: by the title, however it is capitalised."""
    items = {item.title.casefold(): item for item in offer_of(link).items if item.adjustable}
    found = {}
    for text in request.args.getlist("product")[:MOST_ITEMS]:
        title, colon, number = text.rpartition(":")
        counted = bool(colon) and number.strip().isascii() and number.strip().isdigit() and len(number.strip()) <= 3
        item = items.get(" ".join((title if counted else text).split()).casefold())
        if item is not None:
            found[f"quantity-{item.id}"] = min(max(int(number) if counted else 1, item.least), item.most)
    return found


def suggestions(link: PaymentLink) -> list[int]:
    """The amounts to press, in minor units: the vendor's own, or for a request all that is open."""
    how = progress_of(link)
    if how is None:
        return list(link.suggestions_minor)
    return [how.open.minor] if how.open else []
