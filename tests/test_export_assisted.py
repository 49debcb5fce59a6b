"""What the report and `explain` say of a draft with an LLM: who made what, how it was weighed, nothing that acts."""

import functools
import re
from decimal import Decimal

import pytest

from agent.export.authors import drafter_words, reason_words
from agent.export.draft_json import dump, load
from agent.export.explanation import explain, text
from agent.export.left_out import MAX_OF_A_KIND
from agent.export.markdown import MAX_MAIN_WORDS, render
from agent.export.report_screen import MAX_LINES
from agent.export.safe_markdown import all_words
from agent.export.sentences import change
from agent.records import (
    Draft,
    DrafterRef,
    Dropped,
    Evidence,
    FactorEstimate,
    Lowering,
    MadeBy,
    Missing,
    Part,
    Threat,
)
from agent.taxonomy.keys import FACTORS
from tests.fakes.assisted_draft import drafted
from tests.fakes.drafts import thin, workos
from tests.fakes.llm_answers import answer
from tests.fakes.llm_port import AnsweringLlm
from tests.fakes.paperhawk_reading import documents as paperhawk
from tests.fakes.stored_assisted import FOLDER, PROPOSED, TEXTS, golden, made


def section(report: str, heading: str) -> str:
    """The report from a heading to the next one of its level."""
    after = report.partition(f"\n{heading}")[2]
    return re.split(rf"\n#{{1,{heading.index(' ')}}} ", after)[0]


def dropping(draft: Draft, *rows: Dropped) -> Draft:
    return draft.model_copy(update={"dropped": rows})


# ---------------------------------------------------------------- who made what


def test_the_report_of_a_stored_draft_stays_as_it_was() -> None:
    assert render(golden(), TEXTS) == (FOLDER / "report" / "assisted.md").read_text("utf-8")


def test_the_first_screen_and_the_main_part_keep_their_size() -> None:
    lines = render(golden(), TEXTS).split("\n")
    end = lines.index("---")
    assert end + 1 <= MAX_LINES
    assert all_words(lines[end + 1 : lines.index("# Appendix")]) <= MAX_MAIN_WORDS


def test_the_first_line_names_the_llm_and_what_is_the_programs() -> None:
    line = render(golden()).split("\n")[2]
    assert "· drafted with the LLM generic/fake-1 in 16 of 23 parts; values, flags and score are the program's" in line
    assert "embedded drafter" not in line


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ((), "drafted with the LLM generic/fake-1; values, flags and score are the program's"),
        (("llm", "both"), "drafted with the LLM generic/fake-1; values, flags and score are the program's"),
        (("llm", "embedded"), "drafted with the LLM generic/fake-1 in 1 of 2 parts; values"),
        (("embedded",), "embedded drafter: the LLM generic/fake-1 was asked and nothing that it said is used"),
    ],
)
def test_the_words_for_the_drafter_count_its_parts(parts: tuple[str, ...], says: str) -> None:
    rows = tuple(MadeBy.model_validate({"part": f"p{n}", "by": by}) for n, by in enumerate(parts))
    assert drafter_words(made(golden(), *rows)).startswith(says)


def test_an_llm_without_a_name_is_still_one() -> None:
    drafter = DrafterRef(kind="llm", llm=None, prompts=())
    assert drafter_words(golden().model_copy(update={"drafter": drafter})).startswith("drafted with an LLM;")


def test_a_draft_that_fell_back_says_so_in_its_first_line() -> None:
    row = Dropped(what="drafting with generic/fake-1", reason="no answer")
    fallen = thin().model_copy(update={"dropped": (*thin().dropped, row)})
    assert "embedded drafter, since the LLM generic/fake-1 could not be had" in render(fallen).split("\n")[2]
    assert "| drafting with generic/fake-1 | no answer |" in render(fallen)
    assert " · embedded drafter · **findings**" in render(thin()).split("\n")[2]


@pytest.mark.parametrize("draft", [workos(), thin()], ids=["rich", "thin"])
def test_a_draft_without_an_llm_tells_of_none(draft: Draft) -> None:
    report, overview = render(draft), text(explain(draft))
    for word in ("Who made what", "the LLM proposes", "The LLM took", "rubric cards", "made by"):
        assert word not in report + overview


def test_parts_are_grouped_with_the_reasons_in_words() -> None:
    table = section(render(golden()), "### Who made what").partition("\n\n")[0]
    assert (
        "| factor values | 9 the LLM's value weighed with the estimate; 2 the estimate alone | Self-Modification and "
        "Multi-Agent Interactions: the LLM found that the quotes do not suffice (too-little-evidence) |" in table
    )
    assert "| 4 in the LLM's words; 3 in the program's words | L1, L2 and L3: the program holds" in table
    assert "there was no answer in time: no answer within 60 seconds, generic/fake-1, call questions (timeout)" in table
    assert table.count("\n| ") == 8


def test_a_part_without_a_reason_points_to_what_was_dropped() -> None:
    report = render(made(golden(), MadeBy(part="threats", by="embedded")))
    assert "| threats | the catalogue's alone | what it proposed is under Folded and dropped |" in report


def test_a_long_reason_is_cut_and_every_reason_has_words() -> None:
    long = reason_words(Missing(reason="bad-request", detail="word " * 200))
    assert long.startswith("the endpoint refused the request: word")
    assert len(long) < 250
    assert reason_words(Missing(reason="timeout", detail="")) == "there was no answer in time (timeout)"
    assert reason_words(Missing(reason="not-answered", detail="")) == "not-answered"


def test_what_the_llm_took_stands_in_two_sentences_and_not_in_the_manifest() -> None:
    method = section(render(golden()), "## Method, limits, manifest")
    assert re.search(r"- The LLM took 8 calls: [\d,]+ tokens in, 14,000 of them cached, [\d,]+ out \(as rep", method)
    assert re.search(r"\(as reported\), \$0\.0\d{3}\n", method)
    assert re.search(r"- It proposed \d+ claims: \d+ said by their quotes, 0 made likely, 1 dropped; \d+ of", method)
    assert "| llm calls |" not in method
    assert "| statements |" in method
    free = golden().model_copy(update={"usage": {k: v for k, v in golden().usage.items() if k != "dollars"}})
    assert "(as reported), price not known\n" in render(free)


def test_cards_are_counted_and_prompts_named() -> None:
    method = section(render(golden()), "## Method, limits, manifest")
    assert re.search(r"\| prompts \| 18 rubric cards \(each in `draft\.json`\), instructions \d+ `\w{8}`,", method)
    assert "dynamic_tool_use" not in method
    assert "`dynamic_tool_use` 1 `" in render(load(FOLDER / "drafts" / "first-0.1.0.json"))


# ---------------------------------------------------------------- factors


def with_factor(draft: Draft, **changes: object) -> Draft:
    key = FACTORS[0]
    estimate = FactorEstimate.model_validate({**draft.factors[key].model_dump(), **changes})
    return draft.model_copy(update={"factors": {**draft.factors, key: estimate}})


def test_a_proposal_is_always_among_the_parts_that_are_told() -> None:
    parts = tuple(Part(kind="evidence", label=f"reason {n}", effect=0.1, evidence="E1") for n in range(6))
    proposal = Part(kind="proposal", label="the LLM proposes 0.6, weighed with the estimate", effect=0.0, evidence="E2")
    report = render(with_factor(golden(), parts=(*parts, proposal)))
    assert "reason 2 +0.10 (E1), the LLM proposes 0.6: +0.00 (E2), 3 more +0.30" in report


def test_what_held_a_value_stands_with_its_proposal() -> None:
    report = render(golden())
    assert (
        "the LLM proposes 0.0; held at the lower end of its range, as no quote of rank 3 bears it out: −0.18" in report
    )
    assert "weighed with the estimate:" not in report


def test_an_estimate_with_quotes_is_shown_with_them_when_the_llm_could_not_be_asked() -> None:
    mark = golden().evidence[0].id
    assert "| Autonomy of Action | " in render(with_factor(golden(), state="unknown", evidence=(mark,)))
    folded = render(with_factor(golden(), state="unknown", evidence=()))
    assert "| Autonomy of Action | " not in folded
    assert re.search(r"\*Not stated, typical for .*: Autonomy of Action \d", folded)


def test_what_an_llm_lowered_is_no_control() -> None:
    report = render(golden())
    lowered = [item for item in golden().lowerings if item.rule.startswith("an LLM")]
    assert len(lowered) == 3
    assert "an LLM" not in section(report, "## Claimed controls")
    assert section(report, "## Score").count("| an LLM proposes less, and this quote") == 3
    assert re.search(r"\| Contextual Awareness \| 0\.5 → 0\.3 \| “[^|]+” \(E\d+\), rank 1 \| an LLM", report)
    assert "lowers L5-content-in-logs 7.1 → 6.8" in section(report, "## Claimed controls")


@pytest.mark.parametrize(("rank", "counted"), [(2, "no"), (3, "yes")])
def test_a_control_counts_by_way_of_a_proposal_only_from_rank_three_on(rank: int, counted: str) -> None:
    words = "Every action requires approval by an administrator before it runs."
    quote = Evidence.model_validate({**workos().evidence[1].model_dump(), "quote": words, "rank": rank})
    row = Lowering(
        evidence=quote.id, rank=rank, rule="an LLM proposes less, and so", target=FACTORS[0], before=0.53, after=0.52
    )
    others = tuple(item for item in workos().evidence if item.id != quote.id)
    report = render(workos().model_copy(update={"evidence": (*others, quote), "lowerings": (row,)}))
    told = next(line for line in report.split("\n") if line.startswith(f"| “{words}” ({quote.id})"))
    assert f"| {rank} | {counted} |" in told
    assert ("lowers Autonomy of Action 0.53 → 0.52" in told) == (counted == "yes")


def test_a_change_that_one_decimal_hides_has_two() -> None:
    assert change(0.53, 0.52) == "0.53 → 0.52"
    assert change(0.56, 0.54) == "0.6 → 0.5"
    row = golden().lowerings[-1].model_copy(update={"before": 0.45, "after": 0.45})
    assert "| 0.45, rounded |" in render(golden().model_copy(update={"lowerings": (row,)}))


# ---------------------------------------------------------------- threats and what was dropped


def with_threat(draft: Draft, **changes: object) -> Draft:
    """The draft with its proposed threat changed."""
    layers = {
        key: layer.model_copy(
            update={"threats": tuple(t.model_copy(update=changes) if t.id == PROPOSED else t for t in layer.threats)}
        )
        for key, layer in draft.layers.items()
    }
    return draft.model_copy(update={"layers": layers})


def proposed(draft: Draft) -> Threat:
    return next(t for layer in draft.layers.values() for t in layer.threats if t.id == PROPOSED)


def test_a_threat_of_the_llm_is_marked_wherever_it_stands() -> None:
    report = render(golden())
    origin = re.search(r"- Proposed by the LLM, severity of (#\d+) `([\w-]+)`; .*\n- `ASI", report)
    assert origin is not None
    assert f"id `{PROPOSED}`" in report
    assert re.search(rf"- \*\*#\d+\*\* .*, claimed, \*proposed by the LLM, severity of {origin[1]}\* \(E\d+\)", report)
    assert f"made by                    proposed by the LLM, severity of {origin[1]} {origin[2]}\n" in text(
        explain(golden(), PROPOSED)
    )
    assert f"(proposed by the LLM, severity of {origin[1]})" in " ".join(text(explain(golden())).split())
    known = next(t for layer in golden().layers.values() for t in layer.threats if t.id == origin[2])
    assert known.score == proposed(golden()).score
    assert report.count("Proposed by the LLM") == 1


def test_of_like_severities_that_of_the_same_layer_is_named() -> None:
    first = golden().layers["deployment_infrastructure"].threats[0]
    own = golden().layers["security_compliance"].threats[0]
    assert not {first.id, own.id} & {PROPOSED}
    alike = with_threat(golden(), score=first.score)
    other = {
        key: layer.model_copy(
            update={
                "threats": tuple(
                    threat.model_copy(update={"score": first.score}) if threat.id == own.id else threat
                    for threat in layer.threats
                )
            }
        )
        for key, layer in alike.layers.items()
    }
    assert f"- Proposed by the LLM, severity of #1 `{first.id}`" in render(alike)
    assert re.search(
        rf"- Proposed by the LLM, severity of #2 `{own.id}`", render(alike.model_copy(update={"layers": other}))
    )


def test_a_draft_that_keeps_whose_severity_it_is_is_believed() -> None:
    """Several known threats may be as grave, and the one that counts may not be shown."""
    shown = [t for layer in golden().layers.values() for t in layer.threats if t.id != PROPOSED]
    for threat in shown:
        report = render(with_threat(golden(), like=threat.id))
        assert re.search(rf"- Proposed by the LLM, severity of #\d+ `{threat.id}`", report)
    gone = with_threat(golden(), like="elsewhere")
    assert "- Proposed by the LLM, severity of a known one that is not shown (`elsewhere`); " in render(gone)
    told = " ".join(text(explain(gone, PROPOSED)).split())
    assert "severity of a known one that is not shown: elsewhere" in told


def test_a_grave_one_is_marked_in_the_first_screen_with_its_remedy() -> None:
    score = proposed(golden()).score.model_copy(update={"aivss": Decimal("9.9"), "cvss_vector": "none"})
    screen = render(with_threat(golden(), score=score)).partition("\n---\n")[0]
    assert re.search(
        r"\n\| 1 \| L6 \| .*\. \*\(proposed by the LLM, severity of a known one that is not shown\)\* \|", screen
    )
    assert re.search(r"\n- \*\*Vendor\*\*: Have a person confirm .* \(#1, proposed by the LLM\)", screen)


def test_a_title_alone_is_marked_too() -> None:
    long = {key: layer.model_copy(update={"paragraph": "word " * 75}) for key, layer in golden().layers.items()}
    main = render(golden().model_copy(update={"layers": long})).partition("# Appendix")[0]
    assert re.search(r"- \*\*#\d+\*\* Planted text \D* \(E\d+\) \*\(proposed by the LLM\)\*\n", main)


def test_rows_on_the_llm_stand_behind_the_programs_in_their_order() -> None:
    draft = dropping(
        golden(),
        Dropped(what="flow of the LLM, system: number 1", reason="a flow is drawn already"),
        Dropped(what="claim of the LLM, layers/agent_frameworks: It flies.", reason="not carried by the quotes"),
        Dropped(what="part of the LLM, system: number 2", reason="it is drawn already"),
        Dropped(what="replies of the LLM", reason="was fenced"),
        Dropped(what="part of the LLM, system: number 4", reason="it is drawn already"),
        Dropped(what="part of the LLM, system: number 3", reason="it has no quote"),
        Dropped(what="threat L2-x: A title", reason="less relevant"),
    )
    assert section(render(draft), "## Folded and dropped").strip().split("\n")[2:] == [
        "| threat L2-x: A title | less relevant |",
        "| replies of the LLM | was fenced |",
        "| claim of the LLM, L3 Agent Frameworks: It flies. | not carried by the quotes |",
        "| part of the LLM, system: number 3 | it has no quote |",
        "| part of the LLM, system: numbers 2 and 4 | it is drawn already |",
        "| flow of the LLM, system: number 1 | a flow is drawn already |",
    ]


def test_a_flood_is_counted_and_hides_no_rare_fault() -> None:
    flood = [
        Dropped(what=f"claim of the LLM, threats number 1: claim {n}", reason="quote not found") for n in range(90)
    ]
    rare = Dropped(what="claim of the LLM, posture: It costs 7 dollars.", reason="number or name not in the quotes: 7")
    chain = Dropped(what="chain of the LLM, chains: A → B", reason="names a threat twice")
    draft = dropping(golden(), *flood, rare, chain)
    told = section(render(draft), "## Folded and dropped")
    assert told.count("claim of the LLM") == MAX_OF_A_KIND
    assert "It costs 7 dollars." in told
    assert "chain of the LLM" in told
    assert "In `draft.json` alone, on the LLM's proposals: 86 more rows (claim 86)" in told
    assert dump(draft).count("claim of the LLM") == 91


@functools.cache
def fresh() -> Draft:
    """A draft of today's drafter with an LLM that answers well."""
    return drafted(paperhawk(), AnsweringLlm(answer))


def test_todays_drafter_names_what_the_report_looks_for() -> None:
    """The report knows an LLM's lowerings, parts and drops by their words."""

    class Low:
        name = "fake/low"

        def __init__(self) -> None:
            self.inner = AnsweringLlm(lambda call: re.sub(r'"(value|low|high)": \d+', r'"\1": 0', answer(call)))
            self.complete, self.close = self.inner.complete, self.inner.close

    low = drafted(paperhawk(), Low())
    lowered = {item.target for item in low.lowerings if item.rule.startswith("an LLM")}
    assert lowered
    down = {k for k, f in low.factors.items() for part in f.parts if part.kind == "proposal" and part.effect < 0}
    assert lowered <= down
    table = section(render(low), "## Folded and dropped")
    for line in table.split("\n"):
        if " of the LLM" in line:
            assert re.match(r"\| [a-z]+ of the LLM(?:, [^:]+(?:: .*)?)? \| ", line), line
    assert "Proposed by the LLM, severity of #" in render(fresh())
