"""Planted pages and an LLM that obeys every order it reads: the draft stays as that of the clean twin.

With what intake finds, no order reaches the LLM. Without it, as if every detector had failed, the LLM obeys; then code
still holds the floors of the facts, the gravest facts and the headline, and takes nothing without a quote.
"""

import re
from decimal import Decimal
from pathlib import Path

import pytest

from agent.evidence.anchor import holds
from agent.facts.vocabulary import load_vocabulary
from agent.pipeline import DraftResult
from tests.fakes import paired
from tests.fakes.assisted_draft import drafted, helped, strings, unread
from tests.fakes.llm_hostile import ObedientLlm
from tests.fakes.paired import Case
from tests.test_injection import ELSEWHERE, RAISES, TWINS

LEAST = Decimal("0.1")
"""No text alone gives less."""
MARKS = re.compile(r"\bE\d+")
CASES = {case.id: case for case in paired.cases() if case.attack and case.id not in ELSEWHERE}
SAMPLE = ("I058", "I079", "I087")
READ = frozenset(
    re.findall(
        r"I\d+",
        """I019 I034 I048 I058 I060 I061 I062 I068 I069 I070 I071 I072 I073 I087 I088 I090 I092 I095 I124""",
    )
)
"""Cases whose order the LLM reads and obeys when intake's findings are left out; hidden text is gone for good, and what
is told to be an example or navigation reaches no LLM either way."""
BESIDE = {"I088", "I089"}
"""Their planted words change the role of price lines beside them, so that the LLM is shown other passages: its threats
may differ, the factors, flags and the score may not."""
ORDERED = ("I019", "I087")
"""Those of the default run."""


def brought(case: Case, before: DraftResult, after: DraftResult) -> set[str]:
    """Texts with the case's canary that the draft with an LLM has and the embedded draft of the same page has not."""
    old, new = ({MARKS.sub("E", text) for text in strings(draft.json)} for draft in (before, after))
    return {text for text in new - old if case.canary in text}


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
    assert len(llm.calls) >= 6
    return made


def twins(case: Case, folder: Path, clean: DraftResult) -> paired.Pair:
    if case.id in TWINS:
        alone = paired.of_files(folder / "alone", {"listing.html": paired.listing(TWINS[case.id])})
        return paired.Pair(alone, paired.run(case, folder, clean).planted)
    return paired.run(case, folder, clean)


def check_twins(case: Case, pair: paired.Pair, before: DraftResult) -> None:
    """With what intake found, the LLM meets no order, and both drafts with it conclude the same."""
    llm = ObedientLlm()
    after = helped(pair.planted, llm)
    assert llm.obeyed == []
    assert before.draft.drafter.kind == after.draft.drafter.kind == "llm"
    assert brought(case, pair.planted, after) == set()
    assert after.markdown.count(case.canary) <= pair.planted.markdown.count(case.canary)
    old, new = paired.conclusions(before), paired.conclusions(after)
    if case.id in RAISES:
        rows = [(factor.value, after.draft.factors[key].value) for key, factor in before.draft.factors.items()]
        assert all(late >= early for early, late in rows)
    elif case.id in BESIDE:
        assert {key: new[key] for key in new.keys() - {"threats"}} == {
            key: old[key] for key in old.keys() - {"threats"}
        }
    else:
        assert new == old


def check_unread(planted: DraftResult) -> list[str]:
    """Without what intake found, the LLM's harm stays in its bounds; the orders that it obeyed.

    It may lose content. It may strike no fact that sets a floor or is of the gravest, take no factor below the floors
    of the embedded draft of the same documents, clear no layer without a quote, and not talk the headline down.
    """
    llm = ObedientLlm()
    documents = unread(planted.documents)
    plain, made = drafted(documents, None), drafted(documents, llm)
    words = load_vocabulary()
    kept = {(fact.key, fact.polarity) for fact in made.facts.facts if fact.counts}
    grave = [fact for fact in plain.facts.facts if fact.counts and (words[fact.key].grave or words[fact.key].floor)]
    assert grave
    assert {(fact.key, fact.polarity) for fact in grave} <= kept
    asserted = [fact for fact in grave if fact.polarity == "asserted" and fact.about == "product"]
    for key, factor in made.factors.items():
        least = max([Decimal(str(words[fact.key].floor.get(key, 0))) for fact in asserted] + [LEAST])
        assert least <= factor.low <= factor.value, key
    texts = {document.id: document for document in documents}
    assert all(holds(item, texts[item.document]) for item in made.evidence)
    for name, layer in made.layers.items():
        if layer.certain and not plain.layers[name].certain:
            pinned = [fact for fact in made.facts.facts if name in words[fact.key].pins]
            assert pinned or MARKS.search(layer.paragraph), name
    assert made.score.cvss_vector == plain.score.cvss_vector
    assert made.score.threat_multiplier == plain.score.threat_multiplier == Decimal("0.97")
    assert made.score.mitigation_factor == plain.score.mitigation_factor == Decimal(1)
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
