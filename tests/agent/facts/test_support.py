"""Checks of a claim by code: whether its quotes support it and contain its numbers and names."""

import json
import re
from collections import Counter
from functools import cache
from typing import NamedTuple

import pytest

from agent.facts.support import Verdict, foreign, names_of, numbers_of, support
from agent.resources import data_folder
from evals.cases.corpus import load_cases
from tests.places import VECTORS


class Pair(NamedTuple):
    quote: str
    claim: str
    negated: str


PAIRS = [Pair(**row) for row in json.loads((VECTORS / "claim_support.json").read_text("utf-8"))["pairs"]]


@cache
def quotes_by_case() -> list[tuple[str, list[str]]]:
    """Return the readers' quotes of five words or more by case."""
    rows = []
    for case in load_cases(data_folder("corpus") / "cases"):
        if case.reader is not None:
            cells = [*case.reader.factors.values(), *case.reader.layers.values()]
            quotes = dict.fromkeys(cell.quote for cell in cells if cell.quote)
            rows.append((case.name, [quote for quote in quotes if len(quote.split()) >= 5]))
    return rows


def other_numbers(text: str) -> str:
    return re.sub(r"\d+", lambda match: str(int(match[0]) + 3), text)


def test_claims_in_other_words_are_supported_and_their_opposites_are_not() -> None:
    unseen = PAIRS[1::2]  # The half of the pairs that was not used to develop the check.
    right = [support(pair.claim, [pair.quote]) for pair in unseen]
    denied = [support(pair.negated, [pair.quote]) for pair in unseen]
    apart = [support(pair.claim, [other.quote]) for pair, other in zip(unseen, unseen[7:], strict=False)]
    assert right.count("supported") >= 0.9 * len(right)  # recall
    wrong = denied.count("supported") + apart.count("supported")
    assert right.count("supported") / (right.count("supported") + wrong) >= 0.95  # precision
    assert denied.count("contradicted") >= 0.9 * len(denied)
    assert set(apart) == {"unsupported"}


def test_the_pairs_are_of_the_bundled_cases() -> None:
    assert {pair.quote for pair in PAIRS} <= {quote for _, quotes in quotes_by_case() for quote in quotes}


def test_the_corpus_quotes_carry_themselves_and_not_one_another() -> None:
    same, apart, numbers, negated = (Counter[Verdict]() for _ in range(4))
    for name, quotes in quotes_by_case()[::4]:
        for quote, other in zip(quotes, [*quotes[1:], *quotes[:1]], strict=True):
            same[support(quote, [quote], [name])] += 1
            if other != quote:
                apart[support(quote, [other], [name])] += 1
            if other_numbers(quote) != quote:
                numbers[support(other_numbers(quote), [quote], [name])] += 1
            if verb := re.search(r"\b(?:is|are|can|has|have)\b", quote):
                denial = f"{quote[: verb.end()]} not{quote[verb.end() :]}"
                negated[support(denial, [quote], [name])] += 1
    assert set(same) == {"supported"}
    assert apart["supported"] <= 0.01 * apart.total()
    assert numbers["supported"] == 0
    assert negated["contradicted"] >= 0.98 * negated.total()


@pytest.mark.parametrize(
    ("claim", "quote", "verdict"),
    [
        ("It deletes records", "It deletes records", "supported"),
        ("Records are erased", "The agent deletes records in the CRM", "supported"),
        ("It sends no mail", "It sends mail on its own", "contradicted"),
        ("It sends mail", "It does not send mail", "contradicted"),
        ("It never sends mail without approval", "It sends mail without approval", "contradicted"),
        ("Approval is required for each call", "Approval is optional for each call", "contradicted"),
        ("It keeps 30 days of logs", "It keeps 90 days of logs", "contradicted"),
        ("It keeps logs for 30 days", "It keeps logs for days", "unsupported"),
        ("It sends mail through Salesforce", "It sends mail", "unsupported"),
        ("It transfers money between wallets", "It lists the weather of a city", "unsupported"),
        ("It is", "It is a tool", "unsupported"),
        ("It deletes records", "", "unsupported"),
        ("It deletes records", " … ", "unsupported"),
    ],
)
def test_one_claim(claim: str, quote: str, verdict: Verdict) -> None:
    assert support(claim, [quote] if quote else []) == verdict


def test_quotes_carry_a_claim_together_and_the_product_needs_none() -> None:
    claim, quotes = "It reads the calendar and books meetings through Zoom", ["It reads the customer's calendar"]
    assert support(claim, [*quotes, "It books meetings through Zoom"]) == "supported"
    assert support(claim, quotes) == "unsupported"
    assert support("Paperhawk deletes records", ["It deletes records"], ["Paperhawk"]) == "supported"
    assert support("Paperhawk deletes records", ["It deletes records"]) == "unsupported"


@pytest.mark.parametrize(
    ("claim", "quotes", "missing"),
    [
        ("It has 25 tools", ["There are 25 tools"], ()),
        ("It has three tools", ["There are 3 tools"], ()),
        ("It has 1000 tools", ["There are 1,000 tools"], ()),
        ("Version 2.1 of the API", ["It speaks v2.1 of the API"], ()),
        ("It has 26 tools", ["There are 25 tools"], ("26",)),
        ("Version 2.1.4 is current", ["Version 2.1 is current"], ("2.1.4",)),
        ("It was audited in March 2026", ["It was audited in 2026"], ("March",)),
        ("It was audited on 2026-03-04", ["It was audited"], ("2026", "03", "04")),
        ("Data goes to Amazon Bedrock", ["data goes to amazon bedrock"], ()),
        ("Data goes to Amazon Bedrock", ["data goes to Azure"], ("Amazon", "Bedrock")),
        ("Salesforce holds the data", ["The CRM holds the data"], ("Salesforce",)),
        ("Requests are logged", ["it logs"], ()),
        ("It calls gpt-4o through OAuth", ["It calls gpt-4o"], ("OAuth",)),
        ("APIs are called", ["An API is called"], ()),
        # Letters of a script without blanks stand beside a number or a name.
        ("It listens on 127.0.0.1.", ["127.0.0.1のループバックアクセスのみ"], ()),
        ("It listens on 127.0.0.1.", ["포트 127.0.0.1에서만"], ()),
        ("It listens on 127.0.0.1.", ["仅限127.0.0.1访问"], ()),
        ("It runs on Kubernetes.", ["Kubernetesポッドで実行します"], ()),
        ("It runs on Nomad.", ["Kubernetesポッドで実行します"], ("Nomad",)),
    ],
)
def test_what_the_quotes_do_not_have(claim: str, quotes: list[str], missing: tuple[str, ...]) -> None:
    assert foreign(claim, quotes) == missing


def test_fifty_invented_names_and_numbers_are_all_seen() -> None:
    quote = "The assistant reads tickets and writes answers into the help desk"
    invented = [f"{n * 7 + 13}" for n in range(25)] + [f"Zor{chr(97 + n)}ex" for n in range(25)]
    for item in invented:
        claim = f"The assistant reads tickets and writes answers into {item}"
        assert foreign(claim, [quote]) == (item,)
        assert support(claim, [quote]) == "unsupported"


def test_numbers_and_names_are_listed_in_order() -> None:
    assert numbers_of("Two of 1,200 rows, v3.1 and 50%") == ("2", "1200", "3.1", "50")
    assert names_of("The server runs on Node.js and I like it. GitHub hosts it") == ("Node.js", "GitHub")
