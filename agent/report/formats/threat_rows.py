"""A draft's threats for formats that list them. Each row has everything that the draft says about one threat, worded
without the report's own ids, with the supporting quotes and the text of an issue."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Final, NamedTuple
from uuid import UUID, uuid5

from agent.records import STRUCK, Draft, Evidence, Fact, Mitigation, TaxonomyRef, Threat
from agent.report.prose import Prose
from agent.report.safe_markdown import one_line, plain
from agent.report.sentences import if_clause, tenth, threat_sentence, verdict
from agent.report.view import PROPOSED, View, rank_words
from agent.scoring import severity
from agent.taxonomy.kinds import Band
from agent.taxonomy.layers import LAYER_CODES, LAYER_TITLES, LayerKey
from agent.taxonomy.lists import scheme

NOT_RECORDED: Final = "not recorded"
"""Placeholder for values that older drafts do not store."""
_NAMES: Final = UUID("6b0f7c0e-6f0b-5f57-9a3e-2c1d5a7e9b41")
"""Namespace of the UUIDs that formats require."""
_THREAT: Final = "threat "
ACCEPTED: Final = "accepted risk"
OUT_OF_SCOPE: Final = "out of scope"
"""A waiver whose reason begins with one of these is final; any other waiver leaves the threat undecided."""
_MORE: Final = 80
"""Characters reserved for the line about further quotes."""


class Struck(NamedTuple):
    """A threat struck by a reviewer; the draft keeps its id, title and the reason."""

    id: str
    title: str
    why: str


@dataclass(frozen=True)
class ThreatRow:
    """One threat of a draft."""

    view: View
    prose: Prose
    place: int | None
    """1 for the first; None for a threat that the report does not show."""
    layer: LayerKey
    threat: Threat

    @property
    def title(self) -> str:
        """The threat's title on one line."""
        return one_line(self.threat.title)

    @property
    def stable_id(self) -> str:
        """The threat's UUID, the same in every draft of the product."""
        return stable_id(self.view.draft, self.threat)

    @property
    def severity(self) -> Band:
        """The severity of the CVSS base."""
        return severity(self.threat.score.cvss_base)

    @property
    def aivss(self) -> Decimal | None:
        """The threat's AIVSS score; None if the draft withholds its score, since both depend on the same factors."""
        return None if self.view.draft.score.aivss is None else self.threat.score.aivss

    @property
    def code(self) -> str:
        """The code of the threat's layer, such as L3."""
        return LAYER_CODES[self.layer]

    @property
    def certain(self) -> bool:
        """Whether the sources settle the threat's layer."""
        return self.view.draft.layers[self.layer].certain

    @property
    def basis_words(self) -> str:
        """The threat's basis, and the setting that it requires."""
        threat = self.threat
        needs = f", {if_clause(threat.setting)}" if threat.setting else ""
        return (threat.basis or NOT_RECORDED) + (needs or ("" if threat.default_use else ", not in default use"))

    @property
    def score_words(self) -> str:
        """The severity and CVSS base, and the AIVSS score unless it is withheld."""
        aivss = "AIVSS withheld" if self.aivss is None else f"AIVSS {tenth(self.aivss)}"
        return f"{self.severity} {tenth(self.threat.score.cvss_base)} (CVSS 4.0 base; {aivss})"

    @cached_property
    def how(self) -> str:
        """How the threat works: who does what to what, and with what consequence."""
        return self.words(self.threat.how or threat_sentence(self.threat.statement))

    @cached_property
    def lost(self) -> str:
        """What is lost if the attack succeeds, or else the impact from the threat's statement."""
        return self.words(self.threat.lost or self.threat.statement.impact)

    @cached_property
    def facts(self) -> tuple[Fact, ...]:
        """The facts that support the threat."""
        return tuple(fact for fact in self.view.facts if fact.id in self.threat.facts)

    @property
    def confidence(self) -> float | None:
        """The confidence in the weakest supporting fact, 0 to 1; None without facts."""
        return min((fact.confidence for fact in self.facts), default=None)

    @property
    def confidence_words(self) -> str:
        """The confidence in words."""
        return "unknown" if self.confidence is None else f"{self.confidence:.2f}"

    @cached_property
    def quotes(self) -> tuple[Evidence, ...]:
        """The threat's quotes: first its evidence in order, then the others that its text cites."""
        cited = [mark for span in self.prose.text(self.threat.how) if span.kind == "marks" for mark in span.ids]
        known = self.view.evidence
        return tuple(known[mark] for mark in dict.fromkeys((*self.threat.evidence, *cited)) if mark in known)

    @property
    def waived(self) -> str:
        """Why the threat was waived when the draft was signed; empty if it was not waived or the draft is unsigned."""
        stamp = self.view.draft.review
        return next((w.why for w in stamp.waivers if w.item == f"threat/{self.threat.id}"), "") if stamp else ""

    @property
    def settled(self) -> str:
        """The reason for a final waiver, "accepted risk" or "out of scope"; otherwise empty."""
        return next((reason for reason in (ACCEPTED, OUT_OF_SCOPE) if self.waived.startswith(reason)), "")

    @property
    def reasons(self) -> tuple[tuple[str, str], ...]:
        """Metrics with a reason for their value, in the order of the vector."""
        known = self.threat.score.reasons
        metrics = [part.partition(":")[0] for part in self.threat.score.cvss_vector.split("/")]
        return tuple((metric, self.words(known[metric])) for metric in metrics if metric in known)

    @property
    def weaknesses(self) -> list[tuple[int, str]]:
        """The numbers of the threat's CWE ids, with their titles."""
        numbered = [(ref.id.rpartition("-")[2], ref.title) for ref in self.refs("cwe")]
        return [(int(number), title) for number, title in numbered if number.isdecimal()]

    def refs(self, name: str) -> list[TaxonomyRef]:
        """Return the threat's ids in the named taxonomy."""
        return [ref for ref in self.threat.taxonomy if ref.scheme == name]

    def remedies(self, who: str) -> list[str]:
        """Describe the mitigations for which `who` ("you" or "vendor") is responsible."""
        return [self.remedy(each) for each in self.threat.mitigations if each.who == who]

    def remedy(self, each: Mitigation) -> str:
        """Describe a mitigation, with its status unless it is merely proposed."""
        return self.words(each.text) + ("" if each.status == "proposed" else f" ({each.status})")

    def owned_remedies(self) -> list[tuple[str, str]]:
        """List the mitigations in order, each as "You" or "Vendor" and its description."""
        return [(each.who.capitalize(), self.remedy(each)) for each in self.threat.mitigations]

    def words(self, raw: str) -> str:
        """Format a sentence of the draft with the marks of quotes but without other ids."""
        made = ""
        for span in self.prose.text(raw):
            quotes = [mark for mark in span.ids if mark.startswith("E")]
            made += (f"[{', '.join(quotes)}]" if quotes else "") if span.kind == "marks" else span.text
        return made

    def labelled_words(self) -> list[tuple[str, str]]:
        """Return pairs of a label and words: severity, layer, basis, state, loss, ids, origin, waiver, product, draft.

        Pairs without words are left out.
        """
        held = "certain" if self.certain else "not certain from the listing"
        ids = "; ".join(f"{ref.id} {ref.title} ({scheme(ref.scheme).title})" for ref in self.threat.taxonomy)
        draft = self.view.draft
        pairs = [
            ("Severity", f"{self.score_words} {self.threat.score.cvss_vector}"),
            ("Layer", f"{self.code} {LAYER_TITLES[self.layer]}, {held}"),
            ("Basis", self.basis_words),
            ("State", f"{self.threat.state}, confidence {self.confidence_words}"),
            ("At risk", self.lost),
            ("Taxonomy", ids),
            ("Origin", self.view.origin(self.threat, brief=True)),
            ("Waived in review", self.waived),
            ("Product", f"{draft.product.name}. {product_words(draft)}"),
            ("Draft", f"{draft.id}, {self.view.standing}"),
        ]
        return [(label, words) for label, words in pairs if words]

    def properties(self) -> dict[str, object]:
        """Return the layer, state, basis, severity, scores, facts, quotes and mitigations as plain JSON, for formats
        that have no fields for them. Nothing is rounded or filled in: an unknown or withheld value is null."""
        threat, score = self.threat, self.threat.score
        of_fact = {"id", "key", "polarity", "state", "confidence", "rank", "counts"}
        found: dict[str, object] = {
            "title": threat.title,
            "place": self.place,
            "layer": self.layer,
            "layerCertain": self.certain,
            "state": threat.state,
            "basis": threat.basis,
            "defaultUse": threat.default_use,
            "setting": threat.setting,
            "severity": self.severity,
            "cvssBase": float(score.cvss_base),
            "cvssVector": score.cvss_vector,
            "cvssReasons": dict(self.reasons),
            "aivss": None if self.aivss is None else float(self.aivss),
            "confidence": self.confidence,
            "facts": [fact.model_dump(mode="json", include=of_fact) for fact in self.facts],
            "evidence": [each.model_dump(include={"id", "document", "rank", "about"}) for each in self.quotes],
            "mitigations": [each.model_dump(mode="json") for each in threat.mitigations],
            "by": threat.by,
            "like": threat.like,
        }
        headline, product = self.view.headline, self.view.draft.score
        if headline is not None and headline.threat.id == threat.id and product.aivss is not None:
            ends = {"productScore": product.aivss, "likelyLow": product.likely_low, "likelyHigh": product.likely_high}
            found |= {name: None if value is None else float(value) for name, value in ends.items()}
        return found


def threat_rows(view: View) -> tuple[ThreatRow, ...]:
    """Return all threats of the draft: first those that the report shows, in its order, then the others."""
    prose = Prose(view.draft, {item.threat.id: item.name for item in view.threats})
    shown = [ThreatRow(view, prose, item.number, item.layer, item.threat) for item in view.threats]
    return (*shown, *(ThreatRow(view, prose, None, layer, threat) for layer, threat, _ in view.folded))


def struck(draft: Draft) -> tuple[Struck, ...]:
    """Return the threats struck by a reviewer."""
    found = []
    for each in draft.dropped:
        if each.what.startswith(_THREAT) and each.reason.startswith(STRUCK):
            identifier, _, title = each.what.removeprefix(_THREAT).partition(": ")
            found.append(Struck(identifier, title, each.reason))
    return tuple(found)


def stable_id(draft: Draft, threat: Threat | Struck) -> str:
    """Return a UUID for a threat, the same in every draft of the product. An LLM's threat is identified by layer and
    title."""
    name = threat.id
    if PROPOSED in name:
        name = f"{name.partition('-')[0]}/{threat.title.casefold()}"
    return str(uuid5(_NAMES, f"{draft.product.name.casefold()}/{name}"))


def drafted_id(draft: Draft, item: str) -> str:
    """Return a UUID for an item of this draft, the same on every call."""
    return str(uuid5(_NAMES, f"{draft.id}/{item}"))


def product_words(draft: Draft) -> str:
    """Describe the product's score with its range, or why the score is withheld."""
    words = verdict(draft.score)
    if draft.score.aivss is None and draft.score.withheld:
        return words.replace("Not scored", f"Not scored: {draft.score.withheld}", 1)
    return words


def quote_words(view: View, quote: Evidence) -> str:
    """Format a quote with its place and its rank as evidence."""
    place = f"{url_of(view, quote.document)}, characters {quote.start} to {quote.end}"
    return f"{quote.id} “{quote.quote}” ({place}; rank {quote.rank}, {rank_words(quote.rank)})"


def url_of(view: View, document: str) -> str:
    """Return the address of a document, or its id if the draft has no address."""
    return next((source.url for source in view.draft.sources if source.document == document), document)


def listed(lines: Iterable[str]) -> str:
    """Format lines of safe Markdown as a list."""
    return "\n".join(f"- {line}" for line in lines)


def fact_words(facts: Iterable[Fact]) -> list[str]:
    """Describe facts with their polarity, state, confidence and rank."""
    return [f"{f.id} {f.key} {f.polarity}, {f.state}, confidence {f.confidence:.2f}, rank {f.rank}" for f in facts]


# ------------------------------------------------------------ the text of an issue


def wiki(text: str) -> str:
    """Format `text` on one line as plain words in Jira's notation: no macro, link, mention, image or table.

    A URL is split after its scheme, since Jira turns anything that looks like a URL into a link.
    """
    escaped = "".join(f"\\{char}" if char in "{}[]!|*^~" else char for char in one_line(text).replace("\\", "/"))
    return escaped.replace("://", ":\\/\\/")


class Markup(NamedTuple):
    """The markup of a tracker: how source text is escaped, how words are set in bold, and how a list item begins."""

    safe: Callable[[str], str]
    bold: str
    item: str


MARKDOWN: Final = Markup(plain, "**{}**", "- ")
TEXT: Final = Markup(one_line, "{}", "- ")
WIKI: Final = Markup(wiki, "*{}*", "* ")


def issue(row: ThreatRow, markup: Markup, limit: int) -> str:
    """Format a threat as an issue of at most `limit` characters; quotes that do not fit are counted.

    Source text stays plain text: it creates no links, mentions nobody and runs no macro.
    """
    safe, bold, item = markup.safe, markup.bold.format, markup.item
    labelled = [f"{item}{bold(f'{label}:')} {safe(words)}" for label, words in row.labelled_words()]
    blocks = [safe(row.how), "\n".join(labelled)]
    lists = {"For you": row.remedies("you"), "For the vendor": row.remedies("vendor"), "Facts": fact_words(row.facts)}
    for head, words in lists.items():
        if words:
            blocks.append("\n".join([bold(f"{head}:"), "", *(f"{item}{safe(each)}" for each in words)]))
    body = "\n\n".join(block for block in blocks if block)
    if not row.quotes:
        return body[:limit]
    lines = ["", "", bold("Quotes:"), ""]
    room = limit - len(body) - sum(len(line) + 1 for line in lines) - _MORE
    for number, quote in enumerate(row.quotes):
        line = f"{item}{safe(quote_words(row.view, quote))}"
        room -= len(line) + 1
        if room < 0:
            lines.append(f"{item}{len(row.quotes) - number} more in the draft")
            break
        lines.append(line)
    return (body + "\n".join(lines))[:limit]
