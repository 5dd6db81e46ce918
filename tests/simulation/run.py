"""Runs one simulated world: `python -m tests.simulation.run SEED [STEPS]`. Same seed, same world: a run that found something is run again alone.

The database in the environment must be empty of vendors; `tests/simulation/alone.py` makes one for each run.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

from tests.simulation.world import World

if TYPE_CHECKING:
    from tests.simulation.people import People

# Long enough for every term there is: a card page ends after an hour, money waits five days, a bank waits seven for an answer.
QUIET = (timedelta(minutes=1),) * 5 + (timedelta(minutes=20),) * 5 + (timedelta(hours=4),) * 6 + (timedelta(hours=16),) * 15
SETTLED = 10  # steps of the quiet after which nothing is under way any more but what waits for its day
QUEUES = ("money", "messages", "papers")
STEPS = 40


def storm(world: World, people: People, steps: int) -> None:
    """People, processes and clocks, each when chance says so."""
    from tests.simulation.people import a_while

    world.weather.calm = False
    for _ in range(steps):
        people.one()
        if world.dice.random() < 0.6:
            people.transfers.one()
        world.pass_by(a_while(world))
        if world.dice.random() < 0.05:
            world.clock.step = timedelta(seconds=world.dice.randint(-90, 90))
        world.processor_works()
        if world.dice.random() < 0.7:
            world.worker(world.dice.choice(QUEUES))
        if world.dice.random() < 0.4:
            world.clock_looks()


def quiet(world: World, people: People) -> None:
    """The weather is over: time passes until whatever was left undone has been done, and every term has run out."""
    world.weather.calm, world.clock.step = True, timedelta(0)
    for place, by in enumerate(QUIET):
        world.pass_by(by)
        if place == SETTLED:
            for act in (people.goes_back_in_silence, people.gives_back_late_in_silence):
                world.lives(act.__name__, act)
        if by == QUIET[-1]:
            people.transfers.later()
        if world.clock.at.hour >= 12 and world.dice.random() < 0.2:
            world.call("POST", "payouts", currency="eur")
        _everybody_works(world)
    _look_at_it_all(world)


def _look_at_it_all(world: World) -> None:
    """The last payouts arrive at our bank, and everything is reconciled once more: at noon, for the look of a night has its hour."""
    world.pass_by(timedelta(hours=(36 - world.clock.at.hour) % 24))
    world.call("POST", "payouts", currency="eur", at_once=True)
    for by in (timedelta(minutes=11), timedelta(minutes=11), timedelta(days=1), timedelta(minutes=11), timedelta(days=1)):
        world.pass_by(by)
        _everybody_works(world)


def _everybody_works(world: World) -> None:
    world.processor_works()
    world.clock_looks()
    for queue in QUEUES:
        world.worker(queue)


def play(seed: int, steps: int, *, mutant: str = "", prints: bool = False, storm_only: bool = False) -> dict[str, object]:
    """Everything; answers what was seen, and what is wrong (nothing)."""
    world = World(seed, prints=prints)
    if mutant:
        from tests.simulation.mutants import take_out

        take_out(mutant)
    from tests.simulation.people import People

    people = People(world)
    storm(world, people, steps)
    if storm_only:
        return {"seed": seed, "steps": steps, "trace": world.trace, "weather": dict(world.weather.seen), "breaks": []}
    quiet(world, people)
    from tests.simulation.oracle import Oracle

    oracle = Oracle(world)
    breaks = oracle.breaks()
    return {
        "seed": seed, "steps": steps, "breaks": breaks, "weather": dict(world.weather.seen), "charges": len(oracle.charges),
        "refunds": len(oracle.refunds), "disputes": len(oracle.disputes), "payments": len(oracle.payments), "trace": world.trace, **world.reference.figures(),
    }  # fmt: skip


def main(argv: list[str]) -> int:
    """One line of JSON, for whoever started it."""
    seed, steps = int(argv[0]), int(argv[1]) if len(argv) > 1 else STEPS
    told = play(
        seed,
        steps,
        mutant=os.environ.get("PORTAL_SIM_MUTANT", ""),
        prints=os.environ.get("PORTAL_SIM_PRINTS") == "1",
        storm_only=os.environ.get("PORTAL_SIM_STORM_ONLY") == "1",
    )
    print(json.dumps(told, default=str))
    return 1 if told["breaks"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
