#!/usr/bin/env python3
"""Small tokenizer.json files of every kind, and what the `tokenizers` package makes of some texts with them.

    pip install tokenizers && python3 tools/make_tokenizer_goldens.py

writes tests/data/tokenizers.goldens.jsonl (a line is a kind) and the seeds of tests/fuzz/corpus/tokenizer_json.
"""

import json
import pathlib
import struct

import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import BPE, Unigram, WordPiece

ROOT = pathlib.Path(__file__).resolve().parent.parent
WINDOWS = [  # text, text_pair, what of the two is cut, max_length, stride, side
    ("low lower newest hello world low", None, "longest_first", 6, 2, "right"), ("low lower newest hello world low", None, "longest_first", 7, 1, "left"),
    (" caf\u00e9 \U0001f600 low", "hello", "only_first", 16, 3, "right"), ("low", "hello caf\u00e9 world 3.14", "only_second", 14, 0, "right"),
    ("lo", "hello world hello world hello world", "longest_first", 16, 5, "right"), ("low", None, "longest_first", 64, 8, "right")]
TEXTS = ["", " ", "hello world", " Hello  World ", "don't we'll 3.14 a1b22", "caf\u00e9 cafe\u0301 \u0301x",
         "\ufb01ne \u2460 \u1e9b\u0323 \uac01\u1100\u1161\u11a8", "a<mask> b <mask>", "\n\n a\t\tb \r\n", "\u4e2d\u6587 \U0001f600 \u2581a",
         "low lower newest widest", "\u0130I \u00df \u039f\u03a3", "x" * 60 + " low" * 20, "``quoted'' \u00a0end\u3000"]

# Texts split into words, some of them no words at all.
WORDS = [["hello", "world"], [" low", "lower ", "", "\u00e9x"], ["New York", "don't", "<mask>", "a<mask> b"], [], [""], ["\u0301", "\n", "\U0001f600 3.14"]]
# What decoders of any kind are asked to put together.
TOKENS = [[], ["low", "##er", "##", "."], ["##er", "low"], ["\u2581low", "\u2581", "er\u2581x\u2581"], ["\u0120low", "\u00c3\u00a9", "\u00c3", "\u00e9\u4e2d"],
          ["don", "'", "t", "do n't", "do not", " .", "a ' b", "is n't , ok ?"], ["lo</w>", "w</w>", "e</w>"],
          ["<0xE2>", "<0x82>", "<0xAC>", "a", "<0xE2>", "<0x82>", "<0x+7>", "<0xG0>", "<0x\u00e9>"], [" ", "  a"]]


def byte_level_bpe(**options):
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = [("l", "o"), ("lo", "w"), ("e", "r"), ("\u0120", "lo"), ("\u0120lo", "w"), ("h", "e"), ("l", "l"), ("he", "ll"),
              ("hell", "o"), ("x", "x"), ("xx", "xx"), ("\u0120", "w"), ("e", "s"), ("es", "t")]
    vocab = {token: index for index, token in enumerate(["<s>", "</s>"] + alphabet)}
    for left, right in merges:
        vocab.setdefault(left + right, len(vocab))
    return Tokenizer(BPE(vocab, merges, **options))


def unigram(**options):
    pieces = [("<s>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("\u2581", -2.0), ("\u2581low", -3.0), ("er", -3.5), ("\u2581hello", -5.0),
              ("wor", -4.5), ("ld", -4.0), ("e", -4.25), ("o", -4.5), ("l", -4.5), ("w", -5.0), ("\u2581w", -4.0), ("est", -4.0), ("n", -6.0),
              ("\u4e2d", -9.0), ("caf", -7.0), ("\u00e9", -8.0), ("xx", -7.0), ("x", -8.0), ("a", -5.5), ("fi", -6.0)]
    if options.get("byte_fallback"):
        pieces += [(f"<0x{byte:02X}>", -20.0) for byte in range(256)]
    return Tokenizer(Unigram(pieces, unk_id=2, **options))


def charsmap():
    """A map that knows "\u00e9" and "\uff41" alone: a double array by hand is for one-byte keys, so "A" and "Q"."""
    trie = [0] * 512
    trie[0] = 256 << 10
    for key, place, leaf in (("A", 0, 2), ("Q", 2, 4)):
        node = 256 ^ ord(key)
        trie[node] = ord(key) | 1 << 8 | leaf << 10
        trie[node ^ leaf] = place | 1 << 31
    return struct.pack("<I", 2048) + struct.pack("<512I", *trie) + b"a\0qu\0"


def windows(tokenizer):
    """What the package cuts a text into; where both of a pair are too long it combines their windows, and is not asked."""
    for text, pair, truncation, max_length, stride, side in WINDOWS:
        tokenizer.enable_truncation(max_length, stride=stride, strategy=truncation, direction=side)
        first = tokenizer.encode(text, pair)
        rows = [{"ids": row.ids, "type_ids": row.type_ids, "offsets": row.offsets, "words": [-1 if word is None else word for word in row.word_ids]}
                for row in [first, *first.overflowing]]
        yield {"text": text, "text_pair": pair, "truncation": truncation, "max_length": max_length, "stride": stride, "side": side, "rows": rows}
    tokenizer.no_truncation()


def kinds():
    bert = Tokenizer(WordPiece({token: index for index, token in enumerate(
        ["[UNK]", "[CLS]", "[SEP]", "low", "##er", "new", "##est", "hello", "world", "cafe", "3", ".", "14"])}, unk_token="[UNK]"))
    bert.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 1), ("[SEP]", 2)])
    bert.add_special_tokens(["[SEP]"])
    bert.add_tokens([AddedToken("Newer", normalized=True)])
    yield "BERT", with_parts(bert, normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer(), decoders.WordPiece())
    byte_level = pre_tokenizers.ByteLevel
    roberta = byte_level_bpe()
    roberta.pre_tokenizer = byte_level(add_prefix_space=False)
    roberta.decoder = decoders.ByteLevel()
    roberta.post_processor = processors.RobertaProcessing(("</s>", 1), ("<s>", 0), True, False)
    roberta.add_special_tokens([AddedToken("<mask>", lstrip=True, normalized=True)])
    yield "byte-level BPE", roberta
    prefixed = byte_level_bpe(ignore_merges=True)
    prefixed.pre_tokenizer = byte_level(add_prefix_space=True)
    prefixed.decoder = decoders.Sequence([decoders.ByteLevel(), decoders.Strip(" ", 2, 0)])
    prefixed.post_processor = processors.RobertaProcessing(("</s>", 1), ("<s>", 0), True, True)
    prefixed.add_special_tokens([AddedToken("<mask>", lstrip=True)])
    yield "byte-level BPE with a prefix space", prefixed
    modern = byte_level_bpe()
    modern.normalizer = normalizers.NFC()
    modern.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(True), byte_level(add_prefix_space=False)])
    modern.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=True), processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> $B:1 </s>:1", special_tokens=[("<s>", 0), ("</s>", 1)])])
    yield "NFC, digits and byte-level BPE", modern
    chars = {c: i for i, c in enumerate(["<unk>", "l", "o", "w", "e", "r", "##o", "##w", "lo", "low", "##w</w>", "##o</w>", "h", "##e", "##l"])}
    yield "BPE with prefix and unknown", with_parts(
        Tokenizer(BPE(chars, [("l", "##o"), ("lo", "##w")], unk_token="<unk>", fuse_unk=True, continuing_subword_prefix="##",
                      end_of_word_suffix="</w>")),
        normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()]), pre_tokenizers.Whitespace(), decoders.BPEDecoder())
    for name, prepend in (("always", "always"), ("first", "first"), ("never", "never")):
        yield f"Unigram, Metaspace {name}", with_parts(
            unigram(), normalizers.Sequence([normalizers.Strip(), normalizers.Replace(Regex(" {2,}"), " "), normalizers.NFKD()]),
            pre_tokenizers.Metaspace(prepend_scheme=prepend), decoders.Metaspace(prepend_scheme=prepend))
    yield "Unigram with bytes", with_parts(
        unigram(byte_fallback=True), normalizers.Sequence([normalizers.Nmt(), normalizers.Prepend("\u2581"), normalizers.Precompiled(charsmap())]),
        pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]),
        decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]))
    yield "Unigram without accents", with_parts(
        unigram(), normalizers.Sequence([normalizers.Replace("``", '"'), normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase()]),
        pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(split=False)]),
        decoders.Sequence([decoders.Metaspace(), decoders.Fuse(), decoders.Replace(Regex(r"[aeo]l|(?=w)|\s{2,}"), "\u00b7")]))
    for behavior in ("removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous"):
        yield f"Split {behavior}", with_parts(
            unigram(), normalizers.BertNormalizer(), pre_tokenizers.Sequence(
                [pre_tokenizers.Split("l", behavior), pre_tokenizers.Split("o", behavior, invert=behavior == "isolated"),
                 pre_tokenizers.Punctuation(behavior), pre_tokenizers.Digits()]))
    for behavior in ["removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous"]:
        yield f"Split by regex {behavior}", with_parts(
            unigram(), normalizers.Replace(Regex(r"\p{N}{2,}|(?<=l)l"), "o"),
            pre_tokenizers.Split(Regex(r"(?=[A-Z])|[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"), behavior, invert=behavior == "contiguous"))
    yield "Split at white space", with_parts(unigram(), None, pre_tokenizers.Split(Regex(r"\s+"), "merged_with_next"))
    deberta = with_parts(unigram(), normalizers.Sequence([normalizers.Replace(Regex(r"\s{2,}|[\n\r\t]"), " "), normalizers.NFC(),
                                                          normalizers.Strip(left=False, right=True)]), pre_tokenizers.Metaspace())
    deberta.add_tokens(["newest", AddedToken("<mask>", lstrip=True, rstrip=True, normalized=False)])
    yield "DeBERTa", deberta
    yield "WordPiece behind other sections", with_parts(
        Tokenizer(WordPiece({"[UNK]": 0, "low": 1, "##er": 2, "a": 3, "h": 4, "##e": 5, "##l": 6, "##o": 7}, unk_token="[UNK]")),
        normalizers.Lowercase(), pre_tokenizers.BertPreTokenizer(), decoders.WordPiece("##", cleanup=False))


def with_parts(tokenizer, normalizer, pre_tokenizer, decoder=None):
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizer
    if decoder is not None:
        tokenizer.decoder = decoder
    return tokenizer


def row_of(encoding):
    return {"ids": encoding.ids, "offsets": encoding.offsets, "words": [-1 if word is None else word for word in encoding.word_ids]}


def main():
    corpus = ROOT / "tests" / "fuzz" / "corpus" / "tokenizer_json"
    with open(ROOT / "tests" / "data" / "tokenizers.goldens.jsonl", "w", encoding="ascii") as out:
        out.write(json.dumps({"made_by": f"tools/make_tokenizer_goldens.py, tokenizers {tokenizers.__version__}"}) + "\n")
        for name, tokenizer in kinds():
            text = json.dumps(json.loads(tokenizer.to_str()), separators=(",", ":"))
            rows = []
            for sample in TEXTS:
                encoding = tokenizer.encode(sample)
                rows.append({"text": sample, **row_of(encoding), "decoded": tokenizer.decode(encoding.ids, skip_special_tokens=False),
                             "decoded_without_special": tokenizer.decode(encoding.ids)})
            split = [{"text": words, **row_of(tokenizer.encode(words, is_pretokenized=True))} for words in WORDS]
            strings = [{"tokens": tokens, "string": tokenizer.decoder.decode(tokens) if tokenizer.decoder else " ".join(tokens)} for tokens in TOKENS]
            out.write(json.dumps({"kind": name, "tokenizer_json": text, "rows": rows, "windows": list(windows(tokenizer)), "split_into_words": split,
                                  "strings": strings}, separators=(",", ":")) + "\n")
            if len(text) < 6000:  # longer inputs are cut by tools/fuzz
                seed = name.lower().replace(" ", "_").replace(",", "")
                (corpus / seed).write_bytes(text.encode() + b"\0\0\0" + " Low caf\u00e9 3<mask> x".encode())


if __name__ == "__main__":
    main()
