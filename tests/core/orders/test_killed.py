"""A worker dies between any two lines of what it does about orders, and another one takes the task up: the end is the same."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from sqlalchemy import select

from core.kernel.clock import now, shifted
from core.kernel.db import db, unit_of_work
from core.kernel.outbox import OutboxTask, enqueue
from tests.core.orders.market import OURS, Market, Sale
from tests.factories import unit
from tests.killed import Axe, Killed
from workers.jobs import INSIDE, OUTSIDE
from workers.task import Task

POINTS = 8


def work(sale: Sale, axe: Axe) -> None:
    """Every task until there is none. One whose worker died is there as before; one that was done is struck off after it was."""
    mine = [shop.vendor.id for shop in sale.market.shops]
    ours = (OutboxTask.vendor_id.in_(mine), OutboxTask.job.in_(OURS))
    with sale.app.app_context():
        while True:
            with unit_of_work():
                task = db.session.scalar(select(OutboxTask).where(*ours, OutboxTask.due_at <= now()).order_by(OutboxTask.id).limit(1))
                if task is None:
                    return
                vendor_id, job, args, key = task.vendor_id, task.job, dict(task.args), task.id
            try:
                with axe.over():
                    if job in INSIDE:
                        with unit_of_work():
                            INSIDE[job]([Task(vendor_id, args)])
                    else:
                        OUTSIDE[job](vendor_id, **args)
            except Killed:
                continue
            with unit(sale.app):
                done = db.session.get(OutboxTask, (vendor_id, key))
                if done is not None:
                    db.session.delete(done)


def story(market: Market, axe: Axe, rule: str) -> Sale:
    """Three orders, of which the second is declined."""
    sale = market.open(7000, 3000, 1250, rule=rule)
    told = sale.card_unheard()
    with unit(market.app):
        enqueue("begin_paying", told[0], mode=told[1], saving=str(told[2]), card=str(told[3]))
    work(sale, axe)
    for place, word in ((1, "yes"), (2, "no"), (3, "yes")):
        sale.tell(place, word, work=False)
        work(sale, axe)
    sale.refunds_arrive()
    with shifted(timedelta(days=4)):
        sale.expire(2)
        sale.look()
        work(sale, axe)
    return sale


def ends(market: Market, sale: Sale, rule: str) -> None:
    went_back = [[refund.amount_minor for refund in sale.refunds(place)] for place in (1, 2, 3)]
    assert (sale.state, sale.states()) == ({"keep": "partly"}.get(rule, "undone"), ["paid", "over", "paid"])
    assert went_back == ([[], [], []] if rule == "keep" else [[7000], [], [1250]])
    assert sale.payments() == 3 and market.breaks() == []


@pytest.mark.parametrize("rule", ["keep", "all_or_nothing"])
def test_whichever_line_it_dies_at_the_end_is_the_same(market: Market, rule: str) -> None:
    counted = Axe("/core/orders/", "workers/orders.py")
    ends(market, story(market, counted, rule), rule)
    assert counted.lines > 200
    for at in sorted(random.Random(rule).sample(range(1, counted.lines), POINTS)):
        axe = Axe("/core/orders/", "workers/orders.py", at=at)
        sale = story(market, axe, rule)
        assert axe.fallen
        ends(market, sale, rule)
