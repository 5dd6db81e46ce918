"""The reconciliation's jobs: ask the processor what it did with our money, take a report in, and look at everything step by step."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial

import structlog

from core.kernel.db import unit_of_work
from core.providers.contract import NoSuchProvider, ProviderError
from core.providers.registry import provider_named
from core.providers.settlement import SettlementLine, Settles
from core.reconciliation.exceptions import note_findings
from core.reconciliation.files import import_report as take_in
from core.reconciliation.files import twisted_finding
from core.reconciliation.runs import asks_from, find_going, look_at_bank, look_at_totals, match_and_look, note_problem, place_of, step_on
from core.reconciliation.settle import awaited, lines_are_here, note_settlements
from core.reconciliation.take import Taken, take_lines

MOST_PAGES = 2_000  # of a hundred lines: beyond that a report is the way
Pages = Callable[[str | None], tuple[list[SettlementLine], str | None]]
log = structlog.get_logger("workers")


def processors(mode: str) -> list[Settles]:
    """Those that hold money for us in this mode."""
    names = ["stripe", "sandbox"] if mode == "test" else ["stripe"]
    found: list[Settles] = []
    for name in names:
        try:
            one = provider_named(name, mode)
        except NoSuchProvider:
            continue
        if isinstance(one, Settles):
            found.append(one)
    return found


def reconcile(_house: uuid.UUID, *, mode: str, run: str) -> None:
    """A look from its beginning to its end, or from where a worker was killed in it. A processor that does not answer is said to be so, and
    what is here already is looked at all the same."""
    run_id = uuid.UUID(run)
    with unit_of_work():
        going = place_of(mode, run_id)
    if going is None:
        return
    if going.stage == "fetch":
        taken = 0
        for one in processors(mode):
            with unit_of_work():
                since = asks_from(mode, one.name)
            try:
                taken += fetch(one, since)
            except ProviderError as problem:
                log.error("settlement_not_told", provider=one.name, mode=mode, error=repr(problem))
                with unit_of_work():
                    note_problem(mode, run_id, f"{one.name}: {problem}")
        with unit_of_work():
            step_on(mode, run_id, "fetch", fetched=taken)
    figures: dict[str, int] = {}
    for one in processors(mode):
        held = _held(one)
        with unit_of_work():
            for name, figure in match_and_look(mode, one.name, held).items():
                figures[name] = figures.get(name, 0) + figure
    with unit_of_work():
        step_on(mode, run_id, "match", **figures)
    with unit_of_work():
        step_on(mode, run_id, "bank", **look_at_bank(mode))
    with unit_of_work():
        step_on(mode, run_id, "balances", **look_at_totals(mode))


def fetch(provider: Settles, since: datetime) -> int:
    """Take what a processor says of its own accord since then: movements, payouts to our bank, and what each of those is made of."""
    fresh = _take(provider, _walk(partial(provider.settlement_lines, since)))
    told = provider.settlements(since)
    with unit_of_work():
        note_settlements(provider.mode, provider.name, told)
    with unit_of_work():
        waiting = awaited(provider.mode, provider.name)
    for payout in waiting:
        fresh += _take(provider, _walk(partial(provider.lines_of_settlement, payout)))
        with unit_of_work():
            lines_are_here(provider.mode, provider.name, payout)
    return fresh


def _walk(page: Pages) -> Iterator[list[SettlementLine]]:
    after = None
    for _ in range(MOST_PAGES):
        lines, after = page(after)
        yield lines
        if after is None:
            return
    log.error("settlement_cut_short", pages=MOST_PAGES)  # what is older was not told: its report is brought by a person


def _take(provider: Settles, pages: Iterator[list[SettlementLine]]) -> int:
    """Page by page, so that no transaction is open while the processor is asked. A line that says something else than before is an exception; the
    others of its page are taken without it."""
    fresh = 0
    for page in pages:
        lines = list(enumerate(page, 1))
        with unit_of_work():
            taken = take_lines(provider.mode, provider.name, lines)
            if taken.twisted:
                note_findings(provider.mode, [twisted_finding(provider.name, one) for one in taken.twisted])
                odd = {one.external_id for one in taken.twisted}
                taken = take_lines(provider.mode, provider.name, [(n, line) for n, line in lines if line.external_id not in odd])
            fresh += taken.fresh
    return fresh


def _held(provider: Settles) -> dict[str, int] | None:
    try:
        return provider.held()
    except ProviderError as problem:
        log.error("balance_not_told", provider=provider.name, error=repr(problem))
        return None


def import_report(_house: uuid.UUID, *, mode: str, file: str) -> None:
    """Take the lines of a report that somebody brought, and match them."""
    with unit_of_work():
        taken: Taken | None = take_in(mode, file)
    if taken is not None:
        log.info("report_taken", file=file, lines=taken.lines, fresh=taken.fresh, twisted=len(taken.twisted))


def match_bank_lines(_house: uuid.UUID, *, mode: str) -> None:
    """New lines of the bank's: is one of them a payout of a processor's? A look that goes on does it itself."""
    with unit_of_work():
        if find_going(mode) is None:
            look_at_bank(mode)
