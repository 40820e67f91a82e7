"""The page of an explanation in a real browser: silent, alone, accessible, and showing what it was given.

    FILBERT_REPORT_PAGES=build/release/tests/filbert_report_pages python3 -m pytest tests/web
    FILBERT_NEW_BASELINES=1 … keeps the screenshots of this run as tests/web/baselines/, to be looked at before they are committed
"""

import json
import os
import pathlib

import pytest

import axe
import chromium
import png

ROOT = pathlib.Path(__file__).parents[2]
BASELINES = pathlib.Path(__file__).parent / "baselines"
SAMPLES = ["sample", "notices", "pair", "regression", "long", "empty", "several", "entity", "corpus", "drift", "evaluation", "evaluation_two", "evaluation_multi", "evaluation_regression",
           "evaluation_many", "entities", "entities_two", "entities_many"]
# What the paragraph of a text shows, with the marks of invisible characters read back; whether one is shown as itself; foreign elements.
HOSTILE_PAGE = r"""
(() => {
  const paragraph = document.getElementById('text-0').cloneNode(true);
  for (const mark of paragraph.querySelectorAll('.ctl')) mark.textContent = String.fromCodePoint(parseInt(mark.title.slice(2), 16));
  return [paragraph.textContent, /[\0\u200e\u200f\u202a-\u202e\u2066-\u2069]/.test(document.body.innerText),
          document.querySelectorAll('img, iframe, object, embed, base, form, a:not(.skip)').length + document.scripts.length - 3];
})()
"""


@pytest.mark.parametrize("name", SAMPLES)
def test_a_page_is_silent_and_asks_for_nothing(browser, pages, name):
    browser.size(1200)
    browser.open(pages / f"{name}.html")
    assert browser.complaints() == []


@pytest.mark.parametrize("width", [320, 400, 1200])
@pytest.mark.parametrize("name", SAMPLES)
def test_the_page_is_never_wider_than_the_screen(browser, pages, name, width):
    browser.size(width)
    browser.open(pages / f"{name}.html")
    assert browser.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", SAMPLES)
def test_axe_finds_no_violation(browser, pages, name, scheme):
    script, reason = axe.source(ROOT / "build")
    if script is None:
        pytest.skip(reason)
    browser.media(prefers_color_scheme=scheme, prefers_reduced_motion="reduce")
    browser.size(1200)
    browser.open(pages / f"{name}.html")
    if name == "sample":  # the strongest word in hand, another one out
        browser.evaluate("document.querySelectorAll('#words .unit')[2].focus(); document.querySelectorAll('#words .unit')[4].click(); 0")
    violations, passes = axe.run(browser, script)
    assert violations == []
    assert passes > 10


def test_hostile_texts_are_shown_as_they_are(browser, pages):
    texts = sorted((pages / "hostile").glob("*.txt"))
    assert len(texts) == 400
    for expected in texts:
        browser.open(expected.with_suffix(".html"))
        shown, turned, elements = browser.evaluate(HOSTILE_PAGE)
        assert browser.complaints() == [], expected.name
        assert shown == expected.read_bytes().decode(), expected.name
        assert not turned, f"{expected.name} shows a control that nobody sees"
        assert elements == 0, f"{expected.name} has elements that are not the page's"


def test_hostile_text_stays_in_its_column(browser, pages):
    browser.size(400)
    browser.open(pages / "hostile/399.html")  # a word of 10 kB
    assert browser.evaluate("document.documentElement.scrollWidth") <= 400


def test_everything_can_be_read_without_a_script(browser, pages):
    browser.scripts(False)
    browser.open(pages / "sample.html")
    browser.scripts(True)
    text = browser.evaluate("document.body.innerText")
    for part in ["The model says", "Strongest for it", "How the score comes about", "Methods side by side", "How good the explanation is", "What would change it", "Phrases",
                 "The other labels", "How to read this", "How to have it again"]:
        assert part in text, part
    assert browser.evaluate("document.querySelectorAll('button, [role=button]').length") == 0


def test_the_keyboard_reaches_words_and_takes_them_out(browser, pages):
    browser.open(pages / "sample.html")
    browser.evaluate("document.querySelector('#words .unit').focus(); 0")
    browser.key("ArrowRight")
    browser.key("ArrowRight")
    assert browser.evaluate("document.activeElement.textContent") == "love"
    label = browser.evaluate("document.activeElement.getAttribute('aria-label')")
    assert label.startswith("love: plus 0.") and "number 1 of 14 by SHAP" in label
    assert "“love”" in browser.evaluate("document.getElementById('detail').innerText")
    browser.key("Enter")
    assert browser.evaluate("document.activeElement.getAttribute('aria-pressed')") == "true"
    detail = browser.evaluate("document.getElementById('detail').innerText")
    assert "Without “love”" in detail and "the model says" in detail
    browser.key("End")
    assert browser.evaluate("document.activeElement.textContent") == "."
    assert browser.evaluate("[...document.querySelectorAll('#words .unit')].filter((word) => word.tabIndex === 0).length") == 1
    assert browser.complaints() == []


def test_words_taken_out_show_what_was_measured_and_nothing_else(browser, pages):
    browser.open(pages / "sample.html")
    numbers = json.loads(browser.evaluate("document.getElementById('filbert-page').textContent"))
    score, single, count = numbers["labels"][0]["score"], numbers["labels"][0]["methods"]["occlusion"], 14
    click = "document.querySelectorAll('#words .unit')[%d].click(); document.getElementById('detail').innerText"
    assert f"{score - single[6]:.3f}" in browser.evaluate(click % 6)
    pair = score - single[6] - single[12] + numbers["interactions"][6 * count + 12]
    assert f"{pair:.3f}" in browser.evaluate(click % 12)
    assert "was not computed" in browser.evaluate(click % 0)
    browser.evaluate("document.querySelector('#detail button').click(); 0")
    assert browser.evaluate("document.querySelectorAll('#words .out').length") == 0


def test_another_method_and_another_label_change_every_part(browser, pages):
    browser.open(pages / "sample.html")
    before = browser.evaluate("document.querySelectorAll('#words .unit')[2].className")
    choose = "document.querySelectorAll('input[name=%s]')[%d].click(); 0"
    browser.evaluate(choose % ("label", 3))
    assert browser.evaluate("document.querySelectorAll('#words .unit')[2].className") != before
    assert "2 stars" in browser.evaluate("document.getElementById('table-label').textContent")
    assert browser.evaluate("[...document.querySelectorAll('.ledger')].filter((each) => !each.hidden).map((each) => each.dataset.label)") == ["3"]
    assert browser.evaluate("document.querySelectorAll('input[name=method]')[1].disabled")  # LIME has no values for it
    browser.evaluate(choose % ("method", 2))
    assert browser.evaluate("[...document.querySelectorAll('.ledger')].every((each) => each.hidden) && !document.querySelector('.ledger-none').hidden")
    browser.evaluate(choose % ("label", 0))
    browser.evaluate(choose % ("method", 0))
    assert browser.evaluate("document.querySelectorAll('#words .unit')[2].className") == before
    assert browser.complaints() == []


def test_a_word_lights_up_with_its_rows(browser, pages):
    browser.open(pages / "sample.html")
    browser.evaluate("document.querySelector('.ledger tr[data-unit]').dispatchEvent(new MouseEvent('mouseenter')); 0")
    lit = browser.evaluate("[...document.querySelectorAll('.lit')].map((each) => each.tagName + each.dataset.unit)")
    assert "SPAN2" in lit and "TR2" in lit and all(each.endswith("2") for each in lit)


def test_the_page_of_many_texts_shows_its_tables(browser, pages):
    browser.scripts(False)  # it needs none
    browser.open(pages / "corpus.html")
    browser.scripts(True)
    text = browser.evaluate("document.body.innerText")
    for part in ["reviews.csv", "Does one word decide a label?", "How often is it right?", "86.6 %", "too long for the model",
                 "Texts that show the most", "Not a word since.", "How to have it again"]:
        assert part in text, part
    assert browser.evaluate("document.scripts.length") == 0
    folded = "[...document.querySelectorAll('details.label')].map((each) => each.open)"
    before = browser.evaluate(folded)
    browser.evaluate("document.querySelector('details.label summary').focus(); 0")
    browser.key("Enter")
    assert browser.evaluate(folded) == [not before[0], *before[1:]]
    assert browser.complaints() == []


def test_in_print_nothing_of_many_texts_is_folded_or_scrolled(browser, pages):
    browser.media(type="print", prefers_color_scheme="dark")
    browser.open(pages / "corpus.html")
    paper = "getComputedStyle(document.body).backgroundColor"
    assert browser.evaluate(paper) == "rgb(255, 255, 255)"
    assert browser.evaluate("""[...document.querySelectorAll('.scroll')].every((each) => each.scrollHeight <= each.clientHeight + 1)""")
    assert browser.evaluate("[...document.querySelectorAll('details.label .words')].every((each) => each.getClientRects().length > 0)")


def test_the_line_of_a_threshold_stands_where_it_is(browser, pages):
    browser.open(pages / "several.html")
    places = browser.evaluate("""[...document.querySelectorAll('.scores svg')].map((bar) => {
      const box = bar.getBoundingClientRect(), line = bar.querySelector('.threshold').getBoundingClientRect();
      return (line.left + line.width / 2 - box.left) / box.width;
    })""")
    assert len(places) == 3 and all(abs(place - 0.4) < 0.02 for place in places)
    assert "predicted from the line at 0.4 on" in browser.evaluate("document.querySelector('.scores caption').innerText")
    assert browser.evaluate("document.querySelectorAll('.scores .mark')[1].textContent") == "predicted"


def picture(path, width, scheme):
    """A PNG of a page in a browser of its own."""
    with chromium.Browser(chromium.find()[0]) as browser:
        browser.media(prefers_color_scheme=scheme, prefers_reduced_motion="reduce")
        browser.size(width)
        browser.open(path)
        # The font of Debian's fontconfig, whatever else is installed. A sheet of the script's own needs no leave of the policy.
        browser.evaluate("""(() => {
          const sheet = new CSSStyleSheet();
          sheet.replaceSync('*{font-family:"DejaVu Sans"!important}');
          document.adoptedStyleSheets = [sheet];
        })()""")
        if not browser.evaluate("document.fonts.check('16px \"DejaVu Sans\"')"):
            pytest.skip("the font DejaVu Sans is not installed")
        return browser.screenshot(scale=0.5 if width < 1000 else 0.4)


@pytest.mark.skipif(chromium.find()[0] is None, reason=str(chromium.find()[1]))
@pytest.mark.parametrize("name", ["sample", "corpus", "evaluation"])
@pytest.mark.parametrize("width, scheme", [(400, "light"), (1200, "light"), (1200, "dark")])
def test_the_page_looks_as_it_did(pages, name, width, scheme):
    """Seen from afar, since fonts are smoothed differently from one Chromium to the next: 3 % of the squares may differ, and 2 % of the height."""
    try:
        taken = picture(pages / f"{name}.html", width, scheme)
    except TimeoutError:
        taken = picture(pages / f"{name}.html", width, scheme)
    width_found, height, rows = png.read(taken)
    kept = BASELINES / f"{name}-{width}-{scheme}.png"
    if os.environ.get("FILBERT_NEW_BASELINES"):
        kept.parent.mkdir(exist_ok=True)
        kept.write_bytes(png.write_grey(width_found, height, rows))
    width_kept, height_kept, rows_kept = png.read(kept.read_bytes())
    assert width_found == width_kept
    assert abs(height - height_kept) <= 0.02 * height_kept
    assert png.difference(png.squares(width_found, height, rows), png.squares(width_kept, height_kept, rows_kept)) < 0.03
