"""A draft's threats for formats that list them: one row each, with everything the draft says about the threat, in words
without the report's own ids, and the supporting quotes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Final, NamedTuple
from uuid import UUID, uuid5

from agent.records import STRUCK, Draft, Evidence, Fact, Mitigation, TaxonomyRef, Threat
from agent.report.document import Text
from agent.report.prose import Prose
from agent.report.sentences import if_clause, span, tenth, threat_sentence, verdict
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
_ITEM: Final = "threat/"
_NOT_SCORED: Final = "Not scored"
ACCEPTED: Final = "accepted risk"
OUT_OF_SCOPE: Final = "out of scope"
_SETTLING: Final = (ACCEPTED, OUT_OF_SCOPE)
"""Prefixes of a waiver's reason that mean nothing will be done; other waivers leave the threat undecided."""


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
    def layer_words(self) -> str:
        """The threat's layer in words, and whether the sources settle that layer."""
        held = "certain" if self.certain else "not certain from the listing"
        return f"{self.code} {LAYER_TITLES[self.layer]}, {held}"

    @property
    def certain(self) -> bool:
        """Whether the sources settle the threat's layer."""
        return self.view.draft.layers[self.layer].certain

    @property
    def basis_words(self) -> str:
        """The threat's basis, and the setting that it requires."""
        threat = self.threat
        made: list[str] = [threat.basis or NOT_RECORDED]
        if threat.setting:
            made.append(if_clause(threat.setting))
        elif not threat.default_use:
            made.append("not in default use")
        return ", ".join(made)

    @property
    def score_words(self) -> str:
        """The severity and CVSS base, and the AIVSS score unless it is withheld."""
        aivss = "AIVSS withheld" if self.aivss is None else f"AIVSS {tenth(self.aivss)}"
        return f"{self.severity} {tenth(self.threat.score.cvss_base)} (CVSS 4.0 base; {aivss})"

    @cached_property
    def how(self) -> str:
        """How the threat works: who does what to what, with which consequence."""
        threat = self.threat
        return self.words(threat.how or threat_sentence(threat.statement))

    @cached_property
    def lost(self) -> str:
        """What is lost."""
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
        cited = [mark for group in self._cited for mark in group]
        known = self.view.evidence
        return tuple(known[mark] for mark in dict.fromkeys((*self.threat.evidence, *cited)) if mark in known)

    @property
    def _cited(self) -> Iterator[tuple[str, ...]]:
        text = self.prose.text(self.threat.how)
        return (one.ids for one in text if one.kind == "marks")

    @property
    def waived(self) -> str:
        """Why the threat was waived when the draft was signed; empty if it was not waived or the draft is unsigned."""
        stamp = self.view.draft.review
        return next((each.why for each in stamp.waivers if each.item == _ITEM + self.threat.id), "") if stamp else ""

    @property
    def settled(self) -> str:
        """The reason of a final waiver, "accepted risk" or "out of scope"; otherwise empty."""
        return next((reason for reason in _SETTLING if self.waived.startswith(reason)), "")

    @property
    def reasons(self) -> tuple[tuple[str, str], ...]:
        """Metrics with a reason for their value, in the order of the vector."""
        known = self.threat.score.reasons
        metrics = [part.partition(":")[0] for part in self.threat.score.cvss_vector.split("/")]
        return tuple((metric, self.words(known[metric])) for metric in metrics if metric in known)

    def refs(self, *schemes: str) -> tuple[TaxonomyRef, ...]:
        """Return the threat's ids in the given taxonomies, or in all taxonomies if none is given."""
        return tuple(ref for ref in self.threat.taxonomy if not schemes or ref.scheme in schemes)

    def mitigations(self, who: str) -> tuple[Mitigation, ...]:
        """Return the threat's mitigations for `who` ("you" or "vendor") to carry out."""
        return tuple(each for each in self.threat.mitigations if each.who == who)

    def words(self, raw: str) -> str:
        """Format a sentence of the draft with the marks of quotes but without other ids."""
        return "".join(_flat(self.prose.text(raw)))

    def remedy(self, each: Mitigation) -> str:
        """Describe a mitigation, with its status unless it is merely proposed."""
        note = "" if each.status == "proposed" else f" ({each.status})"
        return self.words(each.text) + note

    def labelled_words(self) -> list[tuple[str, str]]:
        """List everything except text, remedies and quotes, as labels and words; entries without words are left out."""
        ids = "; ".join(f"{ref.id} {ref.title} ({scheme(ref.scheme).title})" for ref in self.threat.taxonomy)
        draft = self.view.draft
        pairs = [
            ("Severity", f"{self.score_words} {self.threat.score.cvss_vector}"),
            ("Layer", self.layer_words),
            ("Rests on", self.basis_words),
            ("State", f"{self.threat.state}, confidence {self.confidence_words}"),
            ("Lost", self.lost),
            ("Ids", ids),
            ("Origin", self.view.origin(self.threat, brief=True)),
            ("Waived in review", self.waived),
            ("Product", f"{draft.product.name}. {product_words(draft)}"),
            ("Draft", f"{draft.id}, {self.view.standing}"),
        ]
        return [(label, words) for label, words in pairs if words]


def threat_rows(view: View) -> tuple[ThreatRow, ...]:
    """Return all threats of the draft: first those that the report shows, in its order, then the others."""
    tags = {item.threat.id: item.name for item in view.threats}
    prose = Prose(view.draft, tags, [question.id for question in view.draft.questions])
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


def product_words(draft: Draft) -> str:
    """Describe the product's score with its range, or why the score is withheld."""
    words = verdict(draft.score)
    if draft.score.aivss is None and draft.score.withheld:
        return words.replace(_NOT_SCORED, f"{_NOT_SCORED}: {draft.score.withheld}", 1)
    return words


def range_words(draft: Draft) -> str:
    """Describe the range of the product's score; for a withheld score, the usual range for its kind."""
    score = draft.score
    if score.likely_low is None or score.likely_high is None:
        return "unknown"
    found = span(score.likely_low, score.likely_high)
    return f"{found}, usual for the kind" if score.aivss is None else found


def quote_words(view: View, quote: Evidence) -> str:
    """Format a quote with its place and its rank as evidence."""
    place = f"{url_of(view, quote.document)}, characters {quote.start} to {quote.end}"
    return f"{quote.id} “{quote.quote}” ({place}; rank {quote.rank}, {rank_words(quote.rank)})"


def url_of(view: View, document: str) -> str:
    """Return the address of a document, or its id if the draft has no address."""
    return next((source.url for source in view.draft.sources if source.document == document), document)


def fact_words(facts: Sequence[Fact]) -> str:
    """Format facts with polarity, state, confidence and rank, one per line."""
    return "\n".join(
        f"{fact.id} {fact.key} {fact.polarity}, {fact.state}, confidence {fact.confidence:.2f}, rank {fact.rank}"
        for fact in facts
    )


def drafted_id(draft: Draft, item: str) -> str:
    """Return a UUID for an item of this draft, the same on every call."""
    return str(uuid5(_NAMES, f"{draft.id}/{item}"))


def _flat(text: Text) -> Iterator[str]:
    for one in text:
        if one.kind == "marks":
            quotes = [mark for mark in one.ids if mark.startswith("E")]
            yield f"[{', '.join(quotes)}]" if quotes else ""
        else:
            yield one.text
