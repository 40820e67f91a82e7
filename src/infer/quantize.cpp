#include "infer/quantize.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <random>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <filbert/error.h>
#include <filbert/tokenizer.h>

#include "base/file.h"
#include "infer/architecture.h"
#include "infer/input_ranges.h"
#include "infer/read_f32.h"
#include "load/new_checkpoint.h"
#include "load/quant_method.h"

namespace filbert {
namespace {

// The weight of a linear layer [out, in], row by row, in whatever form the file holds it.
struct LinearRows {
  std::optional<FloatLinear> own;      // in a form of the family's own
  const TensorView* weight = nullptr;  // else
  std::size_t out = 0, in = 0;

  void read(const KernelTable& kernels, std::size_t output, std::span<float> row) const {
    if (own) {
      std::copy_n(own->weight.data() + output * in, in, row.data());
    } else {
      read_f32(kernels, *weight, output * in, row);
    }
  }
};

LinearRows rows_of(const KernelTable& kernels, const Weights& weights, const Config& config, const std::string& name) {
  LinearRows rows;
  if (const auto read = architecture_of(config).read_linear) rows.own = read(kernels, weights, config, name);
  if (!rows.own) rows.weight = &weights.at(name + ".weight");
  rows.out = rows.own ? rows.own->bias.size() : rows.weight->shape[0];
  rows.in = rows.own ? rows.own->weight.size() / rows.out : rows.weight->shape[1];
  return rows;
}

constexpr float kLeast = 1e-5f;  // of a spread: a channel that is never used, or of weight zero

// How numbers lie on 8 bits: 127 stands for the greatest.
struct Steps {
  float scale, inverse;
  std::int8_t rounded(float number) const { return static_cast<std::int8_t>(std::clamp(std::lrint(number * inverse), -127L, 127L)); }
};
Steps steps_of(std::span<const float> numbers) {
  float greatest = 0;
  for (const float number : numbers) greatest = std::max(greatest, std::abs(number));
  return {greatest / 127.0f, greatest > 0 ? 127.0f / greatest : 0.0f};
}

// The greatest weight of each input, over all outputs of these layers.
std::vector<float> greatest_weights(const KernelTable& kernels, const Weights& weights, const Config& config, const LinearGroup& group, std::size_t in) {
  std::vector<float> greatest(in), row(in);
  for (const std::string& linear : group.linears) {
    const LinearRows rows = rows_of(kernels, weights, config, linear);
    for (std::size_t output = 0; output < rows.out; ++output) {
      rows.read(kernels, output, row);
      for (std::size_t k = 0; k < in; ++k) greatest[k] = std::max(greatest[k], std::abs(row[k]));
    }
  }
  return greatest;
}

InputRange range_of_norm(const KernelTable& kernels, const Weights& weights, const std::string& norm) {
  std::vector<float> spread = read_f32(kernels, weights.at(norm + ".weight"));
  const TensorView* bias = weights.find(norm + ".bias");
  for (float& weight : spread) weight = std::abs(weight);
  return {.rows = 0, .mean = bias != nullptr ? read_f32(kernels, *bias) : std::vector<float>(spread.size()), .deviation = std::move(spread)};
}

// Null where nothing was measured. The last layer may have the query of few tokens and the keys of all.
const InputRange* range_of(const InputRanges& ranges, const LinearGroup& group) {
  const InputRange* most = nullptr;
  for (const std::string& linear : group.linears) {
    const auto range = ranges.find(linear);
    if (range != ranges.end() && (most == nullptr || range->second.rows > most->rows)) most = &range->second;
  }
  return most;
}

// A quantized checkpoint in the making: the tensors, and the numbers that are not in the file they come from.
class Writer {
 public:
  Writer(const KernelTable& kernels, const Weights& weights, const Config& config, const InputRanges& ranges)
      : kernels_(kernels), weights_(weights), config_(config) {
    std::set<std::string> done;  // what another tensor brings along
    for (std::size_t layer = 0; layer < num_stored_layers(config); ++layer) {
      for (const LinearGroup& group : architecture_of(config).linear_groups(config, layer)) {
        const Smoothing smoothing = smoothing_of(kernels, weights, config, group, range_of(ranges, group));
        for (const std::string& linear : group.linears) {
          add_linear(linear, smoothing);
          done.insert({linear, linear + ".weight", linear + ".bias"});
        }
        add(group.name + ".input_center", "F32", {smoothing.center.size()}, smoothing.center);
        add(group.name + ".input_factor", "F32", {smoothing.factor.size()}, smoothing.factor);
      }
    }
    add_word_embeddings();
    done.insert("embeddings.word_embeddings.weight");
    for (const ExpectedTensor& tensor : expected_tensors(config, task_of(config))) {
      const TensorView* view = done.contains(tensor.name) ? nullptr : weights.find(tensor.name);
      if (view != nullptr) tensors_.push_back({view->name, view->dtype_name, view->shape, view->data});
    }
    for (const KeptTensor& kept : kept_tensors(config)) {
      const TensorView& view = weights.at(kept.of);
      tensors_.push_back({file_name(config, kept.name), view.dtype_name, view.shape, view.data});
    }
  }

  void write(const std::filesystem::path& path) const { write_safetensors(path, tensors_, {{"format", "pt"}}); }

 private:
  template <typename T>
  void add(const std::string& name, const char* dtype_name, std::vector<std::size_t> shape, const std::vector<T>& numbers) {
    const auto bytes = std::as_bytes(std::span(numbers));
    made_.emplace_back(bytes.begin(), bytes.end());
    tensors_.push_back({file_name(config_, name), dtype_name, std::move(shape), made_.back()});
  }

  void add_linear(const std::string& name, const Smoothing& smoothing) {
    const LinearRows rows = rows_of(kernels_, weights_, config_, name);
    const TensorView* stored_bias = weights_.find(name + ".bias");
    const std::size_t in = rows.in, out = rows.out;
    std::vector<float> row(in), scales(out), bias = rows.own ? rows.own->bias : stored_bias != nullptr ? read_f32(kernels_, *stored_bias) : std::vector<float>(out);
    std::vector<std::int8_t> int8(out * in);
    for (std::size_t output = 0; output < out; ++output) {
      rows.read(kernels_, output, row);
      const QuantizedOutput quantized = quantize(row, bias[output], smoothing, int8.data() + output * in);
      scales[output] = quantized.scale;
      bias[output] = quantized.bias;
    }
    add(name + ".weight", "I8", rows.own ? std::vector{out, in} : rows.weight->shape, int8);
    add(name + ".weight_scale", "F32", {out}, scales);
    add(name + ".bias", "F32", stored_bias != nullptr ? stored_bias->shape : std::vector{out}, bias);
  }

  void add_word_embeddings() {
    const std::string name = "embeddings.word_embeddings.weight";
    const TensorView& weight = weights_.at(name);
    const std::size_t words = weight.shape[0], width = weight.shape[1];
    std::vector<float> row(width), scales(words);
    std::vector<std::int8_t> int8(words * width);
    for (std::size_t word = 0; word < words; ++word) {
      read_f32(kernels_, weight, word * width, row);
      scales[word] = round_to_int8(row, int8.data() + word * width);
    }
    add(name, "I8", weight.shape, int8);
    add(name + "_scale", "F32", {words}, scales);
  }

  const KernelTable& kernels_;
  const Weights& weights_;
  const Config& config_;
  std::vector<TensorToWrite> tensors_;
  std::vector<std::vector<std::byte>> made_;
};

// Words drawn at random: whatever a norm gives lies much as it does in texts (docs/notes/003-dtypes.md), and nobody has to bring some.
// `around` is an empty text, what a tokenizer puts around each; its first token stands before the words if it is cls_token.
BatchEncoding rows_of_no_meaning(const Config& config, const BatchEncoding& around, bool begins_with_cls, std::size_t tokens) {
  const std::size_t special = around.input_ids.size(), most = config.max_tokens.value_or(32), front = begins_with_cls ? 1 : 0;
  const std::size_t words = std::min(std::size_t{32}, most > special ? most - special : 1);
  std::mt19937 random(1);
  BatchEncoding rows;
  while (rows.input_ids.size() < tokens) {
    std::vector<std::int32_t> ids = around.input_ids, types = around.token_type_ids;
    for (std::size_t word = 0; word < words; ++word) {
      ids.insert(ids.begin() + static_cast<std::ptrdiff_t>(front), static_cast<std::int32_t>(random() % config.vocab_size));
      types.insert(types.begin() + static_cast<std::ptrdiff_t>(front), 0);
    }
    rows.add_row(ids, types);
  }
  return rows;
}

InputRanges measured_ranges(const std::filesystem::path& checkpoint, const Config& config, std::size_t tokens) {
  const auto model = Model::load(checkpoint, {.dtype = ComputeDtype::f32}, choose_table(), task_of(config));
  BatchEncoding around;
  bool begins_with_cls = false;
  try {
    const Tokenizer tokenizer = AutoTokenizer::from_pretrained(checkpoint);
    around = tokenizer("");
    begins_with_cls = !around.input_ids.empty() && tokenizer.id_to_token(around.input_ids.front()) == tokenizer.cls_token();
  } catch (const Error&) {  // a checkpoint for ids alone, or one whose texts are cut elsewhere
  }
  return measure_inputs(*model, rows_of_no_meaning(config, around, begins_with_cls, tokens));
}

// config.json as it was, and how the tensors are stored.
std::string quantized_config(const std::filesystem::path& directory) {
  auto config = nlohmann::ordered_json::parse(read_file(directory / "config.json"));  // it has been read before: it is JSON
  config["quantization_config"] = {{"quant_method", kQuantMethod}};
  return config.dump(2) + "\n";
}

}  // namespace

std::string layer_root(std::size_t layer) { return fmt::format("encoder.layer.{}.", layer); }

std::optional<std::string> norm_before(const Config& config, std::size_t layer) {
  if (layer > 0) return layer_root(layer - 1) + "output.LayerNorm";
  if (config.num_hidden_groups > 0) return layer_root(config.inner_group_num - 1) + "output.LayerNorm";  // all but the first time
  if (has_projection(config)) return std::nullopt;
  return "embeddings.LayerNorm";
}

std::vector<LinearGroup> groups_after_attention(std::size_t layer) {
  const std::string root = layer_root(layer), attention = root + "attention.output.dense", wide = root + "intermediate.dense", narrow = root + "output.dense";
  return {{attention, {attention}, std::nullopt}, {wide, {wide}, root + "attention.output.LayerNorm"}, {narrow, {narrow}, std::nullopt}};
}

std::vector<LinearGroup> bert_groups(const Config& config, std::size_t layer) {
  const std::string self = layer_root(layer) + "attention.self";
  std::vector<LinearGroup> groups = groups_after_attention(layer);
  groups.insert(groups.begin(), {self, {self + ".query", self + ".key", self + ".value"}, norm_before(config, layer)});
  return groups;
}

Smoothing smoothing_of(const KernelTable& kernels, const Weights& weights, const Config& config, const LinearGroup& group,
                       const InputRange* measured) {
  if (const TensorView* center = weights.find(group.name + ".input_center")) {
    return {read_f32(kernels, *center), read_f32(kernels, weights.at(group.name + ".input_factor"))};
  }
  if (!group.norm) {
    const std::size_t in = rows_of(kernels, weights, config, group.linears.front()).in;
    return {std::vector<float>(in, 0.0f), std::vector<float>(in, 1.0f)};
  }
  const InputRange range = measured != nullptr ? *measured : range_of_norm(kernels, weights, *group.norm);
  Smoothing smoothing{range.mean, greatest_weights(kernels, weights, config, group, range.mean.size())};
  for (std::size_t k = 0; k < range.mean.size(); ++k) {
    smoothing.factor[k] = std::sqrt(std::max(smoothing.factor[k], kLeast) / std::max(range.deviation[k], kLeast));
  }
  return smoothing;
}

float round_to_int8(std::span<const float> numbers, std::int8_t* to) {
  const Steps steps = steps_of(numbers);
  for (std::size_t at = 0; at < numbers.size(); ++at) to[at] = steps.rounded(numbers[at]);
  return steps.scale;
}

void round_to_int8(std::span<float> numbers) {
  const Steps steps = steps_of(numbers);
  for (float& number : numbers) number = steps.scale * static_cast<float>(steps.rounded(number));
}

QuantizedOutput quantize(std::span<float> weights, float bias, const Smoothing& smoothing, std::int8_t* to) {
  double sum = bias;
  for (std::size_t k = 0; k < weights.size(); ++k) {
    sum += static_cast<double>(weights[k]) * smoothing.center[k];
    weights[k] /= smoothing.factor[k];
  }
  return {round_to_int8(weights, to), static_cast<float>(sum)};
}

void write_quantized(const std::filesystem::path& from, const std::filesystem::path& to, const QuantizeOptions& options) {
  const Config config = Config::from_pretrained(from);
  if (config.is_quantized) {
    throw Error(ErrorKind::invalid_argument, fmt::format("{}: expected a checkpoint in F32, F16 or BF16, found a quantized one", from.string()));
  }
  const Weights weights = Weights::from_pretrained(from, architecture_of(config).prefix, expected_tensors(config, task_of(config)));
  make_new_directory(to);
  const InputRanges ranges = options.calibration_tokens == 0 ? InputRanges{} : measured_ranges(from, config, options.calibration_tokens);
  Writer(choose_table(), weights, config, ranges).write(to / "model.safetensors");
  copy_tokenizer_files(from, to);
  write_file_atomic(to / "config.json", quantized_config(from));  // last: without it there is no checkpoint
}

}  // namespace filbert
