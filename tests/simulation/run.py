"""Runs one simulated world: `python -m tests.simulation.run SEED [STEPS]`. Same seed, same world: a run that found something is run again alone.

The database in the environment must be empty of vendors; `tests/simulation/alone.py` makes one for each run.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import timedelta

from tests.simulation.world import World

# Long enough for every term there is: a card page ends after an hour, money waits five days, a bank waits seven for an answer.
QUIET = (timedelta(minutes=1),) * 5 + (timedelta(minutes=20),) * 5 + (timedelta(hours=4),) * 6 + (timedelta(hours=16),) * 15
QUEUES = ("money", "messages", "papers")
STEPS = 40


def storm(world: World, steps: int, acts: dict[str, int], rough: float) -> None:
    """People, processes and clocks, each when chance says so. `acts`: what happens in this world and how often, where it is not everything."""
    from tests.simulation.people import People, a_while

    people = People(world)
    if acts:
        people.acts = {getattr(people, name): weight for name, weight in acts.items()}
    world.weather.calm, world.weather.rough = False, rough
    for _ in range(steps):
        people.one()
        world.pass_by(a_while(world))
        if world.dice.random() < 0.05:
            world.clock.step = timedelta(seconds=world.dice.randint(-90, 90))
        world.processor_works()
        if world.dice.random() < 0.7:
            world.worker(world.dice.choice(QUEUES))
        if world.dice.random() < 0.4:
            world.clock_looks()


def quiet(world: World) -> None:
    """The weather is over: time passes until whatever was left undone has been done, and every term has run out."""
    world.weather.calm, world.clock.step = True, timedelta(0)
    for by in QUIET:
        world.pass_by(by)
        if world.clock.at.hour >= 12 and world.dice.random() < 0.2:
            world.call("POST", "payouts", currency="eur")
        _everybody_works(world)
    _look_at_it_all(world)


def _look_at_it_all(world: World) -> None:
    """The last payouts arrive at our bank, and everything is reconciled once more."""
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
    acts: dict[str, int] = {}
    rough = world.weather.rough
    if mutant:
        from tests.simulation.mutants import MUTANTS, WORLDS

        MUTANTS[mutant]()
        acts, rough = WORLDS.get(mutant, (acts, rough))
    storm(world, steps, acts, rough)
    if storm_only:
        return {"seed": seed, "steps": steps, "trace": world.trace, "weather": dict(world.weather.seen), "breaks": []}
    quiet(world)
    from tests.simulation.oracle import Oracle

    oracle = Oracle(world)
    breaks = oracle.breaks()
    return {
        "seed": seed, "steps": steps, "breaks": breaks, "weather": dict(world.weather.seen), "charges": len(oracle.charges),
        "refunds": len(oracle.refunds), "disputes": len(oracle.disputes), "payments": len(oracle.payments), "trace": world.trace,
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
