"""The LLM's words for posture and questions: what may stand, what is refused and why, and what stays code's."""

import dataclasses

import pytest

from agent.drafting_old.assisted.checking import Shown
from agent.drafting_old.assisted.proposals import NOT_ANSWERED, Notes
from agent.drafting_old.assisted.shapes import Claim, PostureAnswer, QuestionsAnswer, Quote, Worded
from agent.drafting_old.assisted.words import MAX_ASKED, posture, posture_asks, questions, questions_asks
from agent.drafting_old.calibrate import load_calibration
from agent.drafting_old.composition import Composition
from agent.drafting_old.embedded import compose
from agent.drafting_old.posture import Stance
from agent.evidence.reading import Reading
from agent.records import Missing, Question
from tests.fakes import proposed

READS = "Quill reads support tickets and sends replies to customers."
POSTS = "It posts each reply with the OAuth token of the signed-in user."
STORES = "Quill stores every conversation in a Postgres database."
STANCE = Stance(
    deeds=("send replies", "move mail"),
    does="Quill can send replies (E1)",
    credential="the OAuth token of the user",
    authority="it does so with the OAuth token of the user (E2)",
    exposed="High before controls: tickets can steer it, and no sentence says who confirms sending replies.",
    unknown="Not pinned: L1 and L5; missing above all: a named LLM.",
)
CODE = f"{STANCE.exposed} {STANCE.unknown}"


@pytest.fixture(scope="module")
def reading() -> Reading:
    return proposed.read(proposed.document(2, proposed.PLATFORM, about="platform"))


@pytest.fixture(scope="module")
def seen(reading: Reading) -> Shown:
    return proposed.shown(reading)


@pytest.fixture(scope="module")
def interim(reading: Reading) -> Composition:
    return compose(reading, name="Quill", calibration=load_calibration())


def stanced(
    seen: Shown, paragraph: str, quotes: tuple[str, ...] = (READS, POSTS, STORES), *, stance: Stance = STANCE,
    claims: tuple[Claim, ...] = (),
) -> tuple[str, Notes, tuple[str, ...]]:  # fmt: skip
    """The posture from one answer, its notes, and the quotes that it cites; one claim for each quote as a rule."""
    answer = PostureAnswer(
        quotes=[proposed.quote(text, seen) for text in quotes],
        sufficiency="sufficient",
        claims=list(claims or (proposed.claim(text, number) for number, text in enumerate(quotes, start=1))),
        paragraph=paragraph,
    )
    ledger = proposed.ledger(seen.reading)
    proposals = dataclasses.replace(proposed.nothing(seen), posture=proposed.item(answer, seen))
    text, notes = posture(stance, proposals, ledger)
    return text, notes, tuple(entry.quote for entry in ledger.evidence())


# ---------------------------------------------------------------- posture


def test_the_first_sentence_is_the_llms_and_the_others_are_codes(seen: Shown) -> None:
    text, notes, cited = stanced(seen, READS)
    assert text == f"{READS[:-1]} (E1); {STANCE.authority}. {CODE}"
    assert cited == (READS,)
    assert [(part.part, part.by, part.missing) for part in notes.made] == [("posture", "both", None)]
    assert notes.dropped == ()


def test_a_credential_that_the_llm_names_is_not_told_twice(seen: Shown) -> None:
    text, _, cited = stanced(seen, f"{READS} {POSTS}")
    assert text == f"{READS[:-1]} (E1). {POSTS[:-1]} (E2). {CODE}"
    assert cited == (READS, POSTS)


def test_where_code_knows_no_credential_a_quoted_one_is_not_denied(seen: Shown) -> None:
    unstated = STANCE._replace(credential="", authority="with whose credential is not stated")
    assert unstated.authority in stanced(seen, READS, stance=unstated)[0]
    assert unstated.authority not in stanced(seen, f"{READS} {POSTS}", stance=unstated)[0]


def test_two_sentences_are_taken_at_most(seen: Shown) -> None:
    text, notes, _ = stanced(seen, f"{READS} {STORES} {POSTS}")
    assert POSTS[:-1] not in text
    assert "at most 2 sentences of 60 words together are taken" in [row.reason for row in notes.dropped]


def test_sixty_words_are_taken_at_most(seen: Shown) -> None:
    # The same fact over and over: each sentence is carried, the two of them are too long.
    long = "Quill reads support tickets and sends replies to customers" + " and sends replies to customers" * 5
    text, notes, _ = stanced(seen, f"{long}. {long} and reads support tickets.")
    assert text.startswith(f"{long} (E1)")
    assert "reads support tickets (E" not in text
    assert len(notes.dropped) == 1


@pytest.mark.parametrize(
    ("sentence", "reason"),
    [
        ("Quill reads support tickets and sends replies to customers at low risk.", "severity"),
        ("Quill reads critical support tickets and sends replies to customers.", "severity"),
        ("Quill reads support tickets and scores replies to customers.", "severity"),
        ("Quill safely reads support tickets and sends replies to customers.", "severity"),
        ("Quill reads support tickets and sends excellent replies to customers.", "praise"),
        ("You should let Quill read support tickets and send replies to customers.", "advice"),
        ("Quill reads support tickets and sends replies to customers after approval.", "control"),
        ("Quill reads support tickets and sends replies to customers (E7).", "marks"),
        ("Quill reads support tickets and sends replies to **customers**.", "markup"),
        ("Quill reads support tickets and sends replies to customers@ink.example.", "markup"),
        ("Quill reads support tickets and sends replies to [customers](https://evil.example).", "markup"),
        ("Quill reads support tickets and sends replies\u200b to customers.", "print"),
        ("Quill reads support tickets and sends 40 replies to customers.", "not carried"),
        ("Quill reads support tickets and sends replies to Zanzibar customers.", "not carried"),
        ("Does Quill read support tickets and send replies to customers?", "question"),
        ("Quill keeps nothing.", "not carried"),
        ("Send replies to customers and read support tickets.", "name the product"),
    ],
)
def test_a_sentence_that_may_not_stand_is_left_out(seen: Shown, sentence: str, reason: str) -> None:
    text, notes, _ = stanced(seen, f"{sentence} {READS}")
    assert text == stanced(seen, READS)[0]
    assert any(reason in row.reason and row.what.startswith("sentence of the LLM, posture: ") for row in notes.dropped)


def test_a_control_is_left_to_the_sentence_that_tells_its_rank() -> None:
    reading = proposed.read(proposed.document(2, "Quill sends replies only after the approval of an administrator."))
    seen = proposed.shown(reading)
    control = "Quill sends replies only after the approval of an administrator."
    text, notes, _ = stanced(seen, control, (control,))
    assert text == STANCE.text
    assert any("control" in row.reason for row in notes.dropped)


def test_without_a_sentence_that_holds_the_claims_stand_in(seen: Shown) -> None:
    text, _, _ = stanced(seen, "An army of parrots governs the moon.")
    assert text.startswith(f"{READS[:-1]} (E1).")


def test_words_that_hide_what_the_product_does_above_all_do_not_replace_it(seen: Shown) -> None:
    text, notes, cited = stanced(seen, STORES, (STORES,))
    assert text == STANCE.text
    assert cited == ()
    assert notes.made[0].missing == Missing(
        reason="claims-dropped", detail="the LLM's sentences leave out what the product does above all"
    )
    assert stanced(seen, STORES, (STORES,), stance=STANCE._replace(deeds=(), authority=""))[0].startswith(STORES[:-1])


def test_quotes_about_the_platform_say_nothing_of_the_product(seen: Shown) -> None:
    stance = STANCE._replace(deeds=(), authority="")
    text, notes, _ = stanced(seen, proposed.PLATFORM, (proposed.PLATFORM,), stance=stance)
    assert text == stance.text
    assert notes.dropped


def test_a_liar_gets_nothing_in(seen: Shown) -> None:
    lies = (
        "Quill deletes all tickets at midnight.",
        "Quill never sends anything anywhere.",
        "Every reply is reviewed.",
    )
    text, notes, cited = stanced(seen, " ".join(lies), lies)
    assert text == STANCE.text
    assert cited == ()
    assert notes.made[0].by == "embedded"
    assert notes.made[0].missing is not None
    assert notes.made[0].missing.reason == "claims-dropped"
    assert {row.reason for row in notes.dropped} >= {"quote not found: quote 1", "not carried by the quotes"}


def test_a_true_quote_does_not_carry_another_claim(seen: Shown) -> None:
    answer = "Quill sends replies to nobody."
    assert stanced(seen, answer, (READS,), claims=(proposed.claim(answer, 1),))[0] == STANCE.text


def test_a_call_that_failed_leaves_the_embedded_posture_and_its_reason(seen: Shown) -> None:
    late = Missing(reason="timeout", detail="no answer in 30 s")
    proposals = proposed.nothing(seen)
    for missing, told in (({"posture": late}, late), ({}, NOT_ANSWERED)):
        text, notes = posture(STANCE, dataclasses.replace(proposals, missing=missing), proposed.ledger(seen.reading))
        assert text == STANCE.text
        assert [part.missing for part in notes.made] == [told]


def test_an_empty_answer_is_no_answer(seen: Shown) -> None:
    assert stanced(seen, "", ())[1].made[0].missing == NOT_ANSWERED


def test_the_parts_of_a_stance_make_its_text() -> None:
    assert STANCE.text == f"{STANCE.does}; {STANCE.authority}. {CODE}"
    assert STANCE._replace(authority="").text == f"{STANCE.does}. {CODE}"


def test_the_call_for_the_posture_names_findings_and_no_score(interim: Composition) -> None:
    (ask,) = posture_asks(interim)
    findings = str(ask.values["findings"])
    assert (ask.stage, ask.prompt, ask.shape) == ("posture", "posture", PostureAnswer)
    assert "build an index of old tickets; read support tickets" in findings
    assert "Foundation Models" in findings
    assert not any(char.isdigit() for char in findings)
    assert interim.product.posture.split(" before controls")[0].split()[-1] not in findings


# ---------------------------------------------------------------- questions

FIRST = "What does Quill keep of its support tickets after a session, where, for how long, and who can delete it?"
SECOND = "Which of the tools of Quill change replies, and can each be switched off?"
BETTER = "Which support tickets does Quill keep in Postgres after a session, where and how long, and who can delete it?"


def question(number: int, text: str) -> Question:
    return Question(id=f"Q{number}", text=text, proposed="So.", settles=("persistent_memory",), effect=0.4)


ASKED = (question(3, FIRST), question(4, SECOND))


def reworded(
    seen: Shown, *rows: tuple[str, str], points: dict[str, str] | None = None
) -> tuple[tuple[Question, ...], Notes]:
    """ASKED after an answer; the prompt had other ids for the same questions."""
    answer = QuestionsAnswer(questions=[Worded(point=point, text=text) for point, text in rows])
    known = {"Q1": FIRST, "Q2": SECOND} if points is None else points
    return questions(ASKED, dataclasses.replace(proposed.nothing(seen), questions=answer, points=known))


def test_a_question_is_worded_anew_and_keeps_all_else(seen: Shown) -> None:
    made, notes = reworded(seen, ("Q1", BETTER))
    assert made == (ASKED[0].model_copy(update={"text": BETTER}), ASKED[1])
    assert [(part.part, part.by, part.missing) for part in notes.made] == [("questions", "both", None)]
    assert notes.dropped == ()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("What does Quill keep?", "words"),
        (f"{BETTER[:-1]} {'and where ' * 30}?", "words"),
        (BETTER[:-1], "one question"),
        (f"{BETTER[:-1]}??", "one question"),
        (f"Quill keeps it. {BETTER}", "one question"),
        (f"{BETTER[:-1]} in Redis?", "Redis"),
        (f"{BETTER[:-1]} for 90 days?", "90"),
        (f"{BETTER[:-1]} (see https://evil.example)?", "markup"),
        (f"{BETTER[:-1]} or at evil.example?", "markup"),
        (f"{BETTER[:-1]} by a@b?", "markup"),
        (f"{BETTER[:-1]} <b>now</b>?", "markup"),
        (f"{BETTER[:-1]} (E1)?", "marks"),
        (f"{BETTER[:-1]} at low risk?", "severity"),
        (f"{BETTER[:-1]} in its excellent store?", "praise"),
        (f"{BETTER[:-1]} with the zanzibar canary?", "neither the question nor the passages"),
        ("Which public forum does Quill build its index of old tickets from?", "same"),
        ("Can you state that Quill reads support tickets and sends replies?", "same"),
    ],
)
def test_a_wording_that_may_not_stand_is_refused(seen: Shown, text: str, reason: str) -> None:
    made, notes = reworded(seen, ("Q1", text))
    assert made == ASKED
    (row,) = notes.dropped
    assert row.what.startswith("question of the LLM, questions: ")
    assert reason in row.reason
    assert notes.made[0].by == "embedded"
    assert notes.made[0].missing is not None


def test_a_point_that_was_not_asked_about_is_nobodys(seen: Shown) -> None:
    made, notes = reworded(seen, ("Q9", BETTER), ("Q2'; --", BETTER))
    assert made == ASKED
    assert {row.reason for row in notes.dropped} == {"no open point has this id"}


def test_two_wordings_of_one_point_are_both_refused(seen: Shown) -> None:
    assert reworded(seen, ("Q1", BETTER), ("Q1", BETTER))[0] == ASKED


def test_no_question_is_asked_twice(seen: Shown) -> None:
    assert reworded(seen, ("Q1", SECOND))[0] == ASKED
    near = FIRST.replace("session", "conversation")
    made, notes = reworded(seen, ("Q1", BETTER), ("Q2", BETTER), points={"Q1": FIRST, "Q2": near})
    assert [row.text for row in made] == [BETTER, SECOND]
    assert [row.reason for row in notes.dropped] == ["repeats another question"]


def test_a_question_that_is_asked_no_more_is_passed_over(seen: Shown) -> None:
    gone = FIRST.replace("session", "conversation")
    made, notes = reworded(seen, ("Q1", BETTER), points={"Q1": gone})
    assert made == ASKED
    assert notes.made[0].missing == NOT_ANSWERED


def test_the_same_words_again_are_no_fault(seen: Shown) -> None:
    made, notes = reworded(seen, ("Q1", FIRST))
    assert (made, notes.dropped) == (ASKED, ())


def test_what_is_dropped_shows_no_sign_that_does_not_print(seen: Shown) -> None:
    notes = reworded(seen, ("Q1", "Say\u202e it \x1b[31m loud \u200b" + "x" * 900))[1]
    (row,) = notes.dropped
    assert row.what.isprintable()
    assert len(row.what) < 400


@pytest.mark.parametrize(
    ("points", "missing", "detail"),
    [
        ({"Q1": FIRST}, {"questions": Missing(reason="refused", detail="it refused")}, "it refused"),
        ({"Q1": FIRST}, {}, NOT_ANSWERED.detail),
        ({}, {}, "no question was open, so the LLM was not asked"),
    ],
)
def test_without_an_answer_the_embedded_questions_stand(
    seen: Shown, points: dict[str, str], missing: dict[str, Missing], detail: str
) -> None:
    proposals = dataclasses.replace(proposed.nothing(seen), points=points, missing=missing)
    made, notes = questions(ASKED, proposals)
    assert made == ASKED
    assert [part.missing.detail for part in notes.made if part.missing] == [detail]


def test_the_first_questions_are_asked_about_by_their_ids(interim: Composition) -> None:
    many = tuple(question(number, f"{FIRST} {number}") for number in range(1, MAX_ASKED + 4))
    (ask,) = questions_asks(interim._replace(questions=many))
    lines = str(ask.values["open_points"]).splitlines()
    assert lines == [f"Q{number}: {FIRST} {number}" for number in range(1, MAX_ASKED + 1)]
    assert questions_asks(interim._replace(questions=())) == ()


def test_a_quote_of_a_passage_of_nobody_is_nothing(seen: Shown) -> None:
    answer = PostureAnswer(
        quotes=[Quote(passage="D9/0", text=READS)], sufficiency="sufficient",
        claims=[proposed.claim(READS, 1)], paragraph=READS,
    )  # fmt: skip
    proposals = dataclasses.replace(proposed.nothing(seen), posture=proposed.item(answer, seen))
    assert posture(STANCE, proposals, proposed.ledger(seen.reading))[0] == STANCE.text


def test_one_of_the_chief_deeds_is_enough(seen: Shown) -> None:
    """The first one may rest on a misread word, which an honest LLM leaves out."""
    stance = STANCE._replace(deeds=("tune quills", "send replies"))
    text, notes, _ = stanced(seen, READS, stance=stance)
    assert text.startswith(READS[:-1])
    assert notes.made[0].by == "both"
