"""The texts of a bundle in the reader's language: English in the templates, all others in one catalogue each.

`texts/ru.po` is read as it stands by Babel, so there is nothing to compile and nothing that can be out of date.
"""

from __future__ import annotations

import functools
import gettext
import io
from importlib import resources

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

__all__ = ["translations"]


@functools.cache
def translations(language: str) -> gettext.NullTranslations:
    """Give the texts of a language; those of English are the templates' own."""
    if language == "en":
        return gettext.NullTranslations()
    source = resources.files("pytest_stairway.handoff").joinpath("texts").joinpath(f"{language}.po")
    compiled = io.BytesIO()
    with source.open("rb") as file:
        write_mo(compiled, read_po(file, locale=language))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
