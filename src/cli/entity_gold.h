// filbert evaluate of a token classifier: the texts of a file with the entities that they should have. Words with labels, as CoNLL has them or in JSON
// objects, or texts with spans.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <filbert/evaluate_entities.h>
#include <filbert/tokenizer.h>

namespace filbert::cli {

struct EntityGoldOptions {
  std::filesystem::path file;
  std::optional<std::string> text_column;    // of CoNLL the number of a column, else the name of a field
  std::optional<std::string> label_column;   // of CoNLL absent: the last
  std::map<std::string, std::string> label_map;  // labels, or types; what becomes "O" is no entity
  std::vector<std::string> ignored;          // types that are left out
  std::optional<SpanRules> rules;            // absent: conlleval's, whatever the letters, or labels that are types themselves
  std::size_t max_texts = static_cast<std::size_t>(-1);
};

struct GoldText {
  std::size_t row = 0;                       // from 1
  std::vector<std::string> words;            // none of a text with spans
  std::vector<Offset> places;                // [words], in `text`; code points
  std::string text;                          // the words with a space between
  std::vector<EntitySpan> gold;              // code points
};

struct EntityGold {
  std::vector<GoldText> texts;
  bool has_words = false;
  std::size_t invalid_utf8 = 0;              // texts
  std::string rules;                         // "conlleval", "iob2", …; "io": labels are types themselves; empty: spans
  std::map<std::string, std::size_t> types;  // and how many entities are of each
  std::vector<std::pair<std::string, std::string>> names;  // what stands in the file, and what it was taken for, where they differ
};

// Whether a file of this name holds words with labels in columns.
bool is_conll(const std::filesystem::path& file);

// `id2label` is what numbers stand for. Throws Error(not_found), Error(invalid_argument) that names file and line.
EntityGold read_entities(const EntityGoldOptions& options, const std::map<int, std::string>& id2label);

}  // namespace filbert::cli
