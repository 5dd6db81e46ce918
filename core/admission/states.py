"""What can be stopped for a business, and how far a wish to be let into live mode may be."""

from __future__ import annotations

STOPPABLE = ("payments", "payouts", "listing")
