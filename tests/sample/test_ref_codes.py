"""The sample's own tests of one migration, as a project writes them: author.ref_code gets its values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_stairway.migrated import MigratedDatabase


@pytest.mark.stairway(at="14bc8e509acf")
def test_authors_without_a_code_get_one(stairway: MigratedDatabase) -> None:
    stairway.insert("author", {"id": 1, "name": "Ann", "ref_code": "abc123"})
    stairway.insert("author", *({"id": number, "name": f"Author {number}"} for number in range(2, 6)))

    stairway.upgrade("a5390146783a")

    codes = {row["id"]: row["ref_code"] for row in stairway.rows("author")}
    assert codes[1] == "abc123"
    assert len(set(codes.values())) == 5
    assert all(len(code) == 6 for code in codes.values())

    before = stairway.look()
    stairway.downgrade("-1")
    stairway.upgrade("+1")
    assert stairway.compare(before) == []
