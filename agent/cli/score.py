"""`septet score`: compute an AIVSS score from flags or a JSON object, or one score for each line of a JSONL file."""

import json
import sys
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import IO, Final

import click

from agent.errors import InputError, SeptetError, SourceError, UsageError
from agent.records import FormulaId, Score
from agent.scoring import bands, parse_request, score, severity

_SUBJECT: Final = ("cvss_vector", "cvss_base", "factor_sum")
"""The flags that say what to score; the other flags say how."""
_WHY_NULL: Final[Mapping[FormulaId, str]] = {"cvss-bte": "needs a CVSS vector"}
_NO_FACTORS: Final = "needs a CVSS base and factors"


@click.command("score")
@click.argument("file", required=False)
@click.option("--cvss", "cvss_vector", metavar="VECTOR", help="CVSS v4.0 vector; its base metrics give the base score.")
@click.option("--base", "cvss_base", metavar="N", help="CVSS v4.0 base score, 0.0 to 10.0, instead of a vector.")
@click.option("--factor", "factors", metavar="K=V", multiple=True, help="One of the ten factors; repeatable.")
@click.option("--factor-sum", metavar="N", help="Sum of the ten factors, instead of single factors.")
@click.option("--factor-set", metavar="0.5|0.8", help="Factor set; by default the one that matches the ten keys.")
@click.option("--threat-multiplier", metavar="N", help="ThM; 0.97 by default.")
@click.option("--mitigation", "mitigation_factor", metavar="N", help="MF; 1.00 by default.")
@click.option("--formula", metavar="ID", help="aivss-0.5, aivss-0.8 (default), aivss-1-amended or cvss-bte.")
@click.option("--mode", metavar="strict|directory", help="strict (default): published values only.")
@click.option("--json", "as_json", is_flag=True, help="Print the score object and nothing else.")
@click.option("--jsonl", metavar="FILE", help="Score one JSON object per line, and print one per line.")
def command(file: str | None, factors: tuple[str, ...], as_json: bool, jsonl: str | None, **given: str | None) -> None:
    """Compute an exact OWASP AIVSS score, and show the arithmetic.

    FILE (or - for standard input) contains one JSON object with the keys cvss_vector or cvss_base, factors or
    factor_sum, factor_set, threat_multiplier, mitigation_factor, formula and mode. With a FILE or --jsonl, the flags
    from --factor-set to --mode fill in keys that an object lacks.
    """
    terms: dict[str, object] = {key: value for key, value in given.items() if value is not None}
    named: dict[str, object] = {key: terms.pop(key) for key in _SUBJECT if key in terms}
    if factors:
        named["factors"] = _factors(factors)
    if file is not None and jsonl is not None:
        raise UsageError("FILE and --jsonl cannot be combined", hint="use only one of them")
    if named and (file is not None or jsonl is not None):
        raise UsageError(f"a file cannot be combined with flags for {', '.join(named)}", hint="put them in the file")
    if "cvss_vector" in named and "cvss_base" in named:
        raise UsageError("--cvss and --base cannot be combined", hint="the vector already determines the base score")
    if factors and "factor_sum" in named:
        raise UsageError("--factor and --factor-sum cannot be combined", hint="the sum follows from the factors")
    if jsonl is not None:
        _score_lines(jsonl, terms)
        return
    if file is None and not named:
        raise UsageError("nothing to score", hint="specify --cvss or --base and the factors, or a FILE; see --help")
    if file is not None:
        with _opened(file, "specify a JSON file or -") as stream:
            named = _read_object(stream.read(), file)
    scored = score(parse_request({**terms, **named}))
    click.echo(scored.model_dump_json(indent=2) if as_json else _report(scored))


def _factors(pairs: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        key = key.strip()
        if not equals or not key:
            raise UsageError(
                f"{pair!r} is not K=V", where="--factor", hint="write it as in --factor autonomy_of_action=0.5"
            )
        if key in found:
            raise UsageError("the factor is given twice", where=f"--factor {key}", hint="specify each factor only once")
        found[key] = value
    return found


def _opened(file: str, hint: str) -> IO[bytes]:
    """Open a file, or standard input for "-"."""
    try:
        return click.open_file(file, "rb")
    except OSError as error:
        raise SourceError(f"the file cannot be read: {error.strerror}", where=file, hint=hint) from None


def _score_lines(file: str, terms: Mapping[str, object]) -> None:
    failed = False
    with _opened(file, "specify a JSONL file") as stream:
        for number, line in enumerate(stream, start=1):
            if not line.strip():
                continue
            try:
                scored = score(parse_request({**terms, **_read_object(line, f"line {number}")}))
                text = scored.model_dump_json()
            except SeptetError as error:
                failed = True
                text = json.dumps({"error": f"line {number}: {error}" + (f"; {error.hint}" if error.hint else "")})
            click.echo(text)
    if failed:
        sys.exit(SeptetError.exit_code)


def _read_object(data: bytes, where: str) -> dict[str, object]:
    """Parse one JSON object. Numbers become exact decimals, and keys with null values are dropped."""
    try:
        found = json.loads(
            data.decode("utf-8-sig"),
            parse_float=_exact,
            parse_int=_exact,
            parse_constant=_refuse_constant,
            object_pairs_hook=_unique,
        )
    except UnicodeDecodeError:
        raise InputError("the input is not UTF-8", where=where, hint="use UTF-8") from None
    except RecursionError:
        raise InputError("the JSON is nested too deeply", where=where, hint="use one flat object") from None
    except json.JSONDecodeError as error:
        raise InputError(f"malformed JSON: {error}", where=where, hint="use one JSON object") from None
    if not isinstance(found, dict):
        raise InputError("the JSON is not an object", where=where, hint="use one JSON object")
    return {key: value for key, value in found.items() if value is not None}


def _exact(text: str) -> Decimal | str:
    """Convert a number to a decimal. If that fails, return it as text; a later check rejects it and names its field."""
    try:
        return Decimal(text)
    except InvalidOperation:
        return text


def _refuse_constant(name: str) -> object:
    raise InputError(f"{name} is not a number", where="input", hint="JSON does not allow this value")


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise InputError("a key occurs twice", where=twice[:40], hint="use each key only once")
    return found


def _report(scored: Score) -> str:
    lines = [f"AIVSS {scored.aivss} {scored.severity}   {scored.formula}, {scored.mode} inputs"]
    if scored.low is not None and scored.high is not None and scored.low != scored.high:
        covered = bands(scored.low, scored.high)
        words = f"all {covered[0]}" if len(covered) == 1 else f"{covered[0]} to {covered[-1]}"
        lines.append(f"Corners {scored.low} to {scored.high}, {words}")
    lines += ["", "Arithmetic", *(f"  {line}" for line in scored.arithmetic.splitlines()), "", "Every formula"]
    for name, value in scored.alternatives.items():
        mark = "*" if name == scored.formula else " "
        shown = f"{value:>4}  {severity(value)}" if value is not None else f"   -  {_WHY_NULL.get(name, _NO_FACTORS)}"
        lines.append(f"{mark} {name:<16} {shown}")
    if scored.warnings:
        lines += ["", *(f"Warning: {text}" for text in scored.warnings)]
    return "\n".join(lines)
