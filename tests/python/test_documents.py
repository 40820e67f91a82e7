"""The examples of docs/python.md and of the README run, and print what they say."""

import doctest
import re

import pytest

from conftest import ROOT


@pytest.mark.parametrize("page", ["docs/python.md", "README.md"])
def test_examples_print_what_they_say(page):
    blocks = re.findall(r"```python\n(>>> .*?)```", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL)
    assert blocks
    test = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, page, page, 0)
    faults = []
    doctest.DocTestRunner(verbose=False).run(test, out=faults.append)
    assert not faults, "".join(faults)
