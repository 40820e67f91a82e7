// Figures of counted entities: precision, recall and F1 of types, and what is made of those of all types. Tested by entity_metrics_test.cpp.
#pragma once

#include <cstddef>
#include <span>

#include <filbert/evaluate_entities.h>

namespace filbert {

// Entities of a type: those that should be there, those predicted, and how many of them are right. Weighted, so that a sample of texts counts too.
struct SpanCounts {
  double gold = 0, predicted = 0, right = 0;
};

struct Ratios {
  double precision = 0, recall = 0, f1 = 0;
};

// In the order of operations of seqeval, so that figures are equal to the last bit.
Ratios ratios_of(const SpanCounts& counts, double zero_division = 0);
Ratios micro(std::span<const SpanCounts> types, double zero_division = 0);
Ratios macro(std::span<const SpanCounts> types, double zero_division = 0);     // NaN of none
Ratios weighted(std::span<const SpanCounts> types, double zero_division = 0);

}  // namespace filbert
