#!/usr/bin/env python3
"""Compares the way back from tokens to text, texts split into words, and the tokens that have a role, with transformers, live.

    pip install 'transformers>=5'
    tests/parity/decoder_parity.py build/release/tests/parity/decode_dump [../shared]

Every checkpoint of tests/data/families, and where shared/data is at hand its vocabularies, through tokenizer.json and through the files of
the class: texts of many languages as ids and back, with and without special tokens; random ids; random spans of tokens; the same texts as
lists of words, whole and truncated. The last line counts the comparisons; the exit status is 1 if one failed.
"""

import gzip
import json
import logging
import os
import pathlib
import random
import subprocess
import sys
import tempfile

os.environ["TOKENIZERS_PARALLELISM"] = "false"
logging.disable(logging.CRITICAL)

import transformers  # noqa: E402
from tokenizers import pre_tokenizers  # noqa: E402
from transformers import AutoTokenizer  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SHOWN = 5  # differences printed per checkpoint
TEXTS = ["", " ", "I really love this book!", "don't, we'll  see . it ' s \"fine\" do not ?", "Caf\u00e9 cafe\u0301 na\u00efve \u00df \u0130I", "\u4e2d\u6587\u5b57\u3001\u65e5\u672c\u8a9e\u306e\u30c6\u30ad\u30b9\u30c8",
         "\u041c\u043e\u0441\u043a\u0432\u0430 \u2014 \u0441\u0442\u043e\u043b\u0438\u0446\u0430 \u0420\u043e\u0441\u0441\u0438\u0438", "\u0627\u0644\u0633\u0644\u0627\u0645 \u0639\u0644\u064a\u0643\u0645", "\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd", "\ud55c\uad6d\uc5b4 \ubb38\uc7a5",
         "\u0939\u093f\u0928\u094d\u0926\u0940 \u0935\u093e\u0915\u094d\u092f", "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35\u0e0a\u0e32\u0e27\u0e42\u0e25\u0e01", "\u0395\u03bb\u03bb\u03b7\u03bd\u03b9\u03ba\u03cc \u03ba\u03b5\u03af\u03bc\u03b5\u03bd\u03bf", "\U0001f600 \U0001f1fa\U0001f1f3 x\u200dy", "a\tb\nc\r\n",
         "New York-based U.N. 3.14 (1,000) [SEP] <mask> </s>", "\u2581under \u2581 x", "\ufffd\u00a0\u3000end"]
SHARED = {  # the vocabularies of shared/data: files of a tokenizer.json, and files and tokenizer_config.json of a class
    "bert-base-uncased": [("tokenizer.json", {}), ("vocab.txt", {"tokenizer_class": "BertTokenizer"})],
    "bert-base-cased": [("vocab.txt", {"tokenizer_class": "BertTokenizer", "do_lower_case": False})],
    "bert-base-chinese": [("vocab.txt", {"tokenizer_class": "BertTokenizer", "do_lower_case": False})],
    "bert-base-multilingual-cased": [("vocab.txt", {"tokenizer_class": "BertTokenizer", "do_lower_case": False, "clean_up_tokenization_spaces": True})],
    "bert-base-multilingual-uncased": [("tokenizer.json", {"tokenizer_class": "BertTokenizer"})],
    "all-MiniLM-L6-v2": [("tokenizer.json", {})],
    "roberta-base": [("tokenizer.json", {}), ("vocab.json merges.txt", {"tokenizer_class": "RobertaTokenizer"}),
                     ("vocab.json merges.txt", {"tokenizer_class": "RobertaTokenizer", "add_prefix_space": True})],
    "t5-small": [("tokenizer.json", {})],
    "xlm-roberta-base": [("tokenizer.reconstructed.json.gz", {"tokenizer_class": "PreTrainedTokenizerFast"})],
    "xlnet-base-cased": [("spiece.model", {"tokenizer_class": "XLNetTokenizer"})],
}


def languages(shared):
    """The texts above, and a few sentences of every language that shared/data has."""
    texts = list(TEXTS)
    for path in sorted((shared / "data" / "sentences_75_languages").glob("*.txt")) if shared else []:
        if path.name != "SOURCE.txt":
            texts += [line for line in path.read_text(encoding="utf-8").split("\n") if line][:12]
    return texts


def checkpoints(shared, work):
    """(name, directory)"""
    for directory in sorted((ROOT / "tests" / "data" / "families").glob("*/*/")):
        yield f"{directory.parent.name}/{directory.name}", directory
    for name, ways in SHARED.items() if shared else []:
        for index, (files, config) in enumerate(ways):
            directory = work / f"{name}-{index}"
            directory.mkdir()
            for file in files.split():
                source = shared / "data" / "vocab" / name / file
                if source.suffix == ".gz":
                    (directory / "tokenizer.json").write_bytes(gzip.decompress(source.read_bytes()))
                else:
                    (directory / file).symlink_to(source)
            config = config or {"tokenizer_class": "PreTrainedTokenizerFast"}
            (directory / "tokenizer_config.json").write_text(json.dumps(config))
            yield f"{name} from {files} {config}", directory


def types_of(section):
    if not isinstance(section, (dict, list)):
        return []
    inner = section.values() if isinstance(section, dict) else section
    return [section["type"] if "type" in section else None, *[types_of(value) for value in inner]]


def is_made_anew(directory, tokenizer):
    """Whether transformers 5 puts sections of its class in the place of the file's: those of 4 treat white space within a word otherwise."""
    file = directory / "tokenizer.json"
    if not file.exists():
        return False
    written, backend = json.loads(file.read_text(encoding="utf-8")), json.loads(tokenizer.backend_tokenizer.to_str())
    return any(types_of(written[section]) != types_of(backend[section]) for section in ("normalizer", "pre_tokenizer"))


def lacks_bytes(tokenizer):
    """A byte-level vocabulary that does not have every byte, as no real one: tokenizers drops these, and loses count of the places."""
    backend = json.loads(tokenizer.backend_tokenizer.to_str())
    return "ByteLevel" in json.dumps(backend["pre_tokenizer"]) and not set(pre_tokenizers.ByteLevel.alphabet()) <= set(tokenizer.get_vocab())


def words_of(text, rng):
    words = text.split()
    if rng.random() < 0.3:
        words.insert(rng.randrange(len(words) + 1), rng.choice(["", " ", "a b", " x", "\u00e9", "\n"]))
    return words


def questions(tokenizer, texts, with_words):
    """(line for the program, what transformers answers)"""
    rng = random.Random(5)
    if tokenizer.unk_token and tokenizer.cls_token:  # where the files name none, Filbert looks for the usual ones
        yield {}, {"all_special_ids": tokenizer.all_special_ids, "padding_side": tokenizer.padding_side, "roles": tokenizer.special_tokens_map}
    size = len(tokenizer)
    vocabulary = [token for token in tokenizer.get_vocab()]
    trimmed = {id for token, id in tokenizer.get_vocab().items() if token == "##"}  # "##\u2028" in the file: tokenizers takes white space off its end
    for text in texts:
        ids = tokenizer(text)["input_ids"]
        some = [id for id in (rng.randrange(size + 3) for _ in range(rng.randrange(1, 12))) if id not in trimmed]
        for row in (ids, some, rng.sample(ids, len(ids))):
            for skip in (False, True):
                yield {"ids": row, "skip_special_tokens": skip}, tokenizer.decode(row, skip_special_tokens=skip)
        tokens = tokenizer.convert_ids_to_tokens(ids)
        begin = rng.randrange(len(tokens))
        span = tokens[begin : begin + rng.randrange(1, 8)]
        for row in (span, [rng.choice(vocabulary) for _ in range(rng.randrange(6))], [text, *span]):
            yield {"tokens": row}, tokenizer.convert_tokens_to_string(row)
        words = words_of(text, rng)
        if not words or not with_words:
            continue
        for max_length in (None, rng.randrange(3, 20)):
            limit = {} if max_length is None else {"truncation": True, "max_length": max_length}
            encoding = tokenizer(words, is_split_into_words=True, return_offsets_mapping=True, **limit)
            line = {"words": words} if max_length is None else {"words": words, "max_length": max_length}
            yield line, {"ids": encoding["input_ids"], "offsets": [list(offset) for offset in encoding["offset_mapping"]],
                         "words": [-1 if word is None else word for word in encoding.word_ids()]}


def compare(program, name, directory, texts):
    """(comparisons, differences as texts), or nothing if transformers cannot load the checkpoint."""
    try:
        tokenizer = AutoTokenizer.from_pretrained(directory)
    except Exception as error:  # tokenizers has no other type for a file that it cannot read
        print(f"{name}: not compared, transformers {transformers.__version__} cannot load it: {str(error).splitlines()[0]}")
        return None
    asked = list(questions(tokenizer, texts, not is_made_anew(directory, tokenizer) and not lacks_bytes(tokenizer)))
    lines = "".join(json.dumps(line) + "\n" for line, _ in asked)
    run = subprocess.run([program, str(directory)], input=lines.encode(), capture_output=True)
    if run.returncode != 0:
        return len(asked), [f"{name}: exit {run.returncode}: {run.stderr.decode()}"]
    answers = [json.loads(line) for line in run.stdout.decode().split("\n") if line]
    assert len(answers) == len(asked), f"{name}: {len(answers)} answers to {len(asked)} questions"
    return len(asked), [f"{name}: {str(line)[:300]}\n  transformers: {str(expected)[:500]}\n  filbert:      {str(found)[:500]}"
                        for (line, expected), found in zip(asked, answers) if expected != found]


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    program = os.path.abspath(sys.argv[1])
    shared = pathlib.Path(sys.argv[2]).resolve() if len(sys.argv) == 3 else None
    texts = languages(shared)
    compared = passed = failed = 0
    with tempfile.TemporaryDirectory() as work:
        for name, directory in checkpoints(shared, pathlib.Path(work)):
            outcome = compare(program, name, directory, texts)
            if outcome is None:
                continue
            count, failures = outcome
            compared += count
            passed, failed = passed + (not failures), failed + bool(failures)
            for failure in failures[:SHOWN]:
                print(failure)
            if len(failures) > SHOWN:
                print(f"… and {len(failures) - SHOWN} more of these")
    print(f"transformers {transformers.__version__}: {len(texts)} texts, {compared:,} answers compared")
    print(f"{passed} checkpoints passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
