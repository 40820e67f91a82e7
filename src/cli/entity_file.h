// The texts of a file with what stands beside them: CoNLL's columns, or JSON objects.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "cli/entity_gold.h"

namespace filbert::cli {

struct LabelledText {
  std::size_t line = 0;                      // where it begins
  bool has_words = false;
  std::vector<std::string> words, labels;    // as many
  std::string text;                          // without words
  std::vector<EntitySpan> spans;             // of the text, code points
  bool invalid_utf8 = false;                 // it was replaced
};

// At most options.max_texts of the first.
std::vector<LabelledText> read_labelled_texts(const EntityGoldOptions& options, const std::map<int, std::string>& id2label);

}  // namespace filbert::cli
