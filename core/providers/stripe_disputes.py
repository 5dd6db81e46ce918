"""Disputes at Stripe: reading one whole, handing an answer over with its files, and giving one up."""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
from typing import Any
from urllib.parse import quote

from core.kernel.db import assert_no_transaction
from core.providers import stripe_shapes as shapes
from core.providers.disputes import DisputeOutcome, Evidence, EvidenceFile

PURPOSE = "dispute_evidence"
PACK = "uncategorized_file"  # Stripe's field for what has no field of its own


class Disputes(ABC):
    """The part of the adapter about disputes; the adapter itself says how anything is asked."""

    @abstractmethod
    def _ask(self, method: str, what: str, **params: Any) -> dict[str, Any]:
        """Anything, once."""

    @abstractmethod
    def _upload(self, name: str, data: bytes, purpose: str, reference: str) -> str:
        """Hands a file over, once for each reference; answers the provider's name for it."""

    def inquire_dispute(self, provider_reference: str) -> DisputeOutcome:
        """Reads the dispute with its charge, which carries our metadata."""
        assert_no_transaction()
        return shapes.dispute_outcome(self._ask("get", _path(provider_reference), expand=["charge"]))

    def answer_dispute(self, reference: str, provider_reference: str, evidence: Evidence) -> DisputeOutcome:
        """Hands the files over, then everything at once, finally."""
        assert_no_transaction()
        given: dict[str, str] = {name: text for name, text in evidence.texts.items() if text}
        for file in evidence.files:
            given[_field(file)] = self._upload(file.name, file.data, PURPOSE, f"{reference}-{file.kind}")
        self._ask("post", _path(provider_reference), evidence=given, submit=True, idempotency_key=reference)
        return self.inquire_dispute(provider_reference)

    def accept_dispute(self, reference: str, provider_reference: str) -> DisputeOutcome:
        """Closes it as lost."""
        assert_no_transaction()
        self._ask("post", f"{_path(provider_reference)}/close", idempotency_key=reference)
        return self.inquire_dispute(provider_reference)


def _field(file: EvidenceFile) -> str:
    return PACK if file.kind == "evidence_pack" else file.kind


def _path(identity: str) -> str:
    return f"disputes/{quote(identity, safe='')}"


def as_file(name: str, data: bytes) -> io.BytesIO:
    """As the SDK takes one: what it reads, with the name it goes by."""
    file = io.BytesIO(data)
    file.name = name
    return file
