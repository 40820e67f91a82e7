// filbert evaluate, first pass over the file: what each text should have, so that a wrong label is told before hours of computing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <filbert/decision.h>
#include <filbert/evaluate.h>

#include "cli/table_input.h"
#include "evaluate/gold_labels.h"

namespace filbert::cli {

struct GoldOptions {
  TableOptions table;
  std::map<std::string, std::string> label_map;
  bool skip_unknown = false;               // rows without a known label are left out; else they are an error
  std::string label_separator = ",";       // of several labels in one field
  std::vector<std::string> by;             // columns to slice by
  std::size_t max_texts = static_cast<std::size_t>(-1);
};

// A column to slice by: its values in the order in which they occur first, and which of them each text has.
struct SliceColumn {
  std::string by;
  std::vector<std::string> values;
  std::vector<std::uint32_t> slice_of;     // [kept texts]
};

struct GoldRows {
  std::vector<bool> is_kept;               // [rows]
  std::vector<SliceColumn> columns;        // [by]
};

// Fills the gold of `texts`, whose kind and labels are set, and what `report` counts. Where `decision` is in use, the labels are those of its answers,
// and the model's own name them as well. Throws Error(invalid_argument): labels that the model does not
// have, with how often and the nearest; a file without a text that has one.
GoldRows read_gold(const GoldOptions& options, const Decision* decision, ScoredTexts& texts, EvaluationReport& report);

}  // namespace filbert::cli
