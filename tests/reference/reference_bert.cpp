#include "reference/reference_bert.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <functional>
#include <map>
#include <numbers>
#include <stdexcept>

#include <nlohmann/json.hpp>

namespace filbert::reference {
namespace {

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double gelu_erf(double x) { return 0.5 * x * (1 + std::erf(x / std::numbers::sqrt2)); }
double gelu_tanh(double x, double sqrt_two_over_pi) {
  return 0.5 * x * (1 + std::tanh(sqrt_two_over_pi * (x + 0.044715 * x * x * x)));
}
double gelu_new(double x) { return gelu_tanh(x, std::sqrt(2 / std::numbers::pi)); }

const std::map<std::string, std::function<double(double)>, std::less<>> kActivations = {
    {"gelu", gelu_erf},
    {"gelu_python", gelu_erf},
    {"gelu_new", gelu_new},
    {"gelu_pytorch_tanh", gelu_new},
    {"gelu_fast", [](double x) { return gelu_tanh(x, 0.7978845608); }},
    {"quick_gelu", [](double x) { return x * sigmoid(1.702 * x); }},
    {"relu", [](double x) { return std::max(x, 0.0); }},
    {"silu", [](double x) { return x * sigmoid(x); }},
    {"swish", [](double x) { return x * sigmoid(x); }},
    {"tanh", [](double x) { return std::tanh(x); }},
};

// "bert.encoder.layer.0.output.LayerNorm.gamma" -> "encoder.layer.0.output.LayerNorm.weight"
std::string modern_name(std::string name) {
  if (name.starts_with("bert.")) name.erase(0, 5);
  if (name.ends_with(".gamma")) name.replace(name.size() - 5, 5, "weight");
  if (name.ends_with(".beta")) name.replace(name.size() - 4, 4, "bias");
  return name;
}

Matrix add(Matrix a, const Matrix& b) {
  for (std::size_t token = 0; token < a.size(); ++token) {
    for (std::size_t i = 0; i < a[token].size(); ++i) a[token][i] += b[token][i];
  }
  return a;
}

Matrix each(Matrix matrix, const std::function<double(double)>& function) {
  for (Vector& row : matrix) {
    for (double& x : row) x = function(x);
  }
  return matrix;
}

Vector softmax(Vector scores) {
  const double highest = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (double& score : scores) sum += score = std::exp(score - highest);
  for (double& score : scores) score /= sum;
  return scores;
}

}  // namespace

double activation(std::string_view hidden_act, double x) {
  const auto found = kActivations.find(hidden_act);
  if (found == kActivations.end()) throw std::runtime_error("the oracle has no activation " + std::string(hidden_act));
  return found->second(x);
}

std::vector<std::string> activation_names() {
  std::vector<std::string> names;
  for (const auto& [name, function] : kActivations) names.push_back(name);
  return names;
}

ReferenceBert::ReferenceBert(const std::filesystem::path& directory) {
  std::ifstream file(directory / "config.json");
  const auto config = nlohmann::json::parse(file);
  num_hidden_layers_ = config.value("num_hidden_layers", 12);
  num_attention_heads_ = config.value("num_attention_heads", 12);
  layer_norm_eps_ = config.value("layer_norm_eps", 1e-12);
  hidden_act_ = config.value("hidden_act", "gelu");
  for (auto& [name, array] : read_arrays(directory / "model.safetensors")) {
    tensors_.emplace(modern_name(name), std::move(array));
  }
}

const Array& ReferenceBert::tensor(const std::string& name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) throw std::runtime_error("the oracle finds no tensor " + name);
  return found->second;
}

// y = x W^T + b; W is [outputs, inputs].
Matrix ReferenceBert::linear(const std::string& name, const Matrix& inputs) const {
  const Array& weight = tensor(name + ".weight");
  const Array& bias = tensor(name + ".bias");
  Matrix outputs(inputs.size(), bias.values);
  for (std::size_t token = 0; token < inputs.size(); ++token) {
    for (std::size_t o = 0; o < bias.values.size(); ++o) {
      for (std::size_t i = 0; i < weight.columns(); ++i) {
        outputs[token][o] += inputs[token][i] * weight.values[o * weight.columns() + i];
      }
    }
  }
  return outputs;
}

// Ba et al., 2016: each token to mean 0 and (biased) variance 1, then scaled and shifted.
Matrix ReferenceBert::layer_norm(const std::string& name, const Matrix& inputs) const {
  const Array& weight = tensor(name + ".weight");
  const Array& bias = tensor(name + ".bias");
  Matrix outputs = inputs;
  for (Vector& row : outputs) {
    const auto count = static_cast<double>(row.size());
    double mean = 0, variance = 0;
    for (const double x : row) mean += x / count;
    for (const double x : row) variance += (x - mean) * (x - mean) / count;
    for (std::size_t i = 0; i < row.size(); ++i) {
      row[i] = (row[i] - mean) / std::sqrt(variance + layer_norm_eps_) * weight.values[i] + bias.values[i];
    }
  }
  return outputs;
}

// The sum of what the word, its position and its segment are, normalized.
Matrix ReferenceBert::embeddings(std::span<const std::int32_t> input_ids,
                                 std::span<const std::int32_t> token_type_ids) const {
  const Array& word = tensor("embeddings.word_embeddings.weight");
  const Array& position = tensor("embeddings.position_embeddings.weight");
  const Array& type = tensor("embeddings.token_type_embeddings.weight");
  const std::size_t hidden_size = word.columns();
  Matrix sums(input_ids.size(), Vector(hidden_size));
  for (std::size_t token = 0; token < input_ids.size(); ++token) {
    const auto id = static_cast<std::size_t>(input_ids[token]);
    const auto type_id = static_cast<std::size_t>(token_type_ids[token]);
    for (std::size_t i = 0; i < hidden_size; ++i) {
      sums[token][i] = word.values.at(id * hidden_size + i) + position.values.at(token * hidden_size + i) +
                       type.values.at(type_id * hidden_size + i);
    }
  }
  return layer_norm("embeddings.LayerNorm", sums);
}

// softmax(Q K^T / sqrt(head_size)) V, head by head; the heads stand side by side in Q, K, V and in the result.
Matrix ReferenceBert::self_attention(const std::string& layer, const Matrix& hidden) const {
  const Matrix query = linear(layer + "attention.self.query", hidden);
  const Matrix key = linear(layer + "attention.self.key", hidden);
  const Matrix value = linear(layer + "attention.self.value", hidden);
  const std::size_t tokens = hidden.size();
  const std::size_t head_size = hidden.front().size() / num_attention_heads_;
  Matrix context(tokens, Vector(hidden.front().size(), 0.0));
  for (std::size_t first = 0; first < head_size * num_attention_heads_; first += head_size) {
    for (std::size_t from = 0; from < tokens; ++from) {
      Vector scores(tokens, 0.0);
      for (std::size_t to = 0; to < tokens; ++to) {
        for (std::size_t i = first; i < first + head_size; ++i) scores[to] += query[from][i] * key[to][i];
        scores[to] /= std::sqrt(static_cast<double>(head_size));
      }
      const Vector probabilities = softmax(scores);
      for (std::size_t to = 0; to < tokens; ++to) {
        for (std::size_t i = first; i < first + head_size; ++i) context[from][i] += probabilities[to] * value[to][i];
      }
    }
  }
  return context;
}

Matrix ReferenceBert::encoder_layer(const std::string& layer, const Matrix& hidden) const {
  const Matrix context = self_attention(layer, hidden);
  const Matrix attended = layer_norm(layer + "attention.output.LayerNorm",
                                     add(linear(layer + "attention.output.dense", context), hidden));
  const Matrix wide = each(linear(layer + "intermediate.dense", attended),
                            [this](double x) { return activation(hidden_act_, x); });
  return layer_norm(layer + "output.LayerNorm", add(linear(layer + "output.dense", wide), attended));
}

Vector ReferenceBert::logits_from_embeddings(const Matrix& embedding_output) const {
  Matrix hidden = embedding_output;
  for (std::size_t layer = 0; layer < num_hidden_layers_; ++layer) {
    hidden = encoder_layer("encoder.layer." + std::to_string(layer) + ".", hidden);
  }
  const Matrix pooled = each(linear("pooler.dense", {hidden.front()}), [](double x) { return std::tanh(x); });
  return linear("classifier", pooled).front();
}

Vector ReferenceBert::logits(std::span<const std::int32_t> input_ids,
                             std::span<const std::int32_t> token_type_ids) const {
  return logits_from_embeddings(embeddings(input_ids, token_type_ids));
}

}  // namespace filbert::reference
