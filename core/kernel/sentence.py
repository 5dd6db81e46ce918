"""What the business says, in English, kept with what it was made of: a door writes it anew in the reader's language."""

from __future__ import annotations

from typing import Any


class Sentence(str):
    """The English sentence; `text` is how it stands in the catalogues, `values` are what fills it: sums, days, names, other sentences."""

    text: str
    values: dict[str, Any]

    def __new__(cls, text: str, values: dict[str, Any]) -> Sentence:
        made = super().__new__(cls, text % values if values else text)
        made.text, made.values = text, values
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return Sentence, (self.text, self.values)


def said(text: str, /, **values: Any) -> Sentence:
    """`said("At least %(amount)s.", amount=least)`: for a sentence with something in it, or one that is not raised where it is written.

    A plain sentence that is raised at once needs no mark: what a refusal is raised with is found by the name of the refusal.
    With values a percent sign is written twice.
    """
    return Sentence(text, values)
