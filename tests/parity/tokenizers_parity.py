#!/usr/bin/env python3
"""Compares Filbert's tokenizer with the `tokenizers` package, live: ids, offsets and word ids of many thousand texts.

    pip install tokenizers
    tests/parity/tokenizers_parity.py build/release/tests/parity/tokenize_dump ../shared

Five BERT vocabularies, and the byte-level BPE and Unigram ones, over every line of the texts in shared/data, through vocab.txt and, where there is one,
through tokenizer.json; then pairs with every truncation, windows with every stride, and added tokens with every flag. The
last line counts the comparisons; the exit status is 1 if one failed.
"""

import base64
import gzip
import itertools
import json
import multiprocessing
import os
import pathlib
import random
import struct
import subprocess
import sys
import tempfile
from array import array

os.environ["TOKENIZERS_PARALLELISM"] = "false"

import tokenizers  # noqa: E402
from tokenizers import AddedToken, Tokenizer, normalizers, pre_tokenizers  # noqa: E402
from tokenizers.models import BPE, Unigram, WordPiece  # noqa: E402
from tokenizers.normalizers import BertNormalizer  # noqa: E402
from tokenizers.pre_tokenizers import BertPreTokenizer  # noqa: E402
from tokenizers.processors import TemplateProcessing  # noqa: E402

SPECIAL_TOKENS = ["[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"]
VOCABULARIES = {  # do_lower_case of the checkpoint
    "bert-base-uncased": True, "bert-base-cased": False, "bert-base-multilingual-uncased": True,
    "bert-base-multilingual-cased": False, "bert-base-chinese": False,
}
JSON_FILES = {"bert-base-uncased": ["tokenizer.json", "tokenizer.hf.json"],
              "bert-base-multilingual-uncased": ["tokenizer.json"]}
OTHERS = {"all-MiniLM-L6-v2": "tokenizer.json", "roberta-base": "tokenizer.json", "t5-small": "tokenizer.json",
          "xlm-roberta-base": "tokenizer.reconstructed.json.gz", "xlnet-base-cased": "spiece.model"}
CLASS_FILES = {  # what stands in the place of a tokenizer.json, and what makes it the same tokenizer
    "roberta-base": (["vocab.json", "merges.txt"],
                     {"tokenizer_class": "RobertaTokenizer", "mask_token": {"content": "<mask>", "lstrip": True}}),
    "xlnet-base-cased": (["spiece.model"],
                         {"tokenizer_class": "XLNetTokenizer", "additional_special_tokens": ["<eop>", "<eod>"]}),
    "t5-small": ([], {"tokenizer_class": "T5Tokenizer"}),  # its spiece.model is made of its tokenizer.json
}
SHOWN = 5  # differences printed per comparison
CHUNK_CHARACTERS = 2_000_000


# ---- texts ----------------------------------------------------------------------------------------------------------

def lines_of(path):
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return data.decode("utf-8", errors="replace").split("\n")


def decoded(hexadecimals):
    return "".join(chr(int(h, 16)) for h in hexadecimals if not 0xD800 <= int(h, 16) <= 0xDFFF)


def unicode_texts(folder):
    texts = list(json.loads((folder / "blns.json").read_text(encoding="utf-8")))
    texts += lines_of(folder / "blns.txt")
    for line in lines_of(folder / "emoji-test.txt"):
        texts.append(line)
        code_points = line.split("#")[0].split(";")[0].split()
        texts += [decoded(code_points), "a" + decoded(code_points) + "b"] if code_points else []
    for line in lines_of(folder / "NormalizationTest.txt.gz"):
        columns = line.split("#")[0].split(";")[:5]
        if len(columns) == 5:
            texts += [decoded(column.split()) for column in columns]
            texts.append("X" + decoded(columns[0].split()) + "Y" + decoded(columns[2].split()))
    for name in ("GraphemeBreakTest.txt", "WordBreakTest.txt"):
        for line in lines_of(folder / name):
            marks = line.split("#")[0].replace("\u00f7", " ").replace("\u00d7", " ").split()
            texts += [line, decoded(marks)] if marks else [line]
    return texts


def hard_texts():
    """What no corpus has: long words, removed characters inside words, literal special tokens, odd combining orders."""
    rng = random.Random(7)
    pool = ("aBcZ 09.,!?[]#-_'\t\r\n\x00\x0b\x85\xa0\xad\u0130\u0131\u01c5\u00e9\u00df\u0301\u0323\u0307\u0334\u0345"
            "\u0f71\u0f72\u0f73\u0f75\u0f81\u0344\u302e\u302f\u1d165\u0915\u093c\u0958\ud55c\uae00\u4e2d\u6587\uf900"
            "\u3042\u30ac\u200b\u200d\u202e\u2028\u3000\ufeff\ufffd\U0001f600\U0001f1fa\U0002f800\U0002b820\U0002b920"
            "\U0001d16d\U0001d15e\ue000\U000f0000\u0378\U0001e900")
    texts = ["", " ", "\n", "\u00a0", "\x00", "\ufffd\ufffd", "[SEP]", "[CLS][SEP]", "a[MASK]b [mask] [PAD ]", "##ing",
             "x" * 99, "x" * 100, "x" * 101, "\u00e9" * 100, "\u00e9" * 101, "\u4e2d" * 150, "e\u0301" * 100,
             "\uac01" * 34, "x" * 100_000, "ab " * 50_000, "a\u0301\u0323" * 1000, "a" + "\u0301\u0323" * 3000]
    for _ in range(4000):
        texts.append("".join(rng.choice(pool) for _ in range(rng.randrange(1, 24))))
    for _ in range(1000):
        texts.append("".join(rng.choice(pool + " [SEP] ") if rng.random() < 0.9 else rng.choice(SPECIAL_TOKENS)
                             for _ in range(rng.randrange(1, 40))))
    for block in range(0, 0x110000, 64):  # every code point, alone and between letters
        points = [chr(c) for c in range(block, block + 64) if not 0xD800 <= c <= 0xDFFF]
        if points and (block < 0x32000 or block % 0x10000 == 0xFFC0 or 0xE0000 <= block < 0xE0200):
            texts += [" ".join(points), "".join("a" + c + "B" for c in points), "".join(points)]
    return texts


def corpora(data):
    yield "hard texts", hard_texts()
    yield "unicode", unicode_texts(data / "unicode")
    for folder in ("sentences_75_languages", "udhr", "english_public_domain"):
        for path in sorted((data / folder).glob("*.txt")):
            if path.name != "SOURCE.txt":
                yield f"{folder}/{path.name}", lines_of(path)
    yield "imdb", lines_of(data / "imdb" / "train.tsv.gz")[:5000]


def chunks(data):
    """(what, texts) of about CHUNK_CHARACTERS."""
    names, texts, size = [], [], 0
    for name, corpus in corpora(data):
        names.append(name)
        for text in corpus:
            texts.append(text)
            size += len(text)
            if size > CHUNK_CHARACTERS:
                yield f"{names[0]} to {names[-1]}", texts
                names, texts, size = [name], [], 0
    yield f"{names[0]} to {names[-1]}", texts


# ---- Filbert --------------------------------------------------------------------------------------------------------

def record(text):
    if text is None:
        return struct.pack("i", -1)
    data = text.encode("utf-8")
    return struct.pack("i", len(data)) + data


def dump(program, directory, inputs, *options):
    records = b"".join(record(text) + record(pair) for text, pair in inputs)
    run = subprocess.run([program, str(directory), *map(str, options)], input=records, capture_output=True)
    if run.returncode != 0:
        raise RuntimeError(f"{program} {directory}: exit {run.returncode}: {run.stderr.decode()}")
    return run.stdout


# ---- comparing ------------------------------------------------------------------------------------------------------

def row_of(encoding, all_columns, type_ids=None):
    """The bytes that tokenize_dump writes for this encoding, or for one that had `type_ids`."""
    if encoding is None:
        return array("i", [-1]).tobytes()
    row = array("i", [len(encoding.ids)])
    row.extend(encoding.ids)
    row.extend(itertools.chain.from_iterable(encoding.offsets))
    row.extend([-1 if word is None else word for word in encoding.word_ids])
    if all_columns:
        row.extend(encoding.type_ids if type_ids is None else type_ids)
        row.extend(encoding.special_tokens_mask)
        row.extend([-1 if sequence is None else sequence for sequence in encoding.sequence_ids])
    return row.tobytes()


def columns_of(row):
    values = array("i", row)
    if values[0] < 0:
        return {"refused": True}
    n, rest = values[0], list(values[1:])
    offsets = list(zip(rest[n : 3 * n : 2], rest[n + 1 : 3 * n : 2]))
    columns = {"ids": rest[:n], "offsets": offsets, "words": rest[3 * n : 4 * n]}
    for index, name in enumerate(("type_ids", "special_tokens_mask", "sequence_ids")):
        if len(rest) > 4 * n:
            columns[name] = rest[(4 + index) * n : (5 + index) * n]
    return columns


def explain(what, text, pair, expected, found):
    lines = [f"{what}: {text[:200]!r}" + (f" + {pair[:200]!r}" if pair is not None else "")]
    expected, found = columns_of(expected), columns_of(found)
    for name in expected.keys() | found.keys():
        if expected.get(name) != found.get(name):
            lines += [f"  {name} of tokenizers: {str(expected.get(name))[:400]}",
                      f"  {name} of filbert:    {str(found.get(name))[:400]}"]
    return "\n".join(lines)


def compare(what, inputs, expected_rows, output, all_columns=False):
    """(tokens, differences as texts)."""
    at, tokens, failures = 0, 0, []
    for (text, pair), expected in zip(inputs, expected_rows):
        n = max(struct.unpack_from("i", output, at)[0], 0)
        row = output[at : at + 4 + 4 * n * (7 if all_columns else 4)]
        at += len(row)
        tokens += n
        if row != expected:
            failures.append(explain(what, text, pair, expected, row))
    assert at == len(output), f"{what}: {len(output) - at} bytes too many"
    return tokens, failures


# ---- the comparisons; each is (name, function, arguments) and gives (texts, tokens, differences) ---------------------

def reference_of(vocab, lower):
    """tokenizers put together as transformers' BertTokenizer does."""
    model = WordPiece.from_file(str(vocab), unk_token="[UNK]")
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = BertNormalizer(lowercase=lower)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.add_special_tokens(SPECIAL_TOKENS)
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS]:0 $A:0 [SEP]:0", pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
        special_tokens=[(token, tokenizer.token_to_id(token)) for token in ("[CLS]", "[SEP]")])
    return tokenizer


def fields_of(data):
    """(number, value) of each field of a protocol buffers message."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
            continue
        size = {1: 8, 5: 4}.get(key & 7) or varint()
        yield key >> 3, data[at : at + size]
        at += size


def write_sentencepiece(tokenizer_json, path):
    """The sentencepiece model that a tokenizer.json of T5 was made of."""
    def varint(number):
        return bytes([number]) if number < 128 else bytes([number & 127 | 128]) + varint(number >> 7)

    def field(number, data):
        return varint(number << 3 | 2) + varint(len(data)) + data

    tokenizer = json.loads(tokenizer_json.read_text())
    model = b""
    for text, score in tokenizer["model"]["vocab"]:
        if not text.startswith("<extra_id_"):
            kind = 2 if text == "<unk>" else 3 if text in ("<pad>", "</s>") else 1
            model += field(1, field(1, text.encode()) + b"\x15" + struct.pack("<f", score) + bytes([3 << 3, kind]))
    model += field(2, bytes([3 << 3, 1]) + varint(40 << 3) + bytes([2]))  # unigram; unk_id
    path.write_bytes(model + field(3, field(2, base64.b64decode(tokenizer["normalizer"]["precompiled_charsmap"]))))


def xlnet_reference(model):
    """tokenizers put together as transformers' XLNetTokenizer does, from a sentencepiece model."""
    pieces, charsmap = [], None
    for number, value in fields_of(model.read_bytes()):
        if number == 1:
            piece = {1: b"", 2: struct.pack("<f", 0), **dict(fields_of(value))}
            pieces.append((piece[1].decode(), struct.unpack("<f", piece[2])[0]))
        elif number == 3:
            charsmap = dict(fields_of(value)).get(2)
    tokenizer = Tokenizer(Unigram(pieces, unk_id=0, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Replace("``", '"'), normalizers.Replace("''", '"'), normalizers.NFKD(), normalizers.StripAccents(),
         normalizers.Precompiled(charsmap)])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    tokenizer.add_special_tokens(["<s>", "</s>", "<unk>", "<sep>", "<pad>", "<cls>",
                                  AddedToken("<mask>", lstrip=True, special=True), "<eop>", "<eod>"])
    tokenizer.post_processor = TemplateProcessing(
        single="$A:0 <sep>:0 <cls>:2", pair="$A:0 <sep>:0 $B:1 <sep>:1 <cls>:2",
        special_tokens=[(token, tokenizer.token_to_id(token)) for token in ("<sep>", "<cls>")])
    return tokenizer


def other_reference(path):
    if path.suffix == ".model":
        return xlnet_reference(path)
    text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()
    tokenizer, model = Tokenizer.from_str(text), json.loads(text)["model"]
    if "unk_id" in model:  # transformers' classes hand over the scores as they stand; the package itself reads some a unit of the last place off
        tokenizer.model = Unigram([tuple(piece) for piece in model["vocab"]], model["unk_id"], model.get("byte_fallback", False))
    return tokenizer


references = {}  # of this process


def reference_for(data, name):
    if name not in references:
        folder = data / "vocab" / name
        if name in OTHERS:
            references[name] = other_reference(folder / OTHERS[name])
            references[name].no_truncation()
            references[name].no_padding()
        elif name in JSON_FILES:
            references[name] = Tokenizer.from_file(str(folder / JSON_FILES[name][0]))
            references[name].no_truncation()
            references[name].no_padding()
        else:
            references[name] = reference_of(folder / "vocab.txt", VOCABULARIES[name])
    return references[name]


def directories_for(data, work, name):
    """Checkpoint directories: one with vocab.txt, and one for each tokenizer.json."""
    if name in OTHERS:
        directory = work / name
        if not directory.exists():
            directory.mkdir()
            reference_for(data, name).save(str(directory / "tokenizer.json"))
        yield directory
        if name in CLASS_FILES:
            files, tokenizer_config = CLASS_FILES[name]
            directory = work / f"{name}-files"
            if not directory.exists():
                directory.mkdir()
                for file in files:
                    (directory / file).symlink_to(data / "vocab" / name / file)
                if not files:
                    write_sentencepiece(data / "vocab" / name / OTHERS[name], directory / "spiece.model")
                (directory / "tokenizer_config.json").write_text(json.dumps(tokenizer_config))
            yield directory
        return
    config = {"do_lower_case": VOCABULARIES[name], "model_max_length": 10**30}
    for file in ["vocab.txt"] + JSON_FILES.get(name, []):
        directory = work / name / file
        if not directory.exists():
            directory.mkdir(parents=True)
            link = "vocab.txt" if file == "vocab.txt" else "tokenizer.json"
            (directory / link).symlink_to(data / "vocab" / name / file)
            if file == "vocab.txt":
                (directory / "tokenizer_config.json").write_text(json.dumps(config))
        yield directory


def compare_texts(program, data, work, name, what, texts):
    encodings = reference_for(data, name).encode_batch(texts)
    expected = [row_of(encoding, False) for encoding in encodings]
    inputs = [(text, None) for text in texts]
    tokens, failures, directories = 0, [], list(directories_for(data, work, name))
    for directory in directories:
        output = dump(program, directory, inputs)
        if directory is not directories[0] and output == first_output:
            continue  # the same bytes were compared already
        first_output = output
        tokens, some_failures = compare(f"{name} from {directory.name}, {what}", inputs, expected, output)
        failures += some_failures
    return len(texts), tokens, failures


def encode_or_none(tokenizer, text, pair, add_special_tokens):
    try:
        return tokenizer.encode(text, pair, add_special_tokens=add_special_tokens)
    except Exception:  # noqa: BLE001: the package raises Exception itself
        return None


def compare_pairs(program, data, work, name, strategy, max_length, add_special_tokens):
    rng = random.Random(f"{name} {strategy} {max_length}")
    pool = [line for language in ("en", "de", "ru", "zh", "hi", "ko")
            for line in lines_of(data / "sentences_75_languages" / f"{language}.txt")[:60]]
    pool += ["", "a", "[SEP] [SEP] b", "one [MASK] two", "don't stop", "unbelievable " * 20, "[MASK]" * 30]
    inputs = [(rng.choice(pool), rng.choice(pool) if rng.random() < 0.8 else None) for _ in range(150)]
    tokenizer = reference_for(data, name)
    if add_special_tokens and max_length < tokenizer.num_special_tokens_to_add(True):
        inputs = [(text, None) for text, _ in inputs]  # there the package cuts nothing, where we refuse
    tokenizer.enable_truncation(max_length, strategy=strategy)
    expected = [row_of(encode_or_none(tokenizer, text, pair, add_special_tokens), True) for text, pair in inputs]
    tokenizer.no_truncation()
    directory = next(iter(directories_for(data, work, name)))
    output = dump(program, directory, inputs, strategy, max_length, "true" if add_special_tokens else "false")
    tokens, failures = compare(f"{name}, {strategy}, max_length {max_length}", inputs, expected, output, True)
    return len(inputs), tokens, failures


def windows_of(encoding):
    """The bytes that tokenize_dump writes for a text in windows. In windows behind the first the package forgets the type that a
    template gives to text_pair, and leaves 1, which models with one type do not have: there the first window's is expected."""
    if encoding is None:
        return array("i", [-1]).tobytes()
    types = {sequence: type_id for sequence, type_id in zip(encoding.sequence_ids, encoding.type_ids) if sequence is not None}
    out = array("i", [1 + len(encoding.overflowing)]).tobytes() + row_of(encoding, True)
    for window in encoding.overflowing:
        out += row_of(window, True, [types.get(sequence, type_id) for sequence, type_id in zip(window.sequence_ids, window.type_ids)])
    return out


def compare_windows(program, data, work, name, strategy, direction):
    """Texts and pairs of every length against a random max_length, with random overlaps."""
    rng = random.Random(f"{name} {strategy} {direction}")
    pool = [line for language in ("en", "de", "ru", "zh", "hi", "ko")
            for line in lines_of(data / "sentences_75_languages" / f"{language}.txt")[:60]]
    pool += ["", "a", "[SEP] [SEP] b", "don't stop", "unbelievable " * 20, "[MASK]" * 30, "caf\u00e9 e\u0301 \U0001f600 " * 9, " \u00a0 a  b"]
    tokenizer = reference_for(data, name)
    tokenizer.no_truncation()
    texts = ["  ".join(rng.choice(pool) for _ in range(rng.randrange(1, 6))) for _ in range(60)]
    inputs = [(text, rng.choice(pool) if rng.random() < 0.6 or strategy == "only_second" else None) for text in texts]
    if strategy == "only_second":
        inputs = [(pair, text) for text, pair in inputs]
    directory = work / f"{name}-{direction}"
    if not directory.exists():  # two processes may do so at once
        made = pathlib.Path(tempfile.mkdtemp(dir=work))
        tokenizer.save(str(made / "tokenizer.json"))
        (made / "tokenizer_config.json").write_text(json.dumps({"truncation_side": direction}))
        try:
            made.rename(directory)
        except OSError:
            pass
    lengths = [[len(tokenizer.encode(part, add_special_tokens=False)) if part is not None else 0 for part in both] for both in inputs]
    tokens, failures, compared = 0, [], 0
    for add_special_tokens in (True, False):
        for _ in range(4):
            added = [tokenizer.num_special_tokens_to_add(is_pair) if add_special_tokens else 0 for is_pair in (False, True)]
            special = tokenizer.num_special_tokens_to_add(False)  # the package asks for room for them in any case
            max_length = rng.randrange(max(special, *added) + 1, max(special, *added) + rng.choice((4, 20, 200)))
            stride = rng.randrange(max_length - special) if rng.random() < 0.7 else 0

            def is_compared(both, tokens_of):
                """Not where the package panics, or cuts both texts of a pair and puts them together in every way."""
                text, pair = both
                room = max_length - added[pair is not None]
                if room <= 0 or sum(tokens_of) <= room:
                    return room > 0
                if pair is None:
                    return strategy != "only_second" and stride < room
                other = {"only_first": tokens_of[1], "only_second": tokens_of[0], "longest_first": min(tokens_of)}[strategy]
                return (strategy != "longest_first" or other <= room // 2) and (other >= room or stride < room - other)

            some = [both for both, tokens_of in zip(inputs, lengths) if is_compared(both, tokens_of)]
            tokenizer.enable_truncation(max_length, stride=stride, strategy=strategy, direction=direction)
            expected = [windows_of(encode_or_none(tokenizer, text, pair, add_special_tokens)) for text, pair in some]
            tokenizer.no_truncation()
            output = dump(program, directory, some, strategy, max_length, "true" if add_special_tokens else "false", stride)
            compared += len(some)
            at = 0
            for (text, pair), rows in zip(some, expected):
                found, at = output[at : at + len(rows)], at + len(rows)
                tokens += len(rows) // 28
                if found != rows:
                    failures.append(f"{name}, windows of {max_length} with stride {stride}, {strategy}, {direction}: {text[:200]!r} + {pair!r:.200}")
                    break  # what follows is out of step
            else:
                assert at == len(output), f"{name}: {len(output) - at} bytes too many"
    return compared, tokens, failures


def compare_added_tokens(program, data, work, seed):
    """A tokenizer.json with added tokens of random flags; texts put together from them."""
    rng = random.Random(seed)
    tokenizer = reference_of(data / "vocab" / "bert-base-uncased" / "vocab.txt", rng.random() < 0.7)
    if rng.random() < 0.3:
        tokenizer.normalizer = BertNormalizer(
            clean_text=rng.random() < 0.5, handle_chinese_chars=rng.random() < 0.5,
            strip_accents=rng.choice([None, True, False]), lowercase=rng.random() < 0.5)
    # No two are equal once normalized: which of them the package then finds changes from run to run.
    contents = ["<x>", "<x><y>", "NEW", "new york", "newer", "caf\u00e9", "\u4e2d\u56fd", "e", "_a_",
                "\u00c9t\u00e9", "[NEW]", "[E1]", "[/E1]", "<\u00a0>", "yesterday", "\u0130x", "U.S."]
    chosen = rng.sample(contents, 9)
    for content in chosen:
        flags = {flag: rng.random() < 0.35 for flag in ("single_word", "lstrip", "rstrip", "normalized")}
        token = AddedToken(content, **flags)
        if rng.random() < 0.4:
            tokenizer.add_special_tokens([token])
        else:
            tokenizer.add_tokens([token])
    directory = work / f"added-{seed}"
    directory.mkdir()
    tokenizer.save(str(directory / "tokenizer.json"))
    between = [" ", "", "  ", "\t", "\u00a0", "a", "_", ".", "-", "The", "\u4e2d", "\u0301", "9", "\u3000", "\x00",
               "CAFE\u0301"] + SPECIAL_TOKENS
    texts = ["".join(rng.choice(chosen if rng.random() < 0.5 else between) for _ in range(rng.randrange(1, 14)))
             for _ in range(400)]
    texts += [text.upper() for text in texts[:100]] + [text.lower() for text in texts[:100]]
    inputs = [(text, None) for text in texts]
    expected = [row_of(encoding, False) for encoding in tokenizer.encode_batch(texts)]
    tokens, failures = compare(f"added tokens {seed} {chosen}", inputs, expected, dump(program, directory, inputs))
    return len(texts), tokens, failures


def run(job):
    function, arguments = job
    return function(*arguments)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    program, data = sys.argv[1], pathlib.Path(sys.argv[2]).resolve() / "data"
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        for name in [*VOCABULARIES, *OTHERS]:
            list(directories_for(data, work, name))
        jobs = [(compare_texts, (program, data, work, name, what, texts))
                for what, texts in chunks(data) for name in [*VOCABULARIES, *OTHERS]]
        jobs += [(compare_pairs, (program, data, work, name, strategy, max_length, add_special_tokens))
                 for name in ("bert-base-uncased", "bert-base-multilingual-cased", *OTHERS)
                 for strategy in ("longest_first", "only_first", "only_second")
                 for max_length in (3, 4, 7, 8, 16, 31, 64, 128) for add_special_tokens in (True, False)]
        jobs += [(compare_windows, (program, data, work, name, strategy, direction))
                 for name in ("bert-base-uncased", "bert-base-multilingual-cased", *OTHERS)
                 for strategy in ("longest_first", "only_first", "only_second") for direction in ("right", "left")]
        jobs += [(compare_added_tokens, (program, data, work, seed)) for seed in range(60)]
        texts = tokens = passed = failed = 0
        with multiprocessing.Pool(2) as pool:
            for some_texts, some_tokens, failures in pool.imap_unordered(run, jobs):
                texts += some_texts
                tokens += some_tokens
                passed, failed = passed + (not failures), failed + bool(failures)
                for failure in failures[:SHOWN]:
                    print(failure)
                if len(failures) > SHOWN:
                    print(f"… and {len(failures) - SHOWN} more of these")
    print(f"tokenizers {tokenizers.__version__}: {texts:,} texts, {tokens:,} tokens compared")
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
