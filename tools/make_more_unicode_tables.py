#!/usr/bin/env python3
r"""Measures what the `tokenizers` package does with every code point beyond BERT's needs: the regexes of byte-level BPE,
digits, NFKD and NFC, and which characters attach to the one before (for sentencepiece's Precompiled normalizer). Writes
src/tokenize/more_unicode_tables.inc.

    pip install tokenizers regex && python3 tools/make_more_unicode_tables.py src/tokenize/more_unicode_tables.inc
"""

import struct
import sys
import unicodedata

import regex  # only for properties that nothing in tokenizers shows: controls, prepended characters and pictographs
import tokenizers
from make_unicode_tables import CODE_POINTS, HANGUL, array, two_stage
from tokenizers.normalizers import NFC, NFD, NFKD, Precompiled, StripAccents
from tokenizers.pre_tokenizers import ByteLevel, Digits

FLAGS = ["letter", "number", "mark", "digit", "attaches", "grapheme_control", "prepends", "pictographic"]


def measure_regex_classes():
    r"""\p{L} and \p{N} of ByteLevel: what joins "a" and what joins "1" as one word."""
    byte_level = ByteLevel(add_prefix_space=False, use_regex=True)

    def joins(before, c):
        return len(byte_level.pre_tokenize_str(before + c)) == 1

    letters, numbers = set(), set()
    for c in CODE_POINTS:
        if joins("a", chr(c)):
            letters.add(c)
        elif joins("1", chr(c)):
            numbers.add(c)
        else:  # \s is White_Space, which the other tables have
            assert joins("!", chr(c)) != chr(c).isspace() or 0x1C <= c <= 0x1F, hex(c)
    return letters, numbers


def measure_marks():
    """What the normalizer StripAccents drops: marks of every kind, where BertNormalizer drops nonspacing ones."""
    strip = StripAccents()
    return {c for c in CODE_POINTS if strip.normalize_str(chr(c)) == ""}


def measure_digits():
    digits = Digits(individual_digits=False)
    return {c for c in CODE_POINTS if len(digits.pre_tokenize_str("1" + chr(c))) == 1}


def measure_attaching():
    """A character map that knows "a" alone replaces the whole grapheme that begins with it, if that is short."""
    trie = [0] * 512
    trie[0], trie[256 ^ 0x61], trie[256 ^ 0x61 ^ 1] = 256 << 10, 0x61 | 1 << 8 | 1 << 10, 1 << 31
    precompiled = Precompiled(struct.pack("<I", 2048) + struct.pack("<512I", *trie) + b"X\0")
    assert precompiled.normalize_str("abca") == "XbcX"
    return {c for c in CODE_POINTS if precompiled.normalize_str("a" + chr(c)) == "X"}


def matching(pattern):
    compiled = regex.compile(pattern)
    return {c for c in CODE_POINTS if compiled.match(chr(c))}


def measure_nfkd():
    nfkd, nfd = NFKD(), NFD()
    changed = {c: nfkd.normalize_str(chr(c)) for c in CODE_POINTS if c not in HANGUL}
    return {c: d for c, d in changed.items() if d != nfd.normalize_str(chr(c))}


def measure_compositions():
    """Pairs that NFC puts together, Hangul left out: the C++ side computes these."""
    nfc = NFC()
    pairs = []
    for c in CODE_POINTS:
        parts = unicodedata.decomposition(chr(c)).split()
        if len(parts) == 2 and not parts[0].startswith("<") and c not in HANGUL:
            pair = "".join(chr(int(part, 16)) for part in parts)
            if nfc.normalize_str(pair) == chr(c):
                pairs.append((ord(pair[0]), ord(pair[1]), c))
    return sorted(pairs)


def main():
    letters, numbers = measure_regex_classes()
    members = {"letter": letters, "number": numbers, "mark": measure_marks(), "digit": measure_digits(),
               "attaches": measure_attaching(), "grapheme_control": matching(r"[\p{GCB=Control}\p{GCB=CR}\p{GCB=LF}]"),
               "prepends": matching(r"\p{GCB=Prepend}"), "pictographic": matching(r"\p{Extended_Pictographic}")}
    stage1, stage2 = two_stage({c: sum(1 << bit for bit, flag in enumerate(FLAGS) if c in members[flag])
                                for c in CODE_POINTS})
    pool, places = [0], {}

    def place(text):
        if text not in places:
            places[text] = len(pool)
            pool.extend([len(text)] + [ord(c) for c in text])
        return places[text]

    nfkd_stage1, nfkd_stage2 = two_stage({c: place(d) for c, d in sorted(measure_nfkd().items())})
    pairs = measure_compositions()
    assert len(pool) < 65536 and max(stage1 + nfkd_stage1) < 256
    with open(sys.argv[1], "w", encoding="ascii") as out:
        out.write("// Made by tools/make_more_unicode_tables.py: what tokenizers " + tokenizers.__version__ +
                  " does with every code point.\n// Do not edit.\n\n")
        for bit, flag in enumerate(FLAGS):
            out.write(f"// flag {1 << bit}: {flag}, {len(members[flag])} code points\n")
        out.write("\n")
        numbers_of = "code point / 128 -> block; the last entry for all that follow"
        out.write(array("std::uint8_t", "kMoreStage1", stage1, numbers_of))
        out.write(array("std::uint8_t", "kMoreStage2", stage2, "block * 128 + code point % 128"))
        out.write(array("std::uint8_t", "kCompatibleStage1", nfkd_stage1, numbers_of))
        out.write(array("std::uint16_t", "kCompatibleStage2", nfkd_stage2, "block * 128 + code point % 128"))
        out.write(array("std::uint32_t", "kCompatiblePool", pool, "at a place: the length, then the code points"))
        out.write(array("std::uint32_t", "kCompositions", [c for pair in pairs for c in pair],
                        "[pairs, 3]: first, second, what NFC makes of them; ascending"))
    for flag in FLAGS:
        print(flag, len(members[flag]))
    print("compatible", len(places), "pairs", len(pairs), "longest", max(len(t) for t in places))


if __name__ == "__main__":
    main()
