// A report of many texts made by hand, for tests of its page.
#pragma once

#include <filbert/explain_corpus.h>

namespace filbert::reference {

// Three labels with words for and against them, words of either way, two that give a label away, what is right and wrong, a pair and a text from
// right to left among those that are shown, and every notice there is.
CorpusReport sample_corpus();

}  // namespace filbert::reference
