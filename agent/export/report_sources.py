"""Parts 16 to 19 of the report: findings, questions, and the appendix with evidence, what was left out and method."""

import json
from typing import Final

from agent.export.safe_markdown import Column, code, fence, one_line, plain, quoted, table
from agent.export.sentences import listed, marks, shrinkage, tenth, threat_sentence, with_stop
from agent.export.view import COUNTING_RANK, MAX_PER_LAYER, MAX_SHOWN, RankedThreat, View, name_of, rank_words
from agent.records import SourceRef, Threat
from agent.taxonomy.keys import LAYER_CODES

_EXCERPT: Final = 120
_HASH: Final = 16
_SHORT_HASH: Final = 8
_UNREAD: Final = "source text: "
_WITHOUT_CLAIMS: Final = (
    "- A claim of the vendor (approval, limits, certificates, safety, plans, privacy, isolation, monitoring) of rank 2 "
    "or less is shown as a finding and read by nothing. Without the vendor's claims: the same draft with every limit, "
    "denial and easing description of rank 1 and 2 ignored too."
)


def findings(view: View) -> list[str]:
    """Part 16: hidden text, text addressed to assessors and other findings, with their place."""
    lines = ["## Findings in the sources"]
    rows = [
        [
            finding.kind,
            finding.document,
            plain(finding.where),
            f"{finding.start}–{finding.end}" if finding.end > finding.start else "taken out",
            quoted(finding.excerpt, _EXCERPT),
        ]
        for source in view.draft.sources
        for finding in source.findings
    ]
    if not rows:
        return [*lines, f"None in {listed([source.document for source in view.draft.sources])}", ""]
    columns = (Column("finding"), Column("source"), Column("where"), Column("characters"), Column("text, as data"))
    return [*lines, *table(columns, rows), ""]


def questions(view: View) -> list[str]:
    """Part 17: every question, a response form to fill in, and how to contest a claim."""
    lines = ["## Vendor questions"]
    if view.questions:
        columns = (Column("id"), Column("question"), Column("settles"), Column("likely range", True))
        rows = [
            [
                plain(item.id),
                plain(item.text),
                plain(", ".join(name_of(key) for key in item.settles)),
                shrinkage(item.effect),
            ]
            for item in view.questions
        ]
        lines += [*table(columns, rows), "", "Response file:", "", *fence(_response(view), "yaml"), ""]
    first = view.draft.evidence[0].id if view.draft.evidence else "E1"
    vendor = plain(view.draft.product.vendor or view.draft.product.name)
    contest = (
        f"To contest a claim, {vendor} names its mark, as in ({first}), and a public page that says otherwise: "
        f"one with setting, default, scope and who can change it has rank {COUNTING_RANK} and counts."
    )
    return [*lines, contest, ""]


def _response(view: View) -> list[str]:
    lines = [f"draft: {_yaml(view.draft.id)}", "answers:"]
    for item in view.questions:
        lines += [f"  {item.id}:", f"    # {_comment(item.proposed)}", '    answer: ""', '    page: ""']
    return lines


def _yaml(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _comment(text: str) -> str:
    return one_line(text)


def evidence(view: View) -> list[str]:
    """Part 18: every quote with its place and hash, threats in detail, what was folded or dropped and why."""
    hashes = {source.document: source.sha256 for source in view.draft.sources}
    heads = ("mark", "quote", "document", "characters", "sha256", "rank", "about")
    columns = [Column(head) for head in heads]
    rows = [
        [
            item.id,
            quoted(item.quote),
            item.document,
            f"{item.start}–{item.end}",
            code(hashes.get(item.document, "")[:_HASH]),
            f"{item.rank} {rank_words(item.rank)}",
            item.about,
        ]
        for item in view.draft.evidence
    ]
    lines = ["## Evidence", *(table(columns, rows) if rows else ["No quote was found."]), ""]
    if view.threats:
        lines.append("## Threats in detail")
        for item in view.threats:
            lines += [*_detail(view, item), ""]
    return [*lines, *_left_out(view)]


def _detail(view: View, item: RankedThreat) -> list[str]:
    threat = item.threat
    refs = "; ".join(f"{code(ref.id)} {plain(ref.title)} ({plain(ref.scheme)})" for ref in threat.taxonomy)
    lines = [
        f"### {item.tag} {LAYER_CODES[item.layer]} {plain(threat.title)}",
        f"{plain(threat_sentence(threat.statement))} {marks(threat.evidence)}".rstrip(),
        "",
        f"- {tenth(threat.score.aivss)} {threat.score.severity}, base {tenth(threat.score.cvss_base)} "
        f"{code(threat.score.cvss_vector)}, {threat.state}, id {code(threat.id)}",
    ]
    if refs:
        lines.append(f"- {refs}")
    for mitigation in threat.mitigations:
        who = "You" if mitigation.who == "you" else "Vendor"
        lines.append(
            f"- {who}, {mitigation.status}: {plain(with_stop(mitigation.text))} {marks(mitigation.evidence)}".rstrip()
        )
    return lines


def _left_out(view: View) -> list[str]:
    rows = [[_threat_name(threat, LAYER_CODES[key]), plain(reason)] for key, threat, reason in view.folded]
    rows += [[plain(item.what), plain(item.reason)] for item in view.draft.dropped if not item.what.startswith(_UNREAD)]
    if not rows:
        return []
    return ["## Folded and dropped", *table((Column("what"), Column("reason")), rows), ""]


def _threat_name(threat: Threat, layer: str) -> str:
    return (
        f"{layer} {plain(threat.title)}, {tenth(threat.score.aivss)} {threat.score.severity} {marks(threat.evidence)}"
    )


def _origin(item: SourceRef) -> str:
    """Where a source comes from and how the request named itself: another name may be shown another page."""
    asked = f" asked for as {code(item.user_agent)}" if item.user_agent else ""
    return f"{code(item.url)} sha256 {code(item.sha256)}{asked}"


def method(view: View) -> list[str]:
    """Part 19: how the draft was made, what it cannot tell, and the manifest."""
    draft = view.draft
    lines = [
        "## Method, limits, manifest",
        "- Code finds quotes, re-finds each in its document, and computes every number; the quote is the proof, "
        "not the sentence round it.",
        "- A factor is the typical value of the product's kind, plus signed effects of named quotes, plus a remainder "
        "from wording of at most 0.10 that never lowers.",
        f"- A control lowers only from rank {COUNTING_RANK} on, and only what it names; the number is before controls.",
        *([_WITHOUT_CLAIMS] if draft.score.without_vendor_claims else []),
        "- The likely range holds four of five published scores of the labelled corpus, product families held out.",
        f"- At most {MAX_PER_LAYER} threats a layer and {MAX_SHOWN} in all are shown, by score.",
        "- Limit: only the listed sources were read, nothing was tested; a listing may be out of date, incomplete "
        "or wrong. An opinion on this text at this date, not a finding about the product.",
        "",
    ]
    rows = [["draft", code(draft.id)], ["created", plain(draft.created_at)], ["schema", code(draft.schema_)]]
    rows += [["drafter", plain(" ".join(filter(None, (draft.drafter.kind, draft.drafter.llm))))]]
    rows += [[plain(key), code(value)] for key, value in sorted(draft.manifest.items())]
    rows += [[plain(key.replace("_", " ")), f"{value:g}"] for key, value in sorted(draft.usage.items())]
    prompts = [f"{plain(ref.name)} {ref.version} {code(ref.sha[:_SHORT_HASH])}" for ref in draft.drafter.prompts]
    rows += [["prompts", ", ".join(prompts)]] if prompts else []
    forms = {document.id: document.form for document in view.documents if document.form != "prose"}
    for item in draft.sources:
        kind = f"{item.kind}, {forms[item.document]}" if item.document in forms else item.kind
        rows.append([f"{item.document} {kind}", _origin(item)])
    return [*lines, *table((Column("manifest"), Column("value")), rows)]
