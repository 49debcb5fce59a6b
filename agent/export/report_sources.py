"""Parts 16 to 18 of the report: findings, questions, and the appendix with the evidence and what was left out."""

import json
from typing import Final

from agent.export.left_out import left_out
from agent.export.safe_markdown import Column, code, fence, one_line, plain, quoted, table
from agent.export.sentences import finding_name, listed, marks, shrinkage, tenth, threat_sentence, with_stop
from agent.export.view import COUNTING_RANK, RankedThreat, View, name_of, rank_words
from agent.taxonomy.keys import LAYER_CODES

_EXCERPT: Final = 120
_HASH: Final = 16


def findings(view: View) -> list[str]:
    """Part 16: hidden text, text addressed to assessors and other findings, with their place."""
    lines = ["## Findings in the sources"]
    rows = [
        [
            finding_name(finding),
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
    return [*lines, *left_out(view)]


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
    if origin := view.origin(threat, brief=True):
        like = view.like(threat)
        known = f" {code(like.threat.id)}" if like else f" ({code(threat.like)})" if threat.like is not None else ""
        lines.append(
            f"- {origin[:1].upper()}{origin[1:]}{known}; its words are tied to its quotes, its numbers are computed"
        )
    if refs:
        lines.append(f"- {refs}")
    for mitigation in threat.mitigations:
        who = "You" if mitigation.who == "you" else "Vendor"
        lines.append(
            f"- {who}, {mitigation.status}: {plain(with_stop(mitigation.text))} {marks(mitigation.evidence)}".rstrip()
        )
    return lines
