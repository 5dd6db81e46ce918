"""The reconciliation's jobs: ask the processor what it did with our money, take a report in, and look at everything step by step."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import datetime

import structlog

from core.kernel.clock import now
from core.kernel.db import unit_of_work
from core.providers.contract import NoSuchProvider, ProviderError, ProviderRefused
from core.providers.registry import provider_named
from core.providers.settlement import SettlementLine, Settles
from core.reconciliation.exceptions import note_findings
from core.reconciliation.files import import_report as take_in
from core.reconciliation.files import twisted_finding
from core.reconciliation.runs import (
    find_going,
    look_at_bank,
    look_at_totals,
    match_and_look,
    note_problem,
    note_untold,
    place_of,
    step_on,
    untold_in,
)  # fmt: skip
from core.reconciliation.settle import awaited, lines_are_here, note_settlements
from core.reconciliation.take import Taken, take_lines
from core.reconciliation.untold import MOVEMENTS, PAYOUTS, Stretch, from_the_beginning, stretches

MOST_PAGES = 2_000  # of a hundred lines, of one stretch in one look: the next look goes on from there, or somebody brings the report
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
            taken += _ask(one, run_id)
        with unit_of_work():
            step_on(mode, run_id, "fetch", fetched=taken)
    figures: dict[str, int] = {}
    for one in processors(mode):
        held = _held(one)
        with unit_of_work():
            for name, figure in match_and_look(mode, one.name, held, untold_in(mode, run_id, one.name)).items():
                figures[name] = figures.get(name, 0) + figure
    with unit_of_work():
        step_on(mode, run_id, "match", **figures)
    with unit_of_work():
        step_on(mode, run_id, "bank", **look_at_bank(mode))
    with unit_of_work():
        step_on(mode, run_id, "balances", **look_at_totals(mode))


def _ask(provider: Settles, run_id: uuid.UUID) -> int:
    """Have one processor tell what it did. What it did not tell, or not to its end, is kept with the look and said to be so."""
    mode, name = provider.mode, provider.name
    with unit_of_work():
        asked = stretches(mode, name)
    taken, problem = 0, ""
    try:
        taken, left = fetch(provider, asked)
    except ProviderError as refused:
        log.error("settlement_not_told", provider=name, mode=mode, error=repr(refused))
        left, problem = from_the_beginning(asked), f"{name}: {refused}"
    else:
        if left:
            log.error("settlement_cut_short", provider=name, mode=mode, pages=MOST_PAGES, left=len(left))
            problem = f"{name}: {_in_words(left)}"
    with unit_of_work():
        note_untold(mode, run_id, name, left)
        if problem:
            note_problem(mode, run_id, problem)
    return taken


def _in_words(left: list[Stretch]) -> str:
    told = ", ".join(
        (
            f"{one.of} of {one.since:%Y-%m-%d %H:%M} to {one.until:%Y-%m-%d %H:%M} UTC"
            if one.of in (MOVEMENTS, PAYOUTS)
            else f"the lines of {one.of}"
        )
        + ("" if one.after else " from the beginning")
        for one in left
    )
    return f"not told to its end; the next look goes on with {told}"


def fetch(provider: Settles, asked: list[Stretch]) -> tuple[int, list[Stretch]]:
    """Take what a processor says of its own accord: movements, payouts to our bank, and what each of those is made of. Answers how many lines
    were new, and what it has not told to its end."""
    fresh, left = 0, []
    for one in asked:
        if one.of in (MOVEMENTS, PAYOUTS):
            count, rest = _follow(provider, one)
            fresh += count
            left += [rest] if rest else []
    with unit_of_work():
        waiting = awaited(provider.mode, provider.name)
    begun = {one.of: one for one in asked}
    for payout in waiting:
        count, rest = _follow(provider, begun.get(payout) or Stretch(payout, now(), now()))
        fresh += count
        if rest:
            left.append(rest)
            continue  # what it is made of is not all here: it is neither compared nor booked
        with unit_of_work():
            lines_are_here(provider.mode, provider.name, payout)
    return fresh, left


def _follow(provider: Settles, asked: Stretch) -> tuple[int, Stretch | None]:
    """Page after page, each in a unit of its own, so that no transaction is open while the processor is asked. Answers what is left when there
    are more pages than one look reads, when a page is empty although there is more, and when the processor does not know any more where it
    ended: of that stretch the next look asks from the beginning."""
    fresh, after, until = 0, asked.after or None, asked.until
    for _ in range(MOST_PAGES):
        began = after or ""
        try:
            count, after, oldest = _page(provider, asked, after)
        except ProviderRefused as refused:
            if refused.code != "resource_missing" or not began:
                raise
            after = ""
            break
        fresh, until = fresh + count, oldest or until
        if after is None:
            return fresh, None
        if after == began:
            break
    if asked.of in (MOVEMENTS, PAYOUTS) and until < asked.since:
        return fresh, None  # an earlier look was told of everything before
    return fresh, replace(asked, until=until, after=after or "")


def _page(provider: Settles, asked: Stretch, after: str | None) -> tuple[int, str | None, datetime | None]:
    """One page taken in: how many of its lines were new, where the next one begins, and of when its last row is."""
    if asked.of == PAYOUTS:
        told, after = provider.settlements(asked.asks_since, after)
        with unit_of_work():
            note_settlements(provider.mode, provider.name, told)
        return 0, after, told[-1].created_at if told else None
    if asked.of == MOVEMENTS:
        lines, after = provider.settlement_lines(asked.asks_since, after)
    else:
        lines, after = provider.lines_of_settlement(asked.of, after)
    return _take(provider, lines), after, lines[-1].occurred_at if lines else None


def _take(provider: Settles, page: list[SettlementLine]) -> int:
    """A line that says something else than before is an exception; the others of its page are taken without it. Only some of those are named at
    a time, so that is asked until none is left."""
    odd: set[str] = set()
    with unit_of_work():
        while True:
            taken = take_lines(provider.mode, provider.name, [(n, line) for n, line in enumerate(page, 1) if line.external_id not in odd])
            if not taken.twisted:
                return taken.fresh
            note_findings(provider.mode, [twisted_finding(provider.name, one) for one in taken.twisted])
            odd |= {one.external_id for one in taken.twisted}


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
