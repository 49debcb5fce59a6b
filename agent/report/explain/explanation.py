"""What an item of a draft is based on: parts, quotes, rules, and what would change it.

An explanation is a title and passages of labelled rows, printed as text or JSON from the same rows.
"""

import textwrap
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from functools import partial
from typing import Final

from agent.errors import InputError
from agent.records import Draft
from agent.report.authors import authorships, drafter_words, usage_sentences
from agent.report.explain import explanation_items as items
from agent.report.explain.explanation_items import Explanation, Passage, Row, made, passage, quotes, row
from agent.report.explain.sensitivity import counted_factors, swings
from agent.report.safe_markdown import one_line
from agent.report.sentences import counted, narrowing, span, tenth, verdict
from agent.report.view import CERTAIN_NEEDED, View, is_proposed, name_of
from agent.taxonomy.factors import FACTOR_TITLES, FACTORS
from agent.taxonomy.layers import LAYER_CODES, LAYER_TITLES

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
    label = one_line(entry.label)
    first, later = (f"  {label:<{_LABEL}} ", " " * (_LABEL + 3)) if label else ("  ", "    ")
    body = one_line(entry.text) + marks
    return textwrap.wrap(body, _WIDTH, initial_indent=first, subsequent_indent=later) or [first.rstrip() or "  "]


def _folded(name: str) -> str:
    return " ".join(name.casefold().replace("-", "_").split())


def _known(view: View) -> Iterator[tuple[str, Callable[[], Explanation]]]:
    """Yield every name of each item with the function that explains it; earlier names take precedence."""
    draft = view.draft
    yield "score", partial(_score, view)
    for key in (key for key in FACTORS if key in draft.factors):
        for name in (key, FACTOR_TITLES[key]):
            yield name, partial(items.factor, view, key)
    for layer, _ in view.layers:
        for name in (layer, LAYER_CODES[layer], LAYER_TITLES[layer]):
            yield name, partial(items.layer, view, layer)
    for shown in view.threats:
        for name in (shown.name, shown.tag):
            yield name, partial(items.threat, view, shown.layer, shown.threat)
    for layer, found in view.layers:
        for threat in found.threats:
            yield threat.id, partial(items.threat, view, layer, threat)
    yield from ((each.id, partial(items.evidence, view, each)) for each in draft.evidence)
    yield from ((each.id, partial(items.fact, view, each)) for each in view.facts)
    yield from ((each.id, partial(items.question, view, each)) for each in draft.questions)
    yield from ((each.id, partial(items.capability, view, each)) for each in draft.system.capabilities)
    for number, chain in enumerate(draft.chains, start=1):
        for name in (chain.title, f"chain {number}"):
            yield name, partial(items.chain, view, chain)


def _unknown(view: View, item: str) -> InputError:
    names = list(dict.fromkeys(name for name, _ in _known(view)))
    folded = {_folded(name): name for name in reversed(names)}
    near = [folded[name] for name in get_close_matches(_folded(item), list(folded), _NEAR, _CUTOFF) if item.strip()]
    starts = [name for key, name in folded.items() if item.strip() and key.startswith(_folded(item)[:1])]
    listed = near or starts[:_NEAR] or ["score", *view.draft.factors][:_NEAR]
    return InputError(
        f"the draft has no item {one_line(item)[:60]!r}",
        where=view.draft.product.name,
        hint=f"similar names: {', '.join(listed)}; without an item, the overview lists all names",
    )


def _overview(view: View) -> Explanation:
    draft = view.draft
    certain = sum(layer.certain for _, layer in view.layers)
    layers = [row("certain layers", f"{certain} of {len(view.layers)}; below {CERTAIN_NEEDED}, no score is shown")]
    for key, layer in view.layers:
        state = "does not apply" if layer.applies == "no" else "certain" if layer.certain else "not certain"
        threats = counted(len(layer.threats), "threat")
        layers.append(row(f"{LAYER_CODES[key]} {key}", f"{state}, certainty {layer.certainty:.2f}, {threats}"))
    asked = [
        row(each.id, f"{each.text} Settles {', '.join(each.settles)}; {narrowing(each.effect)}", number=each.effect)
        for each in view.questions
    ]
    shown = []
    for name, threat in ((each.name, each.threat) for each in view.threats):
        origin = f" ({view.origin(threat, brief=True)})" if is_proposed(threat) else ""
        said = f"{tenth(threat.score.aivss)} {threat.title}{origin}"
        shown.append(row(f"{name} {threat.id}", said, threat.evidence))
    makers = []
    if draft.drafter.kind == "llm":
        makers = [row("drafter", drafter_words(draft)), *(row("", words) for words in usage_sentences(draft))]
        makers += [row(part, f"{who}; {why}" if why else who) for part, who, why in authorships(draft)]
    named: dict[str, list[str]] = {
        "factors": [key for key in FACTORS if key in draft.factors],
        "layers": [key for key, _ in view.layers],
        "capabilities": [each.id for each in draft.system.capabilities],
        "facts": [fact.id for fact in view.facts],
        "evidence": [f"E1 to E{len(draft.evidence)}"] if draft.evidence else [],
        "chains": [chain.title for chain in draft.chains],
    }
    return made(
        view, "overview", "draft", f"{draft.product.name}: {verdict(draft.score)}", *_score_passages(view),
        passage("Who made what", makers), passage("Layers", layers), passage("Threats in order", shown),
        passage("Questions by effect", asked),
        passage("Items", (row(name, ", ".join(found)) for name, found in named.items() if found)),
    )  # fmt: skip


def _score(view: View) -> Explanation:
    score, passages = view.draft.score, list(_score_passages(view))
    if view.headline is not None:
        threat = view.headline.threat
        passages.append(passage("Threat behind the base", [row(threat.id, threat.title, threat.evidence)]))
        passages.append(quotes(view, threat.evidence))
    others = [
        row(name, tenth(value), number=None if value is None else float(value))
        for name, value in score.alternatives.items()
    ]
    passages += [passage("Other formulas", others), passage("Warnings", (row("", text) for text in score.warnings))]
    return made(view, "score", "score", f"Score of {view.draft.product.name}: {verdict(score)}", *passages)


def _score_passages(view: View) -> Iterator[Passage]:
    score = view.draft.score
    yield passage("Arithmetic", (row("", line) for line in score.arithmetic.split("\n")))
    if score.withheld is not None:
        said = f"{score.withheld}; with typical values, it would be {tenth(score.provisional)}"
        yield passage("Withheld", [row("", said)])
    other = score.without_vendor_claims
    if other is not None:
        said = f"not scored: {other.withheld}" if other.aivss is None else f"{tenth(other.aivss)} {other.severity}"
        same = other.aivss is not None and other.aivss == score.aivss
        yield passage("Without the vendor's claims", [row("", "the same score" if same else said)])
    if score.with_controls is not None:
        kept = score.with_controls
        said = f"{tenth(kept.aivss)} {kept.severity}, mitigation factor {kept.mitigation_factor}"
        yield passage("With the documented controls", [row("", said, kept.evidence)])
    moved = []
    for s in swings(score)[:_TOP]:
        ends = f"{s.score_low:.2f} to {s.score_high:.2f}, {s.width:.2f} points"
        said = f"{s.value:.2f} ({s.low:.2f}–{s.high:.2f}) moves the score from {ends}"
        moved.append(row(s.name, said, number=round(float(s.width), 4)))
    yield passage("What moves the score most, varying one input at a time within its range", moved)
    fixed = [f"threat multiplier {score.threat_multiplier}", f"mitigation factor {score.mitigation_factor}"]
    left = [name_of(key) for key in FACTORS if key in view.draft.factors and key not in counted_factors(score)]
    if left:
        fixed.append(f"not in factor set {score.factor_set}: {', '.join(left)}")
    yield passage("Fixed", [row("", "; ".join(fixed)), row("corners", span(score.low, score.high))])
