"""How much memory there is, from trees of files as kernels and containers show them."""

from __future__ import annotations

from pathlib import Path

import pytest

from wamplite.router.limits import MIB, Limits, checked
from wamplite.router.memory import PLENTY, available

MACHINE = {"proc/meminfo": "MemTotal:  524288 kB\nMemFree: 1 kB\n"}
TREES = [
    ("machine", {}, 512 * MIB),
    (
        "version 2",
        {"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max": str(64 * MIB)},
        64 * MIB,
    ),
    (
        "version 2, no limit of its own",
        {
            "proc/self/cgroup": "0::/a/b\n",
            "sys/fs/cgroup/a/b/memory.max": "max\n",
            "sys/fs/cgroup/a/memory.max": str(100 * MIB),
        },
        100 * MIB,
    ),
    (
        "version 2, seen from within a container",
        {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": f"{32 * MIB}\n"},
        32 * MIB,
    ),
    (
        "version 1",
        {
            "proc/self/cgroup": "9:cpu,cpuacct:/\n4:memory:/a\n0::/\n",
            "sys/fs/cgroup/memory/a/memory.limit_in_bytes": f"{64 * MIB}\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
        },
        64 * MIB,
    ),
    (
        "version 1, whose path is the host's",
        {
            "proc/self/cgroup": "4:memory:/docker/0123\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{48 * MIB}\n",
        },
        48 * MIB,
    ),
    (
        "a limit above what there is",
        {"proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/memory.max": str(2**40)},
        512 * MIB,
    ),
]


def plant(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


@pytest.mark.parametrize(("files", "size"), [pytest.param(*tree[1:], id=tree[0]) for tree in TREES])
def test_the_smallest_limit_above_the_process_counts(
    tmp_path: Path, files: dict[str, str], size: int
) -> None:
    plant(tmp_path, {**MACHINE, **files})
    assert available(tmp_path) == size


def test_where_nothing_tells_there_is_plenty(tmp_path: Path) -> None:
    assert available(tmp_path) == PLENTY


def test_on_this_machine_it_is_a_number_that_can_be() -> None:
    assert 16 * MIB < available() <= PLENTY


def test_bounds_fit_a_small_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wamplite.router.limits.available", lambda: 64 * MIB)
    limits = checked({})
    assert limits.max_buffered == 8 * MIB
    assert 300 < limits.max_connections < 400
    assert limits.socket_buffer == 32 * 1024
    assert limits.max_in_realm == 8192
    assert limits.max_decoding == 1


def test_what_is_given_stands_whatever_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wamplite.router.limits.available", lambda: 64 * MIB)
    given = {"max_buffered": 50 * MIB, "max_connections": 5000, "max_in_realm": 10**6}
    assert checked(given)._asdict().items() >= given.items()


def test_a_large_memory_raises_no_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wamplite.router.limits.available", lambda: 2**40)
    assert checked({}) == Limits()
