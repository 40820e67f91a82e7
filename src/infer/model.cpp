// Stage 2 from outside: load a checkpoint, check the ids, cut the batch into units, run each through the encoder.
#include "infer/model.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include <filbert/error.h>

#include "base/cpu.h"
#include "infer/architecture.h"
#include "infer/bert.h"
#include "infer/record.h"

namespace filbert {
namespace {

// Tokens of a unit: enough rows to pay for reading the weights, few enough that activations stay in the cache.
constexpr std::size_t kUnitTokens = 256;
// Fewer for each thread are not worth a unit of their own.
constexpr std::size_t kLeastTokens = 32;

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

Head load_head(const Model& model, const Loop& loop, const HeadRow& row) {
  Head head{.dense = {}, .activation = row.activation, .norm = {}, .out = {}, .keep = row.keep};
  if (!row.out.empty()) head.out = load_linear(model, loop, std::string(row.out));
  if (!row.dense.empty()) head.dense = load_linear(model, loop, std::string(row.dense));
  if (!row.norm.empty()) head.norm = load_layer_norm(model, std::string(row.norm));
  return head;
}

// Runs `fill(unit, workspace, loop)`, which leaves what the encoder takes in workspace.hidden, and the encoder for every unit. Many units
// go to threads whole, without a barrier inside; fewer units than threads spread each of their steps over the threads instead, and so do
// those that leave a record.
template <typename Fill>
Tensor run(const Model& model, std::span<const std::size_t> row_starts, std::span<const std::int32_t> token_type_ids,
           std::vector<Unit>& units, const Fill& fill, Record* record = nullptr) {
  const bool of_tokens = model.head.keep == Keep::all;
  Tensor logits({of_tokens ? row_starts.back() : row_starts.size() - 1, model.head.out.out});
  const std::size_t tokens = row_starts.back() - row_starts.front();
  const std::size_t threads = model.pool.size();
  const std::size_t budget = std::max(model.max_batch_tokens / threads, std::size_t{1});
  cut_into_units(row_starts, token_type_ids, num_units(model, tokens), budget, units);
  const auto run_unit = [&](const Unit& unit, const Loop& loop) {
    Lease<Workspace> lease(model.workspaces);
    Workspace& workspace = *lease;
    const auto first_row = static_cast<std::size_t>(unit.row_starts.data() - row_starts.data());
    workspace.record = record;
    if (record != nullptr) record->first_row = first_row, record->first_token = unit.row_starts.front();
    fill(unit, workspace, loop);
    model.architecture.encode(model, loop, unit, workspace);
    classify(model, loop, unit, workspace, logits[of_tokens ? unit.row_starts.front() : first_row].data());
  };
  if (units.size() >= model.pool.size() && record == nullptr) {
    model.pool.parallel_for(units.size(), [&](std::size_t index, unsigned) { run_unit(units[index], Loop{}); });
  } else {
    for (const Unit& unit : units) run_unit(unit, Loop{&model.pool});
  }
  return logits;
}

}  // namespace

void check_inputs(const BatchEncoding& inputs, const Model& model) {
  const Config& config = model.config;
  const bool types_count = !model.embeddings.token_type.empty();
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
    if (config.max_tokens && inputs.row_length(row) > *config.max_tokens) {
      throw Error(ErrorKind::invalid_argument,
                  fmt::format("input_ids of row {}: expected at most {} tokens (max_position_embeddings {}), found {}; truncate it",
                              row, *config.max_tokens, config.max_position_embeddings, inputs.row_length(row)));
    }
    for (std::size_t token = inputs.row_starts[row]; token < inputs.row_starts[row + 1]; ++token) {
      check_id("input_ids", inputs.input_ids[token], config.vocab_size, "vocab_size", row);
      if (types_count) check_id("token_type_ids", inputs.token_type_ids[token], config.type_vocab_size, "type_vocab_size", row);
    }
  }
}

void cut_into_units(std::span<const std::size_t> row_starts, std::span<const std::int32_t> token_type_ids, std::size_t count, std::size_t most,
                    std::vector<Unit>& units) {
  units.clear();
  const std::size_t total = row_starts.back() - row_starts.front();
  for (std::size_t first = 0, row = 1; row < row_starts.size(); ++row) {
    const bool last = row + 1 == row_starts.size();
    const std::size_t fair_end = row_starts.front() + total * (units.size() + 1) / count;
    // The next row would lie more beyond the fair end than this one lies before it.
    const bool is_full = !last && row_starts[row] + row_starts[row + 1] > 2 * fair_end;
    if (last || is_full || row_starts[row + 1] - row_starts[first] > most) {
      units.push_back({.row_starts = row_starts.subspan(first, row - first + 1)});
      if (!token_type_ids.empty()) units.back().token_type_ids = token_type_ids.subspan(row_starts[first], units.back().tokens());
      first = row;
    }
  }
}

std::size_t num_units(const Model& model, std::size_t tokens) {
  const std::size_t threads = model.pool.size(), count = (tokens + kUnitTokens - 1) / kUnitTokens;
  // A multiple of the threads where there is enough for each, so that none waits for the others' last unit.
  return tokens / threads >= kLeastTokens ? (count + threads - 1) / threads * threads : count;
}

std::unique_ptr<const Model> Model::load(const std::filesystem::path& directory, const ModelOptions& options,
                                         const KernelTable& kernels, Task task) {
  if (options.max_batch_tokens == 0) {
    throw Error(ErrorKind::invalid_argument, "max_batch_tokens: expected at least 1, found 0");
  }
  Config config = Config::from_pretrained(directory);
  const Architecture& architecture = architecture_of(config);
  const Activation activation = activation_of(config);
  Weights weights = Weights::from_pretrained(directory, architecture.prefix, expected_tensors(config, task));
  const unsigned num_threads = options.num_threads != 0 ? options.num_threads : available_threads();

  auto model = std::make_unique<Model>(std::move(config), architecture, kernels, std::move(weights), num_threads);
  const Loop loop{&model->pool};
  model->activation = activation;
  model->max_batch_tokens = options.max_batch_tokens;
  model->dtype = choose_dtype(model->config, options.dtype, kernels);
  model->layer_order = filbert::layer_order(model->config);
  model->weights.begin_packing(fmt::format("{} {} {}", kernels.name, name(model->dtype), static_cast<int>(task)));
  architecture.load(*model, loop);
  model->head = load_head(*model, loop, head_of(model->config, task));
  model->weights.end_packing();
  return model;
}

Tensor Model::logits(const BatchEncoding& inputs) const {
  check_inputs(inputs, *this);
  Lease<CallScratch> call(calls);
  DistinctRows& distinct = (*call).distinct;
  const bool of_tokens = head.keep == Keep::all;
  if (!of_tokens) distinct.find(inputs);
  const BatchEncoding& rows = of_tokens || distinct.place.empty() ? inputs : distinct.inputs;
  Tensor computed = run(*this, rows.row_starts, rows.token_type_ids, (*call).units, [&](const Unit& unit, Workspace& workspace, const Loop& loop) {
    architecture.embed(*this, loop, rows, unit, workspace);
  });
  if (of_tokens || distinct.place.empty()) return computed;
  Tensor logits({inputs.batch_size(), config.num_labels()});
  for (std::size_t row = 0; row < inputs.batch_size(); ++row) std::ranges::copy(computed[distinct.place[row]], logits[row].begin());
  return logits;
}

Tensor Model::logits(const BatchEncoding& inputs, const OutputOptions& options, EncoderOutputs& outputs) const {
  check_inputs(inputs, *this);
  check_layers(options, num_layers());
  Lease<CallScratch> call(calls);
  Record record{.options = options, .outputs = outputs, .total_tokens = inputs.input_ids.size()};
  if (options.output_hidden_states) outputs.hidden_states.resize(num_layers() + 1);
  if (options.output_attentions) outputs.attentions.resize(num_layers());
  if (options.output_queries_keys_values) {
    for (auto* tensors : {&outputs.queries, &outputs.keys, &outputs.values}) tensors->resize(num_layers());
  }
  if (options.output_contexts) outputs.contexts.resize(num_layers());
  return run(*this, inputs.row_starts, inputs.token_type_ids, (*call).units, [&](const Unit& unit, Workspace& workspace, const Loop& loop) {
    architecture.embed(*this, loop, inputs, unit, workspace);
  }, &record);
}

Tensor Model::logits_from_embeddings(std::span<const float> embedding_output, std::span<const std::size_t> row_starts) const {
  Lease<CallScratch> call(calls);
  return run(*this, row_starts, {}, (*call).units, [&](const Unit& unit, Workspace& workspace, const Loop&) {
    const auto from = embedding_output.subspan(unit.row_starts.front() * config.hidden_size, unit.tokens() * config.hidden_size);
    workspace.hidden.reserve(from.size());
    std::ranges::copy(from, workspace.hidden.data());
  });
}

std::size_t Model::weight_bytes() const {
  std::size_t bytes = embeddings.word->data.size() + (embeddings.position.size() + embeddings.token_type.size()) * sizeof(float);
  const auto count = [&](const Linear& linear) {
    bytes += (linear.packed.capacity() + linear.bias.size()) * sizeof(float) + linear.narrow.capacity();
  };
  if (embeddings.projection) count(*embeddings.projection);
  for (const EncoderLayer& layer : layers) {
    for (const Linear* linear : {&layer.query, &layer.key_value, &layer.attention_output, &layer.intermediate, &layer.output}) {
      count(*linear);
    }
  }
  if (const auto* deberta = std::get_if<Deberta>(&family)) {
    for (const Deberta::Layer& layer : deberta->layers) bytes += (layer.key.packed.capacity() + layer.query.packed.capacity()) * sizeof(float);
    if (deberta->convolution) count(deberta->convolution->linear);
  }
  std::visit([&](const auto& weights_of_family) {
    if constexpr (requires { weights_of_family.linears(); }) {
      for (const Linear* linear : weights_of_family.linears()) count(*linear);
    }
  }, family);
  if (head.dense) count(*head.dense);
  count(head.out);
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

namespace {

std::unique_ptr<const Model> load_pretrained(const std::filesystem::path& checkpoint, const HubOptions& hub, const ModelOptions& options,
                                             Task task) {
  return Model::load(find_checkpoint(checkpoint, hub, {.tokenizer = false}), options, choose_table(), task);
}

}  // namespace

PreTrainedModel::PreTrainedModel(std::unique_ptr<const Model> model) : model_(std::move(model)) {}
PreTrainedModel::PreTrainedModel(const PreTrainedModel&) = default;
PreTrainedModel& PreTrainedModel::operator=(const PreTrainedModel&) = default;
PreTrainedModel::PreTrainedModel(PreTrainedModel&&) noexcept = default;
PreTrainedModel& PreTrainedModel::operator=(PreTrainedModel&&) noexcept = default;
PreTrainedModel::~PreTrainedModel() = default;

const Config& PreTrainedModel::config() const { return model_->config; }
unsigned PreTrainedModel::num_threads() const { return model_->pool.size(); }
const char* PreTrainedModel::kernels() const { return model_->kernels.name; }
std::size_t PreTrainedModel::weight_bytes() const { return model_->weight_bytes(); }
std::string PreTrainedModel::dtype() const { return model_->weights.dtypes(); }
ComputeDtype PreTrainedModel::compute_dtype() const { return model_->dtype; }
std::size_t PreTrainedModel::num_parameters() const { return model_->weights.num_parameters(); }

AutoModelForSequenceClassification::AutoModelForSequenceClassification(std::unique_ptr<const Model> model) : PreTrainedModel(std::move(model)) {}
AutoModelForSequenceClassification AutoModelForSequenceClassification::from_pretrained(
    const std::filesystem::path& checkpoint, const HubOptions& hub, const ModelOptions& options) {
  return AutoModelForSequenceClassification(load_pretrained(checkpoint, hub, options, Task::sequence_classification));
}
AutoModelForSequenceClassification AutoModelForSequenceClassification::from_pretrained(
    const std::filesystem::path& checkpoint, const ModelOptions& options) {
  return from_pretrained(checkpoint, HubOptions{}, options);
}
SequenceClassifierOutput AutoModelForSequenceClassification::operator()(const BatchEncoding& inputs) const {
  return {model_->logits(inputs)};
}
SequenceClassifierOutput AutoModelForSequenceClassification::operator()(const BatchEncoding& inputs, const OutputOptions& outputs) const {
  SequenceClassifierOutput output;
  output.logits = model_->logits(inputs, outputs, output.outputs);
  return output;
}

AutoModelForTokenClassification::AutoModelForTokenClassification(std::unique_ptr<const Model> model) : PreTrainedModel(std::move(model)) {}
AutoModelForTokenClassification AutoModelForTokenClassification::from_pretrained(
    const std::filesystem::path& checkpoint, const HubOptions& hub, const ModelOptions& options) {
  return AutoModelForTokenClassification(load_pretrained(checkpoint, hub, options, Task::token_classification));
}
AutoModelForTokenClassification AutoModelForTokenClassification::from_pretrained(
    const std::filesystem::path& checkpoint, const ModelOptions& options) {
  return from_pretrained(checkpoint, HubOptions{}, options);
}
TokenClassifierOutput AutoModelForTokenClassification::operator()(const BatchEncoding& inputs) const {
  return {model_->logits(inputs)};
}
TokenClassifierOutput AutoModelForTokenClassification::operator()(const BatchEncoding& inputs, const OutputOptions& outputs) const {
  TokenClassifierOutput output;
  output.logits = model_->logits(inputs, outputs, output.outputs);
  return output;
}

}  // namespace filbert
