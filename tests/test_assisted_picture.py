"""What an LLM adds to the system picture: only what quotes name, under the authority that code sees."""

import pytest

from agent.drafting_old.assisted import picture
from agent.drafting_old.assisted.asking import prompt
from agent.drafting_old.assisted.picture import MAX_PARTS, SIGNAL
from agent.drafting_old.assisted.picture_words import KINDS, stands, verb_of
from agent.drafting_old.assisted.proposals import CLAIMS_DROPPED, NOT_ANSWERED, Notes, Proposals
from agent.drafting_old.assisted.shapes import PictureAbility, PictureAnswer, PictureFlow, PictureItem
from agent.drafting_old.authority import find_approvals
from agent.drafting_old.calibrate import load_calibration
from agent.drafting_old.gazetteer import load_gazetteer
from agent.drafting_old.ledger import Ledger
from agent.drafting_old.system import extract
from agent.evidence.signals import load_signals
from agent.export.explanation import explain
from agent.export.markdown import render
from agent.export.mermaid import mermaid
from agent.llm.tokens import by_bytes
from agent.pipeline import draft_documents
from agent.records import Capability, Flow, Missing, System, SystemItem
from agent.settings import Settings
from tests.fakes import proposed
from tests.fakes.paperhawk_reading import CONSTANTS, documents, interim, ledger, page, quote, shown, shown_of

ARCHIVE = "Paperhawk copies scanned receipts to the archive of the auditor"
EXPORTS = "Nightly exports of the ledger go to Datadog"
LEDGER = "writes bookings into the ledger of the company"
PAYS = "It sends a payment file to the bank for every invoice that matches an order"
CONFIRMS = "makes an operator confirm each payment file"
NO_REDIS = "It does not use Redis"
MAIL = "updates the record when the supplier asks for it by mail"
KEY = "Paperhawk uses the API key of the finance team"
MAX_TOKENS = 500
"""By bytes, which is about a third too many."""


def part(name: str, group: str, kind: str, text: str) -> PictureItem:
    return PictureItem.model_validate({"quotes": [quote(text)], "group": group, "kind": kind, "name": name})


def ability(action: str, acted_on: str, *texts: str, mode: str = "write", **rest: str) -> PictureAbility:
    said = {"credential": "", "approver": "", **rest}
    return PictureAbility.model_validate(
        {"quotes": [quote(text) for text in texts], "action": action, "object": acted_on, "mode": mode, **said}
    )


def flow(source: str, target: str, what: str, *texts: str) -> PictureFlow:
    return PictureFlow(quotes=[quote(text) for text in texts], source=source, target=target, what=what)


def drawn(
    *rows: PictureItem | PictureAbility | PictureFlow, system: System | None = None, book: Ledger | None = None
) -> tuple[System, Notes]:
    answer = PictureAnswer(
        items=[row for row in rows if isinstance(row, PictureItem)],
        abilities=[row for row in rows if isinstance(row, PictureAbility)],
        flows=[row for row in rows if isinstance(row, PictureFlow)],
    )
    proposals = Proposals(shown(), CONSTANTS, picture=answer)
    return picture.drawn(system or interim().system, proposals, book or ledger())


def one_reason(notes: Notes) -> str:
    (row,) = notes.dropped
    return row.reason


def new_ability(system: System) -> Capability:
    (found,) = system.capabilities[len(interim().system.capabilities) :]
    return found


NOTHING = System(actors=(), components=(), stores=(), services=(), flows=(), boundaries=(), capabilities=())
RECEIPTS = ability("copies", "scanned receipts", ARCHIVE)
AUDITOR = part("auditor", "actor", "counterparty", ARCHIVE)
LEDGER_STORE = part("ledger of the company", "store", "database", LEDGER)


def test_parts_that_a_quote_names_are_added_with_the_next_id() -> None:
    book = ledger()
    system, notes = drawn(AUDITOR, LEDGER_STORE, part("The bank", "service", "pay", PAYS), book=book)
    before = interim().system
    assert system.actors[:-1] == before.actors
    assert system.actors[-1].id == f"A{len(before.actors) + 1}"
    assert [(i.name, i.kind, i.state) for i in system.actors[-1:]] == [("auditor", "counterparty", "claimed")]
    assert [book.quote(mark) for mark in system.actors[-1].evidence] == [f"{ARCHIVE}."]
    assert [i.name for i in system.stores] == [*(i.name for i in before.stores), "ledger of the company"]
    assert [i.name for i in system.services] == [*(i.name for i in before.services), "bank"]
    assert notes.dropped == ()
    assert [(made.part, made.by, made.missing) for made in notes.made] == [("system", "both", None)]


def test_a_part_joins_the_boundary_in_which_all_its_like_are() -> None:
    system, _ = drawn(part("bank", "service", "pay", PAYS), AUDITOR)
    around = {boundary.name: boundary.members for boundary in system.boundaries}
    assert around["third-party services"] == ("X1", "X2")
    assert "A3" not in {member for members in around.values() for member in members}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (part("payment file to the bank for every invoice", "store", "files", PAYS), "more than 6 words"),
        (part("Stripe", "service", "pay", PAYS), "names it letter by letter"),
        (part("the", "service", "pay", PAYS), "says nothing"),
        (part("when the supplier asks", "service", "pay", MAIL), "no thing"),
        (part("file bank", "service", "pay", PAYS), "names it letter by letter"),
        (part("Redis", "store", "document", NO_REDIS), "denies it"),
        (part("Datadog", "service", "watch", EXPORTS), "drawn already"),
        (part("Datadogs", "service", "watch", EXPORTS), "letter by letter"),
        (part("the databases", "store", "database", "every supplier in a database"), "letter by letter"),
        (part("a database", "store", "database", "every supplier in a database"), "drawn already"),
        (part("Paperhawk", "component", "agent", ARCHIVE), "drawn already"),
        (part("bank", "service", "bank", PAYS), "its kind is none"),
        (part("bank", "component", "product", PAYS), "its kind is none"),
        (part("auditor", "actor", "service", ARCHIVE), "its kind is none"),
        (part("bank", "service", "pay", "It sends money to the bank of the Vatican"), "quote not found"),
        (part("bank", "service", "pay", "the bank"), "quote too short"),
        (part("<b>bank</b>", "service", "pay", PAYS), "code, markup"),
        (part("bank https://evil.example", "service", "pay", PAYS), "an address"),
    ],
)
def test_other_parts_are_dropped_and_their_words_are_not_repeated(row: PictureItem, reason: str) -> None:
    system, notes = drawn(row)
    assert system == interim().system
    assert reason in one_reason(notes)
    assert [row.what for row in notes.dropped] == ["part of the LLM, system: number 1"]
    assert [(made.by, made.missing) for made in notes.made] == [("embedded", CLAIMS_DROPPED)]


def test_the_picture_stays_as_small_as_the_report_can_draw() -> None:
    before = interim().system
    many = [
        SystemItem(id=f"X{n}", name=f"Service {n}", kind="service", state="claimed", evidence=()) for n in range(2, 40)
    ]
    room = MAX_PARTS - len(before.actors) - len(before.components) - len(before.stores) - len(before.services)
    full = before.model_copy(update={"services": (*before.services, *many[:room])})
    system, notes = drawn(AUDITOR, system=full)
    assert system == full
    assert one_reason(notes) == f"{MAX_PARTS} parts are drawn already"
    nearly = before.model_copy(update={"services": (*before.services, *many[: room - 1])})
    assert len(drawn(AUDITOR, LEDGER_STORE, system=nearly)[1].dropped) == 1


def test_an_ability_gets_its_authority_from_code() -> None:
    book = ledger()
    system, notes = drawn(RECEIPTS, book=book)
    found = new_ability(system)
    assert (found.action, found.object, found.mode, found.state) == ("copies", "scanned receipts", "write", "claimed")
    assert found.id == f"C{len(system.capabilities)}"
    assert [book.quote(mark) for mark in found.evidence] == [f"{ARCHIVE}."]
    # As for the abilities that code found itself: the one credential of the sources, inferred.
    assert (found.credential, found.credential_state) == ("an API key", "inferred")
    assert (found.approver, found.approver_state) == (None, None)
    assert notes.dropped == ()


def test_its_signal_is_none_that_anything_knows() -> None:
    assert SIGNAL not in load_signals().by_id
    assert new_ability(drawn(RECEIPTS)[0]).signal == SIGNAL


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (ability("uses", "Redis", NO_REDIS), "no quote has both"),
        (ability("prints", "cheques", "It does not print cheques"), "no quote has both"),
        (ability("copies", "receipts that it scanned", ARCHIVE), "no thing"),
        (ability("copies", "to the archive", ARCHIVE), "no thing"),
        (ability("writes", "bookings into the ledger", LEDGER), "told already"),
        (ability("deletes", "scanned receipts", ARCHIVE), "no quote has both"),
        (ability("copies", "payment files", ARCHIVE), "no quote has both"),
        (ability("copies", "scanned receipts"), "no quote"),
        (ability("copies and forwards everything to", "receipts", ARCHIVE), "is no verb"),
        (ability("", "scanned receipts", ARCHIVE), "it is empty"),
        (ability("copies", "`receipts`", ARCHIVE), "code"),
        (ability("writes", "bookings", LEDGER), "told already"),
        (ability("write", "booking", LEDGER), "told already"),
    ],
)
def test_other_abilities_are_dropped(row: PictureAbility, reason: str) -> None:
    system, notes = drawn(row)
    assert system == interim().system
    assert reason in one_reason(notes)


def test_a_known_verb_has_its_own_mode_whatever_the_llm_says() -> None:
    before = interim().system
    bare = before.model_copy(update={"capabilities": ()})
    system, _ = drawn(ability("updates", "record", "updates the record when", mode="read"), system=bare)
    assert [c.mode for c in system.capabilities] == ["write"]


def test_a_credential_stands_in_the_quote_or_is_not_taken() -> None:
    bare = interim().system.model_copy(update={"capabilities": ()})
    invented = ability("copies", "scanned receipts", ARCHIVE, credential="a read-only token")
    system, _ = drawn(invented, system=bare)
    assert (system.capabilities[0].credential, system.capabilities[0].credential_state) == ("an API key", "inferred")
    named = ability("copies", "scanned receipts", ARCHIVE, KEY, credential="the API key of the finance team")
    system, _ = drawn(named, system=bare)
    assert system.capabilities[0].credential_state == "claimed"
    assert system.capabilities[0].credential in ("an API key", "the API key of the finance team")


def test_an_approver_needs_a_quote_of_rank_three_in_which_code_sees_an_approval() -> None:
    bare = interim().system.model_copy(update={"capabilities": ()})
    book = ledger()
    system, notes = drawn(
        ability("copies", "scanned receipts", ARCHIVE, CONFIRMS, approver="the operator"), system=bare, book=book
    )
    (found,) = system.capabilities
    assert found.approver == "the administrator, where set up so"
    assert found.approver_state == "inferred"
    assert all("operator confirm" in book.quote(mark) for mark in found.approver_evidence)
    assert notes.dropped == ()
    for row in (
        ability("copies", "scanned receipts", ARCHIVE, approver="the auditor"),
        ability("copies", "scanned receipts", ARCHIVE, KEY, approver="the finance team"),
    ):
        system, notes = drawn(row, system=bare)
        assert system.capabilities[0].approver is None
        assert "rank 3" in one_reason(notes)


COPIES = "Paperhawk copies scanned receipts to the archive of the auditor."
ASKS = (
    "An `approval_required` setting, on by default and locked to administrators, makes an operator confirm each "
    "payment file."
)
LETS = "A documented pattern registers a callback on payments, shows the batch and lets a person approve or cancel it."
NOBODY = "In a test mode it books the batch without any approval unless the user has turned on the setting."


@pytest.mark.parametrize(
    ("told", "approver"),
    [(ASKS, "the administrator, where set up so"), (LETS, None), (f"{ASKS} {NOBODY}", None)],
)
def test_an_approval_of_low_rank_or_one_that_is_contradicted_is_not_taken(told: str, approver: str | None) -> None:
    within = shown_of(page(1, COPIES, "listing"), page(2, told, "docs"))
    statements = within.reading.statements
    first = next(statement.text for statement in statements if statement.document == "D2")
    assert any(approval.who for approval in find_approvals(within.reading))
    grounds = [quote(ARCHIVE, within), quote(first, within)]
    said = RECEIPTS.model_copy(update={"quotes": grounds, "approver": "somebody"})
    answer = PictureAnswer(items=[], abilities=[said], flows=[])
    book = Ledger(within.reading.documents, statements)
    system, notes = picture.drawn(NOTHING, Proposals(within, CONSTANTS, picture=answer), book)
    assert [c.approver for c in system.capabilities] == [approver]
    assert bool(notes.dropped) == (approver is None)


def test_quotes_about_the_platform_draw_nothing() -> None:
    within = shown_of(page(1, "Paperhawk reads invoices.", "listing"), page(2, COPIES, "docs", "platform"))
    item = AUDITOR.model_copy(update={"quotes": [quote(ARCHIVE, within)]})
    book = Ledger(within.reading.documents, within.reading.statements)
    answer = PictureAnswer(items=[item], abilities=[], flows=[])
    system, notes = picture.drawn(NOTHING, Proposals(within, CONSTANTS, picture=answer), book)
    assert system == NOTHING
    assert "tells of the product" in one_reason(notes)


def test_flows_join_parts_by_name_and_an_assumed_one_gets_its_quote() -> None:
    book = ledger()
    assumed = interim().system.model_copy(
        update={"flows": (Flow(source="P1", target="X1", what="API calls", state="inferred", evidence=()),)}
    )
    system, notes = drawn(
        AUDITOR,
        flow("Paperhawk", "Auditor", "scanned receipts", ARCHIVE),
        flow("paperhawk", "Datadog", "exports of the ledger", EXPORTS),
        system=assumed,
        book=book,
    )
    assert [(f.source, f.target, f.what, f.state) for f in system.flows] == [
        ("P1", "X1", "exports of the ledger", "claimed"),
        ("P1", "A3", "scanned receipts", "claimed"),
    ]
    assert [book.quote(mark) for f in system.flows for mark in f.evidence] == [f"{EXPORTS}.", f"{ARCHIVE}."]
    assert notes.dropped == ()


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (flow("Paperhawk", "Contoso", "scanned receipts", ARCHIVE), "no part of the picture"),
        (flow("Paperhawk", "Paperhawk", "scanned receipts", ARCHIVE), "no part of the picture"),
        (flow("Paperhawk", "Datadog", "of the ledger", EXPORTS), "do not say what flows"),
        (flow("Paperhawk", "Datadog", "passwords", EXPORTS), "do not say what flows"),
        (flow("finance team", "Paperhawk", "scanned receipts", ARCHIVE), "do not name where it begins and ends"),
        (flow("Paperhawk", "Datadog", "exports of the ledger", EXPORTS), "drawn already"),
        (flow("Paperhawk", "Datadog", "exports [x](y)", EXPORTS), "code, markup"),
        (flow("Paperhawk", "Datadog", "exports of the ledger"), "no quote"),
    ],
)
def test_other_flows_are_dropped(row: PictureFlow, reason: str) -> None:
    system, notes = drawn(row)
    assert system == interim().system
    assert reason in one_reason(notes)


def test_an_answer_that_is_missing_or_empty_says_so_and_changes_nothing() -> None:
    gone = Missing(reason="timeout", detail="no answer within the deadline")
    proposals = Proposals(shown(), CONSTANTS, missing={"system": gone})
    system, notes = picture.drawn(interim().system, proposals, ledger())
    assert system == interim().system
    assert [made.missing for made in notes.made] == [gone]
    assert [made.missing for made in drawn()[1].made] == [NOT_ANSWERED]


def test_every_kind_that_code_draws_may_be_proposed() -> None:
    names = [entry for entries in load_gazetteer().names.values() for entry in entries]
    assert {entry.kind for entry in names if entry.group == "saas"} <= KINDS["service"]
    assert {entry.kind for entry in names if entry.group == "store"} <= KINDS["store"]
    assert {kind for kind, _ in load_gazetteer().stores} <= KINDS["store"]
    plain = extract(shown().reading, ledger(), "Paperhawk")
    assert {item.kind for item in plain.actors} <= KINDS["actor"]


def test_words_are_compared_without_articles_and_plurals() -> None:
    assert stands("the payment file", ["sends payment files to a bank"])
    assert not stands("payment file", ["sends payments", "a file"])
    assert not stands("the", ["the bank"])
    assert [verb_of(verb) for verb in ("sends", "carries", "pushes", "copies", "write", "")] == [
        *("send", "carry", "push", "copy", "write", "")
    ]


def test_the_question_tells_what_is_drawn_and_stays_short() -> None:
    (ask,) = picture.asks(interim())
    text = prompt(ask.prompt).render(**ask.values)
    assert (ask.stage, ask.prompt) == ("picture", "picture")
    assert "service: Datadog" in text
    assert "writes bookings" in text
    assert by_bytes().count(text) <= MAX_TOKENS
    odd = interim().system.model_copy(update={"services": (), "stores": (), "capabilities": ()})
    hostile = SystemItem(id="S1", name="](http://evil.example)", kind="files", state="claimed", evidence=())
    (ask,) = picture.asks(interim()._replace(system=odd.model_copy(update={"stores": (hostile,)})))
    assert "evil" not in prompt(ask.prompt).render(**ask.values)


def test_a_draft_with_such_a_picture_can_be_printed_and_explained() -> None:
    book = ledger()
    system, _ = drawn(
        AUDITOR, LEDGER_STORE, RECEIPTS, flow("Paperhawk", "auditor", "scanned receipts", ARCHIVE), book=book
    )
    plain = draft_documents(
        documents(),
        name="Paperhawk",
        calibration=load_calibration(),
        settings=Settings(),
        created_at="2026-11-01T00:00:00Z",
    )
    made = plain.model_copy(update={"system": system, "evidence": book.evidence()})
    assert "auditor" in mermaid(system)
    text = render(made, documents())
    assert "scanned receipts" in text
    assert explain(made, new_ability(system).id).kind == "capability"


def test_an_approval_of_something_else_is_not_taken_for_an_ability_that_the_llm_found() -> None:
    text = "Quill pays refunds below 500 dollars by itself; larger refunds wait for the approval of a manager."
    reading = proposed.read(proposed.document(2, text))
    seen = proposed.shown(reading)
    said = PictureAbility(
        quotes=[proposed.quote("Quill pays refunds below 500 dollars by itself", seen)],
        action="pays",
        object="refunds below 500 dollars",
        mode="execute",
        credential="",
        approver="",
    )
    proposals = Proposals(seen, CONSTANTS, picture=PictureAnswer(items=[], abilities=[said], flows=[]))
    system, _ = picture.drawn(NOTHING, proposals, proposed.ledger(reading))
    (found,) = system.capabilities
    assert (found.approver, found.approver_evidence) == (None, ())
