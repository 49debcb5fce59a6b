"""The confidence from which a quote states its fact, by key."""

from evals.training.sure_facts import NEVER, Drawn, limits_of


def facts(key: str, right: int, wrong: int, confidence: float) -> list[Drawn]:
    """Return facts of one key with the same confidence."""
    return [Drawn(key, confidence, n < right) for n in range(right + wrong)]


def test_keys_that_are_wrong_more_often_need_more_confidence() -> None:
    every = [
        *facts("good", 38, 2, 0.7), *facts("good", 40, 0, 0.95),
        *facts("bad", 10, 30, 0.7), *facts("bad", 28, 12, 0.95),
    ]  # fmt: skip
    usual, limits = limits_of(every)
    assert 0 < limits["good"] < usual < limits["bad"] <= NEVER


def test_a_higher_share_needs_more_confidence() -> None:
    every = [*facts("key", 20, 20, 0.6), *facts("key", 30, 10, 0.8), *facts("key", 39, 1, 0.95)]
    assert limits_of(every, 0.7)[1]["key"] < limits_of(every, 0.85)[1]["key"]


def test_no_confidence_is_enough_where_quotes_are_seldom_right() -> None:
    assert limits_of([*facts("key", 10, 30, 0.7), *facts("key", 12, 28, 0.9)])[1]["key"] == NEVER
