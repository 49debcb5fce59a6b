"""The threat patterns of `corpus/knowledge/threats/`: their schema, and a strict loader.

A trigger is a signal id, or several joined by `|` of which one is enough. A condition is such groups joined by `&`,
where a `!` in front of a signal means that it must not show. No trigger of a condition may be of the group `control`:
a control claim never changes the severity of a threat here.
"""

import re
from functools import cache, lru_cache
from pathlib import Path
from typing import Annotated, Final, Literal

import yaml
from pydantic import Field, TypeAdapter, ValidationError, field_validator, model_validator

from agent.drafting_old.templates import names_in, optional_names_in
from agent.errors import InputError
from agent.evidence.signals import load_signals
from agent.records import Record, TaxonomyRef, ThreatStatement
from agent.resources import data_folder
from agent.taxonomy.keys import FACTORS, LAYERS, AssetClass, LayerKey

Metric = Literal["AV", "AC", "AT", "PR", "UI", "VC", "VI", "VA", "SC", "SI", "SA"]

METRICS: Final[tuple[Metric, ...]] = ("AV", "AC", "AT", "PR", "UI", "VC", "VI", "VA", "SC", "SI", "SA")
METRIC_VALUES: Final[dict[Metric, str]] = {
    "AV": "NALP", "AC": "LH", "AT": "NP", "PR": "NLH", "UI": "NPA",
    "VC": "HLN", "VI": "HLN", "VA": "HLN", "SC": "HLN", "SI": "HLN", "SA": "HLN",
}  # fmt: skip
"""Values of each base metric of CVSS v4.0, the most severe first."""
CROSS_LAYER: Final = "cross_layer"
ROOTS: Final = "owasp-asi"
"""The list whose ids name the cause of a threat; the id that fits best stands before any other of it."""
PRIOR_RIGHT: Final = 3
PRIOR_JUDGED: Final = 4
TRUSTED: Final = 0.7
"""From this share of right threats on a pattern's threats are shown; below, they are asked about instead."""
MIN_SLOTS: Final = 2
"""Different slots, beside the product's name, that a statement template must use."""
_REMEMBERED: Final = 16384
"""Sentences and what is looked for in them: those of a few products."""

_DEFAULT_REASONS: Final[dict[str, str]] = {
    "AV:N": "the way in leads over a network",
    "AV:A": "the attacker has to be on the same network",
    "AV:L": "the attacker needs a place on the machine",
    "AC:L": "no defence has to be worn down first",
    "AT:N": "no special state of the deployment is needed",
    "PR:N": "the attacker needs no account",
    "UI:N": "nobody else has to take part",
}
"""Reasons for the ordinary value of a metric; any other value is explained by its pattern."""
_NO_IMPACT: Final = {
    "VC": "nothing is read in this scenario",
    "VI": "nothing is changed in this scenario",
    "VA": "the product keeps running",
    "SC": "no other system is read",
    "SI": "no other system is changed",
    "SA": "no other system stops",
}
_TERM = re.compile(r"!?[a-z_]+(?:\|!?[a-z_]+)*")
_Trigger = Annotated[str, Field(pattern=r"^[a-z_]+(\|[a-z_]+)*$")]
_Text = Annotated[str, Field(min_length=3, max_length=260)]


class Triggers(Record):
    """When a pattern fires: every `all_of`, one of `any_of` or `patterns`, none of `none_of`."""

    all_of: tuple[_Trigger, ...] = ()
    any_of: tuple[_Trigger, ...] = ()
    none_of: tuple[_Trigger, ...] = ()
    patterns: tuple[str, ...] = ()
    """Regular expressions over the statements' text, case ignored, for what signals do not cover."""

    @model_validator(mode="after")
    def _not_empty(self) -> "Triggers":
        if not (self.all_of or self.any_of or self.patterns):
            raise ValueError("a pattern needs a trigger")
        for pattern in self.patterns:
            re.compile(pattern)
        return self


class Condition(Record):
    """What changes metrics of the vector."""

    when: str
    set: dict[Metric, str] = Field(min_length=1)
    because: _Text

    @field_validator("when")
    @classmethod
    def _terms(cls, when: str) -> str:
        for term in when.split("&"):
            if not _TERM.fullmatch(term.strip()):
                raise ValueError(f"{term!r} is not a trigger")
        return when

    @field_validator("set")
    @classmethod
    def _values(cls, values: dict[Metric, str]) -> dict[Metric, str]:
        for metric, value in values.items():
            if len(value) != 1 or value not in METRIC_VALUES[metric]:
                raise ValueError(f"{metric}:{value} is no value of CVSS v4.0")
        return values

    def terms(self) -> tuple[tuple[tuple[str, bool], ...], ...]:
        """For each term its alternatives: a signal and whether it must be shown or must not."""
        parts = [term.strip().split("|") for term in self.when.split("&")]
        return tuple(tuple((name.lstrip("!"), not name.startswith("!")) for name in part) for part in parts)


class MitigationTemplate(Record):
    """What lowers the threat, and who does it."""

    who: Literal["you", "vendor"]
    text: _Text


class QuestionTemplate(Record):
    """What to ask the vendor, with an answer that could be pasted."""

    text: _Text
    proposed: _Text
    settles: tuple[str, ...] = Field(min_length=1)

    @field_validator("settles")
    @classmethod
    def _keys(cls, keys: tuple[str, ...]) -> tuple[str, ...]:
        for key in keys:
            if key not in FACTORS and key not in LAYERS:
                raise ValueError(f"{key!r} is neither a factor nor a layer")
        return keys


class Pattern(Record):
    """One threat pattern. Texts are templates over slots (see `agent.drafting_old.templates`)."""

    id: str = Field(pattern=r"^(L[1-7]|X)-[a-z0-9-]+$")
    group: LayerKey | Literal["cross_layer"]
    """The file that it stands in."""
    layer: LayerKey
    """The layer that it counts for."""
    title: _Text
    when: Triggers
    statement: ThreatStatement
    assets: tuple[str, ...] = Field(min_length=1)
    asset_class: AssetClass
    """What is harmed first; where that depends on the product, the most usual."""
    taxonomy: tuple[TaxonomyRef, ...] = Field(min_length=2)
    cvss: str
    """Base metrics of CVSS v4.0 without the prefix, in the standard's order."""
    metrics: dict[Metric, _Text]
    """A reason for each metric whose value is not the ordinary one."""
    carried: tuple[str, ...] = ()
    """Regular expressions, case ignored: one sentence behind a trigger has to match one, or the pattern does not fire.
    For what a signal is too wide for: a queue is no memory of conversations."""
    refused: tuple[str, ...] = ()
    """The same: a sentence that matches one triggers nothing here."""
    unfit: dict[str, str] = Field(default_factory=dict)
    """Slot to a regular expression of values that make no sense in this threat; the slot then counts as empty."""
    gives_way: tuple[str, ...] = ()
    """Patterns that tell nearly the same more closely; where one of them fires, this one is left out."""
    conditions: tuple[Condition, ...] = ()
    typical: float = Field(ge=0, le=1)
    """How typical the threat is of the products on which it fires."""
    needs: tuple[_Trigger, ...] = Field(min_length=1)
    """Slots without which it is a question; of several joined by `|` one is enough."""
    mitigations: tuple[MitigationTemplate, ...] = Field(min_length=2)
    questions: tuple[QuestionTemplate, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _complete(self) -> "Pattern":
        values = dict(pair.split(":") for pair in self.cvss.split("/"))
        if tuple(values) != METRICS or any(v not in METRIC_VALUES[m] for m, v in values.items()):  # type: ignore[index]
            raise ValueError("cvss is not a full base vector of CVSS v4.0")
        if lacking := [m for m in METRICS if not self.reason(m, values[m])]:
            raise ValueError(f"metrics without a reason: {lacking}")
        if len(self.slots() - {"product"}) < MIN_SLOTS:
            raise ValueError("the statement names too little of the product")
        every = {name for text in self.texts() for name in names_in(text)}
        if unused := self.needed() - every:
            raise ValueError(f"needed slots that no text uses: {sorted(unused)}")
        whole = [self.title, *self.statement.model_dump().values(), *self.metrics.values()]
        if bare := {n for text in whole for n in names_in(text) - optional_names_in(text)} - {*self.needs, "product"}:
            raise ValueError(f"slots that are neither needed nor have an alternative: {sorted(bare)}")
        for text in (*self.carried, *self.refused, *self.unfit.values()):
            re.compile(text)
        if strange := self.unfit.keys() - every:
            raise ValueError(f"unfit values of slots that no text uses: {sorted(strange)}")
        if not {m.who for m in self.mitigations} == {"you", "vendor"}:
            raise ValueError("a mitigation for each side is needed")
        return self

    def values(self) -> dict[Metric, str]:
        """The base vector before conditions, by metric."""
        return {metric: pair.partition(":")[2] for metric, pair in zip(METRICS, self.cvss.split("/"), strict=True)}

    def reason(self, metric: Metric, value: str) -> str:
        """Why the metric has its value before conditions; a template."""
        default = _NO_IMPACT.get(metric, "") if value == "N" else ""
        return self.metrics.get(metric) or default or _DEFAULT_REASONS.get(f"{metric}:{value}", "")

    @property
    def root(self) -> str | None:
        """The id of the ten agentic risks that names its cause: the first of that list among its ids."""
        return next((ref.id for ref in self.taxonomy if ref.scheme == ROOTS), None)

    def needed(self) -> set[str]:
        """Every slot that `needs` names."""
        return {name for need in self.needs for name in need.split("|")}

    def slots(self) -> set[str]:
        """The slots of the statement."""
        return {name for text in self.statement.model_dump().values() for name in names_in(text)}

    def texts(self) -> tuple[str, ...]:
        """Every template."""
        return (
            self.title,
            *self.statement.model_dump().values(),
            *self.metrics.values(),
            *(m.text for m in self.mitigations),
            *(text for q in self.questions for text in (q.text, q.proposed)),
        )

    def signals(self) -> set[str]:
        """Every signal that triggers or conditions name."""
        named = {s for t in (*self.when.all_of, *self.when.any_of, *self.when.none_of) for s in t.split("|")}
        return named | {s for c in self.conditions for term in c.terms() for s, _ in term}


class Judged(Record):
    """What a reader said of a pattern's threats: do they follow from their quotes and concern the product?"""

    right: int = Field(ge=0)
    wrong: int = Field(ge=0)

    @property
    def share(self) -> float:
        """Share that is right, with four threats of which three are right counted in."""
        return (self.right + PRIOR_RIGHT) / (self.right + self.wrong + PRIOR_JUDGED)


@cache
def judged() -> dict[str, Judged]:
    """Pattern id to its judgements in `knowledge/threats_judged.yaml`. Raises InputError for a malformed file."""
    path = data_folder("corpus") / "knowledge" / "threats_judged.yaml"
    try:
        return TypeAdapter(dict[str, Judged]).validate_python(yaml.safe_load(path.read_text("utf-8")))
    except (OSError, ValidationError, yaml.YAMLError) as error:
        raise InputError("the judgements cannot be read", where=f"{path.name}: {error}", hint="see its head") from None


def trusted(pattern: str) -> bool:
    """Whether readers find that threats of this pattern mostly follow from their quotes; one that nobody read is."""
    found = judged().get(pattern)
    return found is None or found.share >= TRUSTED


@lru_cache(maxsize=_REMEMBERED)
def where_said(texts: tuple[str, ...], sentence: str) -> tuple[int, int] | None:
    """Where `sentence` first matches one of the regular expressions `texts`, case ignored.

    Asked again of each sentence, as a product is matched with and without what its vendor claims.
    """
    hit = _either(texts).search(sentence)
    return hit.span() if hit else None


@cache
def _either(texts: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{text})" for text in texts), re.IGNORECASE)


@cache
def load_patterns(folder: Path | None = None) -> tuple[Pattern, ...]:
    """All patterns, in the order of the layers (across layers last), then of the file.

    Raises InputError naming file and pattern when one breaks the schema, repeats an id, names an unknown signal or
    lets a control change the severity.
    """
    place = folder or data_folder("corpus") / "knowledge" / "threats"
    vocabulary = load_signals().by_id
    found: list[Pattern] = []
    for group in (*LAYERS, CROSS_LAYER):
        for file in sorted(place.glob(f"{group}*.yaml")):
            found.extend(_read(file, group))
    for pattern in found:
        if unknown := pattern.signals() - set(vocabulary):
            raise InputError(f"unknown signals {sorted(unknown)}", where=pattern.id, hint="see signals.yaml")
        for condition in pattern.conditions:
            if controls := [s for term in condition.terms() for s, _ in term if vocabulary[s].group == "control"]:
                raise InputError(
                    f"a control claim changes the vector: {controls}",
                    where=pattern.id,
                    hint="controls lower nothing here",
                )
    ids = [pattern.id for pattern in found]
    if repeated := sorted({i for i in ids if ids.count(i) > 1}):
        raise InputError(f"pattern ids occur twice: {repeated}", where=place.name, hint="ids are unique")
    if strange := {other for pattern in found for other in pattern.gives_way}.difference(ids):
        raise InputError(f"unknown patterns {sorted(strange)}", where=place.name, hint="gives_way names known ones")
    return tuple(found)


def _read(file: Path, group: str) -> list[Pattern]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        content = yaml.load(file.read_text("utf-8"), Loader=loader)  # a safe loader either way
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError("the patterns cannot be read", where=f"{file.name}: {error}", hint="it must be YAML") from None
    if not isinstance(content, dict) or set(content) != {"layer", "patterns"} or content["layer"] != group:
        raise InputError("not a file of patterns", where=file.name, hint=f"keys layer ({group}) and patterns")
    return [_pattern(row, group, file.name) for row in content["patterns"]]


def _pattern(row: object, group: str, file: str) -> Pattern:
    if not isinstance(row, dict):
        raise InputError("a pattern is not a mapping", where=file, hint="see CONTRIBUTING")
    fields = dict(row)
    layer = fields.pop("counts_for", group)
    try:
        refs = [_reference(ref) for ref in fields["taxonomy"]]
        return Pattern.model_validate({**fields, "group": group, "layer": layer, "taxonomy": refs})
    except (ValidationError, ValueError, KeyError, TypeError) as error:
        where = f"{file} {row.get('id')}: {error}"
        raise InputError("a pattern breaks the schema", where=where, hint="see CONTRIBUTING") from None


def _reference(text: str) -> TaxonomyRef:
    scheme, key, title = text.split(" ", 2)
    return TaxonomyRef(scheme=scheme, id=key, title=title)
