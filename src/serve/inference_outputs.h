// The outputs of the Open Inference Protocol: which a model has, which a request wants, and what is in them. Tested by open_inference_test.cpp and
// entities_api_test.cpp.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/json_writer.h"
#include "serve/plan.h"
#include "serve/tensors.h"

namespace filbert::serve {

// An output that was asked for.
struct WantedOutput {
  std::string name;
  bool binary = false;
  std::size_t classification = 0;  // how many "value:index:label"; 0: the tensor itself
};

// Those of a request, or the model's usual ones: for `of_rows`, which the client tokenized, what needs no text. They throw as the members of JsonValue do,
// and Problem(unsupported).
std::vector<WantedOutput> read_outputs(const JsonValue& root, const ServedModel& model, bool of_rows);

// `row_length` is that of rows that the client tokenized: as many tokens the logits of a model that labels tokens are padded to with zeros; 0: to
// the longest of the texts.
OutputTensor output(const WantedOutput& wanted, const ClassifyResult& result, const ClassifyPlan& plan, std::size_t row_length);

// The element of "inputs" or "outputs" in a model's metadata.
void write_metadata(std::string_view name, std::string_view datatype, std::initializer_list<int> shape, JsonWriter& json);
void write_output_metadata(const ServedModel& model, JsonWriter& json);

}  // namespace filbert::serve
