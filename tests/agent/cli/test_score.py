"""`septet score`: flags, files, lines, text, exit codes and the start-up time of the process."""

import json
import resource
import subprocess
import sys

import pytest
from click.testing import CliRunner

from agent.cli.score import command
from agent.errors import InputError, SeptetError, SourceError, UsageError
from agent.scoring import parse_request, score

VECTOR = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:A/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H"
WHOLE = ("autonomy", "tools", "language", "context", "non_determinism", "opacity", "identity", "multi_agent")
TOOL_MISUSE = {"cvss_vector": VECTOR, "factors": {**dict.fromkeys(WHOLE, 1), "persistence": 0.5, "self_mod": 0.5}}


def run(*arguments, given=None):
    return CliRunner().invoke(command, arguments, input=given)


def refusal(*arguments, given=None):
    found = run(*arguments, given=given).exception
    assert isinstance(found, SeptetError), found
    return found


def septet(*arguments, given=None):
    call = [sys.executable, "-c", "from agent.cli import main; main()", "score", *arguments]
    return subprocess.run(call, input=given, capture_output=True, text=True, timeout=60, check=False)


def test_flags_give_the_published_example():
    factors = [f"--factor={name}={value}" for name, value in TOOL_MISUSE["factors"].items()]
    found = run("--cvss", VECTOR, *factors, "--json")
    assert found.exit_code == 0
    printed = json.loads(found.output)
    assert printed == json.loads(score(parse_request(TOOL_MISUSE)).model_dump_json())
    assert (printed["aivss"], printed["severity"], printed["factor_set"]) == (9.9, "Critical", "0.8")


def test_text_shows_value_corners_arithmetic_and_every_formula():
    raw = {"cvss_base": {"value": 8.5, "low": 6.9, "high": 9.3}, "factor_sum": 5.6, "mode": "directory"}
    shown = run("-", given=json.dumps(raw)).output
    assert shown.startswith("AIVSS 9.3 Critical")
    assert "Corners 8.6 to 9.7, High to Critical" in shown
    assert "AARS = (10 - 8.5) × (5.6 / 10) × 0.97 = 0.8148" in shown
    for line in ("aivss-0.5         6.8  Medium", "* aivss-0.8         9.3  Critical", "needs a CVSS vector"):
        assert line in shown


def test_warnings_are_shown():
    assert "Warning: no CVSS v4.0 vector has the base score 1.5" in run("--base", "1.5", "--factor-sum", "5").output


def test_every_flag_reaches_the_score():
    found = run(
        *("--base", "7.5", "--factor-sum", "2.9", "--factor-set", "0.5", "--threat-multiplier", "1.05"),
        *("--mitigation", "0.95", "--formula", "aivss-1-amended", "--mode", "directory", "--json"),
    )
    printed = json.loads(found.output)
    assert [printed[key] for key in ("cvss_base", "factor_sum", "factor_set")] == [7.5, 2.9, "0.5"]
    assert [printed[key] for key in ("threat_multiplier", "mitigation_factor")] == [1.05, 0.95]
    assert [printed[key] for key in ("formula", "mode", "aivss")] == ["aivss-1-amended", "directory", 8.2]


def test_numbers_in_json_are_read_exactly():
    line = '{"cvss_base": 1.0, "factor_sum": 1.5, "threat_multiplier": 1.00}'
    assert json.loads(run("-", "--json", given=line).output)["aivss"] == 2.4


def test_file_and_standard_input_are_the_same(tmp_path):
    path = tmp_path / "input.json"
    path.write_text(json.dumps(TOOL_MISUSE))
    assert run(str(path), "--json").output == run("-", "--json", given=path.read_text()).output


def test_terms_fill_in_what_an_object_does_not_name():
    raw = {"cvss_base": 7.5, "factor_sum": 2.9}
    assert refusal("-", given=json.dumps(raw)).where == "factor_sum"
    assert run("-", "--mode", "directory", given=json.dumps(raw)).exit_code == 0
    assert refusal("-", "--mode", "directory", given=json.dumps({**raw, "mode": "strict"})).where == "factor_sum"


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--mode", "directory"),
        ("--cvss", VECTOR, "--base", "9.4", "--factor-sum", "5"),
        ("--base", "9.4", "--factor-sum", "5", "--factor", "autonomy=1"),
        ("--base", "9.4", "-"),
        ("--jsonl", "-", "-"),
        ("--jsonl", "-", "--factor-sum", "5"),
        ("--base", "9.4", "--factor", "autonomy"),
        ("--base", "9.4", "--factor", "=1"),
        ("--base", "9.4", "--factor", "autonomy=1", "--factor", "autonomy=1"),
    ],
)
def test_wrong_calls_are_usage_errors(arguments):
    assert isinstance(refusal(*arguments), UsageError)


@pytest.mark.parametrize(
    "text", ["", "[", "[]", "7", '{"cvss_base": 1, "cvss_base": 2}', '{"cvss_base": NaN}', "[" * 100_000, b"\xff\xfe{}"]
)
def test_malformed_json_is_an_input_error(text):
    assert isinstance(refusal("-", given=text), InputError)


def test_numbers_that_no_decimal_holds_are_refused_by_field():
    for number in ("1e99999999999999999999999", "9" * 5000, "1e400", "-1", "1e-999999"):
        assert refusal("-", given=f'{{"cvss_base": {number}, "factor_sum": 5}}').where == "cvss_base"


def test_unreadable_files(tmp_path):
    assert isinstance(refusal(str(tmp_path / "none.json")), SourceError)
    assert isinstance(refusal("--jsonl", str(tmp_path)), SourceError)


def test_one_bad_line_does_not_stop_the_rest(tmp_path):
    rows = [
        json.dumps({"cvss_base": 9.0, "factor_sum": 0, "mitigation_factor": 0.67}),
        '{"cvss_base": 9.0',
        json.dumps({"cvss_base": 9.0, "factors": {"autonomy": 0.3}}),
        "",
        json.dumps(TOOL_MISUSE),
        '{"cvss_base": "\\ud800", "factor_sum": 5}',
        json.dumps({"cvss_base": "5.0", "factor_sum": "5"}),
    ]
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(rows) + "\n")
    found = run("--jsonl", str(path))
    assert found.exit_code == 1
    printed = [json.loads(line) for line in found.output.splitlines()]
    assert [row.get("aivss") for row in printed] == [6.0, None, None, 9.9, None, 7.4]
    assert [list(row) == ["error"] for row in printed] == [False, True, True, False, True, False]
    assert "line 3" in printed[2]["error"]
    assert run("--jsonl", "-", given=path.read_text()).output == found.output
    assert run("--jsonl", "-", given=rows[0]).exit_code == 0


@pytest.mark.parametrize(("first", "code", "scores"), [('{"x": 1}', 1, [None, 7.4]), ("", 0, [7.4])])
def test_line_errors_do_not_break_standard_output_in_a_process(first, code, scores):
    found = septet("--jsonl", "-", given=f'{first}\n{{"cvss_base": 5, "factor_sum": 5}}\n')
    assert found.returncode == code
    assert [json.loads(line).get("aivss") for line in found.stdout.splitlines()] == scores


def test_errors_of_a_process_name_the_field_and_leave_stdout_empty():
    found = septet("--base", "8.5", "--factor-sum", "5.3", "--json")
    assert (found.returncode, found.stdout) == (1, "")
    assert "error: 5.3 is not allowed in strict mode, factor_sum" in found.stderr
    assert "hint: " in found.stderr
    assert septet().returncode == 2
    assert septet("--nonsense").returncode == 2


def test_a_process_takes_the_cpu_of_twenty_five_bare_ones_at_most():
    def spent():
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    def of(run):
        before = spent()
        assert run().returncode == 0
        return spent() - before

    def scored():
        return septet("--cvss", VECTOR, "--factor-sum", "5", "--json")

    def bare():
        return subprocess.run([sys.executable, "-c", "import json, re"], check=False)

    # The first run may have to compile its modules, and machines differ.
    assert min(of(scored) for _ in range(3)) <= 25 * min(of(bare) for _ in range(3))


def test_scoring_imports_nothing_heavy():
    code = (
        "import sys, agent.cli.score; print([m for m in ('numpy', 'chromadb', 'openai', 'yaml') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert found.stdout.strip() == "[]"
