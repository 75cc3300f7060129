"""IDs: their range, their chance, their order."""

from __future__ import annotations

import subprocess
import sys

from wamplite.core import ids


def test_session_ids_are_spread_over_the_whole_range() -> None:
    drawn = {ids.new_session() for _ in range(2000)}
    assert len(drawn) == 2000
    assert min(drawn) >= 1
    assert max(drawn) <= ids.MAX_ID
    assert {id_ * 8 // (ids.MAX_ID + 1) for id_ in drawn} == set(range(8))


def test_publication_ids_are_spread_over_the_whole_range() -> None:
    drawn = {ids.new_publication() for _ in range(2000)}
    assert len(drawn) == 2000
    assert min(drawn) >= 1
    assert max(drawn) <= ids.MAX_ID
    assert {id_ * 8 // (ids.MAX_ID + 1) for id_ in drawn} == set(range(8))


BEGINS_ANEW = """
import os
from wamplite.core import ids
ids.new_session()  # many are drawn at once
if os.fork():
    os.wait()
else:
    ids.begin_anew()
print(ids.new_publication(), ids.new_session(), ids.new_authid(), flush=True)
"""


def test_a_forked_process_that_begins_anew_draws_other_ids() -> None:
    said = subprocess.check_output([sys.executable, "-c", BEGINS_ANEW], text=True, timeout=20)
    assert len(set(said.split())) == 6
    ids.begin_anew()
    assert 1 <= ids.new_publication() <= ids.MAX_ID


def test_requests_count_up_and_begin_again_after_the_largest() -> None:
    assert ids.following(0) == 1
    assert ids.following(1) == 2
    assert ids.following(2**53 - 1) == 2**53
    assert ids.following(2**53) == 1


def test_names_drawn_for_somebody_differ() -> None:
    names = {ids.new_authid() for _ in range(5 * ids.DRAWN)}
    assert len(names) == 5 * ids.DRAWN
    assert {len(name) for name in names} == {16}
    assert {name[:1] for name in names} == {name[-1:] for name in names} == set("0123456789abcdef")
