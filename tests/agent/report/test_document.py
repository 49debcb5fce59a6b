"""The report's tree: its order and size, where each mark leads, what it leaves out, and what the check of it finds."""

import re
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings, strategies as st

from agent.facts.vocabulary import load_vocabulary
from agent.records import Draft, Ease
from agent.report.conditions import legend
from agent.report.document import (
    MAX_FRONT_WORDS,
    Part,
    Report,
    Row,
    Span,
    Table,
    entries,
    front_words,
    refs,
    texts,
    words,
)
from agent.report.explain.explanation import explain, text
from agent.report.front_pages import LOOKED_FOR, PREFIX, is_prose
from agent.report.markdown import inline, render
from agent.report.prose import Prose, split
from agent.report.report import MAX_LINES, build, first_screen
from agent.report.view import View
from agent.review.domain.items import with_threats
from evals.metrics.report_check import FRONT, REFERENCE, check
from tests.fakes.drafts import thin, workos
from tests.fakes.report.fact_drafts import NIGHT, harbour, withheld

LONG = "The office reads a request and moves a berth without asking anyone about it [E2]. "


def said(part: Part | None) -> str:
    assert part is not None
    return " ".join("".join(span.text for span in text_) for text_ in texts(part))


def verbose(draft: Draft) -> Draft:
    """Return the draft with twelve times as much prose in every field of the first two pages."""
    much = LONG * 12
    told = with_threats(draft, lambda each: each.model_copy(update={"how": much, "lost": much[:60]}))
    layers = {key: layer.model_copy(update={"paragraph": much}) for key, layer in told.layers.items()}
    asked = tuple(
        draft.questions[0].model_copy(update={"id": f"Q{n}", "text": much, "why": much, "changes": much})
        for n in range(1, 10)
    )
    return draft.model_copy(
        update={
            "layers": layers,
            "questions": asked,
            "product": draft.product.model_copy(update={"posture": much}),
            "lines": tuple(line.model_copy(update={"text": much}) for line in draft.lines),
        }
    )


def advised(**told: object) -> Draft:
    draft = harbour()
    assert draft.advice is not None
    return draft.model_copy(update={"advice": draft.advice.model_copy(update=told)})


def remaining(**told: object) -> Draft:
    advice = harbour().advice
    assert advice is not None
    assert advice.residual is not None
    return advised(residual=advice.residual.model_copy(update=told))


def asking(**told: object) -> Draft:
    """Return the draft with changes to its first question."""
    first, *rest = harbour().questions
    return harbour().model_copy(update={"questions": (first.model_copy(update=told), *rest)})


def _led_to(report: Report) -> set[str]:
    """Return the targets of the marks on the first two pages."""
    return {
        mark
        for part in report.front
        for text in texts(part)
        for span in text
        if span.kind == "marks"
        for mark in span.ids
    }


# ---------------------------------------------------------------- order and size


@pytest.mark.parametrize("draft", [harbour(), withheld(), workos(), thin()], ids=["facts", "withheld", "rich", "thin"])
def test_parts_stand_in_order_in_every_draft_of_any_age(draft: Draft) -> None:
    report = build(draft)
    front = [part.key for part in report.front if part.key not in ("posture", "numbers")]
    assert tuple(front) == FRONT
    found = [part.key for part in report.reference if part.key not in ("abilities", "residuals")]
    assert found == [key for key in REFERENCE if key != "quotes" or key in found]
    assert ("quotes" in found) == any(mark[0] == "E" for mark in _led_to(report))
    assert front_words(report) <= MAX_FRONT_WORDS


@pytest.mark.parametrize("draft", [harbour(), withheld(), workos()], ids=["facts", "withheld", "older"])
def test_a_consistent_draft_has_no_problem(draft: Draft) -> None:
    assert check(build(draft)) == []


def test_two_pages_stay_two_pages_and_what_was_cut_stands_in_the_appendix() -> None:
    report = build(verbose(harbour()))
    assert front_words(report) <= MAX_FRONT_WORDS
    assert "Full text of passages shortened above" in said(report.part("evidence"))
    assert said(report.part("evidence")).count("moves a berth without asking") >= 12
    assert all(f"Q{n}" in said(report.part("evidence")) for n in range(1, 10))


def test_the_headline_comes_first_then_default_use_then_settings_then_assumptions() -> None:
    names = [item.threat.title for item in View(harbour()).threats]
    assert names == ["Prompt injection through requests", "Unattended night run", "Stolen office key"]
    report = build(harbour())
    assert report.headline == "T1"
    assert said(report.part("headline")).startswith("High 7.3 before controls ")
    assert "Critical 9.2 if night mode is on (T2: CVSS base 8.8, High)." in said(report.part("headline"))


def test_places_of_the_drafter_go_before_the_rule() -> None:
    draft = with_threats(harbour(), lambda t: t.model_copy(update={"place": 1 if t.basis == "assumed" else 2}))
    assert View(draft).threats[0].threat.title == "Stolen office key"


def test_one_scale_above_the_line() -> None:
    before = render(harbour()).partition("\n---\n")[0]
    chips = re.findall(r"^\*\*(Low|Medium|High|Critical) (\d+\.\d)\*\*[, ]", before, re.MULTILINE)
    assert chips == [("Medium", "5.9"), ("High", "8.8"), ("High", "7.6")]
    # AIVSS appears once, where the headline says how its score follows from the base.
    assert before.count("AIVSS") == 1


def test_a_withheld_score_shows_no_number_and_says_what_would_settle_it() -> None:
    report = build(withheld())
    shown = said(report.part("headline"))
    assert shown.startswith("Not scored: only one of 7 layers is certain")
    assert "The core threat, T1, has a CVSS base of 5.9 (Medium)." in shown, (
        "the severity does not depend on the layers"
    )
    assert "Answers to Q1 and Q2 would allow a score." in shown
    assert "before controls" not in shown
    assert "Proposed:" in said(report.part("posture"))
    assert report.headline == ""
    assert "Sum" not in said(report.part("numbers"))


def test_an_uncertain_layer_says_so_and_sets_commentary_apart() -> None:
    draft = harbour()
    general = "Tool servers usually leave the choice of the LLM to the client."
    led = f"? **Foundation models.** {PREFIX}{general}"
    assert led in render(draft).split("\n"), "an LLM writes of this product, and did not ask of the layer"
    commentary = f"? **Foundation models.** {PREFIX}*{general}*"
    embedded = draft.model_copy(update={"drafter": draft.drafter.model_copy(update={"kind": "embedded"})})
    assert f"{commentary} Q1 would settle it." in render(embedded).split("\n")


def test_a_residual_that_does_not_move_is_no_fall() -> None:
    assert "**7.6 High** (T3), as before." in render(harbour())
    assert "**5.1 Medium** (T3), down from 7.6." in render(remaining(after=Decimal("5.1")))


def eased(remains: str, changes: str) -> Draft:
    """Return the draft whose conditions, by `changes`, leave `remains` of the headline's base."""
    headline = View(harbour()).threats[0].threat.id
    return remaining(remains={headline: Decimal(remains)}, changes={headline: changes} if changes else {})


def test_a_base_that_hardly_falls_is_explained_by_what_was_changed() -> None:
    shown = said(build(eased("5.8", "AC:H/UI:A/VI:L")).part("conditions"))
    assert "CVSS gives little credit for human approval, a harder attack and a smaller impact" in shown
    fallen = said(build(eased("2.1", "VI:L")).part("conditions"))
    assert "T1 falls from 5.9 to 2.1 Low" in fallen
    assert "CVSS gives little credit" not in fallen
    assert "CVSS gives little credit" not in said(build(eased("5.9", "")).part("conditions"))


def test_an_llm_draft_opens_with_its_thesis_and_asks_in_a_list_that_marks_lead_to() -> None:
    shown = render(harbour())
    thesis = "**An assistant with the office's key assigns, moves and deletes berths** [E2]. What it reads"
    assert thesis in shown
    asked = build(harbour()).part("questions")
    assert asked is not None
    assert "Q1" in set(entries(asked))
    assert re.search(r"^- Q1 · \*\*[^*]+\?\*\* ", shown, re.M)
    drafter = harbour().drafter.model_copy(update={"kind": "embedded"})
    assert thesis not in render(harbour().model_copy(update={"drafter": drafter}))


def test_a_caveat_is_a_sentence_of_its_own_or_in_older_drafts_a_clause() -> None:
    def proposed(caveat: str) -> str:
        return said(build(advised(proposal="use with conditions", caveat=caveat)).part("posture"))

    assert proposed("Leave night mode off.").endswith("conditions below. Leave night mode off.")
    assert proposed("at night not before Q1 is answered").endswith("below; at night not before Q1 is answered.")


# ---------------------------------------------------------------- marks


def test_ids_of_the_catalogue_and_of_facts_become_ids_of_the_report() -> None:
    shown = render(harbour()).partition("# Appendix")[0]
    assert NIGHT not in shown
    assert "Read-only keys: T3 shrinks to disclosure." in shown
    assert "before the berth is gone [E5]." in shown
    assert "F00000005" not in shown


def test_absences_are_numbered_as_they_are_first_named_and_listed_with_where_they_were_looked_for() -> None:
    shown = render(harbour())
    assert "its lifetime is not stated [E2, N1]." in shown
    assert "| **Credentials** | The office's key. Its lifetime is not stated [N2]. |" in shown
    assert re.search(r"\| \[N1\] \| [^|]+ \| D1: eight statements, read by the LLM \|", shown)
    assert "Also looked for but not found: " in shown


def test_every_key_that_explains_a_gap_is_in_the_vocabulary() -> None:
    assert {key for keys in LOOKED_FOR.values() for key in keys} <= {key.id for key in load_vocabulary()}


def test_each_mark_leads_to_an_entry() -> None:
    report = build(harbour())
    known = {mark for part in (*report.front, *report.reference) for mark in entries(part)}
    parts = (*report.front, *report.reference)
    named = {mark for part in parts for text_ in texts(part) for span in text_ for mark in span.ids}
    assert named <= known


MARKED = st.lists(st.sampled_from(["E1", "E2", "E7", "N:retention", "F00000003"]), min_size=1, max_size=3)


@settings(deadline=None)
@given(MARKED, MARKED, st.sampled_from([".", "!", "?", ""]))
def test_a_sentence_has_one_group_of_marks_before_its_end(first: list[str], second: list[str], end: str) -> None:
    prose = Prose(harbour(), {})
    made = prose.sentence(f"It moves [{', '.join(first)}] the boats ({', '.join(second)}){end}")
    groups = [span for span in made if span.kind == "marks"]
    assert len(groups) == 1
    assert set(groups[0].ids) == set(prose.resolved((*first, *second)))
    assert "".join(span.text for span in made if span.kind != "marks").replace(" ", "") == f"Itmovestheboats{end}"


@given(st.lists(st.sampled_from(["It moves boats [E1].", "Who asks? [E2]", "“It waits.” [E3]", "Then."]), max_size=6))
def test_sentences_keep_the_marks_behind_their_full_stop(sentences: list[str]) -> None:
    assert list(split(" ".join(sentences))) == sentences


@given(st.text(max_size=120))
def test_no_word_is_lost(raw: str) -> None:
    shown = Prose(harbour(), {}).text(raw)
    # Keys of factors and layers are put into words, without their underscores.
    assert re.sub(r"[\W_]", "", "".join(span.text for span in shown if span.kind != "marks")) == re.sub(
        r"[\W_]", "", re.sub(r"[\[(](?:[EN][1-9]\d*|F[0-9a-f]{8,16}|N:[a-z]\w+)[\])]", "", " ".join(raw.split()))
    )


# ---------------------------------------------------------------- what the check finds


def with_posture(raw: str) -> Draft:
    return harbour().model_copy(update={"product": harbour().product.model_copy(update={"posture": raw})})


@pytest.mark.parametrize(
    ("posture", "problem"),
    [
        ("It moves berths [E99].", "E99 is mentioned but not listed in the appendix"),
        ("It moves berths, see T9.", "T9 is mentioned but not listed in the appendix"),
        ("It moves berths; Q7 asks.", "Q7 is mentioned but not listed in the appendix"),
        ("Nobody is asked [N:encryption].", "N:encryption is mentioned but not listed in the appendix"),
        ("The vendor hosts it for the office. The vendor hosts it for the office.", "said 2 times: the vendor hosts"),
        ("Its runs_commands is worrying.", "posture mentions the key runs_commands"),
    ],
)
def test_what_a_sentence_may_not_do_is_found(posture: str, problem: str) -> None:
    assert any(found.startswith(problem) for found in check(build(with_posture(posture))))


def test_a_control_that_counts_and_changes_nothing_is_found() -> None:
    controls = tuple(control.model_copy(update={"counted": True}) for control in harbour().controls)
    found = check(build(harbour().model_copy(update={"controls": controls, "factors": {}})))
    assert found == ["a control counts but changes no metric: each call is kept in a log "]


def test_too_many_words_a_missing_part_and_a_wrong_order_are_found() -> None:
    report = build(harbour())
    assert "the part layers is missing" in check(without(report, "layers"))
    assert "the part evidence is missing" in check(without(report, "evidence"))
    longer = replace(report, notices=(words("word " * MAX_FRONT_WORDS),))
    assert any(f"more than {MAX_FRONT_WORDS}" in problem for problem in check(longer))
    threats = report.part("threats")
    assert threats is not None
    turned = Table(("", ""), (Row((refs("T2"), words("x"))), Row((refs("T1"), words("y")))))
    other = replace(threats, blocks=(turned, *threats.blocks[1:]))
    wrong = replace(report, front=tuple(other if part is threats else part for part in report.front))
    assert "the headline T1 is not first; T2 is" in check(wrong)
    assert any("the parts are in the order" in found for found in check(replace(report, front=report.front[::-1])))


def without(report: Report, key: str) -> Report:
    return replace(
        report,
        front=tuple(part for part in report.front if part.key != key),
        reference=tuple(part for part in report.reference if part.key != key),
    )


def test_an_uncertain_layer_without_its_prefix_is_found() -> None:
    report = build(harbour())
    layers = report.part("layers")
    assert layers is not None
    bare = replace(layers, blocks=tuple(replace(b, text=(Span("? It is fine."),)) for b in layers.blocks))  # type: ignore[call-arg]
    wrong = replace(report, front=tuple(bare if part is layers else part for part in report.front))
    assert any(problem.startswith("an uncertain layer") for problem in check(wrong))


# ---------------------------------------------------------------- terminal and explanations


@pytest.mark.parametrize("draft", [harbour(), withheld(), verbose(harbour()), thin()])
def test_the_first_screen_fits_a_terminal(draft: Draft) -> None:
    lines = first_screen(View(draft))
    assert len(lines) <= MAX_LINES
    assert all(len(line) <= 102 for line in lines)
    assert lines[0] == f"{draft.product.name}: agentic threat model"
    assert any(line.startswith("  L1 ") for line in lines)


def test_a_terminal_is_sent_no_control_characters() -> None:
    shown = "\n".join(first_screen(View(with_posture("Red \x1b[31m text \u202e turned"))))
    assert "\x1b" not in shown
    assert "⟨U+202E⟩" in shown


@pytest.mark.parametrize(
    ("item", "says"),
    [
        ("T1", ("basis                      quoted", "F00000001", "reads text that outsiders can write", "E3", "UI:A")),
        ("T2", ("needs a setting: if night mode is on", "F00000005")),
        ("F00000004", ("asks a person before it acts", "read by", "llm", "E4", "Every deletion waits")),
        ("dynamic_tool_use", ("0.7, likely 0.6–0.8", "Facts", "Quotes")),
        ("L3", ("certain, certainty 0.90", "F00000002")),
        ("Q2", ("It decides what a theft is worth.", "an answer changes")),
        ("E4", ("counted", "F00000004")),
    ],
)
def test_items_of_a_draft_with_facts_are_explained(item: str, says: tuple[str, ...]) -> None:
    shown = text(explain(harbour(), item))
    for words_ in says:
        assert words_ in shown


def test_a_graver_threat_is_named_only_with_what_it_needs() -> None:
    plain = with_threats(harbour(), lambda one: one.model_copy(update={"basis": "quoted"}))
    shown = said(build(plain).part("headline"))
    assert "Based on " in shown
    assert "Critical 9.2 if night mode is on" in shown


def test_the_name_of_a_further_danger_keeps_its_code() -> None:
    shown = render(advised(also=("SSRF through `web_fetch`: A planted address may reach inner services.",)))
    assert "- **SSRF through** `web_fetch`" in shown
    assert "A planted address may reach inner services." in shown


def test_contradictions_of_the_sources_have_a_part_of_their_own_with_marks() -> None:
    told = "A person confirms each mail, yet mails are sent at once, so the promise is unsure [E2]."
    report = build(advised(conflicts=(told,)))
    part = report.part("conflicts")
    assert "so the promise is unsure" in said(part)
    assert "E2" in _led_to(report)
    assert build(harbour()).part("conflicts") is None


def test_a_score_that_holds_with_a_setting_alone_says_so_in_its_title() -> None:
    needy = with_threats(harbour(), lambda one: one.model_copy(update={"setting": "night mode is on"}))
    part = build(needy).part("headline")
    assert part is not None
    assert "".join(span.text for span in part.title).endswith("before controls, if night mode is on")


def test_what_an_answer_changes_says_that_it_is_of_the_bad_one() -> None:
    assert harbour().drafter.kind == "llm"
    bad = said(build(asking(changes="The office keeps the agent out of the night shift.")).part("questions"))
    assert "Worst case: The office keeps the agent out" in bad
    conditional = said(build(asking(changes="If it cannot, the office keeps the agent out.")).part("questions"))
    assert "Worst case: If" not in conditional


def test_a_question_says_which_threats_a_good_answer_lowers_and_which_it_makes_rarer() -> None:
    top = {item.name: item.threat for item in View(harbour()).threats}

    def shown(*eases: Ease, part: str = "questions") -> str:
        return said(build(asking(eases=eases)).part(part))

    lower = Ease(threat=top["T1"].id, after=Decimal("2.1"), changes="UI:A")
    rarer = Ease(threat=top["T2"].id, after=top["T2"].score.cvss_base)
    assert "Good answer: lowers T1; T2 less likely." in shown(lower, rarer)
    assert "Q1 T1 2.1 UI:A" in shown(lower, rarer, part="answers"), "the number recomputes from its metrics"
    assert "Good answer: T2 less likely." in shown(rarer)
    assert "Good answer" not in shown()


def test_what_the_conditions_leave_of_each_threat_on_the_page_recomputes_from_its_metrics() -> None:
    draft = harbour()
    shown = {item.name: item.threat for item in View(draft).threats[:2]}
    first, second = shown.values()
    advice = draft.advice
    assert advice is not None
    assert advice.residual is not None
    left = advice.residual.model_copy(
        update={"remains": {first.id: Decimal("2.1"), second.id: Decimal(0)}, "changes": {first.id: "UI:A"}}
    )
    told = build(draft.model_copy(update={"advice": advice.model_copy(update={"residual": left})}))
    assert "Remaining CVSS bases: T1 2.1 (UI:A), T2 no longer applies." in said(told.part("conditions"))
    elsewhere = left.model_copy(update={"remains": {"of-no-threat-shown": Decimal("2.1")}})
    told = build(draft.model_copy(update={"advice": advice.model_copy(update={"residual": elsewhere})}))
    assert "Remaining CVSS bases" not in said(told.part("conditions"))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (["UI:A"], "UI = human approval"),
        (["AC:H/VC:L", "SC:L"], "AC = a harder attack; VC and SC = what is read"),
        (["", "PR:L/VI:N/VA:L"], "PR = a login; VI = what is changed; VA = what is stopped"),
        ([""], ""),
    ],
)
def test_the_metrics_of_the_conditions_have_a_key(changes: list[str], told: str) -> None:
    assert legend(changes) == told


@pytest.mark.parametrize(
    ("quote", "prose"),
    [
        ("acts with the rights of the member", True),
        ("one command removes a berth, and nothing asks", True),
        ("Tool | Arguments | `berth`, `skipper`", False),
        ("return str(eval(expression))", False),
        ("Client->>Server: POST /mcp", False),
        ("harbour-cli --yes remove", False),
        ("Berth plans and notes", False),
    ],
)
def test_only_prose_is_quoted_beside_a_threat(quote: str, prose: bool) -> None:
    assert is_prose(quote) is prose


def test_an_address_with_a_placeholder_in_code_stays_code() -> None:
    quote = (Span("Open `https://<host>:7860` first.", "quote"),)
    assert inline(quote) == "“Open `https://‹host›:7860` first.”"
