"""Schemathesis against the API's own document: at every boundary of what is declared, valid and just not, each answer is what is declared.

The suite takes some dozens of cases of each operation, the same ones in every run. `PORTAL_API_EXAMPLES=500 ./run test tests/portal/api`
takes every case at a boundary and as many more by chance.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import FailureGroup
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation.drivers import CoverageGenerator
from schemathesis.generation.feedback import NO_FEEDBACK
from schemathesis.generation.overrides import Override
from schemathesis.schemas import APIOperation, BaseSchema
from schemathesis.specs.openapi import checks

from core.accounts.key_scopes import RESOURCES
from tests.factories import make_shop
from tests.portal.api.stocked import Stocked
from tests.portal.caller import HOME

EXAMPLES = int(os.environ.get("PORTAL_API_EXAMPLES", "0"))
AT_BOUNDARIES, BY_CHANCE = (10_000, EXAMPLES) if EXAMPLES else (24, 4)  # of each operation, and by chance as many valid ones as others
TAGS = [*RESOURCES, "users"]
NAMED = {"payment": "payments", "listing": "listings"}  # fields of a body that name something
CURSORS = {"starting_after", "ending_before", "after", "payment", "payment_link", "listing"}  # parameters that do
LONGEST_ID = 60
NO_KEYS = ("", "Bearer portal_sk_test_x", "Basic eDp5", "Bearer eyJ.eyJ.x")
# An address without a name in it is meant before one with, and OPTIONS tells of both: GET there would read a payment called "event".
ALSO_WITH_A_NAME = {"POST /payments/event"}
CHECKS = [
    not_a_server_error, checks.status_code_conformance, checks.content_type_conformance, checks.response_schema_conformance,
    checks.response_headers_conformance, checks.negative_data_rejection, checks.missing_required_header, checks.unsupported_method,
    checks.allow_header_conformance,
]  # fmt: skip


@pytest.fixture(scope="module")
def stock(app: Flask) -> Stocked:
    return Stocked(app, make_shop(app), make_shop(app))


@pytest.fixture(scope="module")
def schema(app: Flask) -> BaseSchema:
    """Keys and tokens are ours to send; what is refused may be refused with any status below 500 that the document names."""
    told = {
        "seed": 7, "generation": {"with-security-parameters": False},
        "checks": {"negative_data_rejection": {"expected-statuses": ["4xx"]}},
    }  # fmt: skip
    return schemathesis.openapi.from_wsgi(f"{HOME}/openapi.json", app, config=SchemathesisConfig.from_dict(told))


@pytest.fixture(autouse=True)
def answered(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of ours is answered with 500, as it is outside of tests."""
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)


@pytest.mark.parametrize("tag", TAGS)
def test_every_answer_is_what_is_declared(tag: str, schema: BaseSchema, stock: Stocked) -> None:
    operations = [found.ok() for found in schema.include(tag=tag).get_all_operations()]
    asking = Asking(stock)
    for operation in sorted(operations, key=lambda one: one.method == "delete"):  # what is gone is asked for last
        cases = at_boundaries(operation)
        asking.ask_without_key(next(case for case in cases if case.meta.generation.mode.is_positive))
        for case in cases:
            asking.ask(case)
        by_chance(operation, GenerationMode.POSITIVE, asking)
        if operation.query or operation.headers or operation.body:  # an id in an address can be unknown, but hardly wrong
            by_chance(operation, GenerationMode.NEGATIVE, asking)
    assert asking.asked >= 10 * len(operations) > 0
    assert not asking.faults, "\n\n".join(asking.faults.values())


def test_no_operation_is_left_out(schema: BaseSchema) -> None:
    tagged = [found.ok().label for tag in TAGS for found in schema.include(tag=tag).get_all_operations()]
    assert sorted(tagged) == sorted(found.ok().label for found in schema.get_all_operations())


def at_boundaries(operation: APIOperation) -> Sequence[Case]:
    """Of all cases that lie on either side of a boundary, as many as are wanted, evenly spread."""
    generation = operation.schema.config.generation_for(operation=operation, phase="coverage")
    found = list(
        CoverageGenerator(
            operation=operation, generation_modes=list(GenerationMode), generation_config=generation, auth_storage=None, override=Override(),
            feedback=NO_FEEDBACK, hooks=None,
        )
    )  # fmt: skip
    wanted = min(AT_BOUNDARIES, len(found))
    return [found[number * len(found) // wanted] for number in range(wanted)]


def by_chance(operation: APIOperation, mode: GenerationMode, asking: Asking) -> None:
    """The same dice in every run."""

    @hypothesis_settings(
        max_examples=BY_CHANCE,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def run(case: Case) -> None:
        asking.ask(case)

    run()


class Asking:
    """Sends cases with a key or a token that counts, two times of three at addresses that lead somewhere, and notes the first fault of each kind."""

    def __init__(self, stock: Stocked) -> None:
        self.stock, self.asked = stock, 0
        self.faults: dict[tuple[str, str], str] = {}
        self.guarded: set[str] = set()

    def ask(self, case: Case) -> None:
        self.asked += 1
        self._lead_somewhere(case)
        label, public = case.operation.label, not case.operation.definition.raw.get("security", True)
        also = [] if public or label in self.guarded else [checks.ignored_auth]  # which asks again without the key, and with others
        headers = {} if public else self._key(case.operation)
        try:
            excluded = [checks.allow_header_conformance] if label in ALSO_WITH_A_NAME else []
            answer = case.call_and_validate(headers=headers, checks=[*CHECKS, *also], excluded_checks=excluded)
        except FailureGroup as group:
            for fault in group.exceptions:
                self.faults.setdefault((label, type(fault).__name__), f"{label}: {group}")
            return
        if also and answer.status_code < 300:
            self.guarded.add(label)

    def ask_without_key(self, case: Case) -> None:
        """A case that is valid, without a key and with those that are none: refused as the document says, before anything is looked at."""
        if case.operation.definition.raw.get("security", True):
            for said in NO_KEYS:
                answer = case.call_and_validate(headers={"Authorization": said} if said else {}, checks=CHECKS[:5])
                if answer.status_code != 401:
                    self.faults[case.operation.label, "let in"] = f"{case.operation.label} answered {answer.status_code} to {said!r}"

    def _key(self, operation: APIOperation) -> dict[str, str]:
        """The business's, or the token of its owner's app where only that opens."""
        if operation.definition.raw.get("security") != [{"person": []}]:
            return {"Authorization": f"Bearer {self.stock.caller.secret}"}
        return {"Authorization": f"Bearer {self.stock.access(anew='sign-out' in operation.path)}"}

    def _lead_somewhere(self, case: Case) -> None:
        """What is negated stays; whatever else names a thing names one of ours, and each write has a name of its own."""
        meta = case.meta
        if not meta.is_negative_at(ParameterLocation.HEADER) and "Idempotency-Key" in case.headers:
            case.headers["Idempotency-Key"] = secrets.token_hex(8)
        if self.asked % 3 == 0:
            return
        known = self.stock.numbers.get(case.path.partition("/{")[0].strip("/"))
        if known and not meta.is_negative_at(ParameterLocation.PATH):
            case.path_parameters["number"] = known[self.asked % len(known)]
            if "delivery" in case.path_parameters:
                case.path_parameters["delivery"] = self.stock.deliveries[case.path_parameters["number"]][0]
        if isinstance(case.body, dict):
            for name in NAMED.keys() & case.body.keys():
                if isinstance(case.body[name], str) and len(case.body[name]) <= LONGEST_ID:
                    case.body[name] = self.stock.numbers[NAMED[name]][self.asked % len(self.stock.numbers[NAMED[name]])]
        if meta.generation.mode.is_positive:
            for name in CURSORS & case.query.keys():
                del case.query[name]
