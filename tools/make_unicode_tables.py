#!/usr/bin/env python3
"""Measures what the `tokenizers` package does with every code point and writes src/tokenize/unicode_tables.inc.

Why measure: the package mixes old category tables (unicode_categories 0.1.1) with an NFD of its own and the
lower-casing of the Rust library it was built with, so no Unicode library of a distribution gives the same answers.

    pip install tokenizers && python3 tools/make_unicode_tables.py src/tokenize/unicode_tables.inc
"""

import sys
import unicodedata

import tokenizers
from tokenizers import AddedToken, Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import NFD, BertNormalizer, Lowercase
from tokenizers.pre_tokenizers import BertPreTokenizer

BLOCK = 128
CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
HANGUL = range(0xAC00, 0xAC00 + 11172)
FLAGS = ["removed", "space", "punctuation", "nonspacing_mark", "word", "decomposes", "lowers", "reorders"]


def measure_removed():
    clean = BertNormalizer(clean_text=True, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    return {c for c in CODE_POINTS if clean.normalize_str(chr(c)) == ""}


def measure_splits():
    """White space and punctuation, as BertPreTokenizer cuts "a?a"."""
    pre_tokenizer = BertPreTokenizer()
    space, punctuation = set(), set()
    for c in CODE_POINTS:
        words = [word for word, _ in pre_tokenizer.pre_tokenize_str("a" + chr(c) + "a")]
        if words == ["a", "a"]:
            space.add(c)
        elif words == ["a", chr(c), "a"]:
            punctuation.add(c)
        else:
            assert words == ["a" + chr(c) + "a"], (hex(c), words)
    return space, punctuation


def measure_nonspacing_marks(decompositions):
    """What strip_accents drops after NFD; only asked for code points that NFD leaves alone."""
    strip = BertNormalizer(clean_text=False, handle_chinese_chars=False, strip_accents=True, lowercase=False)
    return {c for c in CODE_POINTS if c not in decompositions and strip.normalize_str(chr(c)) == ""}


def measure_word_characters():
    r"""\w of the package's regexes: a `single_word` token is not found right after such a character."""
    tokenizer = Tokenizer(WordLevel({"?": 0}, unk_token="?"))
    tokenizer.add_tokens([AddedToken("[T]", single_word=True, normalized=False)])
    words = set()
    for begin in range(0, len(CODE_POINTS), 512):
        chunk = CODE_POINTS[begin : begin + 512]
        encoding = tokenizer.encode("".join(chr(c) + "[T]!" for c in chunk))
        found = {start // 5 for (start, end), id in zip(encoding.offsets, encoding.ids) if id == 1}
        words |= {c for index, c in enumerate(chunk) if index not in found}
    return words


def measure_decompositions():
    nfd = NFD()
    changed = {c: nfd.normalize_str(chr(c)) for c in CODE_POINTS}
    changed = {c: d for c, d in changed.items() if d != chr(c)}
    for c in HANGUL:  # the C++ side computes these
        index = c - 0xAC00
        jamo = [0x1100 + index // 588, 0x1161 + index % 588 // 28] + ([0x11A7 + index % 28] if index % 28 else [])
        assert changed.pop(c) == "".join(map(chr, jamo))
    return changed


def measure_lower():
    lower = Lowercase()
    lowered = {c: lower.normalize_str(chr(c)) for c in CODE_POINTS}
    return {c: d for c, d in lowered.items() if d != chr(c)}


def measure_combining_classes(decompositions):
    """Python's classes, kept where the package's NFD sorts by them: every code point is ordered against a character of
    every class (the classes of old characters never change)."""
    nfd = NFD()

    def swaps(first, second):
        return first != second and nfd.normalize_str("a" + first + second) == "a" + second + first

    def sorts(c):  # U+0334 is of class 1, U+0345 of 240: the lowest and the highest
        return swaps(c, "\u0334") or swaps("\u0345", c)

    representatives = {}
    for c in CODE_POINTS:
        if c not in decompositions and unicodedata.combining(chr(c)) and sorts(chr(c)):
            representatives.setdefault(unicodedata.combining(chr(c)), chr(c))

    classes = {}
    for c in CODE_POINTS:
        if c in decompositions or not sorts(chr(c)):
            continue  # a starter, or newer than the package, which then takes it for one
        same = [k for k, other in representatives.items() if not swaps(chr(c), other) and not swaps(other, chr(c))]
        assert same == [unicodedata.combining(chr(c))], (hex(c), same)
        classes[c] = same[0]
    return classes


def two_stage(values):
    """Blocks of BLOCK values without repeats, and the number of the block for each BLOCK code points."""
    blocks, numbers, stage1 = [], {}, []
    for begin in range(0, 0x110000, BLOCK):
        block = tuple(values.get(c, 0) for c in range(begin, begin + BLOCK))
        if block not in numbers:
            numbers[block] = len(blocks)
            blocks.append(block)
        stage1.append(numbers[block])
    while stage1 and stage1[-1] == stage1[-2]:
        stage1.pop()  # the last entry stands for all that follow
    return stage1, [value for block in blocks for value in block]


def array(type_name, name, values, what):
    lines, line = [], "  "
    for value in values:
        item = f"{value},"
        if len(line) + len(item) > 120:
            lines.append(line)
            line = "  "
        line += item
    lines.append(line)
    return f"// {what}\nconstexpr {type_name} {name}[{len(values)}] = {{\n" + "\n".join(lines) + "\n};\n"


def main():
    decompositions, lower = measure_decompositions(), measure_lower()
    space, punctuation = measure_splits()
    classes = measure_combining_classes(decompositions)
    members = {
        "removed": measure_removed(), "space": space, "punctuation": punctuation,
        "nonspacing_mark": measure_nonspacing_marks(decompositions), "word": measure_word_characters(),
        "decomposes": set(decompositions) | set(HANGUL), "lowers": set(lower), "reorders": set(classes),
    }
    flags = {c: sum(1 << bit for bit, flag in enumerate(FLAGS) if c in members[flag]) for c in CODE_POINTS}
    flag_stage1, flag_stage2 = two_stage(flags)

    # A mapping is the place of its first code point in a pool; 0 is none. A place is followed by a length of its own.
    pool, places = [0], {}

    def place(text):
        if text not in places:
            places[text] = len(pool)
            pool.extend([len(text)] + [ord(c) for c in text])
        return places[text]

    decompose_stage1, decompose_stage2 = two_stage({c: place(d) for c, d in sorted(decompositions.items())})
    lower_stage1, lower_stage2 = two_stage({c: place(d) for c, d in sorted(lower.items())})
    class_stage1, class_stage2 = two_stage(classes)

    with open(sys.argv[1], "w", encoding="ascii") as out:
        out.write("// Made by tools/make_unicode_tables.py: what tokenizers " + tokenizers.__version__ +
                  " does with every code point.\n// Do not edit.\n\n")
        for bit, flag in enumerate(FLAGS):
            out.write(f"// flag {1 << bit}: {flag}, {len(members[flag])} code points\n")
        out.write("\n")
        for kind, width, stage1, stage2 in (("Flag", "std::uint8_t", flag_stage1, flag_stage2),
                                            ("Class", "std::uint8_t", class_stage1, class_stage2),
                                            ("Decompose", "std::uint16_t", decompose_stage1, decompose_stage2),
                                            ("Lower", "std::uint16_t", lower_stage1, lower_stage2)):
            out.write(array("std::uint8_t", f"k{kind}Stage1", stage1,
                            "code point / 128 -> block; the last entry for all that follow"))
            out.write(array(width, f"k{kind}Stage2", stage2, "block * 128 + code point % 128"))
        assert len(pool) < 65536 and max(flag_stage1 + decompose_stage1 + lower_stage1 + class_stage1) < 256
        out.write(array("std::uint32_t", "kMappingPool", pool, "at a place: the length, then the code points"))
    for flag in FLAGS:
        print(flag, len(members[flag]))


if __name__ == "__main__":
    main()
