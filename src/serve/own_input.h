// What /v1/classify and /v1/tokenize take: texts in their forms, and options by the library's names.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "serve/plan.h"

namespace filbert::serve {

// "input": a text, a list of texts, pairs [text, text_pair] or {"text": …, "text_pair": …}. Throws Error(corrupt) that names what is wrong, and
// Problem(empty).
std::vector<ServedText> read_texts(const JsonValue& input);

// Whether "input" is a row of token ids or a list of such rows; and those rows. Throws Problem(invalid) for a row that the model cannot take.
bool is_rows(const JsonValue& input);
BatchEncoding read_rows(const JsonValue& input, const ServedModel& model, const ServeLimits& limits);

// true, false or a word of Truncation; false: a text that is too long is a problem.
void read_truncation(const JsonValue& value, ClassifyPlan& plan);

}  // namespace filbert::serve
