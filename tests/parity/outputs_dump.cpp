// Runs rows of ids from standard input through a model and writes what passes inside it as raw f32, for outputs_parity.py.
//
//   outputs_dump DIRECTORY sequence|token
//
// A row is int32: its number of tokens n, 1 if it has token_type_ids, input_ids [n], and token_type_ids [n] if so. All rows are one batch.
// Written are logits, the hidden_states, then of each layer queries, keys, values, contexts and the attentions of each row; before each tensor
// its number of floats, int64.
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include <filbert/error.h>
#include <filbert/model.h>

namespace {

using namespace filbert;

BatchEncoding read_rows(std::string_view bytes) {
  const auto next = [&](std::size_t count) {
    if (bytes.size() < count * sizeof(std::int32_t)) throw Error(ErrorKind::invalid_argument, "rows: cut short");
    std::vector<std::int32_t> numbers(count);
    std::memcpy(numbers.data(), bytes.data(), count * sizeof(std::int32_t));
    bytes.remove_prefix(count * sizeof(std::int32_t));
    return numbers;
  };
  BatchEncoding batch;
  while (!bytes.empty()) {
    const std::vector<std::int32_t> head = next(2);
    const auto tokens = static_cast<std::size_t>(head[0]);
    const std::vector<std::int32_t> input_ids = next(tokens), token_type_ids = next(head[1] != 0 ? tokens : 0);
    batch.add_row(input_ids, token_type_ids);
  }
  return batch;
}

void write(const Tensor& tensor) {
  const auto count = static_cast<std::int64_t>(tensor.data.size());
  std::fwrite(&count, sizeof count, 1, stdout);
  std::fwrite(tensor.data.data(), sizeof(float), tensor.data.size(), stdout);
}

template <typename Classifier>
void dump(const char* directory, const BatchEncoding& batch) {
  const auto classifier = Classifier::from_pretrained(directory);
  const auto output = classifier(batch, {.output_hidden_states = true, .output_attentions = true, .output_queries_keys_values = true,
                                         .output_contexts = true});
  const EncoderOutputs& inside = output.outputs;
  write(output.logits);
  for (const Tensor& states : inside.hidden_states) write(states);
  for (std::size_t layer = 0; layer < inside.attentions.size(); ++layer) {
    for (const auto* tensors : {&inside.queries, &inside.keys, &inside.values, &inside.contexts}) write((*tensors)[layer]);
    for (const Tensor& weights : inside.attentions[layer]) write(weights);
  }
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 3) return 2;
  const std::string bytes((std::istreambuf_iterator<char>(std::cin)), std::istreambuf_iterator<char>());
  const BatchEncoding batch = read_rows(bytes);
  if (std::string_view(argv[2]) == "sequence") {
    dump<AutoModelForSequenceClassification>(argv[1], batch);
  } else {
    dump<AutoModelForTokenClassification>(argv[1], batch);
  }
  return 0;
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return info(error.kind()).exit_code;
}
