"""The texts of a bundle in the reader's language: English where they are used, all others in one catalogue each.

`texts/ru.po` is read as it stands by Babel, so there is nothing to compile and nothing that can be out of date.
"""

from __future__ import annotations

import functools
import gettext
import io
from importlib import resources
from typing import IO, TYPE_CHECKING

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import get_decimal_symbol, get_group_symbol

from pytest_stairway.phrases import ENGLISH

if TYPE_CHECKING:
    from pytest_stairway.phrases import Language

__all__ = ["translations"]


class Catalogue(gettext.GNUTranslations):
    """The texts of one language, and how it writes numbers.

    Args:
        file: the texts, compiled.
        language: which language.
    """

    def __init__(self, file: IO[bytes], language: str) -> None:
        super().__init__(file)
        self._marks = str.maketrans({",": str(get_group_symbol(language)), ".": str(get_decimal_symbol(language))})

    def figure(self, text: str, /) -> str:
        """Write a number, given as English writes it."""
        return text.translate(self._marks)


@functools.cache
def translations(language: str) -> Language:
    """Give the texts of a language; those of English stand where they are used."""
    if language == "en":
        return ENGLISH
    source = resources.files("pytest_stairway.handoff").joinpath("texts").joinpath(f"{language}.po")
    compiled = io.BytesIO()
    with source.open("rb") as file:
        write_mo(compiled, read_po(file, locale=language))
    compiled.seek(0)
    return Catalogue(compiled, language)
