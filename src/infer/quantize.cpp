#include "infer/quantize.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <filbert/error.h>

#include "base/file.h"
#include "infer/architecture.h"
#include "infer/read_f32.h"
#include "load/new_checkpoint.h"
#include "load/quant_method.h"

namespace filbert {
namespace {

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

// The LayerNorm that gives a group its input; none where that is a projection.
std::optional<std::string> input_norm(const Config& config, std::size_t layer, const LinearGroup& group) {
  if (!group.of_layer_norm) return std::nullopt;
  if (group.name == "intermediate.dense") return layer_root(layer) + "attention.output.LayerNorm";
  if (layer > 0) return layer_root(layer - 1) + "output.LayerNorm";
  if (config.num_hidden_groups > 0) return layer_root(config.inner_group_num - 1) + "output.LayerNorm";  // all but the first time
  if (has_projection(config)) return std::nullopt;
  return "embeddings.LayerNorm";
}

// A quantized checkpoint in the making: the tensors, and the numbers that are not in the file they come from.
class Writer {
 public:
  Writer(const KernelTable& kernels, const Weights& weights, const Config& config) : kernels_(kernels), weights_(weights), config_(config) {
    std::set<std::string> done;  // what another tensor brings along
    for (std::size_t layer = 0; layer < num_stored_layers(config); ++layer) {
      for (const LinearGroup& group : linear_groups()) {
        const Smoothing smoothing = smoothing_of(kernels, weights, config, layer, group);
        for (const std::string_view linear : group.linears) {
          const std::string name = layer_root(layer) + std::string(linear);
          add_linear(name, smoothing);
          done.insert({name + ".weight", name + ".bias"});
        }
        const std::string name = layer_root(layer) + std::string(group.name);
        add(name + ".input_center", "F32", {smoothing.center.size()}, smoothing.center);
        add(name + ".input_factor", "F32", {smoothing.factor.size()}, smoothing.factor);
      }
    }
    add_word_embeddings();
    done.insert("embeddings.word_embeddings.weight");
    for (const ExpectedTensor& tensor : expected_tensors(config, task_of(config))) {
      const TensorView* view = done.contains(tensor.name) ? nullptr : weights.find(tensor.name);
      if (view != nullptr) tensors_.push_back({view->name, view->dtype_name, view->shape, view->data});
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
    const TensorView& weight = weights_.at(name + ".weight");
    const std::size_t out = weight.shape[0], in = weight.shape[1];
    std::vector<float> row(in), scales(out), bias = read_f32(kernels_, weights_.at(name + ".bias"));
    std::vector<std::int8_t> int8(out * in);
    for (std::size_t output = 0; output < out; ++output) {
      read_f32(kernels_, weight, output * in, row);
      const QuantizedOutput quantized = quantize(row, bias[output], smoothing, int8.data() + output * in);
      scales[output] = quantized.scale;
      bias[output] = quantized.bias;
    }
    add(name + ".weight", "I8", weight.shape, int8);
    add(name + ".weight_scale", "F32", {out}, scales);
    add(name + ".bias", "F32", {out}, bias);
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

// config.json as it was, and how the tensors are stored.
std::string quantized_config(const std::filesystem::path& directory) {
  auto config = nlohmann::ordered_json::parse(read_file(directory / "config.json"));  // it has been read before: it is JSON
  config["quantization_config"] = {{"quant_method", kQuantMethod}};
  return config.dump(2) + "\n";
}

}  // namespace

const std::vector<LinearGroup>& linear_groups() {
  static const std::vector<LinearGroup> groups = {
      {"attention.self", {"attention.self.query", "attention.self.key", "attention.self.value"}, true},
      {"attention.output.dense", {"attention.output.dense"}, false},
      {"intermediate.dense", {"intermediate.dense"}, true},
      {"output.dense", {"output.dense"}, false},
  };
  return groups;
}

std::string layer_root(std::size_t layer) { return fmt::format("encoder.layer.{}.", layer); }

Smoothing smoothing_of(const KernelTable& kernels, const Weights& weights, const Config& config, std::size_t layer, const LinearGroup& group) {
  const std::string root = layer_root(layer);
  const TensorView& weight = weights.at(fmt::format("{}{}.weight", root, group.linears.front()));
  const std::size_t in = weight.shape[1];
  if (weight.dtype == Dtype::i8) {
    const std::string stored = root + std::string(group.name);
    return {read_f32(kernels, weights.at(stored + ".input_center")), read_f32(kernels, weights.at(stored + ".input_factor"))};
  }
  const std::optional<std::string> norm = input_norm(config, layer, group);
  if (!norm) return {std::vector<float>(in, 0.0f), std::vector<float>(in, 1.0f)};
  std::vector<std::string> tensors;
  for (const std::string_view linear : group.linears) tensors.push_back(fmt::format("{}{}.weight", root, linear));
  return smoothing_after(read_f32(kernels, weights.at(*norm + ".weight")), read_f32(kernels, weights.at(*norm + ".bias")),
                         greatest_weights(kernels, weights, tensors));
}

std::vector<float> greatest_weights(const KernelTable& kernels, const Weights& weights, std::span<const std::string> tensors) {
  const std::size_t in = weights.at(tensors.front()).shape[1];
  std::vector<float> greatest(in), row(in);
  for (const std::string& tensor : tensors) {
    const TensorView& weight = weights.at(tensor);
    for (std::size_t first = 0; first < weight.num_elements(); first += in) {
      read_f32(kernels, weight, first, row);
      for (std::size_t k = 0; k < in; ++k) greatest[k] = std::max(greatest[k], std::abs(row[k]));
    }
  }
  return greatest;
}

Smoothing smoothing_after(std::span<const float> norm_weight, std::span<const float> norm_bias, std::vector<float> greatest_weights) {
  Smoothing smoothing{{norm_bias.begin(), norm_bias.end()}, std::move(greatest_weights)};
  for (std::size_t k = 0; k < norm_weight.size(); ++k) {
    smoothing.factor[k] = std::sqrt(std::max(smoothing.factor[k], kLeast) / std::max(std::abs(norm_weight[k]), kLeast));
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

void write_quantized(const std::filesystem::path& from, const std::filesystem::path& to) {
  const Config config = Config::from_pretrained(from);
  if (config.is_quantized) {
    throw Error(ErrorKind::invalid_argument, fmt::format("{}: expected a checkpoint in F32, F16 or BF16, found a quantized one", from.string()));
  }
  if (!architecture_of(config).is_like_bert) {
    throw Error(ErrorKind::unsupported, fmt::format("{}: model_type: expected a family with BERT's layers, which can be stored in int8, "
                                                    "found \"{}\"; it can run with dtype int8 all the same", config.path.string(), config.model_type));
  }
  const Weights weights = Weights::from_pretrained(from, architecture_of(config).prefix, expected_tensors(config, task_of(config)));
  make_new_directory(to);
  Writer(choose_table(), weights, config).write(to / "model.safetensors");
  copy_tokenizer_files(from, to);
  write_file_atomic(to / "config.json", quantized_config(from));  // last: without it there is no checkpoint
}

}  // namespace filbert
