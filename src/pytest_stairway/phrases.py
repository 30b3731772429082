"""Sentences that remember what they are made of, so that a bundle can say them in its reader's language.

A phrase is the English text, and goes wherever a text goes.  Beside it stand the template and the values: the template
is looked up in a catalogue, values that are phrases or figures are said in that language, too, and all others (names,
statements, a database's own words) stay as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["ENGLISH", "Figure", "Language", "Phrase", "figure", "joined", "phrase", "phrases", "say", "term"]


class Language(Protocol):
    """What a language knows."""

    def gettext(self, message: str, /) -> str:
        """Give a template."""

    def ngettext(self, one: str, many: str, number: int, /) -> str:
        """Give the template that goes with a number."""

    def figure(self, text: str, /) -> str:
        """Write a number, given as English writes it."""


class _English:
    """What phrases are written in."""

    def gettext(self, message: str, /) -> str:
        return message

    def ngettext(self, one: str, many: str, number: int, /) -> str:
        return one if number == 1 else many

    def figure(self, text: str, /) -> str:
        return text


ENGLISH: Language = _English()


class Figure(str):
    """A number as English writes it: ``1,234.5``."""

    __slots__ = ()


class Phrase(str):
    """A sentence, or a part of one."""

    __slots__ = ("number", "plural", "template", "values")

    template: str
    """With ``%(name)s`` for each value."""
    values: Mapping[str, object]
    plural: str | None
    """The template for more than one."""
    number: int


def phrase(template: str, /, **values: object) -> Phrase:
    """Make a phrase.

    Args:
        template: the English text, with ``%(name)s`` for each value; without values it stands as it is.
        values: by name.
    """
    return _made(template, values)


def phrases(one: str, many: str, number: int, /, **values: object) -> Phrase:
    """Make a phrase about a number of things, which is the value ``number``.

    Args:
        one: the template for one of them.
        many: the template for any other number.
        number: how many there are.
        values: the other values, by name.
    """
    return _made(one, {"number": figure(number), **values}, many=many, number=number)


def figure(number: float, form: str = ",") -> Figure:
    """Write a number, its thousands apart.

    Args:
        number: any.
        form: as `format` takes it.
    """
    return Figure(format(number, form))


def term(word: str) -> Phrase:
    """Make a phrase of a word that comes from data: one of those that `handoff.words` lists, or it stays English."""
    return _made(word, {})


def joined(parts: Iterable[str], separator: str = ", ") -> Phrase:
    """Put phrases into a row."""
    values = {f"part{place}": part for place, part in enumerate(parts)}
    template = separator.replace("%", "%%").join(f"%({name})s" for name in values)
    return _made(template, values)


def say(text: str, language: Language) -> str:
    """Say a text in a language: phrases and figures, and nothing else, are said otherwise."""
    if isinstance(text, Figure):
        return language.figure(text)
    if not isinstance(text, Phrase):
        return text
    if text.plural is None:
        template = language.gettext(text.template) if text.template else ""  # which stands for the catalogue's head
    else:
        template = language.ngettext(text.template, text.plural, text.number)
    values = {name: say(value, language) if isinstance(value, str) else value for name, value in text.values.items()}
    return template % values if values else template


def _made(template: str, values: Mapping[str, object], *, many: str | None = None, number: int = 1) -> Phrase:
    chosen = template if many is None or number == 1 else many
    made = Phrase(chosen % values if values else template)
    made.template, made.values, made.plural, made.number = template, values, many, number
    return made
