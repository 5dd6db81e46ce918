"""What an answer still lacks, by its reason: what banks want to see, and which words or files would show it. It advises, it forbids nothing."""

from __future__ import annotations

from dataclasses import dataclass

from core.accounts.models import Vendor
from core.disputes.evidence import texts_to_send
from core.disputes.files import list_files
from core.disputes.models import Dispute
from core.payments.models import Payment


@dataclass(frozen=True, slots=True)
class Need:
    """Any one of these shows it."""

    name: str
    texts: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


SOLD = Need("sold", ("product_description",))
HOLDER = Need("holder", ("access_activity_log", "shipping_address"), ("customer_signature", "customer_communication"))
DELIVERED = Need(
    "delivered", ("shipping_tracking_number", "access_activity_log"),
    ("shipping_documentation", "service_documentation", "customer_signature"),
)  # fmt: skip
DAY = Need("day", ("service_date", "shipping_date"))
KNOWN_PURCHASE = Need("known_purchase", ("access_activity_log",), ("receipt", "customer_communication", "service_documentation"))
AS_DESCRIBED = Need("as_described", (), ("service_documentation", "customer_communication", "receipt"))
REFUND_RULES = Need("refund_rules", ("refund_policy_disclosure",), ("refund_policy",))
NO_REFUND = Need("no_refund", ("refund_refusal_explanation",))
CANCEL_RULES = Need("cancel_rules", ("cancellation_policy_disclosure",), ("cancellation_policy",))
RIGHTLY = Need("rightly_charged", ("cancellation_rebuttal",), ("service_documentation", "customer_communication"))
TWO = Need("two_purchases", ("duplicate_charge_explanation",), ("duplicate_charge_documentation",))
OTHER = Need("other_payment", ("duplicate_charge_id",), ("duplicate_charge_documentation", "receipt"))
AGREED = Need("agreed", ("uncategorized_text",), ("customer_communication", "receipt", "service_documentation"))
NEEDS: dict[str, tuple[Need, ...]] = {
    "fraudulent": (SOLD, HOLDER, DELIVERED),
    "unrecognized": (SOLD, DAY, KNOWN_PURCHASE),
    "product_not_received": (SOLD, DAY, DELIVERED),
    "product_unacceptable": (SOLD, AS_DESCRIBED, REFUND_RULES),
    "duplicate": (TWO, OTHER),
    "subscription_canceled": (SOLD, CANCEL_RULES, RIGHTLY),
    "credit_not_processed": (SOLD, REFUND_RULES, NO_REFUND),
    "general": (SOLD, DAY, AGREED),
}


def missing_in(vendor: Vendor, payment: Payment, dispute: Dispute) -> list[str]:
    """Names of what nothing in the draft shows yet, the most telling first. What we know of the payment ourselves counts."""
    texts, files = texts_to_send(vendor, payment, dispute), {file.kind for file in list_files(dispute)}
    return [
        need.name for need in NEEDS[dispute.reason] if not any(name in texts for name in need.texts) and not files.intersection(need.files)
    ]
