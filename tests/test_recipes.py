"""CONTRIBUTING's recipes, followed in a copy of the project: their steps are sufficient, and all are necessary."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.places import ROOT


class Copy:
    """A copy of the package with its knowledge, edited as a contributor would."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        kept = shutil.ignore_patterns("__pycache__", "_data")
        shutil.copytree(ROOT / "agent", folder / "agent", ignore=kept)
        shutil.copytree(ROOT / "corpus" / "knowledge", folder / "corpus" / "knowledge")
        (folder / "evals" / "metrics").mkdir(parents=True)
        for name in ("__init__.py", "metrics/__init__.py", "metrics/references.py"):
            shutil.copy(ROOT / "evals" / name, folder / "evals" / name)
        shutil.copytree(ROOT / "prompts", folder / "prompts")

    def edit(self, file: str, before: str, after: str) -> None:
        path = self.folder / file
        text = path.read_text("utf-8")
        assert text.count(before) == 1, f"{before!r} stands {text.count(before)} times in {file}"
        path.write_text(text.replace(before, after), "utf-8")

    def run(self, code: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", code], cwd=self.folder, capture_output=True, text=True, timeout=120, check=False
        )


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path)


SCORE = "from agent.cli import main; main(['score','--base','8','--factor-sum','5','--formula','made-up','--json'])"


def test_add_a_formula(copy: Copy) -> None:
    assert "made-up" in copy.run(SCORE).stderr, "an unknown formula is named"
    copy.edit(
        "agent/scoring/aivss.py",
        "def amended(at: Point) -> int:",
        'def halved(at: Point) -> int:\n    """Half the base."""\n'
        "    return at.base * UNIT**3 * TENTHS // 2\n\n\ndef amended(at: Point) -> int:",
    )
    copy.edit("agent/records/base.py", '"cvss-bte"]', '"cvss-bte", "made-up"]')
    copy.edit(
        "agent/scoring/tables.py",
        '    Formula("cvss-bte"',
        '    Formula("made-up", "Made up", Sum(halved, uplift, _GAP, _GAP, "{base} / 2"), True, DIRECTORY_THREAT,\n'
        '            DIRECTORY_MITIGATION, "0.8"),\n    Formula("cvss-bte"',
    )
    copy.edit(
        "agent/scoring/tables.py",
        "from agent.taxonomy.factors import FactorKey, FactorSet",
        "from agent.scoring.aivss import halved\nfrom agent.taxonomy.factors import FactorKey, FactorSet",
    )
    done = copy.run(SCORE)
    assert done.returncode == 0, done.stderr
    assert '"aivss": 4.0' in done.stdout or '"aivss":4.0' in done.stdout
    assert "8.0 / 2 = 4" in done.stdout


LINT = (
    "from agent.taxonomy.lists import scheme\nfrom agent.records import TaxonomyRef\n"
    "from evals.metrics.references import lint\n"
    "assert scheme('made-up-2027').version == '2027'\n"
    "ref = lambda title: TaxonomyRef(scheme='made-up-2027', id='MU01:2027', title=title)\n"
    "assert not lint([ref('Loose Talk')])\nassert [p.kind for p in lint([ref('Other')])] == ['wrong-title']\n"
)


def test_add_a_taxonomy_year(copy: Copy) -> None:
    assert "unknown scheme" in copy.run(LINT).stderr
    (copy.folder / "agent" / "taxonomy" / "made-up-2027.json").write_text(
        '{"scheme": "made-up-2027", "title": "Made up", "version": "2027", "status": "beta", "ids": "by the list",'
        ' "source": {"name": "Made up 2027", "where": "example.org", "date": "2027-01", "licence": null},'
        ' "entries": [{"id": "MU01:2027", "title": "Loose Talk", "layers": ["L1"], "mapping": "none"}]}',
        "utf-8",
    )
    done = copy.run(LINT)
    assert done.returncode == 0, done.stderr


PATTERN = """
- id: L7-made-up
  title: Messages of {agent} reach people who never asked
  when: sends_messages and reads_mail_chat
  entry: reads_mail_chat
  reference: planted
  actor: anyone who can write to the mailbox
  how: Somebody places addresses where {agent} reads them, and {agent} writes to them.
  lost: the good name of the sender
  asset: accounts
  taxonomy: [ASI01, CWE-1427]
  stride: [tampering]
  confirms: [send]
  controls: [approval_before]
  you:
  - Limit the addresses that it may write to.
  vendor:
  - Ask before it writes to a new address.
  metrics:
    VI: {L: messages go to strangers}
"""
DRAFT = (
    "import sys\nfrom agent.pipeline import draft\nfrom agent.settings import Settings\n"
    "open('listing.md', 'w').write('# Quill\\n\\nQuill is an e-mail assistant. It reads the mailbox of the user and "
    "sends e-mail to customers through Gmail. It drafts replies to customers and sends messages to Slack.\\n')\n"
    "known = draft(['listing.md'], settings=Settings(), now='2026-11-01T00:00:00Z').json\n"
    "assert 'L7-made-up' in known, 'it does not fire'\n"
)


@pytest.mark.slow
def test_add_a_threat_pattern(copy: Copy) -> None:
    assert "it does not fire" in copy.run(DRAFT).stderr
    file = copy.folder / "corpus" / "knowledge" / "catalogue" / "agent_ecosystem.yaml"
    whole = file.read_text("utf-8").rstrip() + "\n"
    file.write_text(whole + PATTERN.lstrip("\n"), "utf-8")
    done = copy.run(DRAFT)
    assert done.returncode == 0, done.stderr
    for before, after in (
        ("sends_messages and", "no_such_fact and"),
        ("CWE-1427", "ASI99"),
        ("planted", "no_such_kind"),
    ):
        file.write_text(whole + PATTERN.lstrip("\n").replace(before, after), "utf-8")
        assert after.split()[0] in copy.run(DRAFT).stderr


PAGE = """{% extends 'review_base.html' %}
{% block title %}Weights · {{ bar.product }}{% endblock %}
{% block main %}
<h1>Weights</h1>
<ul>{% for one in items %}<li>{{ one.item.title }}: {{ one.item.weight }}</li>{% endfor %}</ul>
{% endblock %}
"""
ROUTE = """@router.get("/r/{key}/weights")
def weights(at: At) -> Response:
    return at.page("weights.html", items=at.state.items)


"""
LOOK = (
    "import warnings; warnings.simplefilter('ignore')\n"
    "from pathlib import Path\n"
    "from starlette.testclient import TestClient\n"
    "from agent.pipeline import draft\n"
    "from agent.review.domain.records import Reviewer\n"
    "from agent.review.service import Service\n"
    "from agent.review.store.store import Store\n"
    "from agent.review.web.access import Access\n"
    "from agent.review.web.app import create_app\n"
    "from agent.settings import Settings\n"
    "open('listing.md', 'w').write('# Quill\\n\\nQuill is an e-mail assistant. It reads the mailbox of the user and '\n"
    "'sends e-mail to customers through Gmail. It drafts replies and sends messages to Slack.\\n')\n"
    "made = draft(['listing.md'], settings=Settings(), now='2026-11-01T00:00:00Z')\n"
    "ada, access = Reviewer(name='Ada'), Access.loopback(80)\n"
    "with Store.open(Path('review.sqlite')) as store:\n"
    "    service = Service(store, Settings(), lambda: '2026-11-01T00:00:00Z')\n"
    "    service.add_draft(made.draft, made.documents, ada)\n"
    "    client = TestClient(create_app(service, access), base_url='http://127.0.0.1:80')\n"
    "    client.headers['host'] = '127.0.0.1:80'\n"
    "    assert client.get('/r/r1/weights').status_code == 401, 'the guard is round it'\n"
    "    client.get('/enter', params={'token': access.invite(ada)})\n"
    "    print(client.get('/r/r1/weights').status_code, client.get('/r/r9/weights').status_code)\n"
    "    print(client.get('/r/r1/weights').text)\n"
)


@pytest.mark.slow
def test_add_a_page_to_the_review_app(copy: Copy) -> None:
    assert copy.run(LOOK).stdout.startswith("404 404\n")
    web = copy.folder / "agent" / "review" / "web"
    (web / "templates" / "weights.html").write_text(PAGE, "utf-8")
    copy.edit(
        "agent/review/web/review_pages.py",
        '@router.get("/r/{key}/compare")\n',
        f'{ROUTE}@router.get("/r/{{key}}/compare")\n',
    )
    copy.edit(
        "agent/review/web/templates/review_base.html",
        "{{ tab('/sign', 'Sign') }}",
        "{{ tab('/weights', 'Weights') }}{{ tab('/sign', 'Sign') }}",
    )
    done = copy.run(LOOK)
    assert done.stdout.startswith("200 404\n"), done.stderr
    assert "<h1>Weights</h1>" in done.stdout
    assert '<a href="/r/r1/weights" aria-current="page">Weights</a>' in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("part", ["roles", "fact_heads"])
def test_nothing_is_refitted_without_the_texts(part: str, copy: Copy, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    kept = shutil.ignore_patterns("__pycache__", "recorded")
    shutil.copytree(ROOT / "evals", copy.folder / "evals", ignore=kept, dirs_exist_ok=True)
    knowledge = copy.folder / "corpus" / "knowledge"
    before = {path: path.read_bytes() for path in knowledge.rglob("*") if path.is_file()}
    done = subprocess.run(
        [sys.executable, "-m", f"evals.training.{part}", "--texts", "none"],
        cwd=copy.folder, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert "nothing is fitted" in done.stdout, done.stderr
    assert {path: path.read_bytes() for path in knowledge.rglob("*") if path.is_file()} == before


@pytest.mark.slow
def test_add_an_export_format(copy: Copy) -> None:
    golden = sorted((ROOT / "tests" / "golden" / "drafts").glob("*.json"))[0]
    shutil.copy(golden, copy.folder / "draft.json")
    export = "from agent.cli import main; main(['export', 'draft.json', '--format', 'made-up'])"
    assert "made-up" in copy.run(export).stderr, "an unknown format is named"
    (copy.folder / "agent" / "report" / "formats" / "made_up.py").write_text(
        'def write(view):\n    return f"{view.draft.product.name}: {len(view.threats)} threats\\n".encode()\n', "utf-8"
    )
    copy.edit(
        "agent/report/formats/registry.py",
        '    Format("questionnaire", ',
        '    Format("made-up", "made up", ".txt", "text/plain", _later("made_up")),\n    Format("questionnaire", ',
    )
    done = copy.run(export)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(" threats\n")


KEYS = "agent/taxonomy/factors.py"
NEW_FACTOR = """from agent.cli import main
from agent.llm.prompts import cards
from agent.taxonomy.factors import FACTOR_SETS
assert cards()["physical_reach"].anchors["1"]
keys = FACTOR_SETS["0.9"]
main(["score", "--base", "8", "--mode", "directory", *(f"--factor={key}=0.5" for key in keys)])
"""


def test_add_a_factor(copy: Copy) -> None:
    copy.edit(
        KEYS, '    "natural_language_interface",\n]', '    "natural_language_interface",\n    "physical_reach",\n]'
    )
    copy.edit(KEYS, 'FactorSet = Literal["0.5", "0.8"]', 'FactorSet = Literal["0.5", "0.8", "0.9"]')
    copy.edit(
        KEYS,
        '        "natural_language_interface",\n    ),\n}',
        '        "natural_language_interface",\n    ),\n    "0.9": (\n'
        '        *("autonomy_of_action", "self_modification", "dynamic_tool_use", "persistent_memory"),\n'
        '        *("contextual_awareness", "dynamic_identity", "multi_agent_interactions", "non_determinism"),\n'
        '        *("opacity_reflexivity", "physical_reach"),\n    ),\n}',
    )
    copy.edit(
        KEYS,
        '    "natural_language_interface": "Natural Language Interface",\n',
        '    "natural_language_interface": "Natural Language Interface",\n    "physical_reach": "Physical Reach",\n',
    )
    assert "physical_reach" in copy.run(NEW_FACTOR).stderr, "a factor without a card is named"
    card = (copy.folder / "prompts" / "cards" / "natural_language_interface.md").read_text("utf-8")
    (copy.folder / "prompts" / "cards" / "physical_reach.md").write_text(
        card.replace("name: natural_language_interface", "name: physical_reach"), "utf-8"
    )
    done = copy.run(NEW_FACTOR)
    assert done.returncode == 0, done.stderr
    assert "factor set 0.9" in done.stdout


STORED = """from agent.retrieval.library import Library
from agent.records import Document, Section
from agent.intake.extract.statements.split import statements
from agent.settings import load_settings
store = load_settings({"SEPTET_VECTOR_STORE": "made-up"}).vector_store
text = "Mailer reads your inbox. Conversations are kept in a database for 30 days."
whole = (Section(start=0, end=len(text), path=(), about="product"),)
page = Document(id="D1", sha256="0" * 64, url="m.md", title="Mailer", kind="listing", media_type="text/markdown",
                fetched_at="2026-11-01T00:00:00Z", text=text, sections=whole)
with Library((page,), statements((page,)), store) as library:
    print(text[library.search("how long are conversations kept?", 1)[0].start :])
"""


def test_add_a_vector_store(copy: Copy) -> None:
    assert "'made-up' is not a valid value" in copy.run(STORED).stderr, "an unknown store is refused"
    copy.edit(
        "agent/retrieval/stores.py",
        '    "memory": StoreKind(',
        '    "made-up": StoreKind(_create_memory, _reopen_memory, lambda: (OSError,)),\n    "memory": StoreKind(',
    )
    copy.edit("agent/settings.py", '"chroma or memory"', '"chroma or memory or made-up"')
    done = copy.run(STORED)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Conversations are kept")


NAMED = (
    "from agent.llm.profiles import endpoint\nprint(endpoint('made-up/small', {'MADE_UP_KEY': 'abcdefgh'}).base_url)\n"
)


def test_add_an_llm_profile(copy: Copy) -> None:
    assert "no profile is called 'made-up'" in copy.run(NAMED).stderr
    copy.edit(
        "agent/llm/profiles.yaml",
        "generic:\n",
        "made-up:\n  title: Made up\n  base_url: https://llm.example/v1\n  key_env: MADE_UP_KEY\n"
        "  key_required: true\n  cap: max_tokens\n\ngeneric:\n",
    )
    done = copy.run(NAMED)
    assert done.stdout == "https://llm.example/v1\n", done.stderr


LIMITED = """from agent.intake.crawl.crawler import Crawl
from agent.settings import load_settings
assert load_settings({"SEPTET_MAX_LINKS": "2"}).max_links == 2
"""


def test_add_a_crawl_limit(copy: Copy) -> None:
    assert "max_links" in copy.run(LIMITED).stderr
    copy.edit(
        "agent/settings.py",
        "    max_depth: int = ",
        '    max_links: int = _setting(500, "links", "links looked at on one page")\n    max_depth: int = ',
    )
    copy.edit(
        "agent/intake/crawl/crawler.py",
        "        for link, target in targets:\n            known = self.links.get(target.url)\n",
        "        for link, target in targets[: self.settings.max_links]:\n"
        "            known = self.links.get(target.url)\n",
    )
    done = copy.run(LIMITED)
    assert done.returncode == 0, done.stderr


ASKED = (
    "from agent.assist.calls import second_wave\nfrom agent.assist.asking import prompt\n"
    "from agent.records import FactSheet\nfrom agent.taxonomy.layers import LAYERS\n"
    "ask = next(a for a in second_wave((), FactSheet(), {}, dict.fromkeys(LAYERS, False), '1') if a.prompt == 'page')\n"
    "made = prompt(ask.prompt)\nprint(made.ref.version, 'Name no competitor.' in made.render(**ask.values))\n"
)


@pytest.mark.slow
def test_change_what_an_llm_is_told_about_layers(copy: Copy) -> None:
    version, said = copy.run(ASKED).stdout.split()
    assert said == "False"
    copy.edit("prompts/assist/page.md", "version: " + version, f"version: {int(version) + 1}")
    copy.edit(
        "prompts/assist/page.md",
        "Example of the form (another",
        "Name no competitor.\n\nExample of the form (another",
    )
    assert copy.run(ASKED).stdout.split() == [str(int(version) + 1), "True"]


def test_contributing_has_these_recipes() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    written = re.findall(r"^### (.+)$", text.partition("\n## Recipes\n")[2], re.M)
    assert written == [
        "Add a factor",
        "Add a formula",
        "Add a fact",
        "Add a threat pattern",
        "Add a taxonomy year",
        "Add an export format",
        "Add a vector store",
        "Add an LLM profile",
        "Add a crawl limit",
        "Add a page to the review app",
        "Change a prompt",
        "Refit the learned parts",
        "Change what drafts say",
    ]


FACT = """
- id: keeps_backups
  title: keeps backups
  question: Where do backups of its data go, and who can read them?
  definition: Copies of what it keeps are made and stored apart.
  not: Logs; exports that a user asks for.
  claim: ability
  deniable: true
  slots: [object, data, part]
  pins: []
  raises: []
  used_in: [threats]
  examples:
  - Every night a copy of the workspace goes to cold storage.
  - Snapshots of the database are kept for a month.
  - Your projects are backed up to a second region.
  near_misses:
  - Back up your files before you install it.
  - The model backs up its claims with sources.
  - Use it as a backup when the main service is down.
  labels: []
"""
KNOWN = (
    "from agent.assist.calls import BUILT, DOES, vocabulary_text\nfrom agent.facts.vocabulary import load_vocabulary\n"
    "words = load_vocabulary()\nasked = vocabulary_text(words, BUILT) + vocabulary_text(words, DOES)\n"
    "assert 'keeps_backups' in asked, 'nobody is asked for it'\n"
    + DRAFT.replace("'L7-made-up' in known, 'it does not fire'", "known")
)


@pytest.mark.slow
def test_add_a_fact(copy: Copy) -> None:
    assert "nobody is asked for it" in copy.run(KNOWN).stderr
    for file, text in (
        ("facts/keeps.yaml", FACT.lstrip("\n")),
        ("wording.yaml", "keeps_backups: {do: keep, what: backups of its data, risk: backups}\n"),
    ):
        path = copy.folder / "corpus" / "knowledge" / file
        path.write_text(path.read_text("utf-8").rstrip() + "\n" + text, "utf-8")
    done = copy.run(KNOWN)
    assert done.returncode == 0, done.stderr
