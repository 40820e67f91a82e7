// The weights: are they those that the config asks for, and are they numbers that a training can have left?
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <set>

#include <fmt/format.h>

#include "base/json.h"
#include "base/names.h"
#include "cli/verify_checks.h"
#include "infer/architecture.h"
#include "load/weights.h"

namespace filbert::cli {
namespace {

// What a look at every number of a tensor gives.
struct Numbers {
  std::size_t nans = 0, infinities = 0;
  bool all_zero = true;
};

// Of numbers of `Word`'s size whose exponent is all ones in `exponent` and whose magnitude is `magnitude`.
template <typename Word>
Numbers look_at(std::span<const std::byte> bytes, Word exponent, Word magnitude) {
  Numbers numbers;
  Word any = 0;
  for (std::size_t at = 0; at + sizeof(Word) <= bytes.size(); at += sizeof(Word)) {
    Word word = 0;
    std::memcpy(&word, bytes.data() + at, sizeof(Word));
    const Word size = static_cast<Word>(word & magnitude);
    any = static_cast<Word>(any | size);
    numbers.nans += size > exponent;
    numbers.infinities += size == exponent;
  }
  numbers.all_zero = any == 0;
  return numbers;
}

Numbers look_at(const TensorView& tensor) {
  switch (tensor.dtype) {
    case Dtype::f32: return look_at<std::uint32_t>(tensor.data, 0x7F800000, 0x7FFFFFFF);
    case Dtype::f16: return look_at<std::uint16_t>(tensor.data, 0x7C00, 0x7FFF);
    case Dtype::bf16: return look_at<std::uint16_t>(tensor.data, 0x7F80, 0x7FFF);
    default: return {.all_zero = std::ranges::all_of(tensor.data, [](std::byte byte) { return byte == std::byte{0}; })};
  }
}

// A tensor of zeros that a training cannot have left. Families without token types have zeros there.
bool may_not_be_zero(const TensorView& tensor) {
  const std::string_view name = tensor.name;
  return (name.ends_with(".weight") || name.ends_with(".gamma")) && name.find("token_type") == name.npos && tensor.num_elements() > 1;
}

constexpr std::size_t kNamed = 5;  // tensors of a complaint

const TensorView* find_tensor(const std::vector<MappedTensors>& files, std::string_view name) {
  for (const MappedTensors& file : files) {
    for (const TensorView& tensor : file.tensors) {
      if (tensor.name == name && (tensor.dtype == Dtype::f32 || tensor.dtype == Dtype::f16 || tensor.dtype == Dtype::bf16)) return &tensor;
    }
  }
  return nullptr;
}

std::vector<float> values_of(const TensorView& tensor) {
  std::vector<float> values(tensor.num_elements());
  convert_to_f32(tensor, 0, values);
  return values;
}

// What config.json says that new weights are drawn with, else the default of transformers.
double initializer_range(const Config& config) {
  const JsonDocument document(config.json, config.path.string());
  const auto field = document.root().find("initializer_range");
  return field ? field->as_double() : 0.02;
}

}  // namespace

void check_architecture(Subject& subject, CheckResult& result) {
  const Config& config = subject.need_config();
  const Architecture& architecture = architecture_of(config);
  activation_of(config);
  subject.architecture = &architecture;
  result.found = fmt::format("{} with {} runs here", config.model_type, config.hidden_act);
}

void check_tensors(Subject& subject, CheckResult& result) {
  if (subject.weight_files == 0) throw Skip{"there are no weights"};
  subject.mapped = map_weight_files(find_weight_files(subject.directory));
  std::size_t tensors = 0;
  for (const MappedTensors& file : subject.mapped) tensors += file.tensors.size();
  result.facts = {{"tensors", tensors}};
  if (subject.architecture == nullptr) throw Skip{"nothing says which tensors there should be"};
  const Weights weights =
      Weights::from_pretrained(subject.directory, subject.architecture->prefix, expected_tensors(*subject.config, task_of(*subject.config)));
  subject.has_all_tensors = true;
  result.found = fmt::format("{} tensors, those that the config asks for: {} parameters in {}", tensors, weights.num_parameters(), weights.dtypes());
  result.facts.push_back({"num_parameters", weights.num_parameters()});
  result.facts.push_back({"dtype", weights.dtypes()});
}

void check_numbers(Subject& subject, CheckResult& result) {
  std::size_t count = 0;
  std::vector<std::string> broken, zero;
  for (const MappedTensors& file : subject.need_tensors()) {
    for (const TensorView& tensor : file.tensors) {
      const Numbers numbers = look_at(tensor);
      count += tensor.num_elements();
      if (numbers.nans + numbers.infinities != 0) {
        broken.push_back(fmt::format("{} ({} NaN and {} infinite of {})", tensor.name, numbers.nans, numbers.infinities, tensor.num_elements()));
      }
      if (numbers.all_zero && may_not_be_zero(tensor)) zero.push_back(tensor.name);
      file.file.release(tensor.data);
    }
  }
  result.found = fmt::format("{} numbers, all finite", count);
  if (!broken.empty()) result.fail(ErrorKind::corrupt, fmt::format("expected finite numbers, found others in {}", first_of(broken, kNamed)));
  if (!zero.empty()) result.warn(fmt::format("nothing but zeros in {}: the file may have a hole", first_of(zero, kNamed)));
}

// A head that nobody trained has the bias it was made with, zeros, and weights of the deviation they were drawn with; a step of training
// moves every number of the bias. A head that was trained without a bias has zeros there too, but hardly that deviation: hence both.
void check_head(Subject& subject, CheckResult& result) {
  const auto& files = subject.need_tensors();
  const Config& config = subject.need_config();
  for (const char* head : {"classifier", "classifier.out_proj", "logits_proj"}) {
    const TensorView *weight = find_tensor(files, fmt::format("{}.weight", head)), *bias = find_tensor(files, fmt::format("{}.bias", head));
    if (weight == nullptr || bias == nullptr || weight->num_elements() == 0) continue;
    const std::vector<float> values = values_of(*weight), biases = values_of(*bias);
    const bool has_zero_bias = std::ranges::all_of(biases, [](float value) { return value == 0; });
    double sum = 0;
    for (const float value : values) sum += static_cast<double>(value) * value;
    const double deviation = std::sqrt(sum / static_cast<double>(values.size())), drawn = initializer_range(config);
    const double tolerance = 5 / std::sqrt(2 * static_cast<double>(values.size()));  // standard errors of a deviation
    result.found = fmt::format("{}: deviation {:.3f}, the bias is {}", head, deviation, has_zero_bias ? "zero" : "not zero");
    result.facts = {{"deviation", static_cast<float>(deviation)}};
    if (has_zero_bias && std::abs(deviation / drawn - 1) < tolerance) {
      result.warn(fmt::format("{}.bias is zero and {}.weight has a deviation of {:.4f}, as if just drawn with {}: the head may be untrained", head,
                              head, deviation, drawn));
    }
    return;
  }
  throw Skip{"there is no classification head"};
}

}  // namespace filbert::cli
