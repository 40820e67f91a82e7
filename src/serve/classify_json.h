// What the dialects have in common on the way from a request to a plan, and from scores to an answer.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/json_writer.h"
#include "serve/plan.h"

namespace filbert::serve {

// Throws Problem(unsupported) for a model without a tokenizer, which texts need.
void check_tokenizer(const ServedModel& model);
// The model of that name, which has one.
std::shared_ptr<const ServedModel> model_for_texts(const ServeContext& context, std::string_view name);
// The model of that name, or the first that labels texts. Throws Problem(unsupported) for one that labels tokens.
std::shared_ptr<const ServedModel> classifier_at(const ServeContext& context, std::string_view name);

// Throws Problem(invalid) for options that this model refuses whatever the text.
void check_options(const ServedModel& model, const ClassifyOptions& options);

// Throws Problem(invalid) for a row that the model cannot take: longer than it reads, or with an id that is not in its vocabulary. `where` leads.
void check_row(const ServedModel& model, const ServeLimits& limits, std::span<const std::int32_t> input_ids, std::string_view where);

// Windows may be many more tokens than their texts: where they share most of theirs, or where a pair's other text stands in each. The most that a text
// of `cut` bytes can have in windows of `length` tokens, beside one of `whole` bytes in each: a text has at most a token a byte.
std::size_t most_window_tokens(std::size_t cut, std::size_t whole, std::size_t length, std::size_t stride);
// Throws Problem(too_large) for more of them than a request may have.
void check_window_tokens(std::size_t tokens);

// The answer, or the problem is thrown. A score that is no number is one.
const Classification& answer_of(const Outcome& outcome);

// Highest first; of equal ones the lower id first. At most `top_k`, where that is given.
std::vector<LabelScore> descending(std::vector<LabelScore> scores, std::optional<std::size_t> top_k = {});

// Characters of the texts, as code points.
std::size_t count_characters(const std::vector<ServedText>& texts);

// The JSON that `json` has, as an answer.
HttpResponse json_response(JsonWriter& json, int status = 200, HttpFields headers = {});

}  // namespace filbert::serve
