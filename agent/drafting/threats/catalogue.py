"""The catalogue of threats: patterns over facts, loaded from `corpus/knowledge/catalogue/<layer>.yaml`.

A pattern defines its trigger (an expression over facts), how an attacker's content enters, the attack, and the loss.
For each of the eleven base metrics of CVSS v4.0 it has a value or rules `value if expression: reason`; the first rule
that holds applies. `terms.yaml` has the shared parts: named expressions, names of content, rules for single metrics,
and reference vectors of recurring threats. A pattern lists only its differences from its reference vector.

The folder `recurring` contains further patterns in the same form, for threats that recur in a kind of product whatever
its sources say. It also defines which threats, of either sort, a draft without an LLM shows first. LLMs do not see
these patterns.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple, Self

from pydantic import BeforeValidator, Field, PlainValidator, ValidationInfo, model_validator

from agent.drafting.judgement import Metric
from agent.drafting.threats.cvss_vectors import METRICS, VALUES
from agent.drafting.threats.expressions import Expression, approved, parse
from agent.drafting.threats.templates import Wording, read_wording
from agent.errors import SchemaError
from agent.facts.knowledge import knowledge
from agent.facts.vocabulary import load_vocabulary
from agent.records import Record, SlotName, TaxonomyRef
from agent.resources import data_folder
from agent.taxonomy.kinds import AssetClass, ProductKind
from agent.taxonomy.layers import LAYERS, LayerKey
from agent.taxonomy.lists import entries, lookup

MAX_HOW: Final = 45
MAX_SENTENCE: Final = 25
_SCHEMES: Final = (
    ("ASI", "owasp-asi"),
    ("AML.", "mitre-atlas"),
    ("CWE-", "cwe"),
    ("MCP", "owasp-mcp"),
    ("T", "owasp-agentic"),
)


class Rule(NamedTuple):
    """A metric's value with its condition and reason."""

    value: str
    when: Expression | None
    because: Wording


class Source(Record):
    """What to call the content that enters the product through a key."""

    key: str
    noun: str
    slot: SlotName | None = None


class _Shared(NamedTuple):
    """The parts that all patterns share: the content of `terms.yaml` and the keys of the vocabulary."""

    known: frozenset[str]
    terms: dict[str, Expression]
    rules: dict[str, tuple[Rule, ...]]
    references: dict[str, Mapping[Metric, tuple[Rule, ...]]]

    def key(self, name: str) -> str:
        """Return the name if it is a key of the vocabulary."""
        if name not in self.known:
            raise ValueError(f"unknown keys {name}")
        return name

    def expression(self, text: str) -> Expression:
        """Parse an expression over keys and terms."""
        return parse(text, self.known, self.terms)

    def wording(self, text: str) -> Wording:
        """Parse wording that has gaps."""
        return read_wording(text, self.known)

    def rules_of(self, raw: object, values: str = "HLNPA") -> tuple[Rule, ...]:
        """Read the rules of a metric, given as the name of shared rules, one mapping, or a list of mappings."""
        if isinstance(raw, str) and raw not in self.rules:
            raise ValueError(f"no shared rules {raw!r}")
        rows = raw if isinstance(raw, list) else [raw]
        rules = self.rules[raw] if isinstance(raw, str) else tuple(map(self._rule, rows))
        if not rules or rules[-1].when is not None or any(rule.when is None for rule in rules[:-1]):
            raise ValueError("every rule but the last has a condition")
        if any(rule.value not in values or len(rule.value) != 1 for rule in rules):
            raise ValueError(f"the values are {', '.join(values)}")
        return rules

    def _rule(self, row: Mapping[str, str]) -> Rule:
        if len(row) != 1:
            raise ValueError("a rule is `value: reason` or `value if expression: reason`")
        ((head, because),) = row.items()
        value, conditional, text = head.partition(" if ")
        return Rule(value, self.expression(text) if conditional else None, self.wording(because))

    def metrics_of(self, raw: Mapping[Metric, object] | None) -> dict[Metric, tuple[Rule, ...]]:
        """Read the rules of some metrics."""
        unknown = sorted(set(raw or ()) - set(METRICS))
        if unknown:
            raise ValueError(f"unknown metrics: {', '.join(unknown)}")
        return {metric: self.rules_of(raw[metric], VALUES[metric]) for metric in METRICS if raw and metric in raw}


def _read(how: Callable[[_Shared, str], object]) -> PlainValidator:
    def read(value: object, info: ValidationInfo) -> object:
        assert isinstance(info.context, _Shared)
        return how(info.context, str(value))

    return PlainValidator(read)


_Text = Annotated[Wording, _read(_Shared.wording)]
_Condition = Annotated[Expression, _read(_Shared.expression)]
_Key = Annotated[str, _read(_Shared.key)]


def _sentence(text: str) -> str:
    if any(len(part.split()) > MAX_SENTENCE for part in text.split(". ")):
        raise ValueError(f"a sentence has more than {MAX_SENTENCE} words")
    return text


_Sentence = Annotated[str, BeforeValidator(_sentence)]


class Pattern(Record):
    """A threat of the catalogue."""

    id: str
    title: _Text
    layer: LayerKey
    when: _Condition
    """The trigger: an expression over the required facts."""
    entry: _Condition | None = None
    """Expression for how an attacker's content enters; None if `when` already covers this."""
    basis: Literal["assumed"] | None = None
    """assumed: the threat is based on a general assumption, such as a stolen key, regardless of the facts."""
    setting: _Text | None = None
    """The required setting or deployment, as a clause that follows "if"; None if the threat applies by default."""
    default_use: bool = True
    reference: str
    """Name of the underlying reference vector, which describes the attacker's entry."""
    actor: _Text
    how: _Text
    lost: _Text
    asset: AssetClass
    taxonomy: tuple[TaxonomyRef, ...]
    """References to published lists with ids and titles, STRIDE categories last."""
    covers: tuple[str, ...] = ()
    """Ids of more general patterns that this pattern replaces."""
    controls: tuple[_Key, ...]
    """Keys of controls that mitigate the threat if they have rank 3 or more."""
    confirms: tuple[str, ...] = ()
    """Word prefixes by which an approval is recognised as covering this threat's consequential step."""
    you: tuple[_Sentence, ...]
    vendor: tuple[_Sentence, ...]
    metrics: Annotated[Mapping[Metric, tuple[Rule, ...]], PlainValidator(lambda rules: rules)] = Field(repr=False)
    """The rules of all eleven metrics; the last rule of each always holds."""

    @model_validator(mode="before")
    @classmethod
    def _of_row(cls, raw: dict[str, object], info: ValidationInfo) -> dict[str, object]:
        """Complete a row of the file with the rules of its reference vector and the titles of its ids."""
        shared = info.context
        assert isinstance(shared, _Shared)
        row: dict[str, Any] = dict(raw)
        if row["reference"] not in shared.references:
            raise ValueError(f"no reference vector {row['reference']!r}")
        metrics = {**shared.references[row["reference"]], **shared.metrics_of(row["metrics"])}
        if row.get("confirms"):
            because = shared.wording("a person confirms this step by default")
            metrics["UI"] = (Rule("A", approved(row["confirms"]), because), *metrics["UI"])
        refs = (*map(_reference, row["taxonomy"]), *map(_stride, row.pop("stride")))
        return {**row, "metrics": metrics, "taxonomy": refs}

    @model_validator(mode="after")
    def _is_short(self) -> Self:
        if len(self.how.plain.split()) > MAX_HOW:
            raise ValueError(f"`how` has more than {MAX_HOW} words")
        _sentence(self.how.plain)
        return self


class _Rows(Record):
    """A file of patterns that recur for kinds of products; each row states its layer."""

    patterns: tuple[Pattern, ...]


class _Layer(_Rows):
    """The file of a layer."""

    layer: LayerKey

    @model_validator(mode="before")
    @classmethod
    def _of_layer(cls, raw: dict[str, object]) -> dict[str, object]:
        rows: Any = raw["patterns"]
        return {**raw, "patterns": [{**row, "layer": raw["layer"]} for row in rows]}


class _Terms(Record):
    """The file of the parts that patterns share."""

    terms: dict[str, str]
    sources: dict[str, dict[str, str]]
    rules: dict[str, Any]
    references: dict[str, dict[Metric, Any]]


class Revision(Record):
    """How a pattern differs in drafts without an LLM."""

    when: str = ""
    """A further condition; empty if there is none."""
    title: str = ""
    how: str = ""
    """Texts that replace the pattern's; empty if they stay the same."""
    metrics: Mapping[Metric, Any] = Field(default_factory=dict)
    """Rules that replace the pattern's, for some metrics."""

    def of(self, pattern: Pattern, shared: _Shared) -> Pattern:
        """Return the revised pattern."""
        when = shared.expression(f"({pattern.when.text}) and ({self.when})") if self.when else pattern.when
        metrics = {**pattern.metrics, **shared.metrics_of(self.metrics)}
        texts = {name: shared.wording(text) for name, text in (("title", self.title), ("how", self.how)) if text}
        return pattern.model_copy(update={"when": when, "metrics": metrics, **texts})


class Priorities(Record):
    """What a draft without an LLM shows first: the content of `recurring/priorities.yaml`."""

    families: Mapping[str, tuple[str, ...]]
    """Ids of patterns that describe the same danger, by family."""
    kinds: Mapping[ProductKind, tuple[str, ...]]
    """Families by kind of product, most important first."""
    revised: Mapping[str, Revision]
    """How catalogue patterns differ in drafts without an LLM, by id."""


class Catalogue(NamedTuple):
    """All patterns by id, in the order of layers and files, with their shared parts."""

    patterns: Mapping[str, Pattern]
    """Patterns over facts, which are also shown to an LLM."""
    terms: Mapping[str, Expression]
    sources: tuple[Source, ...]
    """Sources, most specific first."""
    recurring: Mapping[str, Pattern]
    """Patterns that recur for kinds of products; they are used only in drafts without an LLM."""
    priorities: Priorities

    revised: Mapping[str, Pattern]
    """The patterns over facts as they are used without an LLM."""

    @property
    def every(self) -> Mapping[str, Pattern]:
        """Both sorts of patterns by id."""
        return {**self.patterns, **self.recurring}


@cache
def load_catalogue(folder: Path | None = None) -> Catalogue:
    """Load the catalogue from a folder, by default the bundled catalogue.

    Raises SchemaError, which gives the file and pattern, for an unknown field, key, term, metric, value, list id or
    pattern id, a recurring pattern or family without a place, a metric whose last rule does not always hold, a sentence
    that is too long, and two patterns with the same trigger.
    """
    place = folder or data_folder("corpus") / "knowledge" / "catalogue"
    file = place / "terms.yaml"
    raw = knowledge(file, _Terms)
    shared = _Shared(frozenset(key.id for key in load_vocabulary()), {}, {}, {})
    try:
        for name, text in raw.terms.items():
            shared.terms[name] = shared.expression(text)
        shared.rules.update({name: shared.rules_of(rows) for name, rows in raw.rules.items()})
        shared.references.update({name: shared.metrics_of(rows) for name, rows in raw.references.items()})
        if any(len(metrics) < len(METRICS) for metrics in shared.references.values()):
            raise ValueError("a reference vector has all eleven metrics")
        sources = tuple(Source.model_validate({"key": shared.key(key), **row}) for key, row in raw.sources.items())
        file = place
        layers = [place / f"{layer}.yaml" for layer in LAYERS]
        patterns = [one for path in layers for one in knowledge(path, _Layer, shared).patterns]
        first = place / "recurring" / "priorities.yaml"
        more = [path for path in sorted(first.parent.glob("*.yaml")) if path != first]
        recurring = [one for path in more for one in knowledge(path, _Rows, shared).patterns]
        priorities = knowledge(first, Priorities, shared)
        _check_together([*patterns, *recurring])
        _check_priorities(priorities, patterns, recurring)
        revised = [priorities.revised.get(one.id, Revision()).of(one, shared) for one in patterns]
    except ValueError as error:
        hint = "the fields are described in agent/drafting/threats/catalogue.py"
        raise SchemaError(str(error), where=str(file), hint=hint) from error
    return Catalogue(
        {pattern.id: pattern for pattern in patterns},
        shared.terms,
        sources,
        {pattern.id: pattern for pattern in recurring},
        priorities,
        {pattern.id: pattern for pattern in revised},
    )


def _check_together(patterns: list[Pattern]) -> None:
    ids = {pattern.id for pattern in patterns}
    if unknown := [f"{p.id}: {other}" for p in patterns for other in p.covers if other not in ids - {p.id}]:
        raise ValueError(f"covers unknown patterns: {', '.join(unknown)}")
    for what, names in (
        ("id", [pattern.id for pattern in patterns]),
        ("trigger", [f"{pattern.layer}: {pattern.when.text}" for pattern in patterns]),
    ):
        if twice := [name for name, n in Counter(names).items() if n > 1]:
            raise ValueError(f"two patterns have the {what} {twice[0]!r}")


def _check_priorities(priorities: Priorities, patterns: list[Pattern], recurring: list[Pattern]) -> None:
    known = {pattern.id for pattern in patterns}
    more = {pattern.id for pattern in recurring}
    members = {id_ for family in priorities.families.values() for id_ in family}
    named = {family for families in priorities.kinds.values() for family in families}
    unknown = sorted((members - known - more) | (set(priorities.revised) - known) | (named - set(priorities.families)))
    if unknown:
        raise ValueError(f"priorities refer to unknown patterns or families: {', '.join(unknown)}")
    if unused := sorted((more - members) | (set(priorities.families) - named)):
        raise ValueError(f"no kind of product lists {', '.join(unused)}")


def _stride(name: str) -> TaxonomyRef:
    for entry in entries("stride"):
        if entry.title.casefold() == name:
            return TaxonomyRef(scheme="stride", id=entry.id, title=entry.title)
    raise ValueError(f"unknown STRIDE category {name!r}")


def _reference(text: str) -> TaxonomyRef:
    scheme = next((name for start, name in _SCHEMES if text.startswith(start)), "")
    if text.startswith("LLM"):
        scheme = f"owasp-llm-{text.rpartition(':')[2]}"
    if not scheme:
        raise ValueError(f"no list has ids such as {text!r}")
    entry = lookup(scheme, text)
    return TaxonomyRef(scheme=scheme, id=entry.id, title=entry.title)
