"""The page of similar tokens in a real browser: silent, alone, accessible, and in the address what is chosen; and the section of an explanation that has
what is like its words.

    FILBERT=build/release/filbert python3 -m pytest tests/web/test_contexts.py
"""

import csv
import os
import pathlib
import subprocess

import pytest

import axe

ROOT = pathlib.Path(__file__).parents[2]
HOSTILE = ["</script><script>alert(1)</script>love", "<img src=x onerror=alert(1)> love", "love \u202egnp.exe\u2066 &amp; \"quotes\" 'love'",
           "<!-- love --> ]]> \u2028 love", "love" + "x" * 3000, "\U0001F600 love 愛してる حب"]
TEXTS = ["I really love this book", "Not bad at all, quite good", "", "Terrible, I hate this book", "I would love to read it again and again",
         "This lovely story about 42 islands made me cry", *HOSTILE]


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    directory = tmp_path_factory.mktemp("contexts")
    with open(directory / "a.csv", "w", newline="") as file:
        csv.writer(file).writerows([["text", "label"], *[[text, f"<b>{at % 3}</b>"] for at, text in enumerate(TEXTS)]])
    filbert = os.environ.get("FILBERT", ROOT / "build/release/filbert")
    environment = os.environ | {"FILBERT_MODEL": str(ROOT / "models/stars-en")}
    subprocess.run([filbert, "index", directory / "a.csv", "--label-column", "label", "--output", directory], check=True, env=environment)
    for name, text, *words in [("sample", "I love this film", "--heads", "0,3,5"), ("hostile", HOSTILE[0], "--by", "context"), ("plain", "I love it", "--no-attention")]:
        subprocess.run([filbert, "similar", text, "--token", "love", *words, "--index", directory, "--output", directory / f"{name}.html"], check=True, env=environment)
    subprocess.run([filbert, "similar", "I love this film", "--text-pair", "you hate it", "--token", "hate", "--index", directory, "--output", directory / "pair.html"],
                   check=True, env=environment)
    for name, text in [("why", "I love this film"), ("why-hostile", HOSTILE[0])]:
        subprocess.run([filbert, "explain", text, "--index", directory, "--with-attention", "--output", directory / f"{name}.html"], check=True, env=environment)
    return directory


NAMES = ["sample", "hostile", "plain", "pair", "why", "why-hostile"]


@pytest.mark.parametrize("width", [320, 400, 1200])
@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_silent_and_no_wider_than_the_screen(browser, pages, name, width):
    browser.size(width)
    browser.open(pages / f"{name}.html")
    assert browser.complaints() == []
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    assert browser.evaluate("document.querySelectorAll('img, iframe, object, embed, base, form, b').length") == 0
    assert browser.evaluate("document.querySelectorAll('script:not([type])').length") == (3 if name.startswith("why") else 2)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", NAMES)
def test_axe_finds_no_violation(browser, pages, name, scheme):
    script, reason = axe.source(ROOT / "build")
    if script is None:
        pytest.skip(reason)
    browser.media(prefers_color_scheme=scheme, prefers_reduced_motion="reduce")
    browser.open(pages / f"{name}.html")
    browser.evaluate("document.querySelectorAll('.column.from .tok')[2]?.dispatchEvent(new MouseEvent('dblclick')); 0")
    violations, _ = axe.run(browser, script)
    assert violations == []


def test_the_list_can_be_read_without_a_script(browser, pages):
    browser.scripts(False)
    browser.open(pages / "sample.html")
    browser.scripts(True)
    text = browser.evaluate("document.body.innerText")
    for part in ["What is like", "In their sentences", "really", "What they have in common", "What follows", "How to have it again"]:
        assert part in text, part
    assert browser.evaluate("document.querySelectorAll('button').length") == 0
    assert browser.evaluate("document.querySelectorAll('.kwic .m').length === document.querySelectorAll('.kwic tbody tr').length")


def test_what_is_chosen_stands_in_the_address(browser, pages):
    browser.open(pages / "sample.html")
    assert browser.evaluate("location.hash") == ""
    colours = "[...document.querySelectorAll('.kwic .t')].map((each) => each.className).join()"
    before, told = browser.evaluate(colours), browser.evaluate("document.querySelector('.told').textContent")
    browser.evaluate("document.querySelectorAll('.square')[1].click(); document.querySelectorAll('.column.from .tok')[3].click(); 0")
    browser.evaluate("document.querySelector('input[value=in]').click(); document.querySelector('input[value=label]').click(); 0")
    assert browser.evaluate("location.hash") == "#heads=0,1,3,5&token=3&way=in&order=label"
    after = browser.evaluate("document.querySelector('.told').textContent")
    assert browser.evaluate(colours) != before and after != told
    browser.evaluate("location.hash = ''; new Promise((done) => setTimeout(done, 50))")
    assert (browser.evaluate(colours), browser.evaluate("document.querySelector('.told').textContent")) == (before, told)
    browser.evaluate("location.hash = '#heads=0,1,3,5&token=3&way=in&order=label'; new Promise((done) => setTimeout(done, 50))")
    assert browser.evaluate("document.querySelector('.told').textContent") == after
    browser.evaluate("location.hash = '#heads=99&token=-1&mask=0&top=x&way=constructor&order=__proto__'; new Promise((done) => setTimeout(done, 50))")
    assert browser.evaluate("document.querySelector('.told').textContent") == told
    assert browser.complaints() == []


def test_a_masked_token_shows_what_was_measured(browser, pages):
    browser.open(pages / "sample.html")
    browser.evaluate("document.querySelectorAll('.column.from .tok')[2].focus(); 0")
    browser.key("ArrowDown")
    browser.key("ArrowDown")
    assert browser.evaluate("document.activeElement.textContent") == "film"
    browser.key("m")
    assert browser.evaluate("location.hash") == "#mask=4"
    shown = browser.evaluate("document.querySelector('.scores-now').innerText")
    assert "film masked" in shown and "5 stars" in shown
    page = browser.evaluate("JSON.parse(document.getElementById('filbert-contexts').textContent)")
    masked = next(each for each in page["masked"] if each["token"] == 4)
    assert f"{masked['scores'][4]:.3f}" in shown
    browser.key("m")
    assert browser.evaluate("document.querySelector('.scores-now')") is None
    assert browser.complaints() == []


def test_an_explanation_has_what_is_like_its_words_without_a_script(browser, pages):
    browser.scripts(False)
    browser.open(pages / "why.html")
    browser.scripts(True)
    text = browser.evaluate("document.querySelector('#contexts').innerText")
    for part in ["Where else these words stand so", "The model calls the texts of the 10 nearest: ", "What stands before them", "What they look at most"]:
        assert part in text, part
    assert browser.evaluate("document.querySelectorAll('#contexts .kwic').length") == 3
    titles = browser.evaluate("[...document.querySelectorAll('#contexts h3')].map((title) => title.textContent)")
    data = browser.evaluate("JSON.parse(document.getElementById('filbert-explanation').textContent)")
    units = data["methods"]["shap"]["units"]
    strongest = sorted(units, key=lambda unit: -abs(unit["value"]))[:3]
    assert [title.split()[0] for title in titles] == [f"“{unit['text']}”" for unit in strongest]
    rows = browser.evaluate("[...document.querySelectorAll('#contexts .kwic')].map((table) => table.tBodies[0].rows.length)")
    assert rows == [len(each["hits"]) for each in data["contexts"]["units"]]


def test_a_pair_is_shown_as_two_texts(browser, pages):
    browser.open(pages / "pair.html")
    assert browser.evaluate("document.querySelector('.chip').textContent") == "hate"
    assert browser.evaluate("[...document.querySelectorAll('#query p')].map((text) => text.textContent)") == ["[CLS] I love this film [SEP]", "you hate it [SEP]"]
