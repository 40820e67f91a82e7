// What filbert evaluate prints for people: tables of at most 80 columns.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <filbert/evaluate.h>

#include "cli/output.h"

namespace filbert::cli {

std::string text_lines(const EvaluationReport& report, const Output& out);

// "0.712", "-" for what is no number.
std::string number(double value, int decimals = 3);
// "[0.690, 0.730]", nothing without an interval.
std::string interval(const Measure& measure);
// The word at the left of a line, in so many columns.
std::string left(std::string_view word, std::size_t columns, const Output& out);

}  // namespace filbert::cli
