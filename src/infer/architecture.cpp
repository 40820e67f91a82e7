#include "infer/architecture.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <iterator>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "infer/convbert.h"
#include "infer/deberta.h"
#include "infer/deberta_config.h"
#include "infer/ernie.h"
#include "infer/family_fields.h"
#include "infer/mobilebert.h"
#include "infer/modernbert.h"
#include "infer/mpnet.h"
#include "infer/nystromformer.h"
#include "infer/quantize.h"
#include "infer/roformer.h"
#include "infer/xlnet.h"

namespace filbert {
namespace {

// BERT's: a tanh over the first token, trained in pre-training.
HeadRow bert_head(const Config&) { return {.dense = "pooler.dense", .activation = Activation::tanh}; }
HeadRow roberta_head(const Config&) {
  return {.dense = "classifier.dense", .activation = Activation::tanh, .out = "classifier.out_proj"};
}
HeadRow electra_head(const Config&) {
  return {.dense = "classifier.dense", .activation = Activation::gelu, .out = "classifier.out_proj"};
}
HeadRow activation_head(const Config& config) {
  return {.dense = "classifier.dense", .activation = activation_of(config), .out = "classifier.out_proj"};
}
HeadRow distilbert_head(const Config&) { return {.dense = "pre_classifier", .activation = Activation::relu}; }
HeadRow deberta_head(const Config& config) { return {.dense = "pooler.dense", .activation = deberta_pooler_act(config)}; }
HeadRow albert_head(const Config&) { return {.dense = "pooler", .activation = Activation::tanh}; }

constexpr ModuleName kDistilbertNames[] = {
    {"attention.self.query", "attention.q_lin"},      {"attention.self.key", "attention.k_lin"},
    {"attention.self.value", "attention.v_lin"},      {"attention.output.dense", "attention.out_lin"},
    {"attention.output.LayerNorm", "sa_layer_norm"},  {"intermediate.dense", "ffn.lin1"},
    {"output.dense", "ffn.lin2"},                     {"output.LayerNorm", "output_layer_norm"},
};
constexpr ModuleName kMpnetNames[] = {
    {"attention.self.query", "attention.attn.q"},     {"attention.self.key", "attention.attn.k"},
    {"attention.self.value", "attention.attn.v"},     {"attention.output.dense", "attention.attn.o"},
    {"attention.output.LayerNorm", "attention.LayerNorm"},
};
constexpr ModuleName kAlbertNames[] = {
    {"attention.self.query", "attention.query"},      {"attention.self.key", "attention.key"},
    {"attention.self.value", "attention.value"},      {"attention.output.dense", "attention.dense"},
    {"attention.output.LayerNorm", "attention.LayerNorm"}, {"intermediate.dense", "ffn"},
    {"output.dense", "ffn_output"},                   {"output.LayerNorm", "full_layer_layer_norm"},
};
constexpr ModuleName kModernBertNames[] = {
    {"embeddings.word_embeddings", "embeddings.tok_embeddings"}, {"embeddings.LayerNorm", "embeddings.norm"},
    {"attention.self", "attn.Wqkv"},                  {"attention.output.dense", "attn.Wo"},
    {"attention.output.LayerNorm", "attn_norm"},      {"intermediate.dense", "mlp.Wi"},
    {"output.dense", "mlp.Wo"},                       {"output.LayerNorm", "mlp_norm"},
};
constexpr ModuleName kXlnetNames[] = {{"embeddings.word_embeddings", "word_embedding"}};

constexpr ModuleName kDebertaV2Names[] = {
    {"attention.self.query", "attention.self.query_proj"},
    {"attention.self.key", "attention.self.key_proj"},
    {"attention.self.value", "attention.self.value_proj"},
};
constexpr ModuleName kDebertaNames[] = {  // v2's for the same
    {"attention.self.pos_key_proj", "attention.self.pos_proj"},
    {"attention.self.pos_query_proj", "attention.self.pos_q_proj"},
};

constexpr ModuleName kConvbertNames[] = {
    {"attention.self.key_conv_attn_layer.pointwise.bias", "attention.self.key_conv_attn_layer.bias"},
};

constexpr Architecture kArchitectures[] = {
    {.model_type = "bert", .prefix = "bert.", .sequence_head = bert_head},
    {.model_type = "ernie", .prefix = "ernie.", .sequence_head = bert_head, .expect = expect_ernie, .load = load_ernie},
    {.model_type = "distilbert", .prefix = "distilbert.", .sequence_head = distilbert_head, .names = kDistilbertNames,
     .layer_root = "transformer.layer.{}.", .has_token_types = false},
    {.model_type = "roberta", .prefix = "roberta.", .sequence_head = roberta_head},
    {.model_type = "xlm-roberta", .prefix = "roberta.", .sequence_head = roberta_head},
    {.model_type = "camembert", .prefix = "roberta.", .sequence_head = roberta_head},
    {.model_type = "electra", .prefix = "electra.", .sequence_head = electra_head, .projection = "embeddings_project"},
    {.model_type = "albert", .prefix = "albert.", .sequence_head = albert_head, .names = kAlbertNames,
     .layer_root = "encoder.albert_layer_groups.{}.albert_layers.{}.", .projection = "encoder.embedding_hidden_mapping_in"},
    {.model_type = "mpnet", .prefix = "mpnet.", .sequence_head = roberta_head, .names = kMpnetNames, .has_token_types = false,
     .expect = expect_mpnet, .load = load_mpnet, .attend = attend_mpnet},
    {.model_type = "deberta-v2", .prefix = "deberta.", .sequence_head = deberta_head, .names = kDebertaV2Names,
     .expect = expect_deberta, .linear_groups = deberta_groups, .read_linear = read_deberta_linear, .kept_tensors = kept_deberta_tensors,
     .load = load_deberta, .encode = encode_deberta, .attend = attend_deberta},
    {.model_type = "deberta", .prefix = "deberta.", .sequence_head = deberta_head, .names = kDebertaNames,
     .expect = expect_deberta, .linear_groups = deberta_groups, .read_linear = read_deberta_linear, .kept_tensors = kept_deberta_tensors,
     .load = load_deberta, .encode = encode_deberta, .attend = attend_deberta},
    {.model_type = "modernbert", .prefix = "model.", .sequence_head = modernbert_sequence_head, .names = kModernBertNames,
     .layer_root = "layers.{}.", .has_token_types = false, .has_positions = false, .token_head = modernbert_token_head,
     .expect = expect_modernbert, .linear_groups = modernbert_groups, .load = load_modernbert, .encode = encode_modernbert},
    {.model_type = "xlnet", .prefix = "transformer.", .sequence_head = xlnet_sequence_head, .names = kXlnetNames, .layer_root = "layer.{}.",
     .has_token_types = false, .has_positions = false,
     .expect = expect_xlnet, .linear_groups = xlnet_groups, .read_linear = read_xlnet_linear, .load = load_xlnet, .embed = embed_xlnet,
     .attend = attend_xlnet},
    {.model_type = "mobilebert", .prefix = "mobilebert.", .sequence_head = mobilebert_head,
     .expect = expect_mobilebert, .linear_groups = mobilebert_groups, .load = load_mobilebert, .embed = embed_mobilebert,
     .encode = encode_mobilebert},
    {.model_type = "convbert", .prefix = "convbert.", .sequence_head = activation_head, .names = kConvbertNames,
     .projection = "embeddings_project", .expect = expect_convbert, .linear_groups = convbert_groups, .load = load_convbert,
     .encode = encode_convbert},
    {.model_type = "roformer", .prefix = "roformer.", .sequence_head = activation_head, .has_positions = false,
     .projection = "embeddings_project", .expect = expect_roformer, .load = load_roformer, .attend = attend_roformer},
    {.model_type = "nystromformer", .prefix = "nystromformer.", .sequence_head = activation_head,
     .expect = expect_nystromformer, .load = load_nystromformer, .attend = attend_nystromformer},
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

std::string in_quotes(std::string_view text) { return fmt::format("\"{}\"", text); }

}  // namespace

std::vector<std::string_view> model_types() {
  std::vector<std::string_view> types;
  for (const Architecture& row : kArchitectures) types.push_back(row.model_type);
  return types;
}

const Architecture& architecture_of(const Config& config) {
  const auto* row = std::ranges::find(kArchitectures, std::string_view(config.model_type), &Architecture::model_type);
  if (row == std::end(kArchitectures)) {
    refuse(config, "model_type", "one of " + names(kArchitectures, &Architecture::model_type), in_quotes(config.model_type));
  }
  if (config.position_embedding_type != "absolute") {
    refuse(config, "position_embedding_type", in_quotes("absolute"), in_quotes(config.position_embedding_type));
  }
  return *row;
}

Activation activation_of(const Config& config, std::string_view field, std::string_view name) {
  const auto row = std::ranges::find(kActivations, name, &ActivationRow::name);
  if (row == kActivations.end()) {
    refuse(config, field, "one of " + names(kActivations, &ActivationRow::name), in_quotes(name));
  }
  return row->activation;
}

HeadRow token_head(const Config&) { return {.keep = Keep::all}; }

Task task_of(const Config& config) {
  const bool labels_tokens = !config.architectures.empty() && config.architectures.front().ends_with("ForTokenClassification");
  return labels_tokens ? Task::token_classification : Task::sequence_classification;
}

HeadRow head_of(const Config& config, Task task) {
  const Architecture& row = architecture_of(config);
  if (task == Task::encoder) return {.out = {}, .keep = Keep::all};
  const bool sequence = task == Task::sequence_classification;
  const std::string_view other = sequence ? "ForTokenClassification" : "ForSequenceClassification";
  if (!config.architectures.empty() && config.architectures.front().ends_with(other)) {
    refuse(config, "architectures", sequence ? "a head for sequence classification" : "a head for token classification",
           fmt::format("{}, which {}", config.architectures.front(), sequence ? "filbert entities and the pipeline token-classification take"
                                                                              : "filbert classify and the pipeline text-classification take"));
  }
  return sequence ? row.sequence_head(config) : row.token_head(config);
}

bool has_positions(const Config& config) { return architecture_of(config).has_positions && config.max_tokens; }

bool has_token_types(const Config& config) { return architecture_of(config).has_token_types && config.type_vocab_size > 0; }

bool has_projection(const Config& config) {
  const bool always = config.num_hidden_groups > 0;
  return !architecture_of(config).projection.empty() && (always || config.embedding_size != config.hidden_size);
}

std::size_t num_stored_layers(const Config& config) {
  return config.num_hidden_groups > 0 ? config.num_hidden_groups * config.inner_group_num : config.num_hidden_layers;
}

std::vector<std::size_t> layer_order(const Config& config) {
  std::vector<std::size_t> order;
  for (std::size_t layer = 0; layer < config.num_hidden_layers; ++layer) {
    if (config.num_hidden_groups == 0) {
      order.push_back(layer);
      continue;
    }
    // As AlbertTransformer.forward() divides.
    const double layers_of_group = static_cast<double>(config.num_hidden_layers) / static_cast<double>(config.num_hidden_groups);
    const auto group = static_cast<std::size_t>(static_cast<double>(layer) / layers_of_group);
    for (std::size_t inner = 0; inner < config.inner_group_num; ++inner) order.push_back(group * config.inner_group_num + inner);
  }
  return order;
}

std::string file_name(const Config& config, std::string_view name) {
  constexpr std::string_view kLayers = "encoder.layer.";
  const Architecture& row = architecture_of(config);
  std::string root;
  if (name.starts_with(kLayers)) {
    name.remove_prefix(kLayers.size());
    std::size_t layer = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), layer);
    name.remove_prefix(static_cast<std::size_t>(end - name.data()) + 1);
    root = fmt::format(fmt::runtime(row.layer_root), layer / config.inner_group_num, layer % config.inner_group_num);
  }
  for (const ModuleName& module : row.names) {
    const std::string_view rest = name.substr(std::min(module.name.size(), name.size()));
    if (name.starts_with(module.name) && (rest.empty() || rest.front() == '.')) return root + std::string(module.file_name) + std::string(rest);
  }
  return root + std::string(name);
}

std::vector<KeptTensor> kept_tensors(const Config& config) {
  const auto of_row = architecture_of(config).kept_tensors;
  return of_row == nullptr ? std::vector<KeptTensor>() : of_row(config);
}

namespace {

// What expect() has listed, as `filbert quantize` stores it.
void expect_narrow(const Config& config, TensorList& list) {
  const auto find = [&](const std::string& name) { return std::ranges::find(list.tensors, name, &ExpectedTensor::name); };
  const auto make_narrow = [&](ExpectedTensor& weight) {
    weight.is_int8 = true;
    list.add(weight.name + "_scale", {weight.shape[0]});
  };
  for (const KeptTensor& kept : kept_tensors(config)) list.add(kept.name, find(kept.of)->shape);
  make_narrow(*find("embeddings.word_embeddings.weight"));
  for (std::size_t layer = 0; layer < num_stored_layers(config); ++layer) {
    for (const LinearGroup& group : architecture_of(config).linear_groups(config, layer)) {
      std::size_t in = 0;
      for (const std::string& linear : group.linears) {
        auto weight = find(linear + ".weight");
        if (weight == list.tensors.end()) {  // its numbers lie in another form in a checkpoint that is not quantized
          weight = find(linear);
          assert(weight != list.tensors.end());
          *weight = {.name = linear + ".weight", .shape = {config.hidden_size, config.hidden_size}};
        }
        const std::size_t out = weight->shape[0];
        in = weight->shape[1];
        make_narrow(*weight);
        if (find(linear + ".bias") == list.tensors.end()) list.add(linear + ".bias", {out});
      }
      for (const char* part : {".input_center", ".input_factor"}) list.add(group.name + part, {in});
    }
  }
}

}  // namespace

std::vector<ExpectedTensor> expected_tensors(const Config& config, Task task) {
  const HeadRow head = head_of(config, task);
  TensorList list{config};
  architecture_of(config).expect(config, list);
  if (config.is_quantized) expect_narrow(config, list);
  if (!head.dense.empty()) list.linear(std::string(head.dense), config.hidden_size, config.hidden_size, head.has_dense_bias);
  if (!head.norm.empty()) list.layer_norm(std::string(head.norm), config.hidden_size, head.has_norm_bias);
  if (!head.out.empty()) list.linear(std::string(head.out), config.num_labels(), config.hidden_size);
  for (ExpectedTensor& tensor : list.tensors) tensor.file_name = file_name(config, tensor.name);
  return std::move(list.tensors);
}

}  // namespace filbert
