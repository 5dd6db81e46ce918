"""One payment at the till: who, how much, which page is true now, and the guard that lets no route run on the wrong page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps

from flask import Response, url_for

from core.accounts.models import Vendor
from core.methods.rules import Written
from core.payments.models import Attempt, Payment, PaymentLink
from core.payments.queries import page_state
from core.payments.start import open_payment
from core.web.face import Face, face_of
from core.web.languages import suggest
from core.web.page import see_other
from core.web.pay_host import here

TillView = Callable[["Till"], Response]


@dataclass(frozen=True, slots=True)
class Till:
    """A payment opened by its signed address."""

    vendor: Vendor
    payment: Payment
    token: str
    attempt: Attempt | None = None  # the one that might still move money when the till was opened
    link: PaymentLink | None = None  # read with the rest, so that nobody asks for it again
    written: Written | None = None  # the vendor's rules for ways to pay, as they stood when the till was opened

    @property
    def stage(self) -> str:
        """pay, challenge, transfer, checking, paid, failed, canceled or expired, as the rows stand at this moment."""
        return page_state(self.payment)

    @property
    def face(self) -> Face:
        return face_of(self.vendor, self.payment.mode, self.payment.reference, self.colours)

    @property
    def colours(self) -> tuple[str, str | None] | None:
        """The link's own colours, where it has some."""
        return self.link.colours if self.link else None

    @property
    def page_url(self) -> str:
        return url_for("checkout.show", token=self.token)

    def outside(self, endpoint: str) -> str:
        """The whole address of one of this payment's routes, for a provider to send the payer to: on the host they came by, and never inside a frame."""
        return here() + url_for(endpoint, token=self.token, _top=True)


def open_till(token: str, *, only_reads: bool = False) -> Till:
    """The payment this address belongs to. Raises TokenRefused for anything we did not issue. Whoever `only_reads` gets rows apart from the session."""
    vendor, payment, attempt, link, written = open_payment(token, only_reads=only_reads)
    suggest(payment.locale)
    return Till(vendor, payment, token, attempt, link, written)


def at(*stages: str) -> Callable[[TillView], Callable[[str], Response]]:
    """Runs the view only while the payment is at one of these stages; otherwise the payer is led to the page that is true.

    That page is one address for all stages, so a reload, a second tab, the back button and an old form all end on the truth.
    """

    def guard(view: TillView) -> Callable[[str], Response]:
        @wraps(view)
        def guarded(token: str) -> Response:
            till = open_till(token)
            return view(till) if till.stage in stages else see_other(till.page_url)

        return guarded

    return guard
