"""What an item of a draft is based on: parts, quotes, rules, and what would change it.

An explanation is a title and passages of labelled rows, printed as text or JSON from the same rows.
"""

import textwrap
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from typing import Final

from agent.errors import InputError
from agent.records import Draft
from agent.report.explain import explanation_items as items
from agent.report.explain.explanation_items import Explanation, Passage, Row, makers, passage, quotes, row
from agent.report.explain.sensitivity import counted_factors, swings
from agent.report.safe_markdown import one_line
from agent.report.sentences import counted, narrowing, span, tenth, verdict
from agent.report.view import CERTAIN_NEEDED, View, is_proposed, name_of
from agent.taxonomy.factors import FACTOR_TITLES, FACTORS
from agent.taxonomy.layers import LAYER_CODES, LAYER_TITLES, LAYERS

_WIDTH: Final = 100
_LABEL: Final = 26
_NEAR: Final = 5
_CUTOFF: Final = 0.4
_TOP: Final = 12


def explain(draft: Draft, item: str | None = None) -> Explanation:
    """Explain one item of the draft, or the draft's score as a whole.

    `item` is a factor key, a layer key or code (`L3`), a threat id or place (`T1`), a fact id, an evidence, question or
    capability id, a chain's title or `chain 1`, or `score`, in upper or lower case. Raises InputError with similar
    names for an unknown item.
    """
    view = View(draft)
    if item is None:
        return _overview(view)
    wanted = _folded(item)
    for name, make in _known(view):
        if _folded(name) == wanted:
            return make()
    raise _unknown(view, item)


def text(explanation: Explanation) -> str:
    """Format the explanation as plain text, ending with a line feed. Control characters in quotes are made visible."""
    lines = [one_line(explanation.title)]
    for part in explanation.passages:
        lines += ["", part.heading]
        for entry in part.rows:
            lines += _entry_lines(entry)
    return "\n".join(lines) + "\n"


def _entry_lines(entry: Row) -> list[str]:
    marks = f" ({', '.join(entry.evidence)})" if entry.evidence else ""
    body = one_line(entry.text) + marks
    label = one_line(entry.label)
    if not label:
        return textwrap.wrap(body, _WIDTH, initial_indent="  ", subsequent_indent="    ") or ["  "]
    first = f"  {label:<{_LABEL}} "
    return textwrap.wrap(body, _WIDTH, initial_indent=first, subsequent_indent=" " * (_LABEL + 3)) or [first.rstrip()]


def _folded(name: str) -> str:
    return " ".join(name.casefold().replace("-", "_").split())


def _known(view: View) -> Iterator[tuple[str, Callable[[], Explanation]]]:
    """Yield every name of each item with the function that explains it; earlier names take precedence."""
    draft = view.draft
    yield "score", lambda: _score(view)
    for key in FACTORS:
        if key in draft.factors:
            yield key, lambda key=key: items.factor(view, key)  # type: ignore[misc]
            yield FACTOR_TITLES[key], lambda key=key: items.factor(view, key)  # type: ignore[misc]
    for layer_key, _ in view.layers:
        for name in (layer_key, LAYER_CODES[layer_key], LAYER_TITLES[layer_key]):
            yield name, lambda key=layer_key: items.layer(view, key)  # type: ignore[misc]
    for shown in view.threats:
        yield shown.name, lambda shown=shown: items.threat(view, shown.layer, shown.threat)  # type: ignore[misc]
        yield shown.tag, lambda shown=shown: items.threat(view, shown.layer, shown.threat)  # type: ignore[misc]
    for layer_key, layer in view.layers:
        for threat in layer.threats:
            yield threat.id, lambda key=layer_key, threat=threat: items.threat(view, key, threat)  # type: ignore[misc]
    for evidence in draft.evidence:
        yield evidence.id, lambda evidence=evidence: items.evidence(view, evidence)  # type: ignore[misc]
    for fact in draft.facts.facts if draft.facts else ():
        yield fact.id, lambda fact=fact: items.fact(view, fact)  # type: ignore[misc]
    for question in draft.questions:
        yield question.id, lambda question=question: items.question(view, question)  # type: ignore[misc]
    for capability in draft.system.capabilities:
        yield capability.id, lambda capability=capability: items.capability(view, capability)  # type: ignore[misc]
    for number, chain in enumerate(draft.chains, start=1):
        for name in (chain.title, f"chain {number}"):
            yield name, lambda chain=chain: items.chain(view, chain)  # type: ignore[misc]


def _unknown(view: View, item: str) -> InputError:
    names = list(dict.fromkeys(name for name, _ in _known(view)))
    folded = {_folded(name): name for name in reversed(names)}
    near = [folded[name] for name in get_close_matches(_folded(item), list(folded), _NEAR, _CUTOFF) if item.strip()]
    starts = [name for key, name in folded.items() if item.strip() and key.startswith(_folded(item)[:1])]
    listed = near or starts[:_NEAR] or ["score", *view.draft.factors][:_NEAR]
    return InputError(
        f"the draft has no item {one_line(item)[:60]!r}",
        where=view.draft.product.name,
        hint=f"near ones: {', '.join(listed)}; without an item the overview names all",
    )


def _overview(view: View) -> Explanation:
    draft = view.draft
    certain = sum(layer.certain for _, layer in view.layers)
    layers = [row("certain layers", f"{certain} of {len(view.layers)}; below {CERTAIN_NEEDED} no number is shown")]
    for key, layer in view.layers:
        state = "does not apply" if layer.applies == "no" else "certain" if layer.certain else "not certain"
        threats = counted(len(layer.threats), "threat")
        layers.append(row(f"{LAYER_CODES[key]} {key}", f"{state}, certainty {layer.certainty:.2f}, {threats}"))
    asked = [
        row(
            item.id,
            f"{item.text} Settles {', '.join(item.settles)}; {narrowing(item.effect)}",
            number=item.effect,
        )
        for item in view.questions
    ]
    shown = [
        row(
            f"{item.name} {item.threat.id}",
            f"{tenth(item.threat.score.aivss)} {item.threat.title}"
            + (f" ({view.origin(item.threat, brief=True)})" if is_proposed(item.threat) else ""),
            item.threat.evidence,
        )
        for item in view.threats
    ]
    passages = [
        *_score_passages(view),
        passage("Who made what", makers(draft)),
        passage("Layers", layers),
        passage("Threats in their order", shown),
        passage("Questions by effect", asked),
        passage("Items", _names(view)),
    ]
    return _explanation(view, "overview", "draft", f"{draft.product.name}: {verdict(draft.score)}", passages)


def _names(view: View) -> list[Row]:
    draft = view.draft
    groups: dict[str, list[str]] = {
        "factors": [str(key) for key in FACTORS if key in draft.factors],
        "layers": [str(key) for key in LAYERS if key in draft.layers],
        "capabilities": [item.id for item in draft.system.capabilities],
        "facts": [fact.id for fact in draft.facts.facts] if draft.facts else [],
        "evidence": [f"E1 to E{len(draft.evidence)}"] if draft.evidence else [],
        "chains": [chain.title for chain in draft.chains],
    }
    return [row(name, ", ".join(found)) for name, found in groups.items() if found]


def _score(view: View) -> Explanation:
    score = view.draft.score
    passages = list(_score_passages(view))
    if view.headline is not None:
        headline = view.headline.threat
        passages.append(passage("Threat behind the base", (row(headline.id, headline.title, headline.evidence),)))
        passages.append(quotes(view, headline.evidence))
    others = [
        row(name, tenth(value), number=None if value is None else float(value))
        for name, value in score.alternatives.items()
    ]
    passages.append(passage("Other formulas", others))
    if score.warnings:
        passages.append(passage("Warnings", tuple(row("", warning) for warning in score.warnings)))
    return _explanation(view, "score", "score", f"Score of {view.draft.product.name}: {verdict(score)}", passages)


def _score_passages(view: View) -> Iterator[Passage]:
    score = view.draft.score
    yield passage("Arithmetic", tuple(row("", line) for line in score.arithmetic.split("\n")))
    if score.withheld is not None:
        yield passage("Withheld", (row("", f"{score.withheld}; typical estimates give {tenth(score.provisional)}"),))
    other = score.without_vendor_claims
    if other is not None:
        said = f"not scored: {other.withheld}" if other.aivss is None else f"{tenth(other.aivss)} {other.severity}"
        same = other.aivss is not None and other.aivss == score.aivss
        yield passage("Without the vendor's claims", (row("", "the same without vendor claims" if same else said),))
    if score.with_controls is not None:
        kept = score.with_controls
        text_ = f"{tenth(kept.aivss)} {kept.severity}, mitigation factor {kept.mitigation_factor}"
        yield passage("With the controls that the documents name", (row("", text_, kept.evidence),))
    moved = [
        row(
            swing.name,
            f"{swing.value:.2f} ({swing.low:.2f}–{swing.high:.2f}) moves the score {swing.score_low:.2f} to "
            f"{swing.score_high:.2f}, {swing.width:.2f} points",
            number=round(float(swing.width), 4),
        )
        for swing in swings(score)[:_TOP]
    ]
    if moved:
        yield passage("What moves the score most, each alone within its range", moved)
    fixed = [f"threat multiplier {score.threat_multiplier}", f"mitigation factor {score.mitigation_factor}"]
    left = [name_of(key) for key in FACTORS if key in view.draft.factors and key not in counted_factors(score)]
    if left:
        fixed.append(f"not in factor set {score.factor_set}: {', '.join(left)}")
    yield passage("Fixed", (row("", "; ".join(fixed)), row("corners", span(score.low, score.high))))


def _explanation(view: View, item: str, kind: str, title: str, passages: list[Passage]) -> Explanation:
    return Explanation(
        draft=view.draft.id, item=item, kind=kind, title=title,
        passages=tuple(part for part in passages if part.rows),
    )  # fmt: skip
