// Reports made by hand, for tests of the page: a game small enough to have its exact values gives numbers that fit each other, without a model.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <filbert/explain.h>
#include <filbert/explain_entity.h>

namespace filbert::reference {

// "I really love this book, but the ending is a bit slow." for "5 stars", every method, four other labels.
ExplainReport sample_report();
// The same with intervals instead of exact values, cut off and stopped: every notice there is.
ExplainReport notices_report();
// Two texts, the second right to left; a contrast of two labels.
ExplainReport pair_report();
// A regression's value.
ExplainReport regression_report();
// Three labels at once, predicted from a threshold on.
ExplainReport several_report();
// So many words, with three methods.
ExplainReport long_report(std::size_t units = 512);
// Nothing in it.
ExplainReport empty_report();
// "New York" in a text that was cut into windows, by occlusion and integrated gradients.
EntityExplanation entity_report();
// The same with a text and a type that have tried to be more than text.
EntityExplanation hostile_entity(std::string_view text, std::string_view label);
// Any text under any label; words are runs between spaces.
ExplainReport hostile_report(std::string_view text, std::string_view label);

// A text and a label that have tried to be more than text.
struct Hostile {
  std::string text, label;
};
std::vector<Hostile> hostile_texts();  // 400

}  // namespace filbert::reference
