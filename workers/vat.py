"""The job that asks the registry of VAT numbers about a business, and what waits for its answer."""

from __future__ import annotations

import uuid

import structlog

from core.accounts.queries import get_vendor
from core.accounts.vat_checks import begin_check, note_answer, note_problem, plan_checks
from core.accounts.vies import RegistryAway, consult
from core.billing.store import let_go_on
from core.kernel.config import settings
from core.kernel.db import unit_of_work

log = structlog.get_logger("workers")


def check_vat_id(vendor_id: uuid.UUID, *, check: str) -> None:
    """Ask, with no transaction open, and keep the answer. Without one the clock has it asked again."""
    check_id = uuid.UUID(check)
    with unit_of_work():
        question = begin_check(vendor_id, check_id)
    if question is None:
        return
    try:
        answer = consult(settings().vies_url, question.vat_id, requester=question.requester)
    except RegistryAway as problem:
        with unit_of_work():
            note_problem(vendor_id, check_id, str(problem))
        log.info("vat_registry_away", check=check, problem=str(problem))
        return
    with unit_of_work():
        if note_answer(vendor_id, check_id, answer):
            let_go_on(get_vendor(vendor_id).public_id)


def plan_vat_checks() -> None:
    """In the present unit, by the clock."""
    plan_checks()
