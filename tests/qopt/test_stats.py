from itertools import combinations
from math import inf, isclose, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qopt import stats
from qopt.errors import UsageError

finite = st.floats(-1e9, 1e9, allow_nan=False)


# -- shares ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [  # the closed forms at the ends, and R's binom.test(3, 10), binom.test(50, 100)
        (0, 10, 0.0, 1 - 0.025 ** (1 / 10)),
        (10, 10, 0.025 ** (1 / 10), 1.0),
        (1, 1, 0.025, 1.0),
        (3, 10, 0.06673951, 0.6524529),
        (50, 100, 0.3983211, 0.6016789),
        (0, 0, 0.0, 1.0),
    ],
)
def test_clopper_pearson_agrees_with_published_values(successes, trials, low, high):
    assert stats.clopper_pearson(successes, trials) == pytest.approx((low, high), abs=5e-8)


@pytest.mark.parametrize("trials", [1, 5, 10, 40])
@pytest.mark.parametrize("p", [0.0, 0.01, 0.05, 0.3, 0.5, 0.9, 1.0])
def test_clopper_pearson_covers_at_its_level(trials, p):
    intervals = np.array([stats.clopper_pearson(k, trials) for k in range(trials + 1)])
    hits = np.random.default_rng(7).binomial(trials, p, size=4000)
    covered = (intervals[hits, 0] <= p) & (p <= intervals[hits, 1])
    # 4000 draws: three standard errors below 95 % is 0.94
    assert covered.mean() >= 0.94


def test_a_narrower_interval_would_not_cover():
    """The simulation above can fail: an interval at level 60 % does."""
    intervals = np.array([stats.clopper_pearson(k, 40, confidence=0.6) for k in range(41)])
    hits = np.random.default_rng(7).binomial(40, 0.3, size=4000)
    assert ((intervals[hits, 0] <= 0.3) & (intervals[hits, 1] >= 0.3)).mean() < 0.9


@pytest.mark.parametrize(("successes", "trials"), [(-1, 3), (4, 3)])
def test_impossible_counts_are_refused(successes, trials):
    with pytest.raises(UsageError, match="between 0 and the 3 trials"):
        stats.clopper_pearson(successes, trials)


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0])
def test_a_confidence_is_a_probability(confidence):
    with pytest.raises(UsageError, match="confidence"):
        stats.clopper_pearson(1, 2, confidence)


def test_a_share_without_trials_is_none():
    assert stats.share(0, 0) is None
    assert stats.share(1, 4).value == 0.25


def test_trials_in_clusters_of_alike_ones_count_as_one_each():
    clustered = stats.share(250, 1000, independent=8)
    assert (clustered.successes, clustered.trials) == (250, 1000)
    assert (clustered.low, clustered.high) == stats.clopper_pearson(2, 8)


def test_the_interval_of_clustered_trials_covers_at_its_level():
    rng = np.random.default_rng(1)
    clusters, size, p = 12, 50, 0.3
    covered = 0
    for _ in range(2000):
        successes = size * int(rng.binomial(clusters, p))  # each cluster succeeds or fails whole
        found = stats.share(successes, clusters * size, independent=clusters)
        covered += found.low <= p <= found.high
    assert covered / 2000 >= stats.CONFIDENCE - 0.01


# -- medians --------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(st.lists(finite, min_size=1, max_size=12), st.floats(0, 1))
def test_quantiles_are_numpy_s(values, q):
    assert stats.quantile(values, q) == pytest.approx(np.quantile(values, q), rel=1e-9, abs=1e-6)


def test_no_values_have_no_quantile():
    assert stats.median([]) is None
    with pytest.raises(UsageError):
        stats.quantile([1.0], 1.5)


@pytest.mark.parametrize(
    ("objectives", "failures", "sense", "expected"),
    [
        ([10, 11, 12], 0, "minimise", 11),
        ([10, 11, 12], 2, "minimise", 12),   # two failures are the worst two of five
        ([10, 11, 12], 2, "maximise", 10),
        ([10, 11], 1, "minimise", 11),
        ([10, 11], 2, "minimise", None),     # one of the two in the middle found nothing
        ([10], 2, "maximise", None),
        ([], 3, "minimise", None),
        ([], 0, "minimise", None),
    ],
)
def test_runs_without_an_answer_are_worse_than_any(objectives, failures, sense, expected):
    assert stats.median_of_runs(objectives, failures, sense) == expected


def test_the_interval_of_a_median_needs_six_runs():
    assert stats.median_interval([1, 2, 3, 4, 5], 0, "minimise") is None
    assert stats.median_interval([3, 1, 2, 6, 5, 4], 0, "minimise") == (1, 6)
    # ranks 2 and 9 of 10: P(at most one below) = 11 / 1024 at either end
    assert stats.median_interval(list(range(1, 11)), 0, "minimise") == (2, 9)
    assert stats.median_interval([1, 2, 3, 4], 2, "minimise") == (1, None)
    assert stats.median_interval([1, 2, 3, 4], 2, "maximise") == (None, 4)


def test_the_interval_of_a_median_covers_at_its_level():
    rng = np.random.default_rng(3)
    draws = rng.exponential(size=(2000, 9))
    true = log(2)
    covered = 0
    for row in draws:
        low, high = stats.median_interval(row.tolist(), 0, "minimise")
        covered += low <= true <= high
    assert covered / 2000 >= 0.94


# -- tests -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "m"), [(1, 1), (4, 4), (5, 5), (4, 7), (12, 9), (25, 25)])
def test_the_rank_sum_test_is_scipy_s_exact_one_without_ties(n, m):
    from scipy.stats import mannwhitneyu

    rng = np.random.default_rng(n + m)
    first, second = rng.normal(size=n), rng.normal(0.7, size=m)
    expected = mannwhitneyu(first, second, method="exact").pvalue
    assert stats.rank_sum_test(first.tolist(), second.tolist()) == pytest.approx(expected)


def test_the_rank_sum_test_with_ties_is_the_permutation_test():
    first, second = [1.0, 1.0, 2.0, 4.0], [1.0, 3.0, 3.0, 2.0, 5.0]
    pooled = first + second
    ranks = {v: np.mean([i + 1 for i, w in enumerate(sorted(pooled)) if w == v]) for v in pooled}
    values = [ranks[v] for v in pooled]
    sums = [sum(values[i] for i in chosen) for chosen in combinations(range(9), 4)]
    observed = abs(sum(values[:4]) - 20.0)
    expected = np.mean([abs(s - 20.0) >= observed - 1e-9 for s in sums])
    assert stats.rank_sum_test(first, second) == pytest.approx(expected)


def test_few_runs_cannot_tell_anything():
    assert stats.rank_sum_test([1, 2, 3], [4, 5, 6]) == pytest.approx(0.1)
    assert stats.rank_sum_test([1, 2, 3, 4], [5, 6, 7, inf]) == pytest.approx(2 / 70)
    assert stats.rank_sum_test([5] * 5, [5] * 5) == 1.0
    assert stats.rank_sum_test([], [1.0]) == 1.0


def test_the_rank_sum_test_keeps_its_level():
    rng = np.random.default_rng(2)
    draws = rng.integers(0, 6, size=(1500, 10)).tolist()
    rejected = [stats.rank_sum_test(row[:5], row[5:]) <= 0.05 for row in draws]
    assert np.mean(rejected) <= 0.05 + 3 * (0.05 * 0.95 / 1500) ** 0.5


# -- quality --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("objective", "reference", "sense", "absolute", "relative"),
    [
        (110, 100, "minimise", 10, 0.1),
        (90, 100, "minimise", -10, -0.1),     # better than a best-known value
        (90, 100, "maximise", 10, 0.1),
        (-90, -100, "minimise", 10, 0.1),
        (-110, -100, "maximise", 10, 0.1),
        (1, -1, "minimise", 2, None),         # across zero
        (3323, -1258, "minimise", 4581, None),
        (5e-4, 1e-29, "minimise", 5e-4, None),  # from next to zero
        (99, 1, "minimise", 98, 98),
        (1, 0, "minimise", 1, None),          # from zero
        (0, 1, "maximise", 1, None),          # to zero
        (0, 0, "minimise", 0, 0),
        (100 * (1 + 1e-12), 100, "minimise", 0, 0),
    ],
)
def test_gaps_know_the_sense_and_where_percent_means_nothing(
    objective, reference, sense, absolute, relative
):
    found = stats.gap(objective, reference, sense)
    assert found.absolute == pytest.approx(absolute)
    assert found.relative == (None if relative is None else pytest.approx(relative))


@settings(deadline=None, max_examples=80)
@given(finite, finite)
def test_senses_mirror_each_other(objective, reference):
    one = stats.gap(objective, reference, "minimise")
    other = stats.gap(-objective, -reference, "maximise")
    assert one == other
    assert stats.better(objective, reference, "minimise") == stats.better(
        -objective, -reference, "maximise"
    )
    assert not (
        stats.better(objective, reference, "minimise")
        and stats.better(reference, objective, "minimise")
    )


def test_reaching_a_target_allows_for_rounding_only():
    assert stats.reached(2.5527793772e-4 * (1 + 1e-12), 2.5527793772e-4, "minimise")
    assert not stats.reached(3324, 3323, "minimise")
    assert stats.reached(3322, 3323, "minimise")
    assert not stats.reached(11623, 11624, "maximise")


# -- time -----------------------------------------------------------------------------------------


def test_nothing_found_in_ten_runs_is_no_point():
    found = stats.time_to_solution(0, 10, 1.0)
    assert found.value == inf
    assert found.high == inf
    assert found.low == pytest.approx(12.48, abs=0.01)


def test_time_to_solution_is_at_least_one_run_and_falls_with_success():
    assert stats.time_to_solution(10, 10, 2.0).value == 2.0
    half = stats.time_to_solution(5, 10, 2.0)
    assert half.value == pytest.approx(2.0 * log(0.01) / log(0.5))
    assert half.low < half.value < half.high < inf
    assert stats.time_to_solution(0, 0, 1.0) is None
    assert isclose(stats.time_to_solution(1, 2, 1.0, target=0.5).value, 1.0)
    with pytest.raises(UsageError):
        stats.time_to_solution(1, 2, 1.0, target=1.0)


def test_the_interval_of_time_to_solution_covers_at_its_level():
    p, runs = 0.05, 10
    true = log(0.01) / log(1 - p)
    by_hits = [stats.time_to_solution(k, runs, 1.0) for k in range(runs + 1)]
    hits = np.random.default_rng(11).binomial(runs, p, size=4000)
    assert np.mean([by_hits[k].low <= true <= by_hits[k].high for k in hits]) >= 0.94
