"""Medians, spread, ratio, and when figures are published at all."""

from __future__ import annotations

import pytest

from bench.figures import Sample, by_part, figure, order, refusal


def test_a_ratio_is_median_beside_median() -> None:
    found = figure("up.time", "s", [3.0, 9.0, 4.0], [2.0, 1.0, 7.0], target=1.3)
    assert (found.own.median, found.own.low, found.own.high) == (4.0, 3.0, 9.0)
    assert found.ratio == 2.0
    assert found.met is False


def test_a_target_is_met_up_to_itself() -> None:
    assert figure("up.time", "s", [1.3], [1.0], target=1.3).met is True
    assert figure("up.time", "s", [1.3], [1.0]).met is None


def test_without_a_peer_or_beside_nothing_there_is_no_ratio() -> None:
    assert figure("up.first", "s", [1.0]).ratio is None
    assert figure("up.first", "s", [1.0], [0.0], target=1.3).met is None


def test_a_sample_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one run"):
        Sample(())


def test_each_goes_first_as_often() -> None:
    firsts = [order(run)[0] for run in range(8)]
    assert firsts.count("own") == firsts.count("peer") == 4
    assert all(set(order(run)) == {"own", "peer"} for run in range(3))


@pytest.mark.parametrize(
    ("runs", "load", "busy", "said"),
    [
        (7, 0.4, False, None),
        (7, 1.0, False, None),
        (6, 0.4, False, "6 runs are fewer than 7"),
        (6, 0.4, True, "6 runs are fewer than 7"),
        (7, 1.1, False, "the load before the start was 1.1"),
        (7, 9.0, True, None),
    ],
)
def test_few_runs_and_a_busy_computer_are_not_published(runs: int, load: float, busy: bool, said: str | None) -> None:
    why = refusal(runs=runs, least=7, load=load, limit=1.0, busy=busy)
    assert (why is None) == (said is None)
    assert said is None or (why is not None and why.startswith(said))


def test_a_part_that_was_missing_in_a_run_counts_nothing() -> None:
    assert by_part([{"etcd": 1.0}, {"etcd": 2.0, "registry": 3.0}]) == {"etcd": [1.0, 2.0], "registry": [0.0, 3.0]}
