"""Opens the portal: brings in every file with pages and hands their routes to the application."""

from __future__ import annotations

from flask import Flask

from core.web import guard, looking
from portal import (
    address,
    application,
    audit_log,
    balance,
    billing_words,
    branch_page,
    branding,
    buttons,
    closing,
    components,
    customers,
    discounts,
    dispute_answer,
    dispute_rules,
    dispute_thread,
    disputes,
    domains,
    embed,
    exchange,
    exports,
    guides,
    home,
    hook_log,
    hooks,
    invoice_anew,
    invoices,
    issued,
    keys,
    large_payments,
    link_list,
    link_maker,
    link_poster,
    link_prefill,
    link_report,
    link_send,
    links,
    listing_branches,
    listing_images,
    listing_products,
    listings,
    live,
    member_papers,
    membership_plans,
    memberships,
    methods,
    notices,
    orders,
    outbox,
    passkeys,
    pay_domains,
    payer_letters,
    payment_bulk,
    payment_list,
    payment_marks,
    payments,
    payout_processor,
    payouts,
    plan,
    plan_balance,
    plan_card,
    plan_change,
    plan_clock,
    plan_details,
    plan_simulator,
    preferences,
    protection,
    qr,
    read_only,
    reference,
    refund_link_list,
    refund_links,
    refunds,
    reports,
    reserve,
    reset_password,
    roles,
    search,
    security,
    settings,
    sign_in,
    sign_up,
    staff_visits,
    statements,
    stops,
    styles,
    taxes,
    team,
    transfers,
    two_step,
    why,
    wording,
)
from portal.admin import door as staff_door
from portal.api import door as api_door
from portal.blueprint import portal
from portal.directory import door as directory_door
from portal.seen_as_owner import SEEN
from portal.within_branches import REACHED

PAGES = (
    address, application, audit_log, balance, branch_page, branding, buttons, closing, components, customers, discounts, dispute_answer, dispute_rules, dispute_thread, disputes, domains, embed, exchange, exports, guides, home, hook_log, hooks, invoice_anew, invoices, issued, keys, large_payments,
    link_list,
    link_maker, link_poster, link_prefill, link_report, link_send, links, listing_branches, listing_images, listing_products,
    listings, live, member_papers, membership_plans, memberships, methods, notices, orders, outbox, passkeys, pay_domains, payer_letters, payment_bulk, payment_list,
    payment_marks, payments, payout_processor, payouts, plan, plan_balance, plan_card, plan_change, plan_clock, plan_details, plan_simulator, preferences, protection,
    qr, read_only, reference, refund_link_list, refund_links, refunds, reports,
    reserve, reset_password, roles, search, security, settings, sign_in, sign_up, staff_visits, statements, stops, styles, taxes, team, transfers,
    two_step, why,
)  # fmt: skip


def register(app: Flask) -> None:
    wording.install(app)
    notices.install(app)
    billing_words.install(app)
    app.register_blueprint(portal)
    app.extensions[looking.LISTED] = SEEN
    app.extensions[guard.WITHIN_BRANCHES] = REACHED
    directory_door.register(app)
    staff_door.register(app)
    api_door.register(app)
