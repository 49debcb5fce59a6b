"""Write the evaluation as JUnit XML, so that a CI server lists each case and each finding as a test."""

import re
from collections.abc import Iterator
from typing import Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from evals.gate.verdict import CaseMove, Finding, Verdict
from evals.metrics.arithmetic import count_flags
from evals.metrics.results import LOSSES, CaseResult, Evaluation, LossName
from evals.report.heat import cell_words
from evals.report.saying import LOSS_TITLES, difference, hundredth, number, signed, test_words, verdict_words

_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters forbidden in XML 1.0, even as character references."""
_BEHIND: Final[dict[LossName, tuple[str, ...]]] = {
    "factor_error": ("factor", "interval", "bias"),
    "score_error": ("score", "band", "likely", "cvss"),
    "flag_loss": ("flag", "layers/"),
}
"""The prefixes of metric names that belong to each primary loss."""


def xml(evaluation: Evaluation, verdict: Verdict | None = None) -> str:
    """Return the XML text: a test for each case and primary loss, each finding, each paired test, and the verdict.

    A loss's test fails when a finding on that loss names the case, and is an error when the case could not be drafted.
    It is skipped when the loss has no label.
    """
    root = Element("testsuites", name="septet eval")
    suites = {name: SubElement(root, "testsuite", name=f"cases: {LOSS_TITLES[name]}") for name in LOSSES}
    moves = {case.case: case for case in verdict.cases} if verdict else {}
    for result in evaluation.per_case:
        for name, suite in suites.items():
            test = _test(suite, f"cases.{name}", result.case)
            _judge(test, result, name, _finding(verdict, result.case, name), moves.get(result.case))
    if verdict is not None:
        _gate(SubElement(root, "testsuite", name="gate"), evaluation, verdict)
    for element, prefix in (*((suite, "") for suite in root), (root, "testsuite/")):
        element.set("tests", str(len(element.findall(f"{prefix}testcase"))))
        for attribute, child in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            element.set(attribute, str(len(element.findall(f"{prefix}testcase/{child}"))))
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _clean(text: str) -> str:
    return _NOT_XML.sub(lambda match: f"[U+{ord(match[0]):04X}]", text)


def _test(suite: Element, group: str, name: str) -> Element:
    return SubElement(suite, "testcase", classname=_clean(f"septet.eval.{group}"), name=_clean(name))


def _fail(test: Element, message: str, kind: str, text: str = "") -> None:
    failure = SubElement(test, "failure", message=_clean(message), type=_clean(kind))
    failure.text = _clean(text or message)


def _say(test: Element, text: str) -> None:
    SubElement(test, "system-out").text = _clean(text)


def _finding(verdict: Verdict | None, case: str, name: LossName) -> Finding | None:
    """Return the first finding that names the case and whose metric belongs to the primary loss."""
    findings = verdict.findings if verdict else ()
    return next((one for one in findings if case in one.cases and one.metric.startswith(_BEHIND[name])), None)


def _judge(test: Element, result: CaseResult, name: LossName, finding: Finding | None, move: CaseMove | None) -> None:
    loss = LOSSES[name](result)
    said = f"{LOSS_TITLES[name]} {number(loss)}"
    if result.error is not None:
        broken = SubElement(test, "error", message=_clean(result.error), type="not drafted")
        broken.text = _clean(f"{result.error}\ncounts as the worst value: {said}")
    elif loss is None:
        SubElement(test, "skipped", message=f"no label for the {LOSS_TITLES[name]}")
    else:
        detail = "\n".join([said, *_details(result, name), *_moved(move, name)])
        if finding is None:
            _say(test, detail)
        else:
            _fail(test, f"{said}: {finding.text}", finding.rule, f"{finding.text}\n{detail}")


def _details(result: CaseResult, name: LossName) -> Iterator[str]:
    if name == "factor_error":
        yield from (f"{key}: drafted {cell_words(cell)}" for key, cell in result.factors.items())
    elif name == "score_error":
        score = result.score
        yield (
            f"drafted {hundredth(score.value)} ({hundredth(score.likely_low)} to {hundredth(score.likely_high)}), "
            f"published {hundredth(score.published)}"
        )
    else:
        flags = count_flags((cell.certain, cell.reader) for cell in result.layers.values())
        yield f"{flags.false_negative} missed and {flags.false_positive} needless flags of {sum(flags)} labelled layers"


def _moved(move: CaseMove | None, name: LossName) -> Iterator[str]:
    for one in move.moved if move else ():
        if one.metric.startswith(_BEHIND[name]):
            change = signed(difference(one.before, one.after)) + (", worse" if one.worse else "")
            yield f"{one.metric}: {number(one.before)} in the baseline, {number(one.after)} now ({change})"


def _gate(suite: Element, evaluation: Evaluation, verdict: Verdict) -> None:
    outcome = _test(suite, "gate", "verdict")
    said = verdict_words(evaluation, verdict)
    if verdict.outcome == "fail":
        _fail(outcome, said, "verdict")
    elif verdict.outcome == "inconclusive":
        SubElement(outcome, "skipped", message=_clean(said))
    else:
        _say(outcome, said)
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
            _say(test, test_words(paired))
