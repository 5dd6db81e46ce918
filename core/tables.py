"""Every model, for the migrations and for nothing else."""

from core.accounts import models as accounts
from core.kernel import audit, outbox
from core.ledger import models as ledger
from core.notifications import models as notifications
from core.payments import models as payments
from core.payments import sharing_models as sharing
from core.providers import models as providers

__all__ = ["accounts", "audit", "ledger", "notifications", "outbox", "payments", "providers", "sharing"]
