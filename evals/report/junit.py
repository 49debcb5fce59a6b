"""Writes the evaluation as JUnit XML, so that a CI server lists each case and each finding as a test."""

import re
from collections.abc import Iterator, Mapping
from typing import Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from evals.gate.verdict import CaseMove, Finding, Moved, Verdict
from evals.metrics.results import CaseResult, Evaluation
from evals.report.losses import LOSS_TITLES, LOSSES, LossName, flags, losses
from evals.report.saying import hundredth, number, signed, test_words, verdict_words

_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters forbidden in XML 1.0, even as character references."""


def xml(evaluation: Evaluation, verdict: Verdict | None = None) -> str:
    """Return the XML text: a test for each case and primary loss, each finding, each paired test, and the verdict.

    A loss's test fails when a finding on that loss names the case, and is an error when the case could not be drafted.
    It is skipped when the loss has no label.
    """
    root = Element("testsuites", name="septet eval")
    suites = {name: SubElement(root, "testsuite", name=f"cases: {LOSS_TITLES[name]}") for name in LOSSES}
    blamed = _blamed(verdict)
    moves = {case.case: case for case in verdict.cases} if verdict else {}
    for result in evaluation.per_case:
        found = losses(result)
        for name, suite in suites.items():
            test = _test(suite, f"cases.{name}", result.case)
            _judge(test, result, name, found[name], blamed.get((result.case, name)), moves.get(result.case))
    if verdict is not None:
        _gate(SubElement(root, "testsuite", name="gate"), evaluation, verdict)
    for suite in root:
        _count(suite)
    _count(root, "testsuite/")
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _clean(text: str) -> str:
    return _NOT_XML.sub(lambda match: f"[U+{ord(match[0]):04X}]", text)


def _test(suite: Element, group: str, name: str) -> Element:
    return SubElement(suite, "testcase", classname=_clean(f"septet.eval.{group}"), name=_clean(name))


def _fail(test: Element, message: str, kind: str, text: str = "") -> None:
    failure = SubElement(test, "failure", message=_clean(message), type=_clean(kind))
    failure.text = _clean(text or message)


def _count(element: Element, prefix: str = "") -> None:
    element.set("tests", str(len(element.findall(f"{prefix}testcase"))))
    for attribute, child in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        element.set(attribute, str(len(element.findall(f"{prefix}testcase/{child}"))))


def _blamed(verdict: Verdict | None) -> Mapping[tuple[str, LossName], Finding]:
    """Return the first finding for each pair of a case and the primary loss to which the finding's metric belongs."""
    found: dict[tuple[str, LossName], Finding] = {}
    for finding in verdict.findings if verdict else ():
        name = _loss_of(finding.metric)
        for case in finding.cases if name else ():
            if name is not None:
                found.setdefault((case, name), finding)
    return found


def _loss_of(metric: str) -> LossName | None:
    """Return the primary loss to which a metric belongs; None for other metrics."""
    if metric.startswith(("factor", "interval", "bias")):
        return "factor_error"
    if metric.startswith(("score", "band", "likely", "cvss")):
        return "score_error"
    if metric.startswith(("flag", "layers/")):
        return "flag_loss"
    return None


def _judge(
    test: Element,
    result: CaseResult,
    name: LossName,
    loss: float | None,
    finding: Finding | None,
    move: CaseMove | None,
) -> None:
    if result.error is not None:
        broken = SubElement(test, "error", message=_clean(result.error), type="not drafted")
        broken.text = _clean(f"{result.error}\ncounts as the worst value: {LOSS_TITLES[name]} {number(loss)}")
        return
    if loss is None:
        SubElement(test, "skipped", message=f"no label for the {LOSS_TITLES[name]}")
        return
    detail = "\n".join([f"{LOSS_TITLES[name]} {number(loss)}", *_details(result, name), *_moved(move, name)])
    if finding is None:
        SubElement(test, "system-out").text = _clean(detail)
    else:
        _fail(test, f"{LOSS_TITLES[name]} {number(loss)}: {finding.text}", finding.rule, f"{finding.text}\n{detail}")


def _details(result: CaseResult, name: LossName) -> Iterator[str]:
    if name == "factor_error":
        for key, cell in result.factors.items():
            yield (
                f"{key}: drafted {hundredth(cell.value)} ({hundredth(cell.low)} to {hundredth(cell.high)}), reader "
                f"{hundredth(cell.reader)}, published {hundredth(cell.published)}"
            )
    elif name == "score_error":
        score = result.score
        yield (
            f"drafted {hundredth(score.value)} ({hundredth(score.likely_low)} to {hundredth(score.likely_high)}), "
            f"published {hundredth(score.published)}"
        )
    else:
        found = flags(result)
        yield f"{found.missed} missed and {found.extra} needless flags of {found.labelled} labelled layers"


def _moved(move: CaseMove | None, name: LossName) -> Iterator[str]:
    for each in move.moved if move else ():
        if _loss_of(each.metric) == name:
            yield _move_words(each)


def _move_words(move: Moved) -> str:
    change = None if move.before is None or move.after is None else move.after - move.before
    worse = ", worse" if move.worse else ""
    return f"{move.metric}: {number(move.before)} in the baseline, {number(move.after)} now ({signed(change)}{worse})"


def _gate(suite: Element, evaluation: Evaluation, verdict: Verdict) -> None:
    outcome = _test(suite, "gate", "verdict")
    said = verdict_words(evaluation, verdict)
    if verdict.outcome == "fail":
        _fail(outcome, said, "verdict")
    elif verdict.outcome == "inconclusive":
        SubElement(outcome, "skipped", message=_clean(said))
    else:
        SubElement(outcome, "system-out").text = _clean(said)
    if not any(finding.rule == "invariant" for finding in verdict.findings):
        _test(suite, "gate.invariant", "all invariants hold")
    for finding in verdict.findings:
        cases = f"\ncases, worst first: {', '.join(finding.cases)}" if finding.cases else ""
        _fail(_test(suite, f"gate.{finding.rule}", finding.metric), finding.text, finding.rule, finding.text + cases)
    for paired in verdict.tests:
        test = _test(suite, "gate.paired", paired.metric)
        if paired.verdict == "worse":
            _fail(test, test_words(paired), "test")
        else:
            SubElement(test, "system-out").text = _clean(test_words(paired))
