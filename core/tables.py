"""Every model, for the migrations and for nothing else."""

from core.accounts import app_models as apps
from core.accounts import embed_models as embedding
from core.accounts import factor_models as factors
from core.accounts import fee_models as fees
from core.accounts import key_models as keys
from core.accounts import models as accounts
from core.accounts import pay_domain_models as pay_domains
from core.accounts import staff_models as staff
from core.admission import models as admission
from core.billing import clock_models as clocks
from core.billing import models as billing
from core.closing import models as closing
from core.customers import models as customers
from core.directory import entry_models as entries
from core.directory import models as directory
from core.disputes import models as disputes
from core.fx import models as fx
from core.hooks import models as hooks
from core.invoices import models as invoices
from core.kernel import audit, outbox
from core.ledger import chain_models as chains
from core.ledger import day_models as days
from core.ledger import models as ledger
from core.ledger import reversal_models as reversals
from core.memberships import models as memberships
from core.methods import models as methods
from core.notifications import models as notifications
from core.notifications import scheduled_models as scheduled
from core.orders import models as orders
from core.payments import claim_models as claims
from core.payments import export_models as exports
from core.payments import large_models as large
from core.payments import models as payments
from core.payments import refund_models as refunds
from core.payments import reserve_models as reserves
from core.payments import review_models as reviews
from core.payments import sale_models as sales
from core.payments import saved_models as saved
from core.payments import sharing_models as sharing
from core.payments import transfer_models as transfers
from core.payouts import models as payouts
from core.payouts import rail_models as rails
from core.providers import bank_models as bank
from core.providers import models as providers
from core.reconciliation import models as reconciliation
from core.risk import models as risk
from core.risk import rule_models as risk_rules
from core.subscriptions import models as subscriptions

__all__ = [
    "accounts", "admission", "apps", "audit", "bank", "billing", "chains", "claims", "clocks", "closing", "customers", "days", "directory", "disputes", "embedding", "entries", "exports", "factors", "fees", "fx", "hooks", "invoices", "keys", "large", "ledger",
    "memberships", "methods", "notifications", "orders", "outbox", "pay_domains", "payments", "payouts", "providers", "rails", "reconciliation", "refunds", "reserves", "reversals", "reviews", "risk", "risk_rules", "sales", "saved", "scheduled", "sharing", "staff",
    "subscriptions", "transfers",
]  # fmt: skip
