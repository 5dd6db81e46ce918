"""The first start is killed while the demo's week is being made: the next start still says how to get in."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest


class Killed(BaseException):
    pass


def test_a_demo_that_was_interrupted_is_finished_and_says_how_to_get_in(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.kernel.config import settings
    from workers import seed

    def die(*_: Any) -> None:
        raise Killed

    shops = tuple(replace(shop, email=f"seed-{shop.email}", offers=shop.offers[:1]) for shop in seed.SHOPS[:2])
    monkeypatch.setattr(seed, "SHOPS", shops)
    (settings().var / "demo.json").unlink(missing_ok=True)
    with app.app_context(), monkeypatch.context() as patch:
        patch.setattr(seed, "_one_payment", die)
        with pytest.raises(Killed):
            seed.seed()
    monkeypatch.setattr(seed, "_one_payment", lambda *_: None)
    with app.app_context():
        assert seed.seed().endswith("of 1 demo vendors.")
        assert seed.seed() == "The demo world is there already."
    kept = json.loads((settings().var / "demo.json").read_text())
    assert len(kept["sign_ins"]) == 2 and "/pay/" in kept["payment_link"]
