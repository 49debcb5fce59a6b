"""The catalogue of threats: patterns over facts, loaded from `corpus/knowledge/catalogue/<layer>.yaml`.

A pattern defines its trigger (an expression over facts), how an attacker's content enters, the attack, and the loss.
For each of the eleven base metrics of CVSS v4.0 it has a value or rules `value if expression: reason`; the first rule
that holds applies. `terms.yaml` has the shared parts: named expressions, names of content, rules for single metrics,
and reference vectors of recurring threats. A pattern lists only its differences from its reference vector.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple, get_args

import yaml

from agent.drafting.judgement import Metric
from agent.drafting.threats.expressions import Expression, parse
from agent.drafting.threats.templates import Wording, read_wording
from agent.errors import InputError
from agent.facts.vocabulary import load_vocabulary
from agent.records import SlotName, TaxonomyRef
from agent.resources import data_folder
from agent.taxonomy.kinds import AssetClass
from agent.taxonomy.layers import LAYERS, LayerKey
from agent.taxonomy.lists import entries, lookup

METRICS: Final[tuple[Metric, ...]] = get_args(Metric)
VALUES: Final[Mapping[Metric, str]] = {
    "AV": "NALP",
    "AC": "LH",
    "AT": "NP",
    "PR": "NLH",
    "UI": "NPA",
    "VC": "HLN",
    "VI": "HLN",
    "VA": "HLN",
    "SC": "HLN",
    "SI": "HLN",
    "SA": "HLN",
}
"""Possible values of each metric, gravest first."""
MAX_HOW: Final = 45
MAX_SENTENCE: Final = 25
_HINT: Final = "the fields are described in agent/drafting/threats/catalogue.py"
_SCHEMES: Final = (
    ("ASI", "owasp-asi"),
    ("AML.", "mitre-atlas"),
    ("CWE-", "cwe"),
    ("MCP", "owasp-mcp"),
    ("T", "owasp-agentic"),
)
_REQUIRED: Final = frozenset(
    ("id", "title", "when", "reference", "actor", "how", "lost", "asset", "taxonomy", "stride", "controls", "you")
) | {"vendor", "question", "metrics"}
_OPTIONAL: Final = frozenset(("entry", "basis", "setting", "default_use", "covers", "confirms", "asks"))


class Rule(NamedTuple):
    """A metric's value with its condition and reason."""

    value: str
    when: Expression | None
    because: Wording


class Pattern(NamedTuple):
    """A recurring threat."""

    id: str
    title: Wording
    layer: LayerKey
    when: Expression
    """The trigger: an expression over the required facts."""
    entry: Expression | None
    """Expression for how an attacker's content enters; None if `when` covers every step."""
    assumed: bool
    """Whether the threat rests on a general assumption, such as a stolen key, regardless of the facts."""
    setting: Wording | None
    """The required setting or deployment, as a clause that follows "if"; None if the threat applies by default."""
    default_use: bool
    reference: str
    """Name of the underlying reference vector, which describes the attacker's entry."""
    actor: Wording
    how: Wording
    lost: Wording
    asset: AssetClass
    taxonomy: tuple[TaxonomyRef, ...]
    """References to published lists with ids and titles, STRIDE categories last."""
    covers: tuple[str, ...]
    """Ids of more general patterns that this pattern replaces."""
    controls: tuple[str, ...]
    """Keys of controls that mitigate the threat if they have rank 3 or more."""
    confirms: tuple[str, ...]
    """Word prefixes that identify this threat's consequential step in an approval."""
    you: tuple[str, ...]
    vendor: tuple[str, ...]
    question: Wording
    """The question to ask if the facts leave the threat open."""
    asks: tuple[str, ...]
    """Keys covered by the question."""
    metrics: Mapping[Metric, tuple[Rule, ...]]
    """The rules of all eleven metrics; the last rule of each always holds."""


class Source(NamedTuple):
    """The name of the content that enters through a key."""

    key: str
    noun: str
    slot: SlotName | None


class Catalogue(NamedTuple):
    """All patterns by id, in the order of layers and files, with their shared parts."""

    patterns: Mapping[str, Pattern]
    terms: Mapping[str, Expression]
    sources: tuple[Source, ...]
    """Sources, most specific first."""


class _Shared(NamedTuple):
    """The content of `terms.yaml`."""

    known: frozenset[str]
    terms: Mapping[str, Expression]
    sources: tuple[Source, ...]
    rules: Mapping[str, tuple[Rule, ...]]
    references: Mapping[str, Mapping[Metric, tuple[Rule, ...]]]


def load_catalogue(folder: Path | None = None) -> Catalogue:
    """Load the catalogue from a folder, by default the bundled catalogue.

    Raises InputError, naming file and pattern, for an unknown field, key, term, metric, value, list id or pattern id, a
    metric whose last rule does not always hold, a sentence that is too long, and two patterns with the same trigger.
    """
    return _bundled() if folder is None else _load(folder)


@lru_cache(maxsize=1)
def _bundled() -> Catalogue:
    return _load(data_folder("corpus") / "knowledge" / "catalogue")


def _load(folder: Path) -> Catalogue:
    shared = _shared(folder / "terms.yaml")
    patterns: dict[str, Pattern] = {}
    for layer in LAYERS:
        file = folder / f"{layer}.yaml"
        raw = _yaml(file)
        if raw.get("layer") != layer or set(raw) != {"layer", "patterns"}:
            raise _wrong(str(file), "a file has its own layer and patterns")
        for entry in _list(raw["patterns"], str(file)):
            pattern = _pattern(_mapping(entry, str(file)), layer, shared, str(file))
            if pattern.id in patterns:
                raise _wrong(f"{file}: {pattern.id}", "the id occurs twice")
            patterns[pattern.id] = pattern
    _check_together(patterns, folder)
    return Catalogue(patterns, shared.terms, shared.sources)


def _check_together(patterns: Mapping[str, Pattern], folder: Path) -> None:
    for pattern in patterns.values():
        unknown = [other for other in pattern.covers if other not in patterns or other == pattern.id]
        if unknown:
            raise _wrong(f"{folder}: {pattern.id}", f"covers unknown patterns {', '.join(unknown)}")
    twice = [key for key, n in Counter((p.layer, p.when.text) for p in patterns.values()).items() if n > 1]
    if twice:
        raise _wrong(f"{folder}: {twice[0][0]}", f"two patterns have the trigger {twice[0][1]!r}")


# ---------------------------------------------------------------- what patterns share


def _shared(file: Path) -> _Shared:
    raw = _yaml(file)
    if set(raw) != {"terms", "sources", "rules", "references"}:
        raise _wrong(str(file), "it has terms, sources, rules and references")
    known = frozenset(key.id for key in load_vocabulary())
    terms: dict[str, Expression] = {}
    for name, text in _mapping(raw["terms"], str(file)).items():
        terms[name] = parse(str(text), where=f"{file}: {name}", known=known, terms=terms)
    base = _Shared(known, terms, _sources(raw["sources"], known, str(file)), {}, {})
    rules = {
        name: tuple(_rules(entry, None, base, f"{file}: {name}"))
        for name, entry in _mapping(raw["rules"], str(file)).items()
    }
    with_rules = base._replace(rules=rules)
    references = {
        name: _metrics(_mapping(entry, str(file)), {}, with_rules, f"{file}: {name}")
        for name, entry in _mapping(raw["references"], str(file)).items()
    }
    for name, metrics in references.items():
        if set(metrics) != set(METRICS):
            raise _wrong(f"{file}: {name}", "a reference vector has all eleven metrics")
    return with_rules._replace(references=references)


def _sources(raw: object, known: frozenset[str], where: str) -> tuple[Source, ...]:
    found: list[Source] = []
    for key, entry in _mapping(raw, where).items():
        row = _mapping(entry, f"{where}: {key}")
        slot = next((name for name in get_args(SlotName) if name == row.get("slot")), None)
        if key not in known or "noun" not in row or (slot is None) != ("slot" not in row):
            raise _wrong(f"{where}: {key}", "a source is a key with a noun and perhaps a slot")
        found.append(Source(key, str(row["noun"]), slot))
    return tuple(found)


def _metrics(
    raw: Mapping[str, object], base: Mapping[Metric, tuple[Rule, ...]], shared: _Shared, where: str
) -> dict[Metric, tuple[Rule, ...]]:
    made = dict(base)
    unknown = sorted(set(raw) - set(METRICS))
    if unknown:
        raise _wrong(where, f"no metrics: {', '.join(unknown)}")
    for metric in METRICS:
        if metric in raw:
            made[metric] = tuple(_rules(raw[metric], metric, shared, f"{where}: {metric}"))
    return {metric: made[metric] for metric in METRICS if metric in made}


def _rules(raw: object, metric: Metric | None, shared: _Shared, where: str) -> Iterator[Rule]:
    """Yield the rules of a metric, given as the name of shared rules, one mapping, or a list of mappings."""
    if isinstance(raw, str):
        if raw not in shared.rules:
            raise _wrong(where, f"no shared rules {raw!r}")
        named = shared.rules[raw]
        _check_rules(named, metric, where)
        yield from named
        return
    entries = raw if isinstance(raw, list) else [raw]
    made = tuple(_rule(_mapping(entry, where), shared, where) for entry in entries)
    _check_rules(made, metric, where)
    yield from made


def _rule(entry: Mapping[str, object], shared: _Shared, where: str) -> Rule:
    if len(entry) != 1:
        raise _wrong(where, "a rule is `value: reason` or `value if expression: reason`")
    ((head, because),) = entry.items()
    value, conditional, text = head.partition(" if ")
    when = parse(text, where=where, known=shared.known, terms=shared.terms) if conditional else None
    return Rule(value, when, read_wording(str(because), where=where, known=shared.known))


def _check_rules(rules: Sequence[Rule], metric: Metric | None, where: str) -> None:
    if not rules or rules[-1].when is not None or any(rule.when is None for rule in rules[:-1]):
        raise _wrong(where, "every rule but the last has a condition")
    allowed = VALUES[metric] if metric else "HLNPA"
    if any(rule.value not in allowed or len(rule.value) != 1 for rule in rules):
        raise _wrong(where, f"the values are {', '.join(allowed)}")


# ---------------------------------------------------------------- one pattern


def _pattern(raw: Mapping[str, object], layer: LayerKey, shared: _Shared, file: str) -> Pattern:
    where = f"{file}: {raw.get('id')}"
    wrong = sorted((set(raw) - _REQUIRED - _OPTIONAL) | (_REQUIRED - set(raw)))
    if wrong:
        raise _wrong(where, f"fields unknown or missing: {', '.join(wrong)}")

    def wording(field: str) -> Wording:
        return read_wording(str(raw[field]), where=f"{where}: {field}", known=shared.known)

    def expression(field: str) -> Expression:
        return parse(str(raw[field]), where=f"{where}: {field}", known=shared.known, terms=shared.terms)

    def keys(field: str) -> tuple[str, ...]:
        found = _texts(raw.get(field, []), f"{where}: {field}")
        strange = [key for key in found if key not in shared.known]
        if strange:
            raise _wrong(f"{where}: {field}", f"unknown keys {', '.join(strange)}")
        return found

    confirms = _texts(raw.get("confirms", []), where)
    pattern = Pattern(
        id=str(raw["id"]),
        title=wording("title"),
        layer=layer,
        when=expression("when"),
        entry=expression("entry") if "entry" in raw else None,
        assumed=_assumed(raw.get("basis"), where),
        setting=wording("setting") if "setting" in raw else None,
        default_use=bool(raw.get("default_use", True)),
        reference=str(raw["reference"]),
        actor=wording("actor"),
        how=wording("how"),
        lost=wording("lost"),
        asset=_asset(raw["asset"], where),
        taxonomy=(
            *(_reference(ref, where) for ref in _texts(raw["taxonomy"], where)),
            *(_stride(name, where) for name in _texts(raw["stride"], where)),
        ),
        covers=_texts(raw.get("covers", []), where),
        controls=keys("controls"),
        confirms=confirms,
        you=_texts(raw["you"], where),
        vendor=_texts(raw["vendor"], where),
        question=wording("question"),
        asks=keys("asks"),
        metrics=_pattern_metrics(raw, confirms, shared, where),
    )
    _check_prose(pattern, where)
    return pattern


def _pattern_metrics(
    raw: Mapping[str, object], confirms: tuple[str, ...], shared: _Shared, where: str
) -> Mapping[Metric, tuple[Rule, ...]]:
    name = str(raw["reference"])
    if name not in shared.references:
        raise _wrong(where, f"no reference vector {name!r}")
    made = _metrics(_mapping(raw["metrics"] or {}, where), shared.references[name], shared, where)
    if confirms:
        when = parse(f"approved({', '.join(confirms)})", where=where, known=shared.known)
        because = read_wording("a person confirms this step by default", where=where, known=())
        made["UI"] = (Rule("A", when, because), *made["UI"])
    return made


def _check_prose(pattern: Pattern, where: str) -> None:
    """Check text lengths, counting each gap as one word, and that the question ends with a question mark."""
    if _length(pattern.how) > MAX_HOW:
        raise _wrong(where, f"`how` has more than {MAX_HOW} words")
    plain = "".join(piece if isinstance(piece, str) else "gap" for piece in pattern.how.pieces)
    texts = [*plain.split(". "), *pattern.you, *pattern.vendor]
    if any(len(text.split()) > MAX_SENTENCE for text in texts):
        raise _wrong(where, f"a sentence has more than {MAX_SENTENCE} words")
    if not pattern.question.text.endswith("?"):
        raise _wrong(where, "the question does not end with a question mark")


def _length(wording: Wording) -> int:
    return len("".join(piece if isinstance(piece, str) else "gap" for piece in wording.pieces).split())


def _assumed(raw: object, where: str) -> bool:
    if raw not in (None, "assumed"):
        raise _wrong(where, "basis is `assumed` or left out")
    return raw is not None


def _asset(raw: object, where: str) -> AssetClass:
    found: AssetClass | None = next((name for name in get_args(AssetClass) if name == raw), None)
    if found is None:
        raise _wrong(where, f"no class of assets {raw!r}")
    return found


def _stride(raw: str, where: str) -> TaxonomyRef:
    found = next((entry for entry in entries("stride") if entry.title.casefold() == raw), None)
    if found is None:
        raise _wrong(where, f"no category of STRIDE {raw!r}")
    return TaxonomyRef(scheme="stride", id=found.id, title=found.title)


def _reference(text: str, where: str) -> TaxonomyRef:
    scheme = next((name for start, name in _SCHEMES if text.startswith(start)), "")
    if text.startswith("LLM"):
        scheme = f"owasp-llm-{text.rpartition(':')[2]}"
    if not scheme:
        raise _wrong(where, f"no list has ids such as {text!r}")
    entry = lookup(scheme, text)
    return TaxonomyRef(scheme=scheme, id=entry.id, title=entry.title)


# ---------------------------------------------------------------- reading


def _yaml(file: Path) -> Mapping[str, object]:
    try:
        raw = yaml.safe_load(file.read_text("utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise _wrong(str(file), "the file cannot be read") from error
    return _mapping(raw, str(file))


def _mapping(raw: object, where: str) -> dict[str, object]:
    if not isinstance(raw, dict):
        raise _wrong(where, f"no mapping: {raw!r:.60}")
    return {str(key): value for key, value in raw.items()}


def _list(raw: object, where: str) -> list[object]:
    if not isinstance(raw, list):
        raise _wrong(where, f"no list: {raw!r:.60}")
    return list(raw)


def _texts(raw: object, where: str) -> tuple[str, ...]:
    return tuple(str(item) for item in _list(raw, where))


def _wrong(where: str, what: str) -> InputError:
    return InputError(what, where=where, hint=_HINT)
