// The end of stage 3: from scores, a row for each text or for each of its windows, to one answer a text. Tested by
// tests/pipeline_test.cpp and long_texts_test.cpp.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include <filbert/config.h>
#include <filbert/pipeline.h>
#include <filbert/tensor.h>

#include "base/json_writer.h"

namespace filbert {

// Throws Error(invalid_argument) for options that contradict each other or the model, whatever the text.
void check_options(const ClassifyOptions& options, const Config& config);
// Throws Error(invalid_argument) unless each row, which a caller may have filled by hand, has its facts.
void check_rows(const BatchEncoding& inputs);

FunctionToApply function_of(const ClassifyOptions& options, const Config& config);

// [rows, num_labels]: what the function makes of `logits`, calibrated first where a decision is in use: of the options, else `own`, the model's.
Tensor scores_of(const Tensor& logits, const ClassifyOptions& options, const Config& config, const Decision* own = nullptr);

// An answer for each text of `inputs`; `logits` and `scores`, which scores_of() made of them, are [batch_size, num_labels].
std::vector<Classification> answers(const BatchEncoding& inputs, const Tensor& logits, const Tensor& scores,
                                    const ClassifyOptions& options, const Config& config, const Decision* own = nullptr);

// The labels alone, in id order.
std::vector<std::string> labels_of(const std::map<int, std::string>& id2label);

// "scores": [{"label": …, "score": …}, …]
void write_scores(std::span<const LabelScore> scores, JsonWriter& json);

}  // namespace filbert
