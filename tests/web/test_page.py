"""The page of the server in a real browser, against a real `filbert serve`: what a person does with it, and what it does when the server cannot.

    FILBERT=build/release/filbert python3 -m pytest tests/web/test_page.py
"""

import csv
import json
import pathlib
import shutil
import subprocess

import pytest

import axe
import filbert_command
import serve_command
import tiny_checkpoint
from faulty_proxy import FaultyProxy

ROOT = pathlib.Path(__file__).parents[2]

# All of it is in the vocabulary of the tiny checkpoint, whose numbers mean nothing but are the command's, and are there at once: explanations take only
# what of the machine nobody else wants.
TEXT = "I really love this book, not the film"
CHIP = "document.querySelector('.said .chip')?.textContent"
SHOWN = "document.querySelector('%s')?.innerText"


@pytest.fixture(scope="module")
def served(tiny):
    with Served("--max-client-batch-size", "64", "--explain-timeout-ms", "60000", checkpoint=tiny) as server:
        yield server


@pytest.fixture
def classified(tiny):
    """What the command says of texts and pairs."""
    def classify(*texts):
        lines = "".join(json.dumps({"text": text} if isinstance(text, str) else {"text": text[0], "text_pair": text[1]}) + "\n" for text in texts)
        return [json.loads(line) for line in told("classify", "--model", tiny, "--input-format", "jsonl", "--format", "json", stdin=lines).splitlines()]
    return classify


@pytest.fixture
def proxy(served):
    with FaultyProxy(served.port) as between:
        yield between


@pytest.fixture
def page(browser, served):
    return visit(browser, served.url)


class Served(serve_command.Server):
    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/"


def visit(browser, url, name="tiny"):
    browser.media(prefers_color_scheme="light", prefers_reduced_motion="reduce")
    browser.go(url)
    browser.wait(f"document.querySelector('h1').textContent === {json.dumps(name)}")
    return browser


def told(*words, stdin=""):
    """What the command says."""
    return filbert_command.ok(*words, stdin=stdin.encode()).text


def bars(browser):
    return browser.evaluate("[...document.querySelectorAll('.said tbody tr')].map((row) => [row.cells[0].textContent, row.cells[2].textContent])")


def expected_bars(answer):
    return [[each["label"], f"{each['score']:.3f}"] for each in answer["scores"]]


def explained(browser, exactly=False):
    """Waits for an explanation. On a machine that others keep busy the time of one may not suffice, which it says; then it is asked for again."""
    for _ in range(10 if exactly else 1):
        browser.wait(button("Open the full report", "#panel-explain") + " && !document.querySelector('#panel-explain .stale')")
        if not exactly or "The numbers are exact" in browser.evaluate("document.querySelector('#panel-explain').innerText"):
            return
        for method in ("occlusion", "shap"):
            select(browser, "#panel-explain select", 1, method)
    raise AssertionError("never exact: " + browser.evaluate("document.querySelector('#panel-explain').innerText"))


def select(browser, selector, at, value):
    browser.evaluate(f"(() => {{ const box = document.querySelectorAll({json.dumps(selector)})[{at}]; box.value = {json.dumps(value)}; box.dispatchEvent(new Event('change')); }})()")


def button(text, within="body"):
    return f"[...document.querySelectorAll('{within} button')].find((each) => each.textContent === {json.dumps(text)} && each.getClientRects().length)"


# Typing.

def test_the_answer_comes_while_one_types(page, served, classified):
    page.evaluate("document.querySelector('#text').focus()")
    for letter in "I love it":
        page.key(letter)
    [answer] = classified("I love it")
    page.wait(f"{CHIP} === {json.dumps(answer['label'])}")
    page.wait(f"document.querySelector('.said .num').textContent === '{answer['score']:.3f}'")
    assert bars(page) == expected_bars(answer)  # the numbers of the command
    assert page.evaluate("document.querySelector('.said .explained th').textContent") == answer["label"]
    assert "6 tokens of at most 64" in page.evaluate("document.querySelector('.counter').textContent")
    page.wait(f"document.querySelector('.said p.spoken').textContent.startsWith('{answer['label']}')")  # said once it has come to rest
    assert page.complaints(served.url) == []


def test_the_model_that_comes_with_filbert_reads_english(browser):
    with Served() as server:
        visit(browser, server.url, "stars-en")
        browser.evaluate(button("Show an example") + ".click()")
        text = browser.evaluate("document.querySelector('#text').value")
        answer = json.loads(told("classify", "--format", "json", text))
        browser.wait(f"{CHIP} === {json.dumps(answer['label'])}")
        assert bars(browser) == expected_bars(answer)


def test_an_older_answer_never_overwrites_a_newer_one(browser, proxy, classified):
    visit(browser, proxy.url)
    proxy.fault("/v1/classify", having="slow", delay_s=1.0)
    browser.insert("#text", "slow and the worst book I have ever read, awful")
    while not any("slow" in str(body) for _, _, body in proxy.asked):
        browser.evaluate("new Promise((done) => setTimeout(done, 20))")
    browser.insert("#text", "What a great and lovely book")
    [answer] = classified("What a great and lovely book")
    browser.wait(f"document.querySelector('.said .num')?.textContent === '{answer['score']:.3f}'")
    browser.evaluate("new Promise((done) => setTimeout(done, 1300))")
    assert bars(browser) == expected_bars(answer)


def test_an_empty_box_asks_nothing(browser, proxy):
    visit(browser, proxy.url)
    browser.insert("#text", TEXT)
    browser.wait(f"{CHIP}")
    browser.insert("#text", "")
    browser.wait(f"!({CHIP})")
    asked = len(proxy.asked)
    browser.insert("#text", "   \n ")
    browser.evaluate("new Promise((done) => setTimeout(done, 1200))")
    assert len(proxy.asked) == asked


def test_a_second_text_makes_a_pair(page, classified):
    page.insert("#text", "Is it good?")
    page.click(".asked button")
    page.wait("document.activeElement.id === 'pair'")
    page.insert("#pair", "Yes, I love it.")
    [answer] = classified(["Is it good?", "Yes, I love it."])
    page.wait(f"document.querySelector('.said .num')?.textContent === '{answer['score']:.3f}'")
    assert bars(page) == expected_bars(answer)
    page.wait("document.querySelectorAll('.words .text').length === 2")
    page.click(".asked button")
    [alone] = classified("Is it good?")
    page.wait(f"document.querySelector('.said .num').textContent === '{alone['score']:.3f}'")


def test_a_text_that_is_too_long_is_said_to_be(page):
    page.evaluate("document.querySelector('#tab-tokens').click()")
    page.insert("#text", "good book. " * 300 + "THE VERY END")
    page.wait("document.querySelector('.one + .notices li')?.textContent.includes('read the first 64 of 907 tokens')")
    page.wait("document.querySelector('.rest')?.textContent.endsWith('THE VERY END')")
    assert "first 64 tokens of 907 tokens" in page.evaluate("document.querySelector('#panel-tokens').innerText")


def test_no_text_is_kept_anywhere(page, served):
    page.insert("#text", TEXT)
    page.wait("document.querySelector('.words .unit')")
    found = page.evaluate("JSON.stringify([location.href, document.title, {...localStorage}, {...sessionStorage}, document.cookie, history.length])")
    assert "love" not in found
    assert json.loads(found)[2:5] == [{}, {}, ""]
    urls = [event["params"]["request"]["url"] for event in page.events if event["method"] == "Network.requestWillBeSent"]
    assert urls and all("love" not in url for url in urls)
    page.go(served.url)
    assert page.evaluate("document.querySelector('#text').value") == ""


def test_hostile_text_is_shown_as_it_is(page, served):
    hostile = '<img src=x onerror=alert(1)> & "quoted" \u202eturned\u202c <script>alert(2)</script> {{x}} \u0007'
    page.insert("#text", hostile.replace("\u0007", ""))
    page.wait("document.querySelector('.words .unit')")
    for tab in ("attention", "tokens", "json", "curl"):
        page.evaluate(f"document.querySelector('#tab-{tab}').click()")
    page.evaluate("document.querySelector('#tab-many').click()")
    page.insert("#lines", hostile + "\n<b>bold</b>")
    page.wait("document.querySelectorAll('.lines-said .num').length >= 5")
    assert page.evaluate("document.querySelectorAll('main img, main script, main b, main iframe').length") == 0
    assert "U+202E" in page.evaluate("document.querySelector('.lines-said').textContent")
    assert page.complaints(served.url) == []


# The tabs of a sentence.

def test_explain_shows_the_parts_of_a_report(page, served, tiny):
    page.insert("#text", TEXT)
    explained(page, exactly=True)
    answer = json.loads(told("explain", "--model", tiny, "--format", "json", TEXT))
    units = answer["methods"]["shap"]["units"]
    words = page.evaluate("[...document.querySelectorAll('.words .unit')].map((unit) => [unit.textContent, unit.title, unit.className])")
    assert [word[0] for word in words] == [unit["text"] for unit in units]
    assert [word[1] for word in words] == [signed(unit["value"]) for unit in units]
    assert all(("p" if unit["value"] > 0 else "n") in word[2][4:] for word, unit in zip(words, units) if abs(unit["value"]) > 0.02)
    text = page.evaluate("document.querySelector('#panel-explain').innerText")
    for part in [f"Why {answer['label']}?", "Strongest for it", "What would change it?", "How the score comes about", "All masked", "What changes the label"]:
        assert part in text, part
    steps = page.evaluate("[...document.querySelectorAll('.ledger tbody td.num')].map((cell) => Number(cell.textContent.replace('−', '-')))")
    assert abs(sum(steps[:-1]) - steps[-1]) < 0.006 and abs(steps[-1] - answer["score"]) < 0.001
    assert page.complaints(served.url) == []


def signed(value):
    digits = f"{abs(value):.3f}"
    return digits if digits == "0.000" else ("+" if value > 0 else "−") + digits


def test_another_label_and_another_method_can_be_explained(page):
    page.insert("#text", TEXT)
    explained(page)
    select(page, "#panel-explain select", 0, "1 star")
    page.wait("document.querySelector('#panel-explain h3').textContent === 'Why 1 star?'")
    select(page, "#panel-explain select", 1, "occlusion")
    page.wait("[...document.querySelectorAll('#panel-explain h3')].some((title) => title.textContent.includes('by Occlusion'))")


def test_labels_of_a_decision_are_shown_and_the_models_own_explained(browser, tmp_path):
    model = tiny_checkpoint.write_checkpoint(tmp_path / "tiny")
    reviews = tmp_path / "reviews.csv"
    rows = [(TEXT, "1 star"), ("good", "5 stars"), ("bad film", "2 stars")] * 10
    with open(reviews, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text", "label"), *rows])
    words = ["--merge", "low=1 star,2 stars,3 stars,4 stars", "--rename", "5 stars=best", "--reject-below", "0.999", "--expected", "--method", "none"]
    assert filbert_command.run("calibrate", "--model", model, reviews, *words).code == 0
    [answer] = [json.loads(line) for line in told("classify", "--model", model, "--format", "json", TEXT).splitlines()]
    assert answer["rejected"] and [each["label"] for each in answer["scores"]] == ["low", "best"]
    with Served("--explain-timeout-ms", "60000", checkpoint=model) as server:
        visit(browser, server.url)
        browser.insert("#text", TEXT)
        browser.wait(f"{CHIP} === {json.dumps(answer['label'])}")
        assert bars(browser) == expected_bars(answer)
        title = browser.evaluate("document.querySelector('.said .label').innerText")
        assert f"expected {answer['expected']:.2f}" in title and "rejected" in title
        explained(browser)
        own = browser.evaluate("[...document.querySelectorAll('#panel-explain select')[0].options].map((option) => option.value)")
        assert own == ["", *tiny_checkpoint.LABELS]
        assert "a decision, which is not applied here" in browser.evaluate("document.querySelector('#panel-explain').innerText")
        select(browser, "#panel-explain select", 0, "2 stars")
        browser.wait("document.querySelector('#panel-explain h3')?.textContent === 'Why 2 stars?'")
        choose(browser, reviews)
        browser.wait(button("Classify 30 texts"))
        browser.evaluate(button("Classify 30 texts") + ".click()")
        browser.wait(button("Download the result as CSV"))
        (tmp_path / "kept").mkdir()
        found = read_csv(downloaded(browser, tmp_path / "kept", button("Download the result as CSV") + ".click()"))
        assert found[0] == ["text", "label", "filbert_label", "score", "expected", "rejected", "truncated", "error"]
        assert found[1][2] == answer["label"] and found[1][5] == "true"
        assert browser.complaints(server.url) == []


def test_the_full_report_opens_beside_the_page_and_works_there(page, served):
    page.insert("#text", TEXT)
    page.wait(button("Open the full report"))
    before = {target["targetId"] for target in page.call("Target.getTargets")["targetInfos"]}
    page.evaluate("[...document.querySelectorAll('button')].find((each) => each.textContent === 'Open the full report').id = 'full'")
    page.click("#full")
    page.wait("[...document.querySelectorAll('#panel-explain a')].some((link) => link.textContent === 'Open it')")
    page.evaluate("new Promise((done) => setTimeout(done, 300))")
    opened = [target for target in page.call("Target.getTargets")["targetInfos"] if target["targetId"] not in before and target["type"] == "page"]
    if not opened:  # Chromium without a screen may hold back a page that a script opens: the link is there to be clicked
        page.evaluate("[...document.querySelectorAll('#panel-explain a')].find((link) => link.textContent === 'Open it').id = 'open-it'")
        page.click("#open-it")
        page.evaluate("new Promise((done) => setTimeout(done, 500))")
        opened = [target for target in page.call("Target.getTargets")["targetInfos"] if target["targetId"] not in before and target["type"] == "page"]
    assert len(opened) == 1
    own_session = page.session
    page.session = page.call("Target.attachToTarget", targetId=opened[0]["targetId"], flatten=True)["sessionId"]
    try:
        page.wait("document.documentElement.classList.contains('js')")  # its script runs under both policies
        assert page.evaluate("getComputedStyle(document.querySelector('.card')).borderRadius") == "10px"  # and so does its style
        assert page.evaluate("document.querySelectorAll('#words .unit').length") == 9
        assert page.evaluate("window.opener === null && sessionStorage.length === 0")
    finally:
        page.session = own_session
        page.call("Target.closeTarget", targetId=opened[0]["targetId"])
    assert page.complaints(served.url) == []


def test_attention_shows_the_head_view(page, served, tiny):
    page.insert("#text", "I really love this book")
    page.wait(CHIP)
    page.evaluate("document.querySelector('#tab-attention').click()")
    page.wait("document.querySelector('#panel-attention .links')")
    answer = json.loads(told("attention", "--model", tiny, "--format", "json", "I really love this book"))
    tokens = page.evaluate("[...document.querySelectorAll('#panel-attention .from')].map((token) => token.textContent)")
    assert tokens == answer["tokens"]
    page.evaluate("document.querySelectorAll('#panel-attention .from')[3].focus()")
    page.wait("document.querySelector('#panel-attention .reading').textContent.startsWith('“love” looks most at')")
    mean = [sum(head[3][key] for head in answer["attentions"][0]) / 4 for key in range(7)]
    best = answer["tokens"][max(range(7), key=lambda key: mean[key])]
    assert f"looks most at “{best}” {round(100 * max(mean))} %" in page.evaluate("document.querySelector('#panel-attention .reading').textContent")
    drawn = """(() => { const canvas = document.querySelector('#panel-attention canvas');
      return canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some((byte) => byte > 0); })()"""
    page.wait(drawn)
    page.evaluate("document.querySelector('#layer').focus()")
    select(page, "#layer", 0, "1")
    page.wait("document.querySelector('#layer').value === '1' && document.activeElement.id === 'layer' && !document.querySelector('#panel-attention .stale')")
    page.evaluate("document.querySelectorAll('#panel-attention .square')[3].dispatchEvent(new MouseEvent('dblclick', {bubbles: true}))")
    page.evaluate("document.querySelectorAll('#panel-attention .from')[1].focus()")
    head = answer["attentions"][1][3][1]
    best = answer["tokens"][max(range(7), key=lambda key: head[key])]
    page.wait(f"document.querySelector('#panel-attention .reading').textContent.includes('“i” looks most at “{best}” {round(100 * max(head))} %')")
    assert page.complaints(served.url) == []


def test_tokens_are_shown_with_their_ids_and_what_is_not_known(page, tiny):
    text = "a lovely 😀 zxqv"
    page.evaluate("document.querySelector('#tab-tokens').click()")
    page.insert("#text", text)
    page.wait("document.querySelector('.piece.unknown')")
    answer = json.loads(told("tokenize", "--model", tiny, text))
    pieces = page.evaluate("[...document.querySelectorAll('.piece')].map((piece) => [piece.querySelector('bdi').textContent, Number(piece.querySelector('.id').textContent)])")
    assert pieces == [list(pair) for pair in zip(answer["tokens"], answer["input_ids"])]
    assert page.evaluate("document.querySelector('.piece.unknown .why').textContent") == "not known: 😀"
    assert "1 that the model does not know" in page.evaluate("document.querySelector('#panel-tokens').innerText")


def test_the_curl_line_gives_the_answer_that_the_page_has(page, classified):
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    page.insert("#text", "it's \"good\" $HOME `id` \\ 100 %\nand a second line 😀")
    page.wait(CHIP)
    page.evaluate("document.querySelector('#tab-curl').click()")
    line = page.evaluate("document.querySelector('#panel-curl pre').textContent")
    said = json.loads(subprocess.run(["sh", "-c", line + " -s"], capture_output=True, text=True, check=True).stdout)
    page.evaluate("document.querySelector('#tab-json').click()")
    shown = json.loads(page.evaluate("document.querySelector('#panel-json pre').textContent"))
    assert said["data"] == shown["data"]
    assert [each["score"] for each in shown["data"][0]["scores"]] == [each["score"] for each in classified("it's \"good\" $HOME `id` \\ 100 %\nand a second line 😀")[0]["scores"]]


# Several texts.

def test_several_texts_become_a_table(browser, proxy, classified):
    visit(browser, proxy.url)
    lines = [f"text number {at}: {word}" for at, word in enumerate(["great", "awful", "fine", "lovely"] * 40)]
    browser.evaluate("document.querySelector('#tab-many').click()")
    browser.insert("#lines", "\n".join(lines) + "\n\n  \n" + lines[0])
    browser.wait("document.querySelectorAll('.lines-said tbody .it-said').length === 161")
    rows = browser.evaluate("[...document.querySelectorAll('.lines-said tbody tr')].map((row) => [row.cells[1].textContent, row.cells[2].textContent, row.cells[3].textContent])")
    answers = classified(*lines, lines[0])
    assert rows == [[text, answer["label"], f"{answer['score']:.3f}"] for text, answer in zip([*lines, lines[0]], answers)]
    asked = len(proxy.asked)
    browser.insert("#lines", "\n".join([*lines, "one more"]))
    browser.wait("document.querySelectorAll('.lines-said tbody .it-said').length === 161 && document.querySelector('.lines-said').textContent.includes('one more')")
    assert [body["input"] for path, _, body in proxy.asked[asked:] if path == "/v1/classify"][-1] == ["one more"]  # the others are known
    browser.evaluate("document.querySelectorAll('.lines-said button')[1].click()")
    browser.wait(f"document.querySelector('#text').value === {json.dumps(lines[1])} && document.activeElement.id === 'text'")


# A file.

def choose(browser, *paths):
    browser.evaluate("document.querySelector('#tab-file').click()")
    root = browser.call("DOM.getDocument")["root"]["nodeId"]
    node = browser.call("DOM.querySelector", nodeId=root, selector="#file")["nodeId"]
    browser.call("DOM.setFileInputFiles", files=[str(path) for path in paths], nodeId=node)


def downloaded(browser, directory, click):
    browser.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(directory), eventsEnabled=True)
    browser.evaluate(click)
    for _ in range(400):
        files = [path for path in pathlib.Path(directory).iterdir() if not path.name.endswith(".crdownload")]
        if files:
            browser.evaluate("new Promise((done) => setTimeout(done, 100))")
            return files[0]
        browser.evaluate("new Promise((done) => setTimeout(done, 25))")
    raise AssertionError("nothing was downloaded")


def read_csv(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def write_reviews(path, count):
    words = ["great, lovely", 'awful "waste"', "it was ok,\nI guess", "wonderful 😀", ""]
    rows = [["id", "review", "stars"]] + [[str(at), f"{words[at % 5]} {at}" if words[at % 5] else "", str(at % 5 + 1)] for at in range(count)]
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return rows


def test_a_file_is_classified_and_kept_with_all_its_columns(page, served, tmp_path, classified):
    rows = write_reviews(tmp_path / "reviews.csv", 300)
    choose(page, tmp_path / "reviews.csv")
    page.wait(button("Classify 300 texts"))
    assert page.evaluate("document.querySelector('#panel-file select').selectedOptions[0].textContent") == "review"  # guessed
    page.evaluate(button("Classify 300 texts") + ".click()")
    page.wait("document.querySelector('#panel-file').innerText.includes('Done: 300 texts')")
    assert page.evaluate("document.querySelector('progress').value") == 300
    target = tmp_path / "down"
    target.mkdir()
    kept = downloaded(page, target, button("Download the result as CSV") + ".click()")
    assert kept.name == "reviews.labels.csv"
    found = read_csv(kept)
    assert found[0] == ["id", "review", "stars", "label", "score", "truncated", "error"]
    assert [row[:3] for row in found[1:]] == rows[1:]
    answers = iter(classified(*[row[1] for row in rows[1:] if row[1]]))
    for row in found[1:]:
        if row[1] == "":
            assert row[3:] == ["", "", "", "no text"]
        else:
            answer = next(answers)
            assert row[3] == answer["label"] and float(row[4]) == answer["score"] and row[5:] == ["false", ""]
    assert page.complaints(served.url) == []


def test_a_file_can_be_dropped_anywhere(page):
    page.evaluate("""(() => {
      const data = new DataTransfer();
      data.items.add(new File(['{"text":"good","n":1}\\n{"text":"bad"}\\nnothing\\n'], 'two.jsonl'));
      const event = (type) => document.querySelector('h1').dispatchEvent(new DragEvent(type, {dataTransfer: data, bubbles: true, cancelable: true}));
      event('dragover');
      event('drop');
    })()""")
    page.wait(button("Classify 3 texts"))
    assert "1 line with an error" in page.evaluate("document.querySelector('#panel-file').innerText")
    assert page.evaluate("document.querySelector('#tab-file').getAttribute('aria-selected')") == "true"
    page.evaluate(button("Classify 3 texts") + ".click()")
    page.wait("document.querySelector('#panel-file').innerText.includes('1 without an answer')")
    assert "line 3: expected an object of JSON" in page.evaluate("[...document.querySelectorAll('.preview')].at(-1).innerText")


@pytest.mark.parametrize("name, content, message", [
    ("a.xlsx", b"PK\3\4", "expected a file whose name ends in .csv, .tsv, .jsonl or .txt"),
    ("a.csv", b'text\n"good\n', "line 2: expected a second quote to close a field, found the end of the file"),
    ("a.txt", b"\n\n", "expected at least one text, found none"),
])
def test_a_file_that_is_none_says_why(page, tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    choose(page, tmp_path / name)
    page.wait(f"document.querySelector('#panel-file .notices').innerText.includes({json.dumps(message)})")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "windows-1252"])
def test_files_of_older_programs_are_read(page, tmp_path, encoding):
    (tmp_path / "a.csv").write_bytes("id;text\r\n1;très bon café\r\n2;mauvais\r\n".encode(encoding))
    choose(page, tmp_path / "a.csv")
    page.wait("document.querySelector('.preview')")
    cells = page.evaluate("[...document.querySelectorAll('.preview td')].map((cell) => cell.textContent)")
    assert cells == ["1", "très bon café", "2", "mauvais"]


def canned(body):
    return {"data": [{"index": at, "label": "5 stars", "score": 0.5, "scores": [], "tokens_total": 3, "tokens_used": 3, "truncated": False} for at in range(len(body["input"]))]}


def test_a_file_of_100000_rows_does_not_hold_the_page_up(browser, proxy, tmp_path):
    rows = write_reviews(tmp_path / "large.csv", 100_000)
    proxy.fault("/v1/classify", times=10**9, answer=canned)
    visit(browser, proxy.url)
    browser.evaluate("""(() => {
      let last = performance.now();
      window.longest = 0;
      setInterval(() => { const now = performance.now(); window.longest = Math.max(window.longest, now - last); last = now; }, 5);
    })()""")
    choose(browser, tmp_path / "large.csv")
    browser.wait(button("Classify 100,000 texts"), 60)
    browser.evaluate(button("Classify 100,000 texts") + ".click()")
    browser.wait("document.querySelector('#panel-file').innerText.includes('to go')", 60)
    browser.wait("document.querySelector('#panel-file').innerText.includes('Done: 100,000 texts')", 240)
    target = tmp_path / "down"
    target.mkdir()
    kept = downloaded(browser, target, button("Download the result as CSV") + ".click()")
    found = read_csv(kept)
    assert [row[:3] for row in found] == rows
    assert browser.evaluate("window.longest") < 1000
    inputs = [body["input"] for path, _, body in proxy.asked if path == "/v1/classify"]
    assert max(len(each) for each in inputs) <= 64 and sum(len(each) for each in inputs) == 80_000
    assert all(headers.get("Priority") == "u=6" for path, headers, _ in proxy.asked if path == "/v1/classify")  # behind what people type


def test_a_job_pauses_goes_on_and_is_cancelled(browser, proxy, tmp_path):
    write_reviews(tmp_path / "some.csv", 5000)
    proxy.fault("/v1/classify", times=10**9, answer=canned, delay_s=0.1)
    visit(browser, proxy.url)
    choose(browser, tmp_path / "some.csv")
    browser.wait(button("Classify 5,000 texts"))
    browser.evaluate(button("Classify 5,000 texts") + ".click()")
    browser.wait(button("Pause"))
    assert browser.evaluate("document.activeElement.textContent") == "Pause"
    browser.key("Enter")
    browser.wait("document.querySelector('#panel-file').innerText.includes('paused')")
    browser.evaluate("new Promise((done) => setTimeout(done, 400))")
    asked = len(proxy.asked)
    browser.evaluate("new Promise((done) => setTimeout(done, 400))")
    assert len(proxy.asked) == asked
    browser.key("Enter")
    browser.wait(f"Number(document.querySelector('progress').value) > {asked * 64 + 300}")
    browser.evaluate(button("Cancel") + ".click()")
    browser.wait("document.querySelector('#panel-file').innerText.includes('cancelled')")
    target = tmp_path / "down"
    target.mkdir()
    found = read_csv(downloaded(browser, target, button("Download the result as CSV") + ".click()"))
    assert len(found) == 5001
    answered = [row for row in found[1:] if row[3]]
    assert 0 < len(answered) < 4000 and any(row[6] == "not asked" for row in found[1:])


# When the server cannot.

def test_a_busy_server_is_asked_again_when_it_says(browser, proxy, tmp_path, classified):
    visit(browser, proxy.url)
    proxy.fault("/v1/classify", times=2, status=429, headers={"Retry-After": "1"}, answer={"error": {"message": "too many requests", "type": "overloaded"}})
    browser.insert("#text", TEXT)
    browser.wait("document.querySelector('.one + .notices').innerText.includes('busy')")
    [answer] = classified(TEXT)
    browser.wait(f"document.querySelector('.said .num')?.textContent === '{answer['score']:.3f}'")
    browser.wait("document.querySelector('.one + .notices').hidden")
    (tmp_path / "a.txt").write_text("good\nbad\n")
    choose(browser, tmp_path / "a.txt")
    browser.wait(button("Classify 2 texts"))
    proxy.fault("/v1/classify", times=1, status=429, headers={"Retry-After": "1"}, answer={"error": {"message": "too many requests", "type": "overloaded"}})
    browser.evaluate(button("Classify 2 texts") + ".click()")
    browser.wait("document.querySelector('#panel-file').innerText.includes('busy')")
    browser.wait("document.querySelector('#panel-file').innerText.includes('Done: 2 texts')")
    assert "without an answer" not in browser.evaluate("document.querySelector('#panel-file').innerText")


def test_what_the_server_refuses_is_said(browser, proxy):
    visit(browser, proxy.url)
    proxy.fault("/v1/classify", status=413, answer={"error": {"message": "body: expected at most 10 bytes"}})
    proxy.fault("/explain", status=400, answer={"error": {"message": "text: expected at least one word"}})
    browser.insert("#text", "anything")
    browser.wait("document.querySelector('.one + .notices').innerText.includes('body: expected at most 10 bytes')")
    browser.wait("document.querySelector('#panel-explain').innerText.includes('text: expected at least one word')")
    browser.evaluate(button("Try again") + ".click()")
    browser.wait("document.querySelector('.words .unit')")
    browser.insert("#text", "anything else")
    browser.wait(CHIP)
    assert browser.evaluate("document.querySelector('.one + .notices').hidden")


def test_a_connection_that_ends_without_an_answer_is_made_again(browser, proxy):
    visit(browser, proxy.url)
    proxy.fault("/v1/classify", times=1, drop=True)
    browser.insert("#text", TEXT)
    browser.wait(CHIP)
    browser.wait("document.querySelector('.status').textContent === ''")


def test_a_server_that_restarts_meanwhile_is_waited_for(browser, tiny, classified):
    now, then = "I really love this book", "i hate this bad film"
    before, after = classified(now, then)
    with Served(checkpoint=tiny) as first:
        visit(browser, first.url)
        browser.insert("#text", now)
        browser.wait(f"document.querySelector('.said .num')?.textContent === '{before['score']:.3f}'")
        first.process.kill()  # in the middle of what it does
        first.process.wait()
        browser.insert("#text", then)
        browser.wait("document.querySelector('.status').textContent.includes('does not answer')")
        assert browser.evaluate("document.querySelector('#text').value") == then
    with Served(checkpoint=tiny, port=first.port):
        browser.wait(f"document.querySelector('.said .num')?.textContent === '{after['score']:.3f}'")  # nobody had to do anything
        browser.wait("document.querySelector('.status').textContent === ''")
        browser.wait("document.querySelector('.words .unit')")


def test_a_file_goes_on_when_the_server_is_there_again(browser, tiny, tmp_path):
    write_reviews(tmp_path / "some.csv", 60_000)
    with Served(checkpoint=tiny) as first:
        visit(browser, first.url)
        choose(browser, tmp_path / "some.csv")
        browser.wait(button("Classify 60,000 texts"))
        browser.evaluate(button("Classify 60,000 texts") + ".click()")
        browser.wait("document.querySelector('progress').value > 100")
        first.end()
        browser.wait("document.querySelector('#panel-file').innerText.includes('Waiting for the server')")
        before = browser.evaluate("document.querySelector('progress').value")
    with Served(checkpoint=tiny, port=first.port):
        browser.wait(f"document.querySelector('progress').value > {before + 100}")
        browser.evaluate(button("Cancel") + ".click()")
        browser.wait(button("Download the result as CSV"))
    target = tmp_path / "down"
    target.mkdir()
    found = read_csv(downloaded(browser, target, button("Download the result as CSV") + ".click()"))
    assert {row[6] for row in found[1:]} <= {"", "no text", "not asked"}  # not one was lost


def test_the_key_is_asked_for_and_stays_in_this_tab(browser, tiny):
    with Served("--api-key", "open sesame", checkpoint=tiny) as server:
        browser.media(prefers_color_scheme="light", prefers_reduced_motion="reduce")
        browser.go(server.url)
        browser.wait("document.activeElement.id === 'key'")
        browser.call("Input.insertText", text="wrong")
        browser.key("Enter")
        browser.wait("document.querySelector('.needs-key').innerText.includes('does not take this key')")
        assert browser.evaluate("document.querySelector('.needs-key').getBoundingClientRect().width") > 600
        browser.insert("#key", "open sesame")
        browser.key("Enter")
        browser.wait("document.querySelector('h1').textContent === 'tiny' && document.querySelector('.needs-key').hidden")
        browser.insert("#text", TEXT)
        browser.wait(CHIP)
        assert browser.evaluate("localStorage.length === 0 && document.cookie === '' && !location.href.includes('sesame')")
        browser.evaluate("document.querySelector('#tab-curl').click()")
        line = browser.evaluate("document.querySelector('#panel-curl pre').textContent")
        assert "sesame" not in line and "$FILBERT_API_KEY" in line
        visit(browser, server.url)  # in the same tab it is still known
        browser.insert("#text", TEXT)
        browser.wait(CHIP)
        browser.evaluate("sessionStorage.clear()")


def test_where_explanations_are_not_offered_the_page_says_so(browser, tiny):
    with Served("--host", "0.0.0.0", checkpoint=tiny) as server:
        visit(browser, f"http://127.0.0.1:{server.port}/")
        browser.insert("#text", TEXT)
        browser.wait(CHIP)
        browser.wait("document.querySelector('#panel-explain').innerText.includes('does not explain')")
        browser.evaluate("document.querySelector('#tab-attention').click()")
        browser.wait("document.querySelector('#panel-attention').innerText.includes('does not explain')")


def test_one_of_several_models_is_chosen(browser, tiny):
    with Served("--model", f"second={tiny}", "--max-length", "32", checkpoint=tiny) as server:
        visit(browser, server.url)
        assert browser.evaluate("[...document.querySelector('#model').options].map((option) => option.textContent)") == ["tiny", "second"]
        browser.insert("#text", TEXT)
        browser.wait(CHIP)
        select(browser, "#model", 0, "second")
        browser.wait("document.querySelector('h1').textContent === 'second'")
        browser.evaluate("document.querySelector('#tab-json').click()")
        browser.wait("JSON.parse(document.querySelector('#panel-json pre').textContent).model === 'second'")
        assert "32 tokens" in browser.evaluate("document.querySelector('.facts').innerText")


def test_a_model_with_many_labels_of_which_several_are_meant(browser, tmp_path):
    tiny_checkpoint.write_checkpoint(tmp_path / "many", labels=[f"label {at:02}" for at in range(40)], problem_type="multi_label_classification")
    with Served("--model", tmp_path / "many") as server:
        visit(browser, server.url, "many")
        browser.insert("#text", "I love this book")
        browser.wait(CHIP)
        [answer] = [json.loads(line) for line in told("classify", "--format", "json", "--model", str(tmp_path / "many"), "I love this book").splitlines()]
        best = sorted(answer["scores"], key=lambda each: -each["score"])
        shown = bars(browser)
        assert shown == [[each["label"], f"{each['score']:.3f}"] for each in best[:12]]  # the strongest first
        browser.evaluate(button("All 40 labels") + ".click()")
        assert len(bars(browser)) == 40
        assert "each label for itself" in browser.evaluate("document.querySelector('.facts').innerText")


def test_a_model_that_gives_a_number(browser, tmp_path):
    tiny_checkpoint.write_checkpoint(tmp_path / "number", labels=["value"], problem_type="regression", scale=1.5)
    with Served("--model", tmp_path / "number") as server:
        visit(browser, server.url, "number")
        texts = ["I love this book", "the film was bad", "not very good", "really", "hate"]
        answers = [json.loads(line) for line in told("classify", "--format", "json", "--model", str(tmp_path / "number"), *texts).splitlines()]
        text, answer = next((text, answer) for text, answer in zip(texts, answers) if not 0 <= answer["score"] <= 1)
        browser.insert("#text", text)
        browser.wait(CHIP)
        [[label, score]] = bars(browser)
        assert label == "value" and abs(float(score.replace("−", "-")) - answer["score"]) < 0.06
        assert browser.evaluate("document.querySelectorAll('.said svg').length") == 0  # a bar would have no end
        browser.wait("document.querySelector('.words .unit')")


# A model that labels tokens.

NAMES = "Anna Fischer moved from Berlin to New Yorker, 🎉 דנה lives in 东京"


@pytest.fixture(scope="module")
def finder(tmp_path_factory):
    return tiny_checkpoint.write_entities_checkpoint(tmp_path_factory.mktemp("names") / "names")


@pytest.fixture(scope="module")
def with_names(finder, tiny):
    with Served("--model", f"names={finder}", checkpoint=tiny) as server:
        yield server


def open_names(browser, server, text=NAMES):
    visit(browser, server.url)
    select(browser, "#model", 0, "names")
    browser.wait("document.querySelector('h1').textContent === 'names'")
    browser.insert("#text", text)
    browser.wait("document.querySelector('.marked .entity') || document.querySelector('.found caption')")


def found_rows(browser):
    return browser.evaluate("[...document.querySelectorAll('.found tbody tr')].map((row) => [0, 1, 3].map((cell) => row.cells[cell].textContent))")


def test_entities_are_marked_and_listed(browser, with_names, finder):
    open_names(browser, with_names)
    [answer] = [json.loads(line) for line in told("entities", "--format", "json", "--model", str(finder), NAMES).splitlines()]
    expected = [[each["entity_group"], NAMES[each["start"]:each["end"]], f"{each['score']:.3f}"] for each in answer["entities"]]
    assert len(expected) == 5 and found_rows(browser) == expected  # the numbers of the command
    marks = browser.evaluate("[...document.querySelectorAll('.marked .entity')].map((mark) => [mark.querySelector('small').textContent, mark.querySelector('bdi').textContent])")
    assert marks == [row[:2] for row in expected]
    assert browser.evaluate("document.querySelector('.marked').textContent.replace(/PER|LOC/g, '')") == NAMES
    kinds = browser.evaluate("[...document.querySelectorAll('.marked .entity')].map((mark) => mark.className)")
    assert kinds[0] == kinds[3] != kinds[1] == kinds[2] == kinds[4]  # a type has a colour
    assert browser.evaluate("document.querySelector('.marked .entity').title") == f"PER, {expected[0][2]}"
    assert browser.complaints(with_names.url) == []


def test_another_strategy_is_asked_for_and_the_rest_of_the_page_fits_the_model(browser, with_names):
    open_names(browser, with_names)
    visible = "[...document.querySelectorAll('[role=tab]')].filter((tab) => tab.getClientRects().length).map((tab) => tab.textContent)"
    assert browser.evaluate(visible) == ["One text", "Explain", "Tokens", "JSON", "curl"]
    assert not browser.evaluate("Boolean(" + button("Add a second text") + ")")
    select(browser, "#strategy", 0, "none")
    browser.wait("document.querySelectorAll('.found tbody tr').length > 5")
    assert ["I-LOC", "er", "0.999"] in found_rows(browser)
    browser.evaluate("document.querySelector('#tab-curl').click()")
    assert '"aggregation_strategy":"none"' in browser.evaluate("document.querySelector('#panel-curl pre').textContent")
    select(browser, "#model", 0, "tiny")
    browser.wait(CHIP)
    assert browser.evaluate(visible)[:4] == ["One text", "Several texts", "A file", "Explain"]
    assert not browser.evaluate("document.querySelector('.found').getClientRects().length")


def test_a_text_without_entities_says_so(browser, with_names):
    open_names(browser, with_names, "moved to the")
    browser.wait("document.querySelector('.found caption')?.textContent === 'No entities'")
    assert browser.evaluate("document.querySelector('.marked').textContent") == "moved to the"
    assert "Choose an entity" in browser.evaluate("document.querySelector('#panel-explain').innerText")
    assert not browser.evaluate("[...document.querySelectorAll('.found .hint')].some((hint) => hint.getClientRects().length)")


WHY = "document.querySelector('#panel-explain h3')?.textContent"


def wholly_explained(browser):
    """As explained(): asked for again where time did not suffice, and some words have no number."""
    for _ in range(10):
        explained(browser)
        if not browser.evaluate("document.querySelector('.words .unit[title=\"–\"]')?.title"):
            return
        for method in ("integrated_gradients", "occlusion"):
            select(browser, "#panel-explain select", 1, method)
    raise AssertionError("never whole: " + browser.evaluate("document.querySelector('#panel-explain').innerText"))


def pressed(browser):
    return browser.evaluate("[...document.querySelectorAll('.marked .entity[aria-pressed=true]')].map((mark) => mark.querySelector('bdi').textContent)")


def test_a_marked_entity_that_is_clicked_is_explained(browser, with_names, finder):
    open_names(browser, with_names)
    assert browser.evaluate("document.querySelector('#panel-explain').innerText").startswith("Why")
    assert "Choose an entity that is marked" in browser.evaluate("document.querySelector('#panel-explain').innerText") and pressed(browser) == []
    browser.evaluate("document.querySelectorAll('.marked .entity')[1].id = 'berlin'")
    browser.click("#berlin")  # one word, which stands on one line
    browser.wait(WHY + " === 'Why is “Berlin” LOC?'")
    assert pressed(browser) == ["Berlin"]
    browser.evaluate("document.querySelectorAll('.marked .entity')[2].click()")
    browser.wait(WHY + " === 'Why is “New Yorker” LOC?'")
    wholly_explained(browser)
    assert pressed(browser) == ["New Yorker"]
    answer = json.loads(told("explain", "--model", finder, "--entity", "2", "--format", "json", NAMES))
    units = answer["methods"]["occlusion"]["units"]
    words = browser.evaluate("[...document.querySelectorAll('.words .unit')].map((unit) => [unit.textContent, unit.title, 'entity' in unit.dataset])")
    assert words == [[unit["text"], signed(unit["value"]), at in answer["entity_units"]] for at, unit in enumerate(units)]
    assert browser.evaluate("document.querySelector('.words').innerText") == NAMES
    browser.evaluate("document.querySelector('.marked .entity').click()")
    browser.wait(WHY + " === 'Why is “Anna Fischer” PER?'")
    assert pressed(browser) == ["Anna Fischer"]
    assert browser.complaints(with_names.url) == []


def test_an_entity_is_chosen_and_explained_by_keyboard(browser, with_names):
    open_names(browser, with_names)
    focused = "(document.activeElement.id || document.activeElement.textContent)"
    browser.evaluate("document.querySelector('#text').focus()")
    seen = []
    for _ in range(3):
        browser.key("Tab")
        seen.append(browser.evaluate(focused))
    assert seen == ["Show an example", "Anna FischerPER", "strategy"]  # marks are one stop, the arrows go on from there
    browser.evaluate("document.querySelector('.marked .entity').focus()")
    browser.key("ArrowRight")
    assert browser.evaluate(focused) == "BerlinLOC"
    browser.key("Enter")
    browser.wait(WHY + " === 'Why is “Berlin” LOC?'")
    assert browser.evaluate(focused) == "BerlinLOC" and pressed(browser) == ["Berlin"]


def test_an_entity_stays_chosen_while_the_text_around_it_changes(browser, with_names):
    open_names(browser, with_names)
    browser.evaluate("document.querySelectorAll('.marked .entity')[1].click()")
    explained(browser)
    browser.evaluate("(() => { const box = document.querySelector('#text'); box.value = 'Fischer lives in Berlin, and ' + box.value; "
                     "box.dispatchEvent(new Event('input')); })()")
    browser.wait("document.querySelectorAll('.marked .entity').length === 7")
    browser.wait("document.querySelector('.words')?.innerText.startsWith('Fischer lives') && !document.querySelector('#panel-explain .stale')")
    assert browser.evaluate("[...document.querySelectorAll('.marked .entity')].findIndex((mark) => mark.ariaPressed === 'true')") in (1, 3)
    browser.evaluate("(() => { const box = document.querySelector('#text'); box.value = 'Anna moved'; box.dispatchEvent(new Event('input')); })()")
    browser.wait("document.querySelector('#panel-explain').innerText.includes('Choose an entity')")
    assert pressed(browser) == []


def test_another_type_and_method_of_an_entity_and_its_report(browser, with_names):
    open_names(browser, with_names)
    options = "[...document.querySelectorAll('#panel-explain select')[%d].options].map((option) => option.textContent)"
    assert browser.evaluate(options % 0) == ["the type it has", "O", "PER", "LOC", "ORG"]
    assert browser.evaluate(options % 1) == ["Occlusion", "Integrated gradients"]
    browser.evaluate("document.querySelectorAll('.marked .entity')[1].click()")
    browser.wait(WHY + " === 'Why is “Berlin” LOC?'")
    select(browser, "#panel-explain select", 0, "PER")
    browser.wait(WHY + " === 'Why is “Berlin” PER?'")
    select(browser, "#panel-explain select", 1, "integrated_gradients")
    browser.wait("[...document.querySelectorAll('#panel-explain h3')].some((title) => title.textContent.includes('by Integrated gradients'))")
    explained(browser)
    browser.evaluate(button("Open the full report", "#panel-explain") + ".click()")
    browser.wait("[...document.querySelectorAll('#panel-explain a')].some((link) => link.textContent === 'Open it')")
    browser.evaluate("[...document.querySelectorAll('#panel-explain a')].find((link) => link.textContent === 'Open it').removeAttribute('target')")
    browser.evaluate("[...document.querySelectorAll('#panel-explain a')].find((link) => link.textContent === 'Open it').click()")
    browser.wait("document.querySelector('.brand')?.textContent === 'Why this entity?'")


def test_where_explanations_are_not_offered_marks_are_no_buttons(browser, finder):
    with Served("--host", "0.0.0.0", checkpoint=finder) as server:
        visit(browser, server.url)
        browser.insert("#text", NAMES)
        browser.wait("document.querySelector('.marked .entity')")
        assert not browser.evaluate("document.querySelector('.marked [role=button]')")
        assert "does not explain" in browser.evaluate("document.querySelector('#panel-explain').innerText")


def test_axe_finds_no_violation_in_entities_which_fit_the_screen(browser, with_names):
    script, reason = axe.source(ROOT / "build")
    for width in (320, 1200):
        browser.size(width)
        open_names(browser, with_names)
        browser.evaluate("document.querySelector('.marked .entity').click()")
        explained(browser)
        assert browser.evaluate("document.documentElement.scrollWidth") <= width, browser.evaluate(TOO_WIDE)
    if script is None:
        pytest.skip(reason)
    for scheme in ("light", "dark"):
        open_names(browser, with_names)
        browser.evaluate("document.querySelector('.marked .entity').click()")
        explained(browser)
        browser.media(prefers_color_scheme=scheme, prefers_reduced_motion="reduce")
        violations, passes = axe.run(browser, script)
        assert violations == []
        assert passes > 10


# For everybody.

def test_all_of_it_is_reached_by_keyboard(page):
    page.wait("document.activeElement.id === 'text'")
    page.call("Input.insertText", text="I love it")
    page.wait("document.querySelector('.words .unit')")
    focused = "(document.activeElement.id || document.activeElement.textContent || document.activeElement.tagName)"
    seen = []
    for _ in range(3):
        page.key("Tab")
        seen.append(page.evaluate(focused))
    assert seen == ["Add a second text", "Show an example", "tab-explain"]
    page.key("ArrowRight")
    page.wait("document.querySelector('#panel-attention .links')")
    assert page.evaluate(focused) == "tab-attention"
    page.key("Tab")
    assert page.evaluate(focused) == "layer"
    page.evaluate("document.querySelector('#tab-one').focus()")
    for expected in ["tab-many", "tab-file"]:
        page.key("ArrowRight")
        assert page.evaluate(focused) == expected
    assert page.evaluate("document.querySelector('#panel-file').getClientRects().length") == 1
    page.key("Tab")
    assert page.evaluate(focused) == "file"


STATES = {
    "start": lambda browser, path: None,
    "explained": lambda browser, path: (browser.insert("#text", TEXT), explained(browser)),
    "attention": lambda browser, path: (browser.insert("#text", TEXT), browser.evaluate("document.querySelector('#tab-attention').click()"),
                                        browser.wait("document.querySelector('#panel-attention .links')")),
    "tokens": lambda browser, path: (browser.insert("#text", TEXT + " 😀"), browser.evaluate("document.querySelector('#tab-tokens').click()"),
                                     browser.wait("document.querySelector('.piece')")),
    "curl": lambda browser, path: (browser.insert("#text", TEXT + "x" * 300), browser.evaluate("document.querySelector('#tab-curl').click()")),
    "long": lambda browser, path: (browser.evaluate("document.querySelector('#tab-json').click()"), browser.insert("#text", "good book. " * 300),
                                   browser.wait("!document.querySelector('.one + .notices').hidden")),
    "several": lambda browser, path: (browser.evaluate("document.querySelector('#tab-many').click()"), browser.insert("#lines", "good\nbad, with a word of some length: " + "x" * 80),
                                      browser.wait("document.querySelectorAll('.lines-said .it-said').length === 2")),
    "chosen": lambda browser, path: (write_reviews(path / "reviews.csv", 40), choose(browser, path / "reviews.csv"), browser.wait("document.querySelector('.preview')")),
    "done": lambda browser, path: (STATES["chosen"](browser, path), browser.evaluate(button("Classify 40 texts") + ".click()"),
                                   browser.wait("document.querySelector('#panel-file').innerText.includes('Done')")),
}


@pytest.mark.parametrize("state", STATES)
def test_axe_finds_no_violation(browser, served, tmp_path, state):
    script, reason = axe.source(ROOT / "build")
    if script is None:
        pytest.skip(reason)
    for scheme in ("light", "dark"):
        visit(browser, served.url)
        browser.media(prefers_color_scheme=scheme, prefers_reduced_motion="reduce")
        STATES[state](browser, tmp_path)
        # The policy keeps foreign scripts out, so axe goes in by the debugger, as a person's own tools do.
        violations, passes = axe.run(browser, script)
        assert violations == []
        assert passes > 10


TOO_WIDE = """[...document.querySelectorAll('body *')].filter((each) => each.getBoundingClientRect().right > innerWidth)
  .map((each) => each.tagName + '.' + each.className + ' ' + each.textContent.slice(0, 60)).join('\\n')"""


@pytest.mark.parametrize("state", STATES)
def test_the_page_is_never_wider_than_the_screen(browser, served, tmp_path, state):
    for width in (320, 360, 1200):
        browser.size(width)
        visit(browser, served.url)
        STATES[state](browser, tmp_path)
        assert browser.evaluate("document.documentElement.scrollWidth") <= width, f"{state} at {width}: " + browser.evaluate(TOO_WIDE)


def test_nothing_moves_for_those_who_do_not_want_it(page):
    moving = "document.getAnimations().length"
    page.insert("#text", TEXT)
    page.wait("document.querySelector('.words .unit')")
    assert page.evaluate(moving) == 0


def test_without_colours_bars_are_still_seen(browser, served):
    visit(browser, served.url)
    browser.media(forced_colors="active")
    browser.insert("#text", TEXT)
    browser.wait("document.querySelector('.said .explained')")
    ink, ground = browser.evaluate("[getComputedStyle(document.querySelector('.explained svg.score path')).fill, getComputedStyle(document.querySelector('svg.score')).backgroundColor]")
    assert ink != ground


# What it is made of.

def test_what_is_built_in_is_what_the_sources_make():
    done = subprocess.run([ROOT / "tools/build_page", "--check"], capture_output=True, text=True)
    if done.returncode == 77:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_parts_of_the_page_that_need_no_browser():
    done = subprocess.run([ROOT / "tools/build_page", "--test"], capture_output=True, text=True)
    if done.returncode == 77:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "# fail 0" in done.stdout and "# skipped 0" in done.stdout
