#!/usr/bin/env python3
"""Reads the JUnit files of a test run and closes it: why tests were skipped, which failed, and how many of each.

Usage: summarize_tests.py DIRECTORY. A file NAME.died stands for a suite, or a share of one, that ended without a result: one failure.
"""

import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree


def skip_reason(case):
    """pytest keeps the reason in the element, gtest behind the place; ctest only what the test printed."""
    message = case.find("skipped").get("message", "")
    if by_gtest(case):
        message = message.partition("\n")[2].strip()
    printed = case.findtext("system-out") or ""
    found = re.search(r"Skipped\n(.+?)\n", printed)
    return found.group(1).strip() if found else message or "no reason given"


def by_gtest(case):
    return case.get("result") is not None


def name_of(case):
    """The whole name; gtest keeps the suite's apart."""
    return f"{case.get('classname')}.{case.get('name')}" if by_gtest(case) else case.get("name")


def main(directory):
    passed, failed, skipped = 0, [], {}
    for path in sorted(directory.glob("*.xml")):
        for case in ElementTree.parse(path).iter("testcase"):
            if case.find("skipped") is not None:
                skipped.setdefault(skip_reason(case), []).append(name_of(case))
            elif case.find("failure") is not None or case.find("error") is not None:
                failed.append(f"{path.stem}: {name_of(case)}")
            else:
                passed += 1
    failed += [f"{path.stem}: ended without a result" for path in sorted(directory.glob("*.died"))]

    for reason, names in sorted(skipped.items()):
        print(f"skipped {len(names)}: {reason} ({', '.join(sorted(set(names))[:3])}{', …' if len(set(names)) > 3 else ''})")
    for name in failed:
        print(f"failed: {name}")
    print(f"{passed} passed, {len(failed)} failed, {sum(map(len, skipped.values()))} skipped")
    return 1 if failed or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
