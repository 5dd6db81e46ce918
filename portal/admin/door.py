"""Opens the staff's door: brings in every file with pages and hands their routes to the application."""

from __future__ import annotations

from flask import Flask

from portal.admin import (
    audit,
    bank_money,
    books,
    checkouts,
    days,
    debts,
    disputes,
    events,
    home,
    house,
    invoices,
    jobs,
    listings,
    order_files,
    payments,
    payouts,
    people,
    plan_balance,
    plans,
    proofs,
    protection,
    rates,
    recon_exceptions,
    recon_reports,
    reconciliation,
    release_days,
    reversals,
    sign_in,
    subscriptions,
    vendors,
    visits,
)
from portal.admin.blueprint import staff_door

PAGES = (
    audit,
    bank_money,
    books,
    debts,
    disputes,
    days,
    checkouts,
    events,
    home,
    house,
    invoices,
    jobs,
    listings,
    order_files,
    payments,
    payouts,
    people,
    plan_balance,
    plans,
    proofs,
    protection,
    rates,
    recon_exceptions,
    recon_reports,
    reconciliation,
    release_days,
    reversals,
    sign_in,
    subscriptions,
    vendors,
    visits,
)


def register(app: Flask) -> None:
    app.register_blueprint(staff_door)
