"""filbert attention: a table in a terminal, every weight as JSON, a page; and what it refuses."""

import json

import pytest

import tiny_checkpoint
from filbert_command import ok, run
from tiny_checkpoint import write_checkpoint

TEXT = "I really love this book"


def attention(checkpoint, *words, **streams):
    return ok("attention", "--model", checkpoint, *words, **streams)


def one(checkpoint, *words):
    (row,) = attention(checkpoint, "--json", *words).rows
    return row


def test_the_label_is_the_one_of_classify(checkpoint):
    row = one(checkpoint, TEXT)
    (answer,) = ok("classify", "--model", checkpoint, "--format", "json", TEXT).rows
    assert (row["label"], row["score"]) == (answer["label"], answer["score"])
    assert row["scores"] == answer["scores"]


def test_json_has_every_weight(checkpoint):
    row = one(checkpoint, TEXT)
    tokens = len(row["tokens"])
    assert row["tokens"] == ["[CLS]", "i", "really", "love", "this", "book", "[SEP]"]
    assert (row["num_layers"], row["num_heads"], row["layers"], row["heads"]) == (2, 4, [0, 1], [0, 1, 2, 3])
    assert [len(row["attentions"]), len(row["attentions"][0]), len(row["attentions"][0][0])] == [2, 4, tokens]
    for layer in row["attentions"]:
        for head in layer:
            for query in head:
                assert sum(query) == pytest.approx(1, abs=1e-5)
    assert "queries" not in row
    assert [TEXT[begin:end] for begin, end in row["offset_mapping"][1:-1]] == TEXT.split()


def test_layers_heads_and_neurons(checkpoint):
    everything = one(checkpoint, "--neurons", TEXT)
    some = one(checkpoint, "--layers", "1", "--heads", "0,2-3", "--neurons", TEXT)
    assert (some["layers"], some["heads"]) == ([1], [0, 2, 3])
    assert some["attentions"][0] == [everything["attentions"][1][head] for head in [0, 2, 3]]
    assert some["keys"][0] == [everything["keys"][1][head] for head in [0, 2, 3]]
    query, keys = some["queries"][0][1][3], some["keys"][0][1]
    products = [sum(a * b for a, b in zip(query, key)) for key in keys]
    assert max(products) == products[max(range(7), key=lambda at: some["attentions"][0][1][3][at])]


def test_a_pair(checkpoint):
    row = one(checkpoint, "I love", "--text-pair", "this book")
    assert row["sentence_b_start"] == 4
    assert row["sequence_ids"] == [None, 0, 0, None, 1, 1, None]
    lines = attention(checkpoint, "I love", "--text-pair", "this book").text
    assert "text_pair: this book\n" in lines and "other text" in lines


def test_in_a_terminal_every_layer_and_token_has_a_line(checkpoint):
    lines = attention(checkpoint, TEXT).text.split("\n")
    assert max(map(len, lines)) <= 80
    assert lines[0] == f"text: {TEXT}"
    assert sum(line.strip().startswith(("0 ", "1 ")) for line in lines) == 2
    start = lines.index("layer 1, the mean of 4 heads: what each token looks at most")
    assert [line.split()[0] for line in lines[start + 1:start + 8]] == ["[CLS]", "i", "really", "love", "this", "book", "[SEP]"]
    assert "layer 0, head 2: what each" in attention(checkpoint, "--layer", "0", "--head", "2", TEXT).text
    assert "layer 1, the mean of heads 1, 3: what each" in attention(checkpoint, "--head", "1,3", TEXT).text


def test_a_token_that_stands_twice_is_told_by_its_place(checkpoint):
    assert "good(1)" in attention(checkpoint, "good bad good").text


def test_a_long_text_stays_in_its_columns(checkpoint):
    result = run("attention", "--model", checkpoint, " ".join(["really"] * 90))
    assert result.code == 0
    assert "truncated: tokens_total 92, tokens_used 64" in result.err
    assert max(map(len, result.text.split("\n")[1:])) <= 80


def test_lines_of_standard_input(checkpoint):
    rows = attention(checkpoint, "--json", stdin="good\nbad book\n").rows
    assert [len(row["tokens"]) for row in rows] == [3, 4]


def test_a_page(checkpoint, tmp_path):
    page = tmp_path / "look.html"
    attention(checkpoint, "--output", page, TEXT)
    html = page.read_text()
    data = json.loads(html.split('id="filbert-attention">')[1].split("</script>")[0])
    assert data["tokens"] == ["[CLS]", "i", "really", "love", "this", "book", "[SEP]"]
    assert data["head_size"] == 8 and len(data["layers"]) == 2 and "q" in data["layers"][0]
    assert data["first"] == {"view": "head"}
    attention(checkpoint, "--output", page, "--no-neurons", "--view", "model", "--layer", "1", "--head", "2,3", TEXT)
    data = json.loads(page.read_text().split('id="filbert-attention">')[1].split("</script>")[0])
    assert "head_size" not in data
    assert data["first"] == {"view": "model", "layer": 1, "heads": [2, 3]}


def test_short_texts_alone_have_neurons_by_themselves(checkpoint, tmp_path):
    long = write_checkpoint(tmp_path / "long", max_position_embeddings=128)
    (long / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": True, "model_max_length": 128, "tokenizer_class": "BertTokenizer"}))
    text = " ".join(["good"] * 70)
    assert '"head_size"' not in attention(long, "--format", "html", text).text
    assert '"head_size"' in attention(long, "--format", "html", "--neurons", text).text


def test_a_page_that_fails_is_not_begun(checkpoint, tmp_path):
    page = tmp_path / "look.html"
    page.write_text("before")
    assert run("attention", "--model", checkpoint, "--output", page, "--layer", "7", TEXT).code == 2
    assert page.read_text() == "before"


@pytest.mark.parametrize("options, message", [
    (["--layers", "2"], "layers: expected numbers from 0 to 1, found 2"),
    (["--heads", "0,4"], "heads: expected numbers from 0 to 3, found 4"),
    (["--layer", "2"], "--layer: expected one of 0, 1, found 2"),
    (["--layers", "0", "--layer", "1"], "--layer: expected one of 0, found 1"),
    (["--head", "4"], "--head: expected one of 0, 1, 2, 3, found 4"),
    (["--layer", "2", "--format", "html"], "layer: expected one of 0, 1, found 2"),
    (["--head", "9", "--format", "html"], "head: expected one of 0, 1, 2, 3, found 9"),
    (["--view", "neuron", "--no-neurons", "--format", "html"], "view: expected queries and keys for neuron, found none"),
    (["--layers", ""], "--layers: expected numbers, such as 3 or 0,2,5-7, found \"\""),
    (["--layers", "3-1"], "--layers: expected numbers"),
    (["--heads", "1,,2"], "--heads: expected numbers"),
    (["--heads", "all"], "--heads: expected numbers"),
    (["--heads", "99999999999999999999"], "--heads: expected numbers"),
    (["--view", "tail"], "--view: expected head, model or neuron"),
    (["--max-length", "65"], "max_length: expected at most 64"),
    (["--format", "html", "more", "texts"], "--format html: expected one text, found more"),
])
def test_what_cannot_be_is_named(checkpoint, options, message):
    result = run("attention", "--model", checkpoint, *options, TEXT)
    assert result.code == 2, result
    assert message in result.err


@pytest.mark.parametrize("text", ["", "   ", "a", "</script><b>", "\u202eevil", "日本 😀", "x" * 5000])
def test_any_text(checkpoint, tmp_path, text):
    for options in [[], ["--json"], ["--output", tmp_path / "look.html"]]:
        assert run("attention", "--model", checkpoint, *options, "--", text).code == 0


def test_an_encoder_as_pre_training_left_it(tmp_path, monkeypatch):
    shapes = tiny_checkpoint.tensor_shapes
    monkeypatch.setattr(tiny_checkpoint, "tensor_shapes", lambda config: {
        name: shape for name, shape in shapes(config).items() if not name.startswith(("classifier", "bert.pooler"))})
    encoder = write_checkpoint(tmp_path / "encoder", architectures=["BertForMaskedLM"])
    row = one(encoder, TEXT)
    assert "label" not in row and len(row["attentions"]) == 2 and len(row["tokens"]) == 7
    assert attention(encoder, TEXT).text.startswith(f"text: {TEXT}\nattention: where the model looked")
    assert "<h1><bdi>" in attention(encoder, "--format", "html", TEXT).text
    assert run("classify", "--model", encoder, TEXT).code == 5  # its head is missing, as before


def test_explain_takes_it_into_its_page(checkpoint, tmp_path):
    page = tmp_path / "why.html"
    ok("explain", "--model", checkpoint, "--values-only", "--with-attention", "--output", page, TEXT)
    assert "<summary><h2>Attention</h2></summary>" in page.read_text()
    ok("explain", "--model", checkpoint, "--values-only", "--output", page, TEXT)
    assert "filbert-attention" not in page.read_text()
    result = run("explain", "--model", checkpoint, "--with-attention", TEXT)
    assert result.code == 2 and "--with-attention: expected a page" in result.err


def test_the_built_in_model_needs_no_option():
    assert "layer 5, the mean of 12 heads" in ok("attention", TEXT).text
