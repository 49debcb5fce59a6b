"""Writes the paragraph of each layer: facts and their consequences, or general commentary labelled as such.

For a certain layer, one or two sentences state the facts, with marks, and their consequences. For an uncertain layer,
the paragraph starts with `MARK`, followed by the LLM's findings, with marks, or general commentary for the kind. If the
draft asks no question that settles the layer, the paragraph adds one. A paragraph has at most 35 words.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final, Literal

import yaml

from agent.drafting.judgement import JudgedLayer, Judgement, quotes_of, stands
from agent.drafting.layers.certainty import Certainty
from agent.drafting.product.capability_rows import fact_lines
from agent.drafting.product.posture import posture_keys
from agent.drafting.threats.names import renamed, shown_tags
from agent.drafting.threats.selection import Found
from agent.drafting.wording import (
    Said,
    abilities,
    asserted,
    capital,
    cited_by,
    clause,
    excerpt,
    is_ability,
    load_wording,
    marks,
    predicates,
    said,
    subject,
    word_count,
)
from agent.facts.sheet import counted
from agent.facts.vocabulary import load_vocabulary
from agent.records import Evidence, FactSheet, LayerThreats, Missing, Question, Record
from agent.records.evidence import MARK as CITATION
from agent.resources import data_folder
from agent.taxonomy.kinds import ProductKind
from agent.taxonomy.layers import LAYERS, LayerKey

MARK: Final = "Not certain from the listing — "
MAX_WORDS: Final = 35
_MOST_LED: Final = 60
"""The most words of an LLM's paragraph on an uncertain layer; the report shortens it by sentences."""
_TOLD_WORDS: Final = 30
_FEW_WORDS: Final = 4
"""Minimum number of words of a sentence; a shorter quote is treated as a name."""
_IN_ITS_WORDS: Final = frozenset({
    "security_warning", "known_incident", "not_production_ready", "secret_handling", "names_llm", "named_clients",
    "connected_services", "scopes", "access_roles", "framework_coverage",
})  # fmt: skip
"""Keys whose source sentences say more than the key, unless a slot contains the detail."""
_NAME_WORDS: Final = 3
"""Maximum number of words in a product name; longer names are replaced by "It" in a paragraph."""


class LayerTexts(Record):
    """The content of `corpus/knowledge/layer_texts.yaml`."""

    commentary: dict[ProductKind, dict[LayerKey, str]]
    ask: dict[LayerKey, str]
    follows: dict[LayerKey, dict[str, str]]


@cache
def load_layer_texts() -> LayerTexts:
    """Load commentary by kind and layer, questions by layer, and consequences by layer and key."""
    raw = yaml.safe_load((data_folder("corpus") / "knowledge" / "layer_texts.yaml").read_text("utf-8"))
    return LayerTexts.model_validate(raw)


def paragraphs(
    sheet: FactSheet,
    kind: ProductKind,
    name: str,
    certainty: Mapping[LayerKey, Certainty],
    found: Found,
    questions: Sequence[Question],
    judgement: Judgement | None = None,
    told_in: Mapping[LayerKey, str] | None = None,
) -> dict[LayerKey, LayerThreats]:
    """Build all seven layers with their threats, using an LLM's paragraph if its facts and quotes still exist.

    `questions` are the draft's questions. An uncertain layer refers to the question that settles it most directly, or
    has a question in its paragraph if there is none. `told_in` has the quote ids of layers supported only by a
    statement. A layer prefers facts not already used in the posture, the capability rows and other layers.
    """
    layers: dict[LayerKey, LayerThreats] = {}
    called = shown_tags(found)
    # Collect keys and marks already used, so that no fact or quote is repeated.
    rows = {fact for line in fact_lines(sheet, kind, judgement) for fact in line.facts}
    told = {fact.key for fact in sheet.facts if fact.id in rows} | posture_keys(sheet)
    for layer in LAYERS:
        state = certainty[layer]
        led = judgement.layers.get(layer) if judgement else None
        led = led.model_copy(update={"paragraph": renamed(led.paragraph, called)}) if led else None
        question = None if state.certain else _question(questions, layer)
        applies = _applies(sheet, kind, layer, certain=state.certain)
        if applies == "no":
            text = _absent_llm(sheet)
        elif state.certain and state.telling is not None and told_in is not None:
            text = _in_words(state.telling.quote, told_in[layer]) or _general(kind, layer, (told_in[layer],))
            told.add(told_in[layer])
        elif state.certain:
            text = _certain(sheet, kind, layer, name, state, told, led, judgement)
        else:
            text = _uncertain(sheet, kind, layer, question, led, judgement)
        layers[layer] = LayerThreats(
            applies=applies,
            certain=state.certain,
            certainty=round(state.certainty, 4),
            features=dict(state.features),
            paragraph=text,
            threats=tuple(placed.threat for placed in found.threats if placed.layer == layer),
            missing=None if state.certain else _missing(sheet, layer),
            question=question,
        )
    return layers


def _question(questions: Sequence[Question], layer: LayerKey) -> str | None:
    """Return the id of the question that settles the layer most directly: early in its list and with few others."""
    about = [each for each in questions if layer in each.settles]
    return min(about, key=lambda each: (each.settles.index(layer), len(each.settles))).id if about else None


def _applies(sheet: FactSheet, kind: ProductKind, layer: LayerKey, *, certain: bool) -> Literal["yes", "no", "unknown"]:
    """Return whether the layer applies. The first layer does not apply to a product without any LLM."""
    if layer == "foundation_models" and kind not in ("mcp-server", "agent-skill"):
        others = asserted(sheet, "names_llm", "client_brings_llm", "self_hosted_llm", "model_choice")
        if counted(sheet, "no_llm", "asserted") and not others:
            return "no"
    return "yes" if certain else "unknown"


def _absent_llm(sheet: FactSheet) -> str:
    one = said(sheet, keys=("no_llm",), polarity="asserted")[0]
    return f"Does not apply: it {clause(one)}{marks(one.evidence)}."


# ------------------------------------------------------------ a certain layer


def _certain(
    sheet: FactSheet,
    kind: ProductKind,
    layer: LayerKey,
    name: str,
    state: Certainty,
    told: set[str],
    led: JudgedLayer | None,
    judgement: Judgement | None,
) -> str:
    if (
        led is not None
        and judgement is not None
        and CITATION.search(led.paragraph)
        and stands(sheet, judgement, led.paragraph, led.facts, led.evidence)
    ):
        return led.paragraph
    chosen = _chosen(sheet, layer, state, told)
    if led is not None and judgement is not None:
        # The LLM's paragraph has no quote. Put the source's words before what is left of it, since a generated sentence
        # would clash with the LLM's texts.
        quoted = _quoted((*led.evidence, *cited_by(chosen)), (*sheet.evidence, *judgement.evidence))
        if quoted:
            told |= {one.key for one in chosen}
            left = led.paragraph if stands(sheet, judgement, led.paragraph, led.facts, led.evidence) else ""
            return f"{quoted} {left}".strip()
    follows = load_layer_texts().follows[layer]
    if not chosen or not _is_plain(chosen[0]) or chosen[0].key in told:
        cited = cited_by(chosen) or quotes_of(sheet, state.facts)
        quoted = _quoted([mark for mark in cited if mark not in told], sheet.evidence)
        then = follows.get(chosen[0].key, "") if chosen and chosen[0].sure else ""
        if quoted:
            told |= {*(one.key for one in chosen), *cited}
            return f"{quoted} {then}" if then and word_count(f"{quoted} {then}") <= MAX_WORDS else quoted
        if not (chosen and chosen[0].sure):
            return _general(kind, layer, cited)
    told |= {one.key for one in chosen}
    who = name if len(name.split()) <= _NAME_WORDS else "It"
    inference = next((follows[one.key] for one in chosen if one.polarity != "denied" and one.key in follows), "")
    for shown in (chosen, chosen[:1]):
        text = f"{_statement(kind, who, shown)}{marks(cited_by(shown))}."
        if shown[0].key not in follows and inference and len(shown) == 1:
            inference = ""
        whole = f"{text} {inference}".strip()
        if word_count(whole) <= MAX_WORDS:
            return whole
    return text


def _general(kind: ProductKind, layer: LayerKey, cited: Sequence[str]) -> str:
    """Build general commentary that cites the quotes of a settled layer, for quotes that do not fit in a sentence."""
    seen = f" See{marks(cited, 2)}." if cited else ""
    return f"{capital(load_layer_texts().commentary[kind][layer])}{seen}"


def _is_plain(one: Said) -> bool:
    """Return whether a saying can be paraphrased: it is sure, and the key says as much as the source."""
    return one.sure and (one.key not in _IN_ITS_WORDS or one.what != load_wording()[one.key].what)


def _quoted(marks_: Sequence[str], evidence: Sequence[Evidence]) -> str:
    """Build a sentence with the first usable quote, or return an empty string."""
    quotes = {item.id: item.quote for item in evidence}
    return next((text for mark in marks_ if (text := _in_words(quotes.get(mark, ""), mark))), "")


def _in_words(quote: str, mark: str) -> str:
    """Build a sentence with the quote or its longest usable part, or return an empty string."""
    words = excerpt(quote, _TOLD_WORDS)
    if not word_count(words):
        return ""
    return f"The sources {'say:' if word_count(words) >= _FEW_WORDS else 'name'} “{words}” [{mark}]."


def _statement(kind: ProductKind, who: str, shown: Sequence[Said]) -> str:
    """Build the sentence for the shown sayings. For a skill or framework, the subject is an agent, not the product."""
    groups = {load_vocabulary()[one.key].group for one in shown}
    plain = all(is_ability(one) for one in shown)
    if kind in ("agent-skill", "agent-framework") and plain and groups <= {"does", "reads", "decides"}:
        return f"{subject(kind, 'it' if who == 'It' else who).first} {predicates(shown, plain=True)}"
    return f"{who} {abilities(shown)}"


def _chosen(sheet: FactSheet, layer: LayerKey, state: Certainty, told: set[str]) -> list[Said]:
    """Choose one or two sayings for a layer's paragraph from the facts behind its certainty, graver ones first."""
    vocabulary = load_vocabulary()
    follows = load_layer_texts().follows[layer]
    pinning = [key.id for key in vocabulary.pinning(layer)]
    rows = list(said(sheet, keys=pinning))
    if not rows:
        keys = dict.fromkeys(fact.key for fact in sheet.facts if fact.id in state.facts)
        # Mark facts that merely concern the layer as unsure, because their quotes say more than a paraphrase.
        rows = [one._replace(sure=False) for one in said(sheet, keys=keys)]

    def order(one: Said) -> tuple[bool, bool, bool, bool, bool, bool, float]:
        return (
            not one.sure,
            # Put last, because the product's kind already implies it.
            one.key == "mcp_server",
            one.key in told,
            one.polarity == "denied",
            one.key not in follows,
            not vocabulary[one.key].grave,
            -one.confidence,
        )

    ordered = sorted(rows, key=order)
    ordered = [one for one in ordered if one.sure] or ordered
    # If the page already states the first saying, repeat only that one, to introduce its consequence.
    return ordered[:2] if ordered and ordered[0].key not in told else ordered[:1]


# ------------------------------------------------------------ an uncertain layer


def _uncertain(
    sheet: FactSheet,
    kind: ProductKind,
    layer: LayerKey,
    question: str | None,
    led: JudgedLayer | None,
    judgement: Judgement | None,
) -> str:
    commentary = load_layer_texts().commentary[kind][layer]
    if led is not None and judgement is not None:
        own = led.paragraph.removeprefix(MARK.rstrip()).strip()
        # Keep the LLM's findings about the layer while their quotes still exist.
        holds = stands(sheet, judgement, own, led.facts, led.evidence)
        if own and holds and word_count(own) <= _MOST_LED:
            return f"{MARK}{own}"
    # The report prints the record's question after the paragraph.
    return f"{MARK}{commentary}" if question else f"{MARK}{commentary} {load_layer_texts().ask[layer]}"


def _missing(sheet: FactSheet, layer: LayerKey) -> Missing:
    keys = {key.id for key in load_vocabulary().pinning(layer)}
    near = [fact for fact in sheet.facts if fact.key in keys and fact.about == "product"]
    read = max((search.statements for search in sheet.searched), default=0)
    looked = f"{read} statement{'' if read == 1 else 's'} read"
    if any(fact.conflicts_with for fact in near):
        return Missing(reason="contradicted", detail=f"{looked}; what they say of this layer disagrees")
    if near:
        return Missing(reason="too-little-evidence", detail=f"{looked}; some touch on this layer, none settles it")
    return Missing(reason="not-found", detail=f"{looked}; none speaks of this layer")
