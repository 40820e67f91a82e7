#!/usr/bin/env python3
"""Which script each letter is of, by Unicode's property Script, as the package fontTools has it. Writes src/evaluate/script_tables.inc.

    pip install fonttools tokenizers && python3 tools/make_script_tables.py src/evaluate/script_tables.inc
"""

import sys
import unicodedata

import fontTools
from fontTools.unicodedata import Scripts, script, script_name
from make_unicode_tables import CODE_POINTS, array, two_stage

SHARED = {"Zyyy", "Zinh", "Zzzz"}  # Common, Inherited, Unknown: of no script by itself


def main():
    of = {c: script(chr(c)) for c in CODE_POINTS if unicodedata.category(chr(c)).startswith("L")}
    codes = sorted(set(of.values()) - SHARED, key=script_name)
    numbers = {code: number for number, code in enumerate(codes, 1)}
    assert len(codes) < 256
    stage1, stage2 = two_stage({c: numbers[code] for c, code in of.items() if code in numbers})
    assert max(stage1) < 65536
    names = [script_name(code).replace("_", " ") for code in codes]
    with open(sys.argv[1], "w", encoding="ascii") as out:
        out.write(f"// Made by tools/make_script_tables.py with fontTools {fontTools.version} (its Scripts.txt) and the letters of Unicode "
                  f"{unicodedata.unidata_version}.\n// Do not edit.\n\n")
        out.write(f"// {sum(code in numbers for code in of.values())} letters of {len(codes)} scripts\n")
        out.write("constexpr std::string_view kScriptNames[] = {\n    \"\",\n" + "".join(f"    \"{name}\",\n" for name in names) + "};\n")
        kind = "std::uint8_t" if max(stage1) < 256 else "std::uint16_t"
        out.write(array(kind, "kScriptStage1", stage1, "code point / 128 -> block; the last entry for all that follow"))
        out.write(array("std::uint8_t", "kScriptStage2", stage2, "block * 128 + code point % 128: a place in kScriptNames; 0: no letter of one script"))
    print(len(codes), "scripts", Scripts.__doc__ or "")


if __name__ == "__main__":
    main()
