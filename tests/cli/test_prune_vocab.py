"""filbert prune-vocab: on the corpus nothing changes, elsewhere it says what does; WordPiece, BPE and Unigram."""

import csv
import json
import random
import string

import pytest

from filbert_command import ok, run
from tiny_checkpoint import VOCAB, WORDS, write_checkpoint, write_model, write_tokenizer

TEXTS = ["I really love this book", "the film was not very good, zzz", "hated film: 10 of 10!", "", "очень хорошо", "lovely books", "goodness мир"]
BIG = VOCAB + ["##ness", "##s", "##ly", "##ed", "hat", "lov", "books", "boo", "##ok", "мир", "м", "##и", "##р", "漢", "##漢"] + [f"word{number}" for number in range(900)]


def write_csv(path, texts, name="text"):
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["id", name], *[[number, text] for number, text in enumerate(texts)]])
    return path


def answers(directory, texts):
    rows = ok("classify", "--model", directory, "--format", "json", stdin="\n".join(text.replace("\n", " ") for text in texts) + "\n").rows
    return [[row["logits"], row["tokens_total"], row["label"]] for row in rows]


def tokens(directory, texts):
    return [ok("tokenize", "--model", directory, text).rows[0]["tokens"] for text in texts]


def tokenizer_json(model, added, pre_tokenizer, normalizer=None, cls="[CLS]", sep="[SEP]", ids=None):
    ids = ids or {token: number for number, token in enumerate(added)}
    return {"version": "1.0", "truncation": None, "padding": None,
            "added_tokens": [{"id": ids[token], "content": token, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True} for token in added],
            "normalizer": normalizer, "pre_tokenizer": pre_tokenizer,
            "post_processor": {"type": "TemplateProcessing",
                               "single": [{"SpecialToken": {"id": cls, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": sep, "type_id": 0}}],
                               "pair": [{"SpecialToken": {"id": cls, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": sep, "type_id": 0}},
                                        {"Sequence": {"id": "B", "type_id": 0}}, {"SpecialToken": {"id": sep, "type_id": 0}}],
                               "special_tokens": {token: {"id": token, "ids": [ids[token]], "tokens": [token]} for token in (cls, sep)}},
            "decoder": None, "model": model}


def write_json_checkpoint(directory, tokenizer, size, **config):
    write_model(directory, vocab_size=size, **config)
    (directory / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    (directory / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 64}))
    return directory


def wordpiece_json(directory):
    normalizer = {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True}
    model = {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
             "vocab": {token: number for number, token in enumerate(BIG)}}
    return write_json_checkpoint(directory, tokenizer_json(model, BIG[:5], {"type": "BertPreTokenizer"}, normalizer), len(BIG))


def wordpiece_txt(directory):
    write_tokenizer(directory, BIG)
    return write_model(directory, vocab_size=len(BIG))


def unigram(directory):
    source = random.Random(3)
    pieces = [["<s>", 0.0], ["<pad>", 0.0], ["</s>", 0.0], ["<unk>", 0.0], ["▁", -3.0]]
    pieces += [[each, -8.0 - source.random()] for each in string.ascii_letters + string.digits + ".,!?мир"]
    pieces += [["▁" + word, -5.0 - source.random()] for word in WORDS + ["lov", "boo", "the", "go"]] + [[end, -5.5] for end in ["ly", "ness", "ed", "ok", "oks", "od"]]
    pieces += [[f"▁word{number}", -9.5 - source.random()] for number in range(400)]
    model = {"type": "Unigram", "unk_id": 3, "vocab": pieces, "byte_fallback": False}
    json_ = tokenizer_json(model, ["<s>", "<pad>", "</s>", "<unk>"], {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}, cls="<s>", sep="</s>")
    return write_json_checkpoint(directory, json_, len(pieces) + 3)


def bpe(directory):
    letters = list(string.ascii_letters + string.digits + ".,!?:Ġ")
    merges, vocab = [], ["<s>", "<pad>", "</s>", "<unk>"] + letters
    for word in WORDS + ["lovely", "books", "hated", "goodness", "word", "words", "wording", "reading", "readings"]:
        parts = list("Ġ" + word)
        while len(parts) > 1:
            at = len(parts) - 2 if len(parts) % 2 else 0
            pair = (parts[at], parts[at + 1])
            if pair not in merges:
                merges.append(pair)
            if "".join(pair) not in vocab:
                vocab.append("".join(pair))
            parts[at:at + 2] = ["".join(pair)]
    model = {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": "", "end_of_word_suffix": "", "fuse_unk": False,
             "vocab": {token: number for number, token in enumerate(vocab)}, "merges": [" ".join(pair) for pair in merges]}
    json_ = tokenizer_json(model, ["<s>", "<pad>", "</s>", "<unk>"], {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}, cls="<s>", sep="</s>")
    return write_json_checkpoint(directory, json_, len(vocab))


@pytest.mark.parametrize("make", [wordpiece_txt, wordpiece_json, unigram, bpe])
@pytest.mark.parametrize("characters", ["all", "scripts", "used"])
def test_on_the_corpus_every_bit_stays(make, characters, tmp_path):
    old, new = make(tmp_path / "old"), tmp_path / "new"
    corpus = write_csv(tmp_path / "corpus.csv", TEXTS)
    (report,) = ok("prune-vocab", old, new, "--corpus", corpus, "--characters", characters, "--format", "json").rows
    assert answers(new, TEXTS) == answers(old, TEXTS)
    assert tokens(new, TEXTS) == tokens(old, TEXTS)
    assert report["tokens_after"] < report["tokens_before"] and report["bytes_after"] < report["bytes_before"]
    assert json.loads((new / "config.json").read_text())["vocab_size"] == report["rows_after"] == report["kept_special"] + report["kept_characters"] + report["kept_used"]
    assert ok("verify", new).code == 0 if make is wordpiece_txt else True
    texts = [" ".join(word) for word in zip(WORDS, reversed(WORDS))]
    (again,) = ok("prune-vocab", new, tmp_path / "again", "--corpus", corpus, "--characters", characters, "--format", "json").rows
    assert again["tokens_after"] == again["tokens_before"] == report["tokens_after"]
    assert len(answers(new, texts)) == len(texts)


def test_texts_elsewhere_are_counted(tmp_path):
    old, corpus = wordpiece_txt(tmp_path / "old"), write_csv(tmp_path / "corpus.csv", ["good film", "good film", "bad film"])
    other = write_csv(tmp_path / "other.csv", ["good film", "hate books 漢", "love 1"])
    for characters, unk in [("all", 0), ("scripts", 1), ("used", 5)]:
        out = tmp_path / characters
        (report,) = ok("prune-vocab", old, out, "--corpus", corpus, "--check", other, "--characters", characters, "--format", "json").rows
        (check,) = report["checks"]
        before, after = tokens(old, ["good film", "hate books 漢", "love 1"]), tokens(out, ["good film", "hate books 漢", "love 1"])
        assert check["changed_texts"] == sum(a != b for a, b in zip(before, after)) == 2
        assert check["unk_after"] == sum(row.count("[UNK]") for row in after) == unk and check["unk_before"] == 0
        assert (check["texts"], check["tokens_before"], check["tokens_after"]) == (3, sum(map(len, before)), sum(map(len, after)))
        assert report["texts_with_a_token_of_their_own"] == 1  # "bad"
    text = ok("prune-vocab", old, tmp_path / "text", "--corpus", corpus, "--check", other).text
    assert "about 33.33 % will have other tokens" in text and "2 of 3 texts (66.67 %) have other tokens" in text and "the first: hate books" in text
    assert all(len(line) <= 80 or str(tmp_path) in line for line in text.split("\n"))


def test_an_unknown_word_stays_unknown(tmp_path):
    """Of fewer tokens a shorter beginning could be the longest, and lead through: what was tried must stay."""
    vocab = VOCAB[:5] + ["ab", "a", "##bx", "##b", "##c", "c"]
    write_tokenizer(tmp_path / "old", vocab)
    write_model(tmp_path / "old", vocab_size=len(vocab))
    corpus = write_csv(tmp_path / "a.csv", ["abx", "c abx"])
    ok("prune-vocab", tmp_path / "old", tmp_path / "new", "--corpus", corpus, "--characters", "used")
    assert tokens(tmp_path / "new", ["abx"]) == tokens(tmp_path / "old", ["abx"]) == [["[CLS]", "[UNK]", "[SEP]"]]
    assert "ab" in (tmp_path / "new/vocab.txt").read_text().split("\n")
    assert "##c" not in (tmp_path / "new/vocab.txt").read_text().split("\n")


def test_every_file_with_ids_is_renumbered(tmp_path):
    old, new = wordpiece_json(tmp_path / "old"), tmp_path / "new"
    move = {"[PAD]": 0, "[UNK]": 50, "[CLS]": 300, "[SEP]": 301, "[MASK]": 302}
    order = [token for token in BIG if token not in move]
    for token, place in sorted(move.items(), key=lambda each: each[1]):
        order.insert(place, token)
    tokenizer = json.loads((old / "tokenizer.json").read_text())
    tokenizer["model"]["vocab"] = {token: number for number, token in enumerate(order)}
    for token in tokenizer["added_tokens"]:
        token["id"] = move[token["content"]]
    tokenizer["post_processor"] = {"type": "BertProcessing", "sep": ["[SEP]", 301], "cls": ["[CLS]", 300]}
    tokenizer["padding"] = {"strategy": "BatchLongest", "direction": "Right", "pad_to_multiple_of": None, "pad_id": 0, "pad_type_id": 0, "pad_token": "[PAD]"}
    (old / "tokenizer.json").write_text(json.dumps(tokenizer))
    (old / "vocab.txt").write_text("".join(token + "\n" for token in order), encoding="utf-8")
    (old / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "BertTokenizer", "added_tokens_decoder": {
        str(place): {"content": token, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True} for token, place in move.items()}}))
    config = json.loads((old / "config.json").read_text()) | {"pad_token_id": 0, "cls_token_id": 300, "eos_token_id": [301, 302]}
    (old / "config.json").write_text(json.dumps(config))
    ok("prune-vocab", old, new, "--corpus", write_csv(tmp_path / "a.csv", TEXTS), "--characters", "used")
    kept = json.loads((new / "tokenizer.json").read_text())
    ids = kept["model"]["vocab"]
    assert sorted(ids.values()) == list(range(len(ids))) and {token["content"]: token["id"] for token in kept["added_tokens"]} == {token: ids[token] for token in move}
    assert kept["post_processor"]["cls"] == ["[CLS]", ids["[CLS]"]] and ids["[CLS]"] < 300
    assert (new / "vocab.txt").read_text(encoding="utf-8").split("\n")[:-1] == sorted(ids, key=ids.get)
    decoder = json.loads((new / "tokenizer_config.json").read_text())["added_tokens_decoder"]
    assert {token["content"]: int(place) for place, token in decoder.items()} == {token: ids[token] for token in move}
    pruned = json.loads((new / "config.json").read_text())
    assert (pruned["pad_token_id"], pruned["cls_token_id"], pruned["eos_token_id"]) == (0, ids["[CLS]"], [ids["[SEP]"], ids["[MASK]"]])
    assert list(pruned)[:4] == list(config)[:4]
    assert answers(new, TEXTS) == answers(old, TEXTS)
    (new / "tokenizer.json").unlink()  # vocab.txt says the same
    assert answers(new, TEXTS) == answers(old, TEXTS)


def test_a_quantized_checkpoint_and_pairs(checkpoint, tmp_path):
    ok("quantize", wordpiece_txt(tmp_path / "old"), tmp_path / "int8")
    pairs = tmp_path / "pairs.csv"
    pairs.write_text("a,b\ngood film,bad book\nlove,hate\n")
    ok("prune-vocab", tmp_path / "int8", tmp_path / "new", "--corpus", pairs, "--text-column", "a", "--text-pair-column", "b", "--characters", "used")
    rows = [ok("classify", "--model", directory, "--format", "json", "--text-pair", "bad book", "good film").rows[0] for directory in (tmp_path / "int8", tmp_path / "new")]
    assert rows[0] == rows[1]
    assert (tmp_path / "new/vocab.txt").read_text().split("\n")[5:-1] == ["love", "hate", "book", "good", "bad", "film"]


def test_what_cannot_be_is_refused(checkpoint, tmp_path):
    corpus, empty, out = write_csv(tmp_path / "a.csv", TEXTS), write_csv(tmp_path / "empty.csv", []), tmp_path / "out"
    files = write_model(tmp_path / "files", model_type="roberta", vocab_size=5)
    (files / "vocab.json").write_text(json.dumps({"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "a": 4}))
    (files / "merges.txt").write_text("#version: 0.2\n")
    for code, words, says in [(2, [checkpoint, out], "--corpus"), (2, [checkpoint, out, "--corpus", empty], "expected texts"), (3, [checkpoint, out, "--corpus", tmp_path / "no.csv"], "no.csv"),
                              (3, [checkpoint, out, "--corpus", corpus, "--check", tmp_path / "no.csv"], "no.csv"), (2, [checkpoint, checkpoint, "--corpus", corpus], "empty directory"),
                              (2, [checkpoint, out, "--corpus", corpus, "--characters", "some"], "all"), (4, [files, out, "--corpus", corpus], "vocab.json with merges.txt"),
                              (2, [checkpoint, out, "--corpus", corpus, "--text-column", "txt"], "txt")]:
        result = run("prune-vocab", *words)
        assert result.code == code and says in result.err, (words, result)
    assert not out.exists()
