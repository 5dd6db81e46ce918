"""Payment method domains: registered once, good where the internet can reach them."""

from __future__ import annotations


def test_a_domain_is_registered_once_and_says_whether_wallets_may_be_shown(api):
    first = api.payment_method_domains.create({"domain_name": "pay.example.com"})
    again = api.payment_method_domains.create({"domain_name": "Pay.Example.com"})
    assert first.id == again.id and first.apple_pay.status == first.google_pay.status == "active"
    local = api.payment_method_domains.create({"domain_name": "localhost"})
    assert local.apple_pay.status == "inactive" and "https" in local.apple_pay.status_details.error_message


def test_a_story_for_one_payment_touches_no_other(sandbox, key, api):
    body = {"story": "webhook_late", "seconds": 30, "subject": "pi_only_this_one"}
    status, made = sandbox.control("POST", "stories", key, **body)
    assert status == 201 and made["remaining"] == 0
