"""Main text: the article of an article page, whole product pages, and pages that were once lost entirely."""

import pytest

from agent.intake.extract.formats.charset import Unreadable
from agent.intake.extract.formats.html import read_html

SAYS_SO = '<meta property="og:type" content="article">'
LONG = (
    "The maintainers moved the scheduler into a process of its own, which now asks before it writes to the ledger, and "
    "they explain at length why the earlier design, in which every worker held the key, could not be kept."
)
SECOND = (
    "During the trial two crews used it for their weekly reports; both said that the summaries were right and short "
    "enough, and that they read the sources anyway before they signed anything."
)
EXCERPT = "A short account of something else that happened on the same day, told in a sentence of its own for readers."
TEASER = '<div class="tile"><h4><a href="/{0}">Another headline number {0} of the day</a></h4><p>{1}</p></div>'
TEASERS = "<div class=grid>" + "".join(TEASER.format(n, EXCERPT) for n in range(5)) + "</div>"
STORY = f"<p>{LONG}</p><p>{SECOND}</p>"
CAPTION = "The daemon writes to the ledger of all tenants."


def read(body, head=SAYS_SO):
    page = read_html(f"<!doctype html><html><head><title>Ledger news</title>{head}</head><body>{body}</body></html>")
    return [block.text for block in page.blocks if not block.hint]


def test_an_article_is_read_without_what_stands_round_it():
    posts = "".join(f"<div class=post><b>Reader {n}</b><p>{EXCERPT} {n}</p></div>" for n in range(8))
    body = (
        f"<div id=page><div id=left>{TEASERS}</div><div id=text><h1>Ledger</h1>{STORY}</div>"
        f"<div id=comments>{posts}</div></div>"
    )
    assert read(body) == ["Ledger", LONG, SECOND]


def test_a_page_that_does_not_say_so_is_read_whole():
    """Product pages list what a product does in cards with a linked title and a sentence."""
    body = f"<div id=page><div id=text><h1>Ledger</h1>{STORY}</div><div id=features>{TEASERS}</div></div>"
    assert sum(EXCERPT in text for text in read(body, head="")) == 5


def test_short_boxes_are_no_article_whatever_the_page_says():
    boxes = "".join(f"<div class=box><h3>Feature {n}</h3><p>Reads table {n}.</p></div>" for n in range(30))
    assert sum(text.startswith("Reads table") for text in read(f"<h1>Ledger</h1><div>{boxes}</div>")) == 30


@pytest.mark.parametrize("wrap", ["<div>{}</div>", "<section><div>{}</div></section>", "<block>{}</block>"])
def test_an_article_in_several_boxes_is_one_article(wrap):
    table = "<table><tr><th>Right<th>Given</tr><tr><td>ledger.write<td>on request</tr></table>"
    parts = (f"<p>{LONG}</p>", "<h2>Rights</h2><p>Two are asked for.</p>", table, f"<p>{SECOND}</p>")
    texts = read("<h1>Ledger</h1><div>" + "".join(wrap.format(part) for part in parts) + "</div>")
    table_rows = ("Right | Given", "ledger.write | on request")
    assert texts == ["Ledger", LONG, "Rights", "Two are asked for.", *table_rows, SECOND]


def test_microdata_names_the_body_of_an_article():
    gallery = "".join(f"<p>{EXCERPT} In the picture: {n}, {n}, {n}, {n}.</p>" for n in range(20))
    body = f"<h1>Ledger</h1><div><div itemprop=articleBody>{STORY}</div><div><div>{gallery}</div></div></div>"
    assert LONG in read(body, head="")


def test_in_an_article_a_bare_link_and_a_repeated_line_are_left_out():
    pulled = "Both said that the summaries were right."
    parts = (LONG, pulled, f"<a href=/other>{EXCERPT}</a>", SECOND, pulled)
    texts = read(f"<h1>Ledger</h1><div>{''.join(f'<p>{part}</p>' for part in parts)}</div>")
    assert texts == ["Ledger", LONG, pulled, SECOND]


@pytest.mark.parametrize(("code", "kept"), [("", False), ("<pre>ledger serve</pre>", True)])
def test_captions_stay_where_there_is_code(code, kept):
    figure = f"<figure><img src=a.png><figcaption>{CAPTION}</figcaption></figure>"
    assert (CAPTION in read(f"<h1>Ledger</h1><div>{STORY}{figure}{code}</div>")) is kept


@pytest.mark.parametrize(
    ("names", "kept"),
    [
        *((name, True) for name in ("article-body pagination-first", "CtxtMenu_Attached_0", "toc-aware prose")),
        *(("has-sidebar", True), ("pagination", False), ("page-pagination", False), ("pagination__list", False)),
        ("docSidebarContainer_Yf3", False),
    ],
)
def test_a_name_is_matched_as_a_whole(names, kept):
    text = "The key is kept in memory." if kept else "Older entries"
    links = "" if kept else "<a href=/2>two</a> <a href=/3>three</a>"
    texts = read(f'<main><h1>Ledger</h1>{STORY}<div class="{names}">{text}{links}</div></main>', head="")
    assert any(text in found for found in texts) is kept


def test_a_script_is_no_tag_with_many_attributes():
    script = "for(i=0;i<n&&j;i++){" + "a b = c; " * 20_000 + "}"
    assert LONG in read(f"<h1>Ledger</h1>{STORY}<script>{script}</script><!-- <p {script}> -->")


@pytest.mark.parametrize("lead", ["", "<script>x<y</script>", "<script ", '<p title="<!--">', "<!-- a --><style>"])
def test_a_tag_with_many_attributes_is_refused_wherever_it_stands(lead):
    crowd = " ".join(f"a{n}" for n in range(6_000))
    tag = f"{crowd}>" if lead == "<script " else f"{'</style>' if 'style' in lead else ''}<p {crowd}>"
    with pytest.raises(Unreadable):
        read_html(f"<html><body>{lead}{tag}text</body></html>")


@pytest.mark.parametrize("where", ["body", "html", "html body"])
def test_a_page_hidden_until_a_script_shows_it_is_read(where):
    assert LONG in read(f"<h1>Ledger</h1>{STORY}", head=f"<style>{where}{{visibility:hidden !important}}</style>")


@pytest.mark.parametrize("shown", ["<style>.on{visibility:visible}</style>", ""])
def test_a_hidden_page_of_which_a_part_is_shown_is_that_part(shown):
    style = "" if shown else " style='visibility: visible'"
    head = f"<style>body{{visibility:hidden}}</style>{shown}"
    assert read(f"<p class=on{style}>It reads the ledger.</p>{STORY}", head=head) == ["It reads the ledger."]
