"""Factories for parts of drafts in tests."""

import hashlib
from decimal import Decimal

from agent.records import (
    Document,
    Evidence,
    FactorEstimate,
    Finding,
    LayerThreats,
    LikelyConstants,
    Missing,
    Mitigation,
    Range,
    Score,
    Section,
    SourceRef,
    State,
    TaxonomyRef,
    Threat,
    ThreatScore,
    ThreatStatement,
)
from agent.scoring import Request, score, severity
from agent.scoring.cvss import read_vector
from agent.taxonomy.factors import FACTOR_SETS, FactorKey

WHEN = "2026-11-01T09:30:00Z"


def document(identifier: str, url: str, title: str, text: str, findings: tuple[Finding, ...] = ()) -> Document:
    """Return a listing with one section."""
    return Document(
        id=identifier,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        url=url,
        title=title,
        kind="listing",
        media_type="text/markdown",
        fetched_at=WHEN,
        text=text,
        sections=(Section(start=0, end=len(text), path=(title,), about="product"),),
        findings=findings,
    )


def source(read: Document) -> SourceRef:
    """Return a document as a draft refers to it."""
    return SourceRef(
        document=read.id,
        url=read.url,
        sha256=read.sha256,
        kind=read.kind,
        fetched_at=read.fetched_at,
        chars=len(read.text),
        findings=read.findings,
    )


def quote(number: int, read: Document, text: str, rank: int = 1, about: str = "product") -> Evidence:
    """Return the first place of `text` in the document; ValueError if it does not occur."""
    start = read.text.index(text)
    return Evidence.model_validate(
        {
            "id": f"E{number}",
            "document": read.id,
            "start": start,
            "end": start + len(text),
            "quote": text,
            "rank": rank,
            "about": about,
        }
    )


def range_of(value: Decimal, low: Decimal, high: Decimal) -> Range:
    return Range(value=value, low=low, high=high)


def scored(factors: dict[FactorKey, FactorEstimate], vector: str) -> Score:
    base = read_vector(vector).base
    request = Request(
        cvss_vector=vector,
        cvss_base=range_of(base, base - Decimal("1.0"), base + Decimal("1.2")),
        factors={
            key: range_of(item.value, item.low, item.high) for key, item in factors.items() if key in FACTOR_SETS["0.5"]
        },
        factor_set="0.5",
        mode="directory",
    )
    constants = LikelyConstants(below=Decimal("0.9"), above=Decimal("0.8"), calibration="fixture")
    return score(request, constants=constants)


def threat(
    identifier: str, title: str, statement: tuple[str, str, str, str, str], known: ThreatScore, state: State,
    refs: tuple[TaxonomyRef, ...], mitigations: tuple[Mitigation, ...], marks: tuple[str, ...],
) -> Threat:  # fmt: skip
    who, given, action, impact, asset = statement
    return Threat(
        id=identifier,
        title=title,
        statement=ThreatStatement(source=who, prerequisite=given, action=action, impact=impact, asset=asset),
        taxonomy=refs,
        state=state,
        score=known,
        mitigations=mitigations,
        evidence=marks,
    )


def mitigation(who: str, text: str) -> Mitigation:
    return Mitigation.model_validate({"text": text, "who": who, "status": "proposed", "evidence": ()})


def threat_score(known: Score, vector: str) -> ThreatScore:
    assert known.factor_sum is not None
    point = Range(value=known.factor_sum, low=known.factor_sum, high=known.factor_sum)
    made = score(Request(cvss_vector=vector, factor_sum=point, factor_set="0.5", mode="directory"))
    assert made.aivss is not None
    assert made.cvss_base is not None
    reasons = {"PR": "a question needs a WorkOS account"} if "PR:L" in vector else {}
    return ThreatScore(
        reasons=reasons, cvss_vector=vector, cvss_base=made.cvss_base, aivss=made.aivss, severity=severity(made.aivss)
    )


def layer(
    paragraph: str, certainty: str, threats: tuple[Threat, ...] = (), missing: Missing | None = None
) -> LayerThreats:
    return LayerThreats(
        applies="yes" if missing is None else "unknown",
        certain=missing is None,
        certainty=Decimal(certainty),
        features={"quotes": float(len(threats)), "margin": 0.1},
        paragraph=paragraph,
        threats=threats,
        missing=missing,
    )


def uncertain(about: str, hangs: str, question: str) -> LayerThreats:
    paragraph = (
        f"Not certain from the listing — D1 was searched for {about}, which it does not name. "
        f"{hangs} hangs on it; {question} settles it."
    )
    return layer(paragraph, "0.2", missing=Missing(reason="not-found", detail=f"{about}: no quote in D1"))
