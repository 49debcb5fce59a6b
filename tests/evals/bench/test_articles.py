"""The measure on public benchmarks: both layouts are read, halves are by site, and figures match the bags."""

import gzip
import json

import pytest

from evals.bench.articles import HALVES, Article, half_of, load, score


def test_both_layouts_are_read(tmp_path):
    page = "<html><body><p>It reads mail.</p></body></html>"
    first, second = tmp_path / "first", tmp_path / "second"
    (first / "html").mkdir(parents=True)
    (first / "html" / "a.html.gz").write_bytes(gzip.compress(page.encode()))
    truth = {"a": {"url": "https://www.example.org/x", "articleBody": "It reads mail."}}
    (first / "ground-truth.json").write_text(json.dumps(truth), "utf-8")
    folder = second / "test" / "test-pages" / "example-2"
    folder.mkdir(parents=True)
    (folder / "source.html").write_text(page, "utf-8")
    (folder / "expected.html").write_text("<div><p>It reads mail.</p></div>", "utf-8")
    (one,), (other,) = load(first), load(second)
    assert (one.html, one.gold.split()) == (other.html, other.gold.split()) == (page, ["It", "reads", "mail."])
    assert one.half == half_of("example.org")
    assert other.half == half_of("example")
    with pytest.raises(FileNotFoundError):
        list(load(tmp_path))


def test_figures_are_those_of_bags_of_words_and_of_four_in_a_row():
    article = Article("a", HALVES[0], "", "It reads mail and sends mail")
    found = score(article, "IT reads mail and sends nothing else")
    assert (found.words.precision, found.words.recall) == (5 / 7, 5 / 6)
    assert (found.shingles.precision, found.shingles.recall) == (1 / 4, 1 / 3)
    assert score(article, article.gold).words.f1 == 1.0
    assert score(article, "").words.f1 == 0.0
