"""What a revision file says about itself in comments, next to the code that they speak of.

```python
# stairway: irreversible: the old codes are gone for good
# stairway: accept schema-not-restored: the index is rebuilt by hand after a downgrade
```

Each says a reason, for whoever reads the revision next.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_stairway.exceptions import UsageError
from pytest_stairway.findings import CODES
from pytest_stairway.sources import read_source

if TYPE_CHECKING:
    import os

__all__ = ["Mark", "marks_in"]

MARK = re.compile(r"#\s*stairway:\s*(?P<what>[^:]*?)\s*(?::\s*(?P<reason>.*?))?\s*$")
FORMS = "`# stairway: irreversible: REASON` or `# stairway: accept CODE: REASON`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One comment of ours in a revision file."""

    code: str
    """The finding that it accepts; ``irreversible`` keeps the downgrade from being run at all."""
    reason: str
    path: str
    line: int


def marks_in(path: str | os.PathLike[str]) -> tuple[Mark, ...]:
    """Read the marks of a revision file.

    Raises:
        UsageError: a mark names no code that there is, or gives no reason.
    """
    text = read_source(path)
    if "stairway:" not in text:
        return ()
    found = ((number, MARK.search(line)) for number, line in enumerate(text.splitlines(), 1))
    return tuple(_read(match, path=str(path), line=number) for number, match in found if match)


def _read(match: re.Match[str], *, path: str, line: int) -> Mark:
    what, reason = match["what"], match["reason"]
    place = f"{path}, line {line}"
    code = what.removeprefix("accept").strip() if what.startswith("accept") else what
    if code not in CODES or (code == what and code != "irreversible"):
        raise UsageError(f"{place}: {what!r} is not understood after `# stairway:`; write {FORMS}")
    if not reason:
        raise UsageError(f"{place}: the reason is missing; write {FORMS}")
    return Mark(code=code, reason=reason, path=path, line=line)
