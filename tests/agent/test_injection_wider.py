"""Cases beyond `vectors/injection.json`, written against the readers: hidden text, orders, and honest look-alikes of
both.

Of 61 cases 52 held when they were written (23 of 32 hidden, 11 of 11 orders, 18 of 18 honest) and 58 hold after general
changes; the three that slip through are listed with their reasons. One of the hidden cases, a declarative shadow tree,
is shown by a browser: it is read, and its order is reported.
"""

import json

import pytest

from agent.intake.extract.formats.html import read_html
from agent.intake.hidden import instructions
from tests.fakes import paired
from tests.places import VECTORS

CASES = json.loads((VECTORS / "planted.json").read_text("utf-8"))["cases"]
MARK = "KQT"
KNOWN = {
    ":has()": "the selector library loses the child combinator that a relative selector begins with",
    "color-mix": "a mixed colour is not worked out, so the text counts as seen",
    "mask": "masks are not worked out, so the text counts as seen",
}


@pytest.mark.parametrize("case", [pytest.param(case, id=case["technique"]) for case in CASES])
def test_hidden_words_go_orders_are_told_and_honest_words_stay(case: dict[str, str]) -> None:
    if case["technique"] in KNOWN:
        pytest.xfail(KNOWN[case["technique"]])
    page = read_html(paired.listing(case["fragment"], case["head"]))
    text = "\n".join(block.text for block in page.blocks)
    if case["expect"] == "absent":
        assert MARK not in text
        assert page.removed
    elif case["expect"] == "flagged":
        assert instructions.find(text)
    else:
        assert MARK in text
        assert page.removed == ()
        assert instructions.find(text) == ()
