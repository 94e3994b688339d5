"""What a build leaves and takes away in the lab's cache."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from lab.build import cache


def test_what_only_a_build_needs_is_out_of_the_way_at_once_and_gone_soon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROOST_LAB_CACHE", str(tmp_path))
    left = tmp_path / cache.TRASH / "of-a-killed-removal"
    left.mkdir(parents=True)
    (cache.go_modules() / "cache").mkdir(parents=True)
    (cache.go_modules() / "cache" / "large").write_bytes(b"x" * 100_000)
    (cache.work("etcd") / "out").mkdir()
    program = cache.programs() / "etcd-1" / "etcd"
    program.parent.mkdir(parents=True)
    program.write_bytes(b"kept")
    cache.tidy()
    assert not cache.go_modules().exists() and not (tmp_path / "work").exists()
    assert cache.size(tmp_path) < 100_000
    end = time.monotonic() + 10
    while (tmp_path / cache.TRASH).exists():
        assert time.monotonic() < end
        time.sleep(0.02)
    assert program.read_bytes() == b"kept"
