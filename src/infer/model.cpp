// Stage 2 from outside: load a checkpoint, check the ids, cut the batch into units, run each through the encoder.
#include "infer/model.h"

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <utility>

#include <fmt/format.h>

#include <filbert/error.h>

#include "base/cpu.h"
#include "infer/architecture.h"

namespace filbert {
namespace {

// Tokens of a unit: enough rows to pay for reading the weights, few enough that activations stay in the cache.
constexpr std::size_t kUnitTokens = 256;

LayerNorm load_layer_norm(const KernelTable& kernels, const Weights& weights, const std::string& name) {
  return {read_f32(kernels, weights.at(name + ".weight")), read_f32(kernels, weights.at(name + ".bias"))};
}

EncoderLayer load_layer(const Model& model, const Loop& loop, std::size_t index) {
  const KernelTable& kernels = model.kernels;
  const std::string root = layer_root(index);
  std::map<std::string_view, Smoothing> smoothings;  // by their group's name; empty ones where nothing is in 8 bits
  for (const LinearGroup& group : linear_groups()) {
    smoothings[group.name] = model.dtype == ComputeDtype::int8 ? smoothing_of(kernels, model.weights, index, group) : Smoothing{};
  }
  const auto linear = [&](std::string_view group, std::initializer_list<const char*> names) {
    std::vector<std::string> full;
    for (const char* name : names) full.push_back(root + name);
    return load_linear(kernels, loop, model.weights, full, model.dtype, smoothings.at(group));
  };
  return {.query = linear("attention.self", {"attention.self.query"}),
          .key_value = linear("attention.self", {"attention.self.key", "attention.self.value"}),
          .attention_output = linear("attention.output.dense", {"attention.output.dense"}),
          .attention_norm = load_layer_norm(kernels, model.weights, root + "attention.output.LayerNorm"),
          .intermediate = linear("intermediate.dense", {"intermediate.dense"}),
          .output = linear("output.dense", {"output.dense"}),
          .output_norm = load_layer_norm(kernels, model.weights, root + "output.LayerNorm")};
}

// What the linear layers will compute in. Throws Error(unsupported) for what the checkpoint cannot give.
ComputeDtype choose_dtype(const Config& config, std::optional<ComputeDtype> asked, const KernelTable& kernels) {
  if (!config.is_quantized) {
    const ComputeDtype automatic = kernels.native_int8 ? ComputeDtype::int8 : ComputeDtype::f32;
    return asked == ComputeDtype::automatic ? automatic : asked.value_or(ComputeDtype::f32);
  }
  if (!asked || asked == ComputeDtype::automatic || asked == ComputeDtype::int8) return ComputeDtype::int8;
  throw Error(ErrorKind::unsupported, fmt::format("{}: quantization_config: the weights are stored in int8: expected dtype int8 or auto, found {}",
                                                  config.path.string(), name(*asked)));
}

// Throws Error(invalid_argument) unless the arrays, which a caller may have filled by hand, agree with each other.
void check_arrays(const BatchEncoding& inputs) {
  const std::vector<std::size_t>& starts = inputs.row_starts;
  const std::size_t tokens = inputs.input_ids.size();
  if (starts.empty() || starts.front() != 0 || starts.back() != tokens || !std::ranges::is_sorted(starts)) {
    throw Error(ErrorKind::invalid_argument,
                fmt::format("row_starts: expected numbers that rise from 0 to {}, the length of input_ids", tokens));
  }
  if (inputs.token_type_ids.size() != tokens) {
    throw Error(ErrorKind::invalid_argument, fmt::format("token_type_ids: expected {}, as many as input_ids, found {}",
                                                         tokens, inputs.token_type_ids.size()));
  }
}

// Throws Error(invalid_argument) unless every row fits the tables that it will be looked up in.
void check_inputs(const BatchEncoding& inputs, const Config& config) {
  check_arrays(inputs);
  const auto check_id = [&](const char* field, std::int32_t id, std::size_t size, const char* limit, std::size_t row) {
    if (id >= 0 && static_cast<std::size_t>(id) < size) return;
    throw Error(ErrorKind::invalid_argument, fmt::format("{} of row {}: expected ids from 0 to {} ({}), found {}", field,
                                                         row, size - 1, limit, id));
  };
  for (std::size_t row = 0; row < inputs.batch_size(); ++row) {
    if (inputs.row_length(row) == 0) {
      throw Error(ErrorKind::invalid_argument, fmt::format("input_ids of row {}: expected at least one token, found none", row));
    }
    if (inputs.row_length(row) > config.max_position_embeddings) {
      throw Error(ErrorKind::invalid_argument,
                  fmt::format("input_ids of row {}: expected at most {} tokens (max_position_embeddings), found {}; truncate it",
                              row, config.max_position_embeddings, inputs.row_length(row)));
    }
    for (std::size_t token = inputs.row_starts[row]; token < inputs.row_starts[row + 1]; ++token) {
      check_id("input_ids", inputs.input_ids[token], config.vocab_size, "vocab_size", row);
      check_id("token_type_ids", inputs.token_type_ids[token], config.type_vocab_size, "type_vocab_size", row);
    }
  }
}

// Whole rows, in order, at most `unit_tokens` tokens each, or a single row that has more.
void cut_into_units(std::span<const std::size_t> row_starts, std::size_t unit_tokens, std::vector<Unit>& units) {
  units.clear();
  for (std::size_t first = 0, row = 1; row < row_starts.size(); ++row) {
    const bool last = row + 1 == row_starts.size();
    if (last || row_starts[row + 1] - row_starts[first] > unit_tokens) {
      units.push_back({row_starts.subspan(first, row - first + 1)});
      first = row;
    }
  }
}

// Runs `fill(unit, hidden, loop)` and the encoder for every unit. Many units go to threads whole, without a barrier
// inside; fewer units than threads spread each of their steps over the threads instead.
template <typename Fill>
Tensor run(const Model& model, std::span<const std::size_t> row_starts, std::vector<Unit>& units, const Fill& fill) {
  Tensor logits({row_starts.size() - 1, model.config.num_labels()});
  const std::size_t share = (row_starts.back() - row_starts.front()) / model.pool.size();
  const std::size_t budget = std::max(model.max_batch_tokens / model.pool.size(), std::size_t{1});
  cut_into_units(row_starts, std::min(budget, std::clamp(share, std::size_t{32}, kUnitTokens)), units);
  const auto run_unit = [&](const Unit& unit, const Loop& loop) {
    Lease<Workspace> lease(model.workspaces);
    Workspace& workspace = *lease;
    workspace.hidden.reserve(unit.tokens() * model.config.hidden_size);
    fill(unit, workspace.hidden.data(), loop);
    encode(model, loop, unit, workspace);
    const std::size_t row = static_cast<std::size_t>(unit.row_starts.data() - row_starts.data());
    classify(model, loop, unit, workspace, logits[row].data());
  };
  if (units.size() >= model.pool.size()) {
    model.pool.parallel_for(units.size(), [&](std::size_t index, unsigned) { run_unit(units[index], Loop{}); });
  } else {
    for (const Unit& unit : units) run_unit(unit, Loop{&model.pool});
  }
  return logits;
}

}  // namespace

std::unique_ptr<const Model> Model::load(const std::filesystem::path& directory, const ModelOptions& options,
                                         const KernelTable& kernels) {
  if (options.max_batch_tokens == 0) {
    throw Error(ErrorKind::invalid_argument, "max_batch_tokens: expected at least 1, found 0");
  }
  Config config = Config::from_pretrained(directory);
  const Architecture& architecture = architecture_of(config);
  const Activation activation = activation_of(config);
  Weights weights = Weights::from_pretrained(directory, architecture.prefix, expected_tensors(config));
  const unsigned num_threads = options.num_threads != 0 ? options.num_threads : available_threads();

  auto model = std::make_unique<Model>(std::move(config), kernels, std::move(weights), num_threads);
  const Weights& tensors = model->weights;
  const Loop loop{&model->pool};
  model->activation = activation;
  model->max_batch_tokens = options.max_batch_tokens;
  model->dtype = choose_dtype(model->config, options.dtype, kernels);
  model->embeddings = {.word = &tensors.at("embeddings.word_embeddings.weight"),
                       .word_scale = {},
                       .position = read_f32(kernels, tensors.at("embeddings.position_embeddings.weight")),
                       .token_type = read_f32(kernels, tensors.at("embeddings.token_type_embeddings.weight")),
                       .norm = load_layer_norm(kernels, tensors, "embeddings.LayerNorm")};
  if (model->config.is_quantized) model->embeddings.word_scale = read_f32(kernels, tensors.at("embeddings.word_embeddings.weight_scale"));
  for (std::size_t layer = 0; layer < model->config.num_hidden_layers; ++layer) {
    model->layers.push_back(load_layer(*model, loop, layer));
  }
  model->pooler = load_linear(kernels, loop, tensors, std::array{std::string("pooler.dense")});
  model->classifier = load_linear(kernels, loop, tensors, std::array{std::string("classifier")});
  return model;
}

Tensor Model::logits(const BatchEncoding& inputs) const {
  check_inputs(inputs, config);
  Lease<CallScratch> call(calls);
  DistinctRows& distinct = (*call).distinct;
  distinct.find(inputs);
  const BatchEncoding& rows = distinct.place.empty() ? inputs : distinct.inputs;
  Tensor computed = run(*this, rows.row_starts, (*call).units, [&](const Unit& unit, float* hidden, const Loop& loop) {
    embed(*this, loop, rows, unit, hidden);
  });
  if (distinct.place.empty()) return computed;
  Tensor logits({inputs.batch_size(), config.num_labels()});
  for (std::size_t row = 0; row < inputs.batch_size(); ++row) std::ranges::copy(computed[distinct.place[row]], logits[row].begin());
  return logits;
}

Tensor Model::logits_from_embeddings(std::span<const float> embedding_output, std::span<const std::size_t> row_starts) const {
  Lease<CallScratch> call(calls);
  return run(*this, row_starts, (*call).units, [&](const Unit& unit, float* hidden, const Loop&) {
    const auto from = embedding_output.subspan(unit.row_starts.front() * config.hidden_size, unit.tokens() * config.hidden_size);
    std::ranges::copy(from, hidden);
  });
}

std::size_t Model::weight_bytes() const {
  std::size_t bytes = embeddings.word->data.size() + (embeddings.position.size() + embeddings.token_type.size()) * sizeof(float);
  const auto count = [&](const Linear& linear) {
    bytes += (linear.packed.capacity() + linear.bias.size()) * sizeof(float) + linear.narrow.capacity();
  };
  for (const EncoderLayer& layer : layers) {
    for (const Linear* linear : {&layer.query, &layer.key_value, &layer.attention_output, &layer.intermediate, &layer.output}) {
      count(*linear);
    }
  }
  count(pooler);
  count(classifier);
  return bytes;
}

namespace {

struct DtypeRow {
  std::string_view name;
  ComputeDtype dtype;
};
constexpr std::array kDtypes = {DtypeRow{"f32", ComputeDtype::f32}, DtypeRow{"bf16", ComputeDtype::bf16},
                                DtypeRow{"int8", ComputeDtype::int8}, DtypeRow{"auto", ComputeDtype::automatic}};

}  // namespace

ComputeDtype compute_dtype_from_name(std::string_view name) {
  const auto row = std::ranges::find(kDtypes, name, &DtypeRow::name);
  if (row != kDtypes.end()) return row->dtype;
  throw Error(ErrorKind::invalid_argument, fmt::format("dtype: expected f32, bf16, int8 or auto, found \"{}\"", name));
}

std::string_view name(ComputeDtype dtype) { return std::ranges::find(kDtypes, dtype, &DtypeRow::dtype)->name; }

AutoModelForSequenceClassification AutoModelForSequenceClassification::from_pretrained(
    const std::filesystem::path& checkpoint, const HubOptions& hub, const ModelOptions& options) {
  const std::filesystem::path directory = find_checkpoint(checkpoint, hub, {.tokenizer = false});
  return AutoModelForSequenceClassification(Impl::load(directory, options, choose_table()));
}

AutoModelForSequenceClassification AutoModelForSequenceClassification::from_pretrained(
    const std::filesystem::path& checkpoint, const ModelOptions& options) {
  return from_pretrained(checkpoint, HubOptions{}, options);
}

SequenceClassifierOutput AutoModelForSequenceClassification::operator()(const BatchEncoding& inputs) const {
  return {impl_->logits(inputs)};
}

const Config& AutoModelForSequenceClassification::config() const { return impl_->config; }
unsigned AutoModelForSequenceClassification::num_threads() const { return impl_->pool.size(); }
const char* AutoModelForSequenceClassification::kernels() const { return impl_->kernels.name; }
std::size_t AutoModelForSequenceClassification::weight_bytes() const { return impl_->weight_bytes(); }
std::string AutoModelForSequenceClassification::dtype() const { return impl_->weights.dtypes(); }
ComputeDtype AutoModelForSequenceClassification::compute_dtype() const { return impl_->dtype; }
std::size_t AutoModelForSequenceClassification::num_parameters() const { return impl_->weights.num_parameters(); }

AutoModelForSequenceClassification::AutoModelForSequenceClassification(std::unique_ptr<const Impl> impl)
    : impl_(std::move(impl)) {}
AutoModelForSequenceClassification::AutoModelForSequenceClassification(AutoModelForSequenceClassification&&) noexcept = default;
AutoModelForSequenceClassification& AutoModelForSequenceClassification::operator=(
    AutoModelForSequenceClassification&&) noexcept = default;
AutoModelForSequenceClassification::~AutoModelForSequenceClassification() = default;

}  // namespace filbert
