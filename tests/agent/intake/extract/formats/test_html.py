"""HTML to text: visible text is kept, hidden text is removed and reported, navigation is dropped."""

import pytest
from hypothesis import given, strategies as st

from agent.intake.extract.formats.html import read_html
from tests.agent.intake.hidden.test_text import ORDER, check_law, kinds
from tests.fakes.fact_sources import composed

pytestmark = pytest.mark.usefixtures("languages")
SAID = ["The agent reads the mailbox of a team, drafts replies and sends them when somebody asks for it."] * 3
PROSE = "".join(f"<p>{said}</p>" for said in SAID)
DATA = "<h2>Data</h2><p>Kept for a year.</p>"


def html(body, head=""):
    text = (
        f"<!doctype html><html><head><title>Acme</title>{head}</head><body><main><h1>Acme</h1>"
        f"<p>The agent reads the mailbox of a team and drafts replies.</p>{body}"
        "<h2>Limits</h2><p>It has write access to the calendar.</p></main></body></html>"
    )
    return composed(read_html(text))


def page(body):
    return read_html(f"<!doctype html><html><head><title>Acme</title></head><body>{body}</body></html>")


def behind(fragment):
    """The text read after the prose of a page's main part."""
    return page(f"<main><h1>Acme</h1>{PROSE}{fragment}</main>").blocks[4:]


HTML_PIECES = st.sampled_from(
    [
        *("<p>", "</p>", "<div>", "</div>", "<ul><li>", "</li></ul>", "<h2>", "</h2>", "<table><tr><td>a<td>b"),
        *("</table>", "<br>", "<nav>", "</nav>", "<!--", "-->", "<pre>", "</pre>", "<script>", "</script>"),
        *("<a href=/x>", "</a>", "&#8238;", "&#0;", "<span hidden>", "</span>", '<p style="color:#fff">'),
        *("<details><summary>", "</details>", "word word", "<template>"),
    ]
)


@given(st.lists(HTML_PIECES | st.text(max_size=8), max_size=30).map("".join))
def test_law_of_offsets_for_html(body):
    document = html(body)
    check_law(document)
    assert document == html(body)


def test_html_form():
    document = html(
        "<h2>Features<a class=anchor href=#f>¶</a></h2><ul><li>One <b>bold</b></li><li><p>Two</p></li></ul>"
        "<div>Bare <span>text</span></div><pre>a  b\n\nc</pre>"
        "<table><tr><th>Scope<th>Why<tr><td>mail.send<td>to answer</table>"
        "<dl><dt>Plan</dt><dd>Free</dd></dl><details><summary>More</summary>Folded text.</details>"
    )
    assert document.text == (
        "Acme\n\nThe agent reads the mailbox of a team and drafts replies.\n\nFeatures\n\n"
        "- One bold\n- Two\n\nBare text\n\na  b\nc\n\nScope | Why\nmail.send | to answer\n\nPlan\n\nFree\n\n"
        "More\n\nFolded text.\n\nLimits\n\nIt has write access to the calendar.\n"
    )
    assert document.findings == ()


@pytest.mark.parametrize(
    "fragment",
    [
        *("<nav>{}</nav>", "<footer>{}</footer>", "<aside>{}</aside>", "<form><label>{}</label></form>"),
        *("<div class='cookie-banner'>{}</div>", "<div id='onetrust'>{}</div>", "<div role='navigation'>{}</div>"),
        *("<ul class='breadcrumbs'><li>{}</li></ul>", "<button>{}</button>", "<script>{}</script>"),
        *("<style>{}</style>", "<svg><text>{}</text></svg>"),
    ],
)
def test_chrome_is_dropped_without_a_finding(fragment):
    document = html(fragment.format("Sign in here"))
    assert "Sign in here" not in document.text
    assert document.findings == ()


@pytest.mark.parametrize(
    "fragment",
    [
        *("<div style='display:none'>{}</div>", "<div hidden>{}</div>", "<div class='gone'>{}</div>", "<!-- {} -->"),
        *("<p>Shown <span style='visibility: hidden !important'>{}</span></p>", "<dialog>{}</dialog>"),
        *("<a href='/x' title='{}'>Docs</a>", "<select><option>A<option>{}</select>"),
        *("<template><p>{}</p></template>", "<noscript><p>{}</p></noscript>"),
    ],
)
def test_hidden_text_is_dropped_and_told(fragment):
    """Every way to hide text is tested in `tests/agent/intake/hidden/test_visibility.py`."""
    document = html(fragment.format(ORDER), head="<style>.gone { display: none }</style>")
    assert "0.0" not in document.text
    assert "hidden-text" in kinds(document)
    assert "It has write access to the calendar." in document.text


@pytest.mark.parametrize(
    "fragment",
    [
        "<div style='background:var(--dark)'><p style='color:#fff'>{}</p></div>",
        "<p style='opacity:0;transform:translateY(20px)'>{}</p>",
        *("<h3 style='color:transparent;background-clip:text'>{}</h3>", "<div role='tabpanel' hidden>{}</div>"),
        "<div class='accordion-body' style='display:none'>{}</div>",
        "<div style='font-size:0'><span style='font-size:16px'>{}</span></div>",
        "<span class='sr-only' style='position:absolute;width:1px;height:1px;clip-path:inset(50%)'>{}</span>",
        *("<header><p>{}</p></header>", "<aside class='admonition'>{}</aside>", "<blockquote>{}</blockquote>"),
        *("<div><span><span>{}</span></span></div>", "<section class='code-reviews'>{}</section>"),
        *("<img alt='{}' src=/d.png>", "<h3><button aria-expanded=false>{}</button></h3>"),
    ],
)
def test_visible_text_is_kept_without_a_finding(fragment):
    words = "Runs with tenant-wide write access."
    document = html(fragment.format(words))
    assert words in document.text
    assert document.findings == ()


def test_visible_order_is_kept_as_data_with_its_place():
    document = html(f"<p>Sends mail. {ORDER} Reads files.</p>")
    [finding] = document.findings
    assert finding.kind == "instruction-like-text"
    assert document.text[finding.start : finding.end] == ORDER
    assert "Acme" in finding.where


def test_white_on_an_unread_style_sheet_is_not_judged():
    document = html("<p style='color:#fff'>Runs as root.</p>", head="<link rel=stylesheet href=/s.css>")
    assert "Runs as root." in document.text


def test_links_know_their_region():
    found = read_html(
        "<nav><a href=/n>Nav</a></nav><main><h1>Acme</h1><p>Words and words and words. <a href=/m>Main</a></p>"
        "<div class=related><a href=/o>Other</a></div></main>"
    ).links
    assert [(link.href, link.region) for link in found] == [("/n", "chrome"), ("/m", "main"), ("/o", "neighbour")]


@pytest.mark.parametrize(
    ("cards", "title"),
    [
        (
            "<section><div><h2>{}</h2></div><div><h2>Bolt</h2><p>Deletes mail.</p></div></section>",
            "Similar agents",
        ),
        ("<h2>{}</h2><h3>Bolt</h3><p>Deletes mail.</p>", "Related articles"),
    ],
)
def test_cards_of_neighbours_are_marked_until_their_section_or_level_ends(cards, title):
    assert [(block.text, block.hint) for block in behind(cards.format(title) + DATA)] == [
        *((title, "other"), ("Bolt", "other"), ("Deletes mail.", "other"), ("Data", ""), ("Kept for a year.", "")),
    ]


def test_a_cell_that_holds_a_picture_alone_says_what_it_shows():
    row = "<tr><td>Send mail<td><img src=y.png alt=Yes><tr><td>Logo<td><img src=l.png alt='Acme logo'>"
    text = html(f"<table>{row}<tr><td>Read mail<td>yes <img src=y.png alt=Yes></table>").text
    assert "Send mail | Yes\n" in text
    assert "Acme logo" not in text
    assert "Read mail | yes\n" in text


@pytest.mark.parametrize(
    ("fragment", "blocks"),
    [
        (
            "<div role=table><div role=row><span role=columnheader>Scope</span><span role=columnheader>Use</span></div>"
            "<div role=row><div role=cell><p>mail.send</p></div><div role=cell>answers</div></div></div>",
            [("row", "Scope | Use"), ("row", "mail.send | answers")],
        ),
        (
            "<pre><button>Copy</button><code><span class=token-line>a = 1<br></span><span class=token-line>}<br></span>"
            "</code></pre>",
            [("code", "a = 1\n}")],
        ),
        (
            "<table><tr><td class=linenos><pre>1\n2</pre></td><td><pre>b = 2\nc = 3</pre></td></tr></table>",
            [("code", "b = 2\nc = 3")],
        ),
        (
            "<p><a href=/a>Chat</a><a href=/b>Voice</a> are in <b>beta</b>.</p>",
            [("paragraph", "Chat Voice are in beta.")],
        ),
        ("<h2></h2>Runs shell commands.", [("paragraph", "Runs shell commands.")]),
    ],
)
def test_what_becomes_of_a_fragment(fragment, blocks):
    assert [(block.kind, block.text) for block in behind(fragment)] == blocks


def test_html_tells_depths_heads_and_languages():
    made = composed(
        read_html(
            f"<main><h1>Quillon</h1>{PROSE}"
            "<ul><li>Reads letters of the day<ul><li>and those of the night</li></ul></li></ul>"
            "<table><thead><tr><th>Tool</th><th>Use</th></tr></thead><tr><td>send</td><td>posts</td></tr></table>"
            '<div class="highlight-source-shell"><pre>quillon run\n\nquillon stop</pre></div>'
            '<pre><code class="hljs language-json">{}</code></pre></main>'
        )
    )
    told = [(made.text[b.start : b.end], b.kind, b.level, b.language, b.heads) for b in made.blocks[4:]]
    assert told == [
        ("Reads letters of the day", "item", 1, "", ()),
        ("and those of the night", "item", 2, "", ()),
        ("Tool | Use", "row", 0, "", ("Tool", "Use")),
        ("send | posts", "row", 0, "", ("Tool", "Use")),
        ("quillon run\nquillon stop", "code", 0, "shell", ()),
        ("{}", "code", 0, "json", ()),
    ]


def test_levels_of_headings_by_role_win():
    body = f"<main><h2 role=heading aria-level=1>Acme</h2>{PROSE}<div role=heading aria-level=3>Data</div></main>"
    assert [(block.text, block.level) for block in page(body).blocks if block.level] == [("Acme", 1), ("Data", 3)]


LINKS = "".join(f"<div><a href=/{n}>Item {n}</a></div>" for n in range(6))
MAIN = f"<main><h1>Acme</h1>{PROSE}{{}}</main>"
CURL = "curl -X DELETE https://api.acme.example/runs"
PASSWORDS = "The agent holds the passwords of all connected shops and may place orders on its own at any time."
SHARED = ("The agent may share every file of the workspace, also files of guests, " * 4).strip()
STAYS = [
    "Updated files are sent to the vendor.",
    "Edited messages are kept for 30 days.",
    "Powered by GPT-5 and our own ranking.",
    "Generated by the agent and sent without review.",
    "Trusted by default: every internal tool.",
    "Skip to payment without approval is on.",
    "Share this folder with the agent.",
    "Made by the agent, posted by the agent.",
]
FRAME = [
    *("<p>Was this page helpful?</p>", "<p>Last updated on October 4, 2026</p>", "<p>Updated 22 days ago</p>"),
    *("<p>© 2026 Acme Ltd. All rights reserved.</p>", "<p>Built with Docusaurus.</p>"),
    "<p><a href=/start>Get started</a><a href=/demo>Watch demo</a></p>",
    "<ul><li><a href=#a>Scopes</a></li><li><a href=#b>Keys</a></li></ul>",
    "<div class='docSidebarContainer_YfHR'><a href=/a>Install</a></div>",
    "<ds-side-nav role=navigation><a href=/a>Install</a></ds-side-nav>",
    "<div role=tablist><button role=tab>Linux</button><span role=tab>Windows</span></div>",
]


@pytest.mark.parametrize(
    ("body", "texts"),
    [
        pytest.param(
            f"{LINKS}<h1>Acme</h1><div>Deletes records.</div>{PROSE}<div>Runs shell commands.</div>{LINKS}",
            ["Acme", "Deletes records.", *SAID, "Runs shell commands."],
            id="a page without landmarks loses its navigation and keeps bare text",
        ),
        *((MAIN.format(f"<p>{words}</p>"), ["Acme", *SAID, words]) for words in STAYS),
        *((MAIN.format(f"{part}<p>It deletes files.</p>"), ["Acme", *SAID, "It deletes files."]) for part in FRAME),
        pytest.param(
            f"<div>{PASSWORDS}</div><div>Shop now</div>{MAIN.format('')}",
            [PASSWORDS, "Acme", *SAID],
            id="prose outside the main part stays",
        ),
        pytest.param(
            MAIN.format(f"{PROSE}<div class='share menu'><p>{SHARED}</p></div>"),
            ["Acme", *SAID, *SAID, SHARED],
            id="the name of a class takes no prose away",
        ),
        pytest.param(
            f"{MAIN.format('')}<aside><dl><dt>Language model</dt><dd>GPT-5</dd></dl></aside>",
            ["Acme", *SAID, "Language model", "GPT-5"],
            id="facts beside the text stay",
        ),
        pytest.param(
            f"{MAIN.format('')}<aside><ul><li><a href=/a>Install</a></li></ul></aside>",
            ["Acme", *SAID],
            id="links beside the text go",
        ),
        pytest.param(
            f"<div><div class=panel><pre>{CURL}</pre></div>{MAIN.format('')}</div>",
            [CURL, "Acme", *SAID],
            id="code in a panel before the main part stays",
        ),
        pytest.param(
            f"<article><h1>Acme</h1>{PROSE}</article><h2>Permissions</h2><p>Deletes files.</p>"
            "<ul><li>Sends mail</li></ul><div><a href=/x>Shop now</a></div>",
            ["Acme", *SAID, "Permissions", "Deletes files.", "Sends mail"],
            id="short statements behind the only article stay",
        ),
        pytest.param("<a href=/x>Get started</a>", ["Get started"], id="a page that is all frame is read as it is"),
    ],
)
def test_main_text(body, texts):
    assert [block.text for block in page(body).blocks if not block.hint] == texts
