#include "infer/architecture.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include <fmt/format.h>

#include <filbert/error.h>

#include "infer/quantize.h"

namespace filbert {
namespace {

constexpr std::array kArchitectures = {
    Architecture{"bert", "bert."},
};

struct ActivationRow {
  std::string_view name;
  Activation activation;
};
constexpr std::array kActivations = {
    ActivationRow{"gelu", Activation::gelu},
    ActivationRow{"gelu_python", Activation::gelu},
    ActivationRow{"gelu_new", Activation::gelu_tanh},
    ActivationRow{"gelu_pytorch_tanh", Activation::gelu_tanh},
    ActivationRow{"gelu_python_tanh", Activation::gelu_tanh},
    ActivationRow{"gelu_accurate", Activation::gelu_tanh},
    ActivationRow{"gelu_fast", Activation::gelu_fast},
    ActivationRow{"quick_gelu", Activation::quick_gelu},
    ActivationRow{"relu", Activation::relu},
    ActivationRow{"silu", Activation::silu},
    ActivationRow{"swish", Activation::silu},
    ActivationRow{"tanh", Activation::tanh},
};

// "a, b, c" of the names in a table.
template <typename Table, typename Name>
std::string names(const Table& table, Name name) {
  std::string list;
  for (const auto& row : table) list += (list.empty() ? "" : ", ") + std::string(row.*name);
  return list;
}

}  // namespace

const Architecture& architecture_of(const Config& config) {
  const auto row = std::ranges::find(kArchitectures, std::string_view(config.model_type), &Architecture::model_type);
  if (row == kArchitectures.end()) {
    throw Error(ErrorKind::unsupported, fmt::format("{}: model_type: expected one of {}, found \"{}\"", config.path.string(),
                                                    names(kArchitectures, &Architecture::model_type), config.model_type));
  }
  if (config.position_embedding_type != "absolute") {
    throw Error(ErrorKind::unsupported, fmt::format("{}: position_embedding_type: expected \"absolute\", found \"{}\"",
                                                    config.path.string(), config.position_embedding_type));
  }
  return *row;
}

Activation activation_of(const Config& config) {
  const auto row = std::ranges::find(kActivations, std::string_view(config.hidden_act), &ActivationRow::name);
  if (row == kActivations.end()) {
    throw Error(ErrorKind::unsupported, fmt::format("{}: hidden_act: expected one of {}, found \"{}\"", config.path.string(),
                                                    names(kActivations, &ActivationRow::name), config.hidden_act));
  }
  return row->activation;
}

std::vector<ExpectedTensor> expected_tensors(const Config& config) {
  const std::size_t hidden = config.hidden_size, wide = config.intermediate_size;
  std::vector<ExpectedTensor> tensors;
  // In 8 bits where the checkpoint is quantized (quantize.h).
  const auto narrow = [&](const std::string& name, std::size_t out, std::size_t in) {
    tensors.push_back({name + ".weight", {out, in}, config.is_quantized});
    if (config.is_quantized) tensors.push_back({name + ".weight_scale", {out}});
  };
  const auto layer_norm = [&](const std::string& name) {
    tensors.push_back({name + ".weight", {hidden}});
    tensors.push_back({name + ".bias", {hidden}});
  };
  narrow("embeddings.word_embeddings", config.vocab_size, hidden);
  tensors.push_back({"embeddings.position_embeddings.weight", {config.max_position_embeddings, hidden}});
  tensors.push_back({"embeddings.token_type_embeddings.weight", {config.type_vocab_size, hidden}});
  layer_norm("embeddings.LayerNorm");
  for (std::size_t layer = 0; layer < config.num_hidden_layers; ++layer) {
    const std::string root = layer_root(layer);
    for (const LinearGroup& group : linear_groups()) {
      const std::size_t in = group.name == "output.dense" ? wide : hidden;
      for (const std::string_view linear : group.linears) {
        const std::string name = root + std::string(linear);
        const std::size_t out = linear == "intermediate.dense" ? wide : hidden;
        narrow(name, out, in);
        tensors.push_back({name + ".bias", {out}});
      }
      if (!config.is_quantized) continue;
      for (const char* part : {".input_center", ".input_factor"}) tensors.push_back({root + std::string(group.name) + part, {in}});
    }
    layer_norm(root + "attention.output.LayerNorm");
    layer_norm(root + "output.LayerNorm");
  }
  for (const auto& [name, out] : {std::pair{"pooler.dense", hidden}, std::pair{"classifier", config.num_labels()}}) {
    tensors.push_back({std::string(name) + ".weight", {out, hidden}});
    tensors.push_back({std::string(name) + ".bias", {out}});
  }
  return tensors;
}

}  // namespace filbert
