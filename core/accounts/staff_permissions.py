"""What each role of the staff may do: one table, read by the guard in front of every staff page."""

from __future__ import annotations

REVIEWER, FINANCE, SUPERUSER = "reviewer", "finance", "superuser"
STAFF_ROLES = (REVIEWER, FINANCE, SUPERUSER)

# Nobody of the staff moves a vendor's money: there is no permission for it; but a payment that waits for a review may be given back to its payer. A payout that a vendor asked for may have to be let go. Money that nobody knows is the house's until it is placed.
STAFF_PERMISSIONS: dict[str, tuple[str, ...]] = {
    "home.see": STAFF_ROLES,
    "payments.see": STAFF_ROLES,
    "vendors.see": STAFF_ROLES,
    "vendors.look_as": (FINANCE, SUPERUSER),  # see a vendor's own pages as its owner does, balances and payouts among them
    "vendors.note": STAFF_ROLES,  # what the staff write down about a vendor for themselves
    "fees.see": STAFF_ROLES,  # what the platform keeps of a vendor's payments
    "fees.set": (FINANCE, SUPERUSER),
    "vendors.terms": (FINANCE, SUPERUSER),  # how long a vendor's money waits before it is available
    "balances.see": (FINANCE, SUPERUSER),  # what a vendor is owed
    "alarms.see": (FINANCE, SUPERUSER),  # what the proofs of the books found
    "books.prove": (FINANCE, SUPERUSER),  # have every book proved now
    "books.reverse": (FINANCE, SUPERUSER),  # take back what somebody of the staff had booked by hand, above a limit two of them
    "days.see": (FINANCE, SUPERUSER),  # what the books came to, day by day
    "days.close": (FINANCE, SUPERUSER),  # sign a day off, after which nothing takes effect on it any more
    "invoices.see": (FINANCE, SUPERUSER),  # what the house has invoiced to its vendors
    "bank.see": (FINANCE, SUPERUSER),  # transfers that nobody knows, with their senders
    "bank.resolve": (FINANCE, SUPERUSER),  # say whose such money is, or send it back
    "reconciliation.see": (FINANCE, SUPERUSER),  # what processors and banks say beside our books
    "reconciliation.resolve": (FINANCE, SUPERUSER),  # bring reports, and end what does not agree, above a limit two of them
    "payouts.see": (FINANCE, SUPERUSER),  # what leaves for vendors' banks
    "payouts.approve": (FINANCE, SUPERUSER),  # let one go that is above the limit, or call it off
    "applications.see": STAFF_ROLES,  # what businesses that want to go live say of themselves
    "applications.decide": (REVIEWER, SUPERUSER),  # ask back, let one in, or refuse
    "stops.see": STAFF_ROLES,  # what is stopped for a vendor, and why
    "stops.set": (REVIEWER, SUPERUSER),  # stop a vendor's payments or take it out of the directory, and let it go on
    "payouts.hold": (FINANCE, SUPERUSER),  # keep payouts back for a while, and let them go on
    "disputes.see": STAFF_ROLES,  # what payers' banks want back
    "disputes.write": STAFF_ROLES,  # write to a vendor about a dispute
    "disputes.answer": (REVIEWER, SUPERUSER),  # tell the bank in a vendor's place, who hears of it
    "disputes.simulate": STAFF_ROLES,  # be the payer's bank in the sandbox: no money is real there
    "debts.see": (FINANCE, SUPERUSER),  # what sellers owe
    "debts.write_off": (FINANCE, SUPERUSER),  # above a limit two of them
    "health.see": STAFF_ROLES,  # services, queues, and how long ago what must happen again and again did
    "jobs.see": STAFF_ROLES,
    "jobs.retry": (FINANCE, SUPERUSER),
    "events.see": STAFF_ROLES,
    "events.replay": (FINANCE, SUPERUSER),
    "attack_mode.switch": STAFF_ROLES,  # ask payers for a proof: it moves no money and ends by itself
    "listings.see": STAFF_ROLES,
    "listings.moderate": (REVIEWER, SUPERUSER),  # take a listing out of the public directory, and let it back in
    "plans.see": STAFF_ROLES,  # the house's prices, and who subscribes to its plans
    "plans.manage": (FINANCE, SUPERUSER),  # publish prices, say who the house is on invoices, take a wrong invoice back
    "order_terms.see": STAFF_ROLES,  # what the platform keeps of orders at checkouts with several sellers
    "order_terms.publish": (FINANCE, SUPERUSER),  # for checkouts that are opened from then on
    "reserves.see": (FINANCE, SUPERUSER),  # what is kept aside of sellers' sales, for how long, and why
    "reserves.set": (FINANCE, SUPERUSER),  # keep more aside, or, two of them, less
    "risk.see": STAFF_ROLES,  # the house's rules and lists about payments, and what waits for a review
    "risk.rules": (REVIEWER, SUPERUSER),  # write rules, try and publish them; put somebody on a list and take them off
    "reviews.decide": (
        REVIEWER,
        SUPERUSER,
    ),  # take what was only authorised, or let it go; what was paid goes back whole to whoever paid it
    "audit.see": (SUPERUSER,),
    "people.help": (SUPERUSER,),  # let somebody of a vendor in again who lost the device for their codes
    "account.own": STAFF_ROLES,  # one's own two-step sign-in
}


def staff_allows(role: str, permission: str) -> bool:
    """Whether this role may do that. An unknown permission is a bug, not a no."""
    return role in STAFF_PERMISSIONS[permission]


def staff_roles_that_may(permission: str) -> tuple[str, ...]:
    """Who can help somebody who may not."""
    return STAFF_PERMISSIONS[permission]
