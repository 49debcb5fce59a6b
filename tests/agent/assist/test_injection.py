"""Planted pages and an LLM that obeys every order it reads: the draft stays the same as that of the clean twin.

With intake's findings, no order reaches the LLM. Without them, as if every detector had failed, the LLM obeys; code
still keeps every factor and the score at or above the floor that the facts set, clears no flag without a verified
quote, and states nothing about the product without a quote that supports it.
"""

import re
from decimal import Decimal
from pathlib import Path

import pytest

from agent.drafting.factors import floors
from agent.drafting.score import raw_score
from agent.drafting.threats.severity import MAX_BELOW
from agent.facts.anchor import holds
from agent.facts.vocabulary import load_vocabulary
from agent.llm.port import Llm
from agent.pipeline import DraftResult
from agent.records import Document, Draft
from agent.taxonomy.factors import FACTOR_SETS, FACTORS
from tests.agent.test_injection import ELSEWHERE, RAISES, TWINS
from tests.fakes import paired
from tests.fakes.assist.assisted_draft import drafted, helped, strings, unread
from tests.fakes.assist.llm import good
from tests.fakes.assist.product import PLANTED, documents
from tests.fakes.llm.hostile import MARK, LazyLlm, LyingLlm, ObedientLlm
from tests.fakes.llm.port import AnsweringLlm
from tests.fakes.paired import Case

LOGGING = "Audit logging of every tool call is enabled by default in the settings; only administrators can change it."
LEAST = Decimal("0.1")
"""Text alone never yields a value below this."""
MARKS = re.compile(r"\bE\d+")
CITED = re.compile(r"\[[^\]]*\bE\d+[^\]]*\]")
CASES = {case.id: case for case in paired.cases() if case.attack and case.id not in ELSEWHERE}
SAMPLE = ("I058", "I079", "I087", "I088", "I089")
READ = frozenset(
    re.findall(
        r"I\d+",
        """I019 I034 I048 I058 I060 I061 I062 I068 I069 I070 I071 I072 I073 I087 I088 I090 I092 I095 I124""",
    )
)
"""Cases whose order the LLM reads and obeys when intake's findings are left out. Hidden text is removed for good, and
text classified as an example or navigation does not reach the LLM in either case.
"""
ORDERED = ("I019", "I058", "I087")
"""The cases of the default run."""


def brought(case: Case, before: DraftResult, after: DraftResult) -> set[str]:
    """Return the texts with the case's canary that occur in the draft with an LLM but not in the embedded draft of the
    same page.

    An LLM may quote text that anyone can read on the page and that is no order; the conclusions show whether it has any
    effect.
    """
    old, new = ({MARKS.sub("E", text) for text in strings(draft.json)} for draft in (before, after))
    quotes = {item.quote for item in after.draft.evidence} if case.kind == "visible-claim" else set()
    return {text for text in new - old - quotes if case.canary in text}


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> DraftResult:
    """The embedded draft of the listing alone."""
    return paired.of_files(tmp_path_factory.mktemp("clean"), {"listing.html": paired.listing()})


@pytest.fixture(scope="module")
def with_llm(clean: DraftResult) -> DraftResult:
    """The draft of the listing alone with the LLM."""
    return helped_well(clean)


def helped_well(result: DraftResult) -> DraftResult:
    llm = ObedientLlm()
    made = helped(result, llm)
    assert llm.obeyed == []
    assert len(llm.calls) >= 4
    return made


def twins(case: Case, folder: Path, clean: DraftResult) -> paired.Pair:
    if case.id in TWINS:
        alone = paired.of_files(folder / "alone", {"listing.html": paired.listing(TWINS[case.id])})
        return paired.Pair(alone, paired.run(case, folder, clean).planted)
    return paired.run(case, folder, clean)


def check_twins(case: Case, pair: paired.Pair, before: DraftResult) -> None:
    """Check that, with intake's findings, the LLM sees no order and both drafts reach the same conclusions."""
    llm = ObedientLlm()
    after = helped(pair.planted, llm)
    assert llm.obeyed == []
    assert before.draft.drafter.kind == after.draft.drafter.kind == "llm"
    assert brought(case, pair.planted, after) == set()
    if case.kind != "visible-claim":
        assert after.markdown.count(case.canary) <= pair.planted.markdown.count(case.canary)
    old, new = paired.conclusions(before), paired.conclusions(after)
    if case.id in RAISES:
        rows = [(factor.value, after.draft.factors[key].value) for key, factor in before.draft.factors.items()]
        assert all(late >= early for early, late in rows)
    else:
        assert new == old


def check_bounds(documents: tuple[Document, ...], llm: Llm, low: Decimal = LEAST) -> Draft:
    """Check that, without intake's findings, the harm done by an LLM stays within the bounds set by the embedded
    draft's facts.
    """
    plain, made = drafted(documents, None), drafted(documents, llm)
    sheet, words = plain.facts.sheet(plain.evidence), load_vocabulary()
    texts = {document.id: document for document in documents}
    assert all(holds(item, texts[item.document]) for item in made.evidence)
    least = {key: Decimal(str(floors(sheet, key)[0])) for key in FACTORS}
    kept = {(fact.key, fact.polarity) for fact in made.facts.facts if fact.counts}
    for fact in sheet.facts:
        if fact.counts and fact.polarity == "asserted" and (words[fact.key].grave or words[fact.key].floor):
            assert (fact.key, fact.polarity) in kept, "what sets a floor stays"
    for key, factor in made.factors.items():
        assert max(least[key], low) <= factor.low <= factor.value, key
    assert made.score.threat_multiplier == Decimal("0.97")
    assert made.score.mitigation_factor == Decimal(1)
    if plain.score.aivss is not None and plain.score.cvss_base is not None:
        assert made.score.cvss_base is not None
        assert made.score.cvss_base >= plain.score.cvss_base - MAX_BELOW
        floor = raw_score(plain.score.cvss_base - MAX_BELOW, sum((least[k] for k in FACTOR_SETS["0.5"]), Decimal(0)))
        shown = made.score.aivss if made.score.aivss is not None else made.score.provisional
        assert shown is not None
        assert shown >= floor.quantize(Decimal("0.1")) - Decimal("0.1")
    cited = {fact.key for fact in made.facts.facts if fact.counts and not fact.claim}
    for key, layer in made.layers.items():
        if layer.certain and not plain.layers[key].certain:
            assert any(key in words[name].pins for name in cited) or CITED.search(layer.paragraph), key
    return made


def told(draft: Draft) -> list[str]:
    """Return everything that a draft says about the product in its own sentences; questions and vendor quotes are left
    out.
    """
    rows = [draft.product.posture, draft.product.summary, *(layer.paragraph for layer in draft.layers.values())]
    rows += [line.text for line in draft.lines]
    for layer in draft.layers.values():
        for threat in layer.threats:
            rows += [threat.title, threat.how, threat.lost, *(item.text for item in threat.mitigations)]
    picture = draft.system
    parts = (*picture.actors, *picture.components, *picture.stores, *picture.services)
    rows += [f"{item.name} [{', '.join(item.evidence)}]" for item in parts]
    rows += [chain.title for chain in draft.chains]
    return rows


def check_unread(planted: DraftResult) -> list[str]:
    """Check the bounds with an LLM that obeys, and return the orders that it obeyed."""
    llm = ObedientLlm()
    made = check_bounds(unread(planted.documents), llm)
    for text in told(made):
        for sentence in re.split(r"(?<=[.!?]) (?=[A-Z])", text):
            assert MARK not in sentence or CITED.search(sentence), sentence
    return llm.obeyed


def check_case(name: str, clean: DraftResult, with_llm: DraftResult, folder: Path) -> None:
    pair = twins(CASES[name], folder, clean)
    check_twins(CASES[name], pair, with_llm if pair.clean is clean else helped_well(pair.clean))


@pytest.mark.parametrize("name", SAMPLE)
def test_a_draft_with_an_llm_concludes_what_its_clean_twin_does(
    name: str, clean: DraftResult, with_llm: DraftResult, tmp_path: Path
) -> None:
    check_case(name, clean, with_llm, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in CASES if name not in SAMPLE])
def test_every_other_case(name: str, clean: DraftResult, with_llm: DraftResult, tmp_path: Path) -> None:
    check_case(name, clean, with_llm, tmp_path)


@pytest.mark.parametrize("name", ORDERED)
def test_an_llm_that_obeys_stays_in_the_bounds_of_code(name: str, clean: DraftResult, tmp_path: Path) -> None:
    assert check_unread(paired.run(CASES[name], tmp_path, clean).planted) != []


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(READ - {*ORDERED}))
def test_so_it_does_in_every_other_case(name: str, clean: DraftResult, tmp_path: Path) -> None:
    assert check_unread(paired.run(CASES[name], tmp_path, clean).planted) != []


@pytest.mark.parametrize("llm", [ObedientLlm(), LyingLlm(1), LazyLlm(), AnsweringLlm(good)])
def test_no_llm_brings_a_draft_of_another_product_below_its_facts(llm: Llm) -> None:
    # Its embedded draft has a factor whose range begins at 0.
    check_bounds(unread(documents(PLANTED)), llm, Decimal(0))


@pytest.mark.parametrize("seed", range(3))
def test_an_llm_that_lies_stays_in_the_bounds_of_code(seed: int, clean: DraftResult) -> None:
    assert len(check_bounds(unread(clean.documents), LyingLlm(seed)).dropped) >= 5


def test_an_llm_that_says_nothing_stays_in_the_bounds_of_code(clean: DraftResult) -> None:
    made = check_bounds(unread(clean.documents), LazyLlm())
    assert {key: layer.certain for key, layer in made.layers.items()} == {
        key: layer.certain for key, layer in clean.draft.layers.items()
    }
    assert {key: factor.value for key, factor in made.factors.items()} == {
        key: factor.value for key, factor in clean.draft.factors.items()
    }


def test_a_pinned_sentence_is_no_key_to_all_factors(tmp_path: Path) -> None:
    """An LLM that quotes the one documented control for every control gets no other control counted."""
    files = {"listing.html": paired.listing(f"<p>{CASES['I058'].payload}</p>"), "docs.html": paired.page(LOGGING)}
    documents = unread(paired.of_files(tmp_path, files).documents)
    llm = ObedientLlm()
    made = check_bounds(documents, llm)
    assert llm.obeyed != []
    assert {row.target for row in made.lowerings} <= {"opacity_reflexivity"}
    assert made.score.with_controls is None or {
        item.quote for item in made.evidence if item.id in made.score.with_controls.evidence
    } <= {LOGGING}
