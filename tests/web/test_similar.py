"""The tab of nearest contexts on the page of the server, in a real browser against a real `filbert serve --index`.

    FILBERT=build/release/filbert python3 -m pytest tests/web/test_similar.py
"""

import json
import pathlib
import urllib.parse

import pytest

import axe
import filbert_command
import serve_command
import tiny_checkpoint

ROOT = pathlib.Path(__file__).parents[2]
TEXT = "I really love this bad book"
CORPUS = ["I really love this book", "not good, not bad", "<b>bad</b> & \"book\" \u202egnp.exe", "the film was bad 42", "love, love\nlove it", "\U0001F600 good film"] * 4
CHOSEN = "document.querySelector('#panel-similar .pick[aria-pressed=true]')?.textContent"
TOLD = "document.querySelector('#panel-similar .told').textContent"
READY = "document.querySelector('#panel-similar .kwic') && !document.querySelector('#panel-similar .stale')"


@pytest.fixture(scope="module")
def index(tiny, tmp_path_factory):
    directory = tmp_path_factory.mktemp("index")
    lines = "".join(json.dumps({"text": text, "label": tiny_checkpoint.LABELS[at % 3]}) + "\n" for at, text in enumerate(CORPUS))
    (directory / "a.jsonl").write_text(lines)
    filbert_command.ok("index", directory / "a.jsonl", "--label-column", "label", "--all-layers", "--model", tiny, "--output", directory)
    return directory


@pytest.fixture(scope="module")
def url(tiny, index):
    with serve_command.Server("--index", index, "--explain-timeout-ms", "60000", checkpoint=tiny) as server:
        yield f"http://127.0.0.1:{server.port}/"


@pytest.fixture
def page(browser, url):
    visit(browser, url)
    return browser


def visit(browser, url, fragment=""):
    browser.media(prefers_color_scheme="light", prefers_reduced_motion="reduce")
    browser.go("about:blank")
    browser.go(url + fragment)
    browser.wait("document.querySelector('h1').textContent === 'tiny'")


def ask(page, token, text=TEXT):
    """Types a text and chooses a token of it."""
    page.evaluate("document.querySelector('#tab-similar').click()")
    page.insert("#text", text)
    page.wait(f"document.querySelectorAll('#panel-similar .pick').length > {token}")
    page.evaluate(f"document.querySelectorAll('#panel-similar .pick')[{token}].click()")
    page.wait(READY)


def similar(tiny, index, *words, text=TEXT):
    (report,) = filbert_command.ok("similar", text, *words, "--index", index, "--model", tiny, "--format", "json").rows
    return report


def rows(page):
    """Similarity, label with score, gold, what was found, and the row."""
    return page.evaluate("[...document.querySelectorAll('#panel-similar .kwic tbody tr')].map((row) => [...row.cells].map((cell) => cell.textContent))")


def expected_rows(report):
    return [[f"{hit['similarity']:.3f}".replace("-", "−"), f"{hit['label']} {hit['score']:.2f}", hit["gold"], str(hit["row"])] for hit in report["hits"]]


def test_a_chosen_word_has_its_list_with_label_and_probability(page, url, tiny, index):
    ask(page, 3)
    assert page.evaluate(CHOSEN) == "love"
    report = similar(tiny, index, "--token", "3")
    found = rows(page)
    assert [[row[0], row[2].replace("\u00a0", " "), row[4], row[8]] for row in found] == expected_rows(report)
    assert page.evaluate("document.querySelectorAll('#panel-similar .kwic .m').length") == len(report["hits"])
    titles = page.evaluate("[...document.querySelectorAll('#panel-similar .histogram caption')].map((caption) => caption.textContent)")
    assert titles == ["What the model calls their texts", "What their texts should be called", "The words themselves", "Of what kind they are", "What stands before them",
                      "What follows", "What they look at most", "How far away that is, in tokens"]
    bars = page.evaluate("[...document.querySelector('#panel-similar .histogram').rows].map((row) => [row.cells[0].textContent, row.cells[2].textContent])")
    assert bars == [[each["name"], str(each["count"])] for each in report["counts"]["labels"]]
    assert page.evaluate("document.querySelectorAll('#panel-similar img, #panel-similar b').length") == 0
    assert page.complaints(url) == []


def test_layer_heads_and_kind_are_asked_anew(page, tiny, index):
    ask(page, 3)
    page.evaluate("(() => { const box = document.querySelector('#similar-layer'); box.value = '0'; box.dispatchEvent(new Event('change')); })()")
    page.wait(READY)
    page.evaluate("document.querySelector('#similar-by-context').click()")
    page.wait("location.hash.includes('by=context') && " + READY)
    page.evaluate("document.querySelector('#similar-head-0').click()")
    page.wait("location.hash.includes('heads=1') && " + READY)
    heads = page.evaluate("document.querySelectorAll('#panel-similar .square').length")
    report = similar(tiny, index, "--token", "3", "--layer", "0", "--by", "context", "--heads", ",".join(map(str, range(1, heads))))
    assert [row[0] for row in rows(page)] == [row[0] for row in expected_rows(report)]
    assert page.evaluate("document.querySelector('#similar-head-0').getAttribute('aria-pressed')") == "false"


def test_a_masked_word_changes_score_and_attention(page, tiny, index):
    ask(page, 3)
    before = page.evaluate(TOLD)
    report = similar(tiny, index, "--token", "3", "--mask", "5")
    page.evaluate("document.querySelectorAll('#panel-similar .pick')[5].focus()")
    page.key("m")
    page.wait("document.querySelector('#panel-similar .changes')")
    assert page.evaluate("location.hash") == "#similar&token=3&mask=5"
    masked = report["masked"][0]
    cells = page.evaluate("[...document.querySelectorAll('#panel-similar .changes table')].map((table) => [...table.rows].map((row) => [...row.cells].map((cell) => cell.textContent)))")
    minus = lambda number: f"{number:.3f}".replace("-", "−")  # noqa: E731
    assert [row[:3] for row in cells[0][1:]] == [[name, minus(score), minus(masked["scores"][name])] for name, score in report["scores"].items()]
    words = ["[CLS]", *TEXT.split(), "[SEP]"]
    assert [row[:3] for row in cells[1][1:]] == [[word, minus(report["attention"][at]), minus(masked["attention"][at])] for at, word in enumerate(words)]
    assert "with “bad” masked" in page.evaluate(TOLD) and page.evaluate(TOLD) != before
    page.evaluate("(() => { const box = document.querySelector('#similar-mask'); box.value = ''; box.dispatchEvent(new Event('change')); })()")
    page.wait(f"{TOLD} === {json.dumps(before)}")


def test_top_of_attention_and_special_tokens_are_shown_or_not(page, tiny, index):
    ask(page, 3)
    attention = similar(tiny, index, "--token", "3")["attention"]
    deep = "[...document.querySelectorAll('#panel-similar .pick')].map((pick, at) => (/ n[0-9]/.test(pick.className) ? at : -1)).filter((at) => at >= 0)"

    def slide(percent):
        page.evaluate(f"(() => {{ const box = document.querySelector('#similar-top'); box.value = '{percent}'; box.dispatchEvent(new Event('input')); }})()")
    slide(0)
    assert page.evaluate(deep) == []
    slide(100)
    assert page.evaluate("location.hash") == "#similar&token=3&top=100"
    assert len(page.evaluate(deep)) > 2
    slide(30)
    order = sorted(range(len(attention)), key=lambda at: -attention[at])
    wanted, total = [], 0.0
    for at in order:
        if total >= 0.3 * sum(attention):
            break
        wanted.append(at)
        total += attention[at]
    assert page.evaluate(deep) == sorted(wanted)
    slide(100)
    page.evaluate("document.querySelector('#similar-special').click()")
    assert 0 not in page.evaluate(deep) and len(attention) - 1 not in page.evaluate(deep)


def test_what_is_chosen_stands_in_the_address_and_no_text(browser, url, page):
    ask(page, 3)
    page.evaluate("document.querySelector('#similar-order-label').click(); document.querySelector('#similar-way-in').click()")
    assert page.evaluate("location.hash") == "#similar&token=3&way=in&order=label"
    labels = page.evaluate("[...document.querySelectorAll('#panel-similar .kwic tbody tr')].map((row) => row.cells[2].textContent)")
    names = [label.split("\u00a0")[0][:6] for label in labels]
    assert names == sorted(names)
    page.evaluate("document.querySelector('#tab-tokens').click()")
    assert page.evaluate("location.hash") == ""
    assert "love" not in page.evaluate("JSON.stringify([location.href, {...localStorage}, {...sessionStorage}])")
    visit(browser, url, "#similar&token=3&way=in&order=label")
    assert browser.evaluate("document.querySelector('#tab-similar').getAttribute('aria-selected')") == "true"
    browser.insert("#text", TEXT)
    browser.wait(READY)
    assert browser.evaluate(CHOSEN) == "love"
    assert browser.evaluate("document.querySelector('#similar-way-in').checked && document.querySelector('#similar-order-label').checked")
    browser.evaluate("location.hash = '#similar&token=5'")
    browser.wait(f"{CHOSEN} === 'bad' && {READY}")


def test_a_link_brings_its_text_along_and_takes_it_out_of_the_address(browser, url, page):
    ask(page, 3, "it's 100 % good & bad")
    link = page.evaluate("document.querySelector('#panel-similar details pre').textContent")
    assert urllib.parse.quote("it's 100 % good & bad", safe="'") in link
    chosen = page.evaluate(CHOSEN)
    visit(browser, url, link[len(url):])
    browser.wait(READY)
    assert browser.evaluate("document.querySelector('#text').value") == "it's 100 % good & bad"
    assert browser.evaluate(CHOSEN) == chosen
    assert browser.evaluate("location.hash") == "#similar&token=3"


def test_all_of_it_goes_by_keyboard(page):
    page.evaluate("document.querySelector('#tab-similar').click()")
    page.insert("#text", TEXT)
    page.wait("document.querySelectorAll('#panel-similar .pick').length === 8")
    page.evaluate("document.querySelector('#panel-similar .pick[tabindex=\"0\"]').focus()")
    assert page.evaluate("document.activeElement.textContent") == "I"
    page.key("ArrowRight")
    page.key("ArrowRight")
    assert page.evaluate("document.activeElement.textContent") == "love"
    page.key("Enter")
    page.wait(f"{CHOSEN} === 'love' && {READY}")
    page.evaluate("document.querySelector('#panel-similar .kwic button').focus()")
    page.key("Enter")
    assert page.evaluate("document.querySelector('#panel-similar .kwic tr.open') && document.activeElement.getAttribute('aria-expanded')") == "true"


def test_a_pair_is_two_texts_of_which_either_may_be_chosen(page, tiny, index):
    page.evaluate("document.querySelector('#tab-similar').click()")
    page.insert("#text", "I love this")
    page.click(".asked button")
    page.insert("#pair", "a bad film")
    page.wait("document.querySelectorAll('#panel-similar .pick').length === 9")
    page.evaluate("document.querySelectorAll('#panel-similar .pick')[6].click()")
    page.wait(READY)
    report = similar(tiny, index, "--token", "6", "--text-pair", "a bad film", text="I love this")
    assert page.evaluate(CHOSEN) == "bad"
    assert [row[0] for row in rows(page)] == [row[0] for row in expected_rows(report)]


def test_a_text_of_one_token_and_one_that_is_too_long(page):
    ask(page, 1, "good")
    assert "“good” looks at" in page.evaluate(TOLD)
    page.insert("#text", "good book. " * 300)
    page.wait("document.querySelectorAll('#panel-similar .pick').length === 64 && " + READY)
    assert page.evaluate("document.querySelector('#panel-similar .notices')?.textContent ?? ''").startswith("the text has 902 tokens")


def test_the_full_page_is_made(page):
    ask(page, 3)
    page.evaluate("[...document.querySelectorAll('#panel-similar button')].find((each) => each.textContent === 'Open the full page').click()")
    page.wait("[...document.querySelectorAll('#panel-similar a')].some((link) => link.textContent === 'Keep it as a file')")


def test_the_report_of_an_explanation_has_it_too(page):
    page.insert("#text", TEXT)
    full = "[...document.querySelectorAll('#panel-explain button')].find((each) => each.textContent === 'Open the full report')"
    page.wait(full)
    page.evaluate(full + ".click()")
    page.wait("[...document.querySelectorAll('#panel-explain a')].some((link) => link.textContent === 'Keep it as a file')")
    asked = [event["params"]["request"].get("postData", "") for event in page.events if event["method"] == "Network.requestWillBeSent"]
    assert any('"with_contexts":true' in body and '"format":"html"' in body for body in asked)


def test_without_an_index_there_is_no_such_tab(browser, tiny):
    with serve_command.Server(checkpoint=tiny) as server:
        visit(browser, f"http://127.0.0.1:{server.port}/", "#similar&token=1")
        assert browser.evaluate("document.querySelector('#tab-similar').hidden && document.querySelector('#tab-explain').getAttribute('aria-selected')") == "true"


@pytest.mark.parametrize("width", [320, 400, 1200])
def test_it_is_no_wider_than_the_screen(browser, url, width):
    browser.size(width)
    visit(browser, url)
    ask(browser, 3, TEXT + " and a word that is very long: " + "x" * 200)
    browser.evaluate("document.querySelectorAll('#panel-similar .pick')[5].focus()")
    browser.key("m")
    browser.wait("document.querySelector('#panel-similar .changes')")
    assert browser.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(browser, url, scheme):
    script, reason = axe.source(ROOT / "build")
    if script is None:
        pytest.skip(reason)
    visit(browser, url)
    browser.media(prefers_color_scheme=scheme, prefers_reduced_motion="reduce")
    ask(browser, 3)
    browser.evaluate("document.querySelectorAll('#panel-similar .pick')[5].focus()")
    browser.key("m")
    browser.wait("document.querySelector('#panel-similar .changes')")
    violations, _ = axe.run(browser, script)
    assert violations == []
