"""What one person wants done about a large sum that nobody knows: it stands at its line until a second person agrees, or it is taken back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

from core.accounts.everywhere import get_vendor_everywhere
from core.accounts.models import Vendor
from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.errors import Conflict, NeedsASecondPerson
from core.ledger.book import PLATFORM
from core.payments.everywhere import get_everywhere
from core.payments.models import Payment
from core.payments.repaid import pay_back, share_out
from core.payments.unknown import assign_line, check_assignment, explain_charge, lock_line, needs_two, return_line, way_back
from core.providers.bank_models import BankLine


class WishWaits(Conflict):
    """Somebody has said what is to become of it already."""

    code = "wish_waits"


@dataclass(frozen=True, slots=True)
class Wish:
    """One of the four decisions: `assigned` to a payment, `repaid` by a seller who owed it (their public ids), `returned` to where it came from or
    to `iban`, or a `charge`."""

    act: str
    reason: str
    payment: str = ""
    iban: str = ""
    seller: str = ""


def decide_line(line: BankLine, wish: Wish, *, by: str) -> bool:
    """Done at once, up to BANK_MONEY_LIMITS; above it, and in a currency without one, written down for a second person. Answers whether it
    is done. What could not be carried out is refused either way, and so is a second wish about the same line."""
    fresh = lock_line(line, sign=-1 if wish.act == "charge" else 1)
    if fresh.wish is not None:
        raise WishWaits("Somebody has said already what is to become of this money. Agree, or take that back first.")
    if not needs_two(fresh):
        _ACTS[wish.act](fresh, wish, by)
        return True
    if wish.act == "assigned":
        check_assignment(fresh, _payment(wish)[1])
    elif wish.act == "repaid":
        share_out(fresh, _seller(wish))
    elif wish.act == "returned":
        way_back(fresh, wish.iban)
    fresh.wish, fresh.asked_by, fresh.asked_at = asdict(wish), by, now()
    record(
        PLATFORM,
        actor=by,
        action="line.asked",
        subject=fresh.public_id,
        act=wish.act,
        payment=wish.payment,
        seller=wish.seller,
        reason=wish.reason,
    )
    return False


def wish_of(line: BankLine) -> Wish | None:
    """What waits for a second person; None where nothing does."""
    return Wish(**line.wish) if line.wish is not None else None


def agree(line: BankLine, *, by: str) -> Wish:
    """A second person says the same, and it is done. Refuses the first one, and when nothing waits any more."""
    fresh = lock_line(line, sign=line.sign)
    wish = wish_of(fresh)
    if wish is None:
        raise WishWaits("Nothing waits for a second person here any more.")
    if fresh.asked_by == by:
        raise NeedsASecondPerson("Somebody else has to agree to what you have asked for.")
    _ACTS[wish.act](fresh, wish, by)
    return wish


def take_wish_back(line: BankLine, *, by: str, reason: str) -> None:
    """It is not done, whoever says so: the line waits for another decision."""
    fresh = lock_line(line, sign=line.sign)
    if fresh.wish is None:
        raise WishWaits("Nothing waits for a second person here any more.")
    record(PLATFORM, actor=by, action="line.not_agreed", subject=fresh.public_id, asked_by=fresh.asked_by, reason=reason)
    fresh.wish, fresh.asked_by, fresh.asked_at = None, None, None


def _payment(wish: Wish) -> tuple[Vendor, Payment]:
    return get_everywhere(wish.payment)


def _seller(wish: Wish) -> Vendor:
    return get_vendor_everywhere(wish.seller)


_ACTS: dict[str, Callable[[BankLine, Wish, str], object]] = {
    "assigned": lambda line, wish, by: assign_line(line, *_payment(wish), by=by, reason=wish.reason),
    "repaid": lambda line, wish, by: pay_back(line, _seller(wish), by=by, reason=wish.reason),
    "returned": lambda line, wish, by: return_line(line, by=by, reason=wish.reason, iban=wish.iban),
    "charge": lambda line, wish, by: explain_charge(line, by=by, reason=wish.reason),
}
