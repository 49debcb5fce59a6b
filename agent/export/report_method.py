"""Part 19 of the report: how the draft was made and by whom, what it cannot tell, and the manifest."""

from typing import Final

from agent.export.authors import LLM_USAGE, authorships, usage_sentences
from agent.export.safe_markdown import Column, code, one_line, plain, table
from agent.export.sentences import counted
from agent.export.view import COUNTING_RANK, MAX_PER_LAYER, MAX_SHOWN, View
from agent.records import Draft, PromptRef, SourceRef
from agent.records.signature import head_line
from agent.taxonomy.keys import FACTORS, LAYERS

_SHORT_HASH: Final = 8
_CARDS: Final = frozenset({*FACTORS, *LAYERS})
"""Rubric cards are named after what they are about."""
_WITHOUT_CLAIMS: Final = (
    "- A claim of the vendor (approval, limits, certificates, safety, plans, privacy, isolation, monitoring) of rank 2 "
    "or less is shown as a finding and read by nothing. Without the vendor's claims: the same draft with every limit, "
    "denial and easing description of rank 1 and 2 ignored too."
)
_ORDERED: Final = (
    "the one behind the score first, then by how typical of such a product and how grave; one like a threat above it "
    "later"
)


def method(view: View) -> list[str]:
    """Part 19: how the draft was made, what it cannot tell, and the manifest."""
    draft = view.draft
    ordered = _ORDERED if any(item.threat.place for item in view.threats) else "by score"
    lines = [
        "## Method, limits, manifest",
        "- Code finds quotes, re-finds each in its document, and computes every number; the quote is the proof, "
        "not the sentence round it.",
        "- A factor is the typical value of the product's kind, plus signed effects of named quotes, plus a remainder "
        "from wording of at most 0.10 that never lowers.",
        f"- A control lowers only from rank {COUNTING_RANK} on, and only what it names; the number is before controls.",
        *([_WITHOUT_CLAIMS] if draft.score.without_vendor_claims else []),
        "- The likely range holds four of five published scores of the labelled corpus, product families held out.",
        f"- At most {MAX_PER_LAYER} threats a layer and {MAX_SHOWN} in all are shown, {ordered}.",
        *_llm_lines(draft),
        "- Limit: only the listed sources were read, nothing was tested; a listing may be out of date, incomplete "
        "or wrong. An opinion on this text at this date, not a finding about the product.",
        "",
        *_who_made_what(draft),
    ]
    return [*lines, *table((Column("manifest"), Column("value")), _manifest(view)), *_signature(draft)]


def _signature(draft: Draft) -> list[str]:
    """The place of the signature in the audit log, which `septet audit-log verify --against` reads back."""
    stamp = draft.review
    if stamp is None:
        return []
    return [
        "",
        "### Signature",
        f"Signed by {plain(stamp.reviewer)} ({stamp.role}) at {plain(stamp.at)}: {counted(stamp.waived, 'item')} "
        f"waived, none open. SHA-256 of the signed draft: {code(stamp.sha256)}. Place in the audit log, which "
        "`septet audit-log verify --against` compares with this file:",
        "",
        *(
            [*(f"- Waived: {code(each.item)}, {plain(one_line(each.why))}" for each in stamp.waivers), ""]
            if stamp.waivers
            else []
        ),
        head_line(stamp.review, stamp.number, stamp.head),
    ]


def _llm_lines(draft: Draft) -> list[str]:
    """What an LLM may do in a draft, and what it took; nothing without one."""
    if draft.drafter.kind == "embedded":
        return []
    return [
        "- The LLM proposes, the program decides: what it says of the product stands only where code found its quotes "
        "again and they carry it. It clears no flag, computes no number, and names ids of published lists only; its "
        "threats have the severity of known ones.",
        "- Where the LLM proposes a factor value, it is weighed with the estimate (weights fitted on labelled "
        "products; `septet explain` shows the sum), and the part “the LLM proposes” is what that adds or takes. "
        f"Without a quote of rank {COUNTING_RANK} the value stays in the estimate's range.",
        *(f"- {plain(text)}" for text in usage_sentences(draft)),
    ]


def _who_made_what(draft: Draft) -> list[str]:
    rows = [[plain(cell) for cell in row] for row in authorships(draft)]
    if not rows:
        return []
    columns = (Column("part"), Column("made by"), Column("why the LLM's is missing"))
    return ["### Who made what", *table(columns, rows), ""]


def _manifest(view: View) -> list[list[str]]:
    draft = view.draft
    with_llm = draft.drafter.kind == "llm"
    rows = [["draft", code(draft.id)], ["created", plain(draft.created_at)], ["schema", code(draft.schema_)]]
    rows += [["drafter", plain(" ".join(filter(None, (draft.drafter.kind, draft.drafter.llm))))]]
    rows += [[plain(key), code(value)] for key, value in sorted(draft.manifest.items())]
    rows += [
        [plain(key.replace("_", " ")), f"{value:g}"]
        for key, value in sorted(draft.usage.items()) if not (with_llm and key in LLM_USAGE)
    ]  # fmt: skip
    prompts = _prompts(draft.drafter.prompts, compact=with_llm)
    rows += [["prompts", ", ".join(prompts)]] if prompts else []
    forms = {document.id: document.form for document in view.documents if document.form != "prose"}
    for item in draft.sources:
        kind = f"{item.kind}, {forms[item.document]}" if item.document in forms else item.kind
        rows.append([f"{item.document} {kind}", _origin(item)])
    return rows


def _prompts(refs: tuple[PromptRef, ...], *, compact: bool) -> list[str]:
    """Each prompt with its version and hash; when `compact`, the cards as one, since the manifest has their hash."""
    cards = [ref for ref in refs if ref.name in _CARDS] if compact else []
    named = [f"{plain(ref.name)} {ref.version} {code(ref.sha[:_SHORT_HASH])}" for ref in refs if ref not in cards]
    return ([f"{len(cards)} rubric cards (each in `draft.json`)"] if cards else []) + named


def _origin(item: SourceRef) -> str:
    """Where a source comes from and how the request named itself: another name may be shown another page."""
    asked = f" asked for as {code(item.user_agent)}" if item.user_agent else ""
    return f"{code(item.url)} sha256 {code(item.sha256)}{asked}"
