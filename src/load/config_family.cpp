#include "load/config_family.h"

#include <algorithm>

#include <fmt/format.h>

#include <filbert/error.h>

namespace filbert {
namespace {

const std::vector<ConfigFamily>& config_families() {
  static const std::vector<ConfigFamily> families = {
      {.defaults = {.model_type = "bert"}},
      {.defaults = {.model_type = "ernie"}},
      {.defaults = {.model_type = "distilbert", .num_hidden_layers = 6, .type_vocab_size = 0},
       .aliases = {{"hidden_size", "dim"}, {"num_hidden_layers", "n_layers"}, {"num_attention_heads", "n_heads"},
                   {"intermediate_size", "hidden_dim"}, {"hidden_act", "activation"}}},
      {.defaults = {.model_type = "roberta", .vocab_size = 50265, .pad_token_id = 1}, .position_ids = PositionIds::after_padding},
      {.defaults = {.model_type = "xlm-roberta", .pad_token_id = 1}, .position_ids = PositionIds::after_padding},
      {.defaults = {.model_type = "camembert", .pad_token_id = 1}, .position_ids = PositionIds::after_padding},
      {.defaults = {.model_type = "mpnet", .vocab_size = 30527, .type_vocab_size = 0, .pad_token_id = 1}, .position_ids = PositionIds::after_padding},
      {.defaults = {.model_type = "electra", .embedding_size = 128, .hidden_size = 256, .num_attention_heads = 4, .intermediate_size = 1024},
       .has_embedding_size = true},
      {.defaults = {.model_type = "albert", .vocab_size = 30000, .embedding_size = 128, .hidden_size = 4096, .num_hidden_groups = 1,
                    .num_attention_heads = 64, .intermediate_size = 16384, .hidden_act = "gelu_new"},
       .has_embedding_size = true},
      {.defaults = {.model_type = "deberta", .vocab_size = 50265, .type_vocab_size = 0, .layer_norm_eps = 1e-7},
       .position_ids = PositionIds::biased_input,
       .has_embedding_size = true},
      {.defaults = {.model_type = "deberta-v2", .vocab_size = 128100, .hidden_size = 1536, .num_hidden_layers = 24, .num_attention_heads = 24,
                    .intermediate_size = 6144, .type_vocab_size = 0, .layer_norm_eps = 1e-7},
       .position_ids = PositionIds::biased_input,
       .has_embedding_size = true},
      {.defaults = {.model_type = "modernbert", .vocab_size = 50368, .num_hidden_layers = 22, .intermediate_size = 1152,
                    .max_position_embeddings = 8192, .type_vocab_size = 0, .pad_token_id = 50283, .layer_norm_eps = 1e-5},
       .position_ids = PositionIds::relative,
       .aliases = {{"hidden_act", "hidden_activation"}, {"layer_norm_eps", "norm_eps"}}},
      {.defaults = {.model_type = "xlnet", .vocab_size = 32000, .hidden_size = 1024, .num_hidden_layers = 24, .num_attention_heads = 16,
                    .intermediate_size = 4096, .type_vocab_size = 0, .pad_token_id = 5},
       .position_ids = PositionIds::relative,
       .aliases = {{"vocab_size", "n_token"}, {"hidden_size", "d_model"}, {"num_hidden_layers", "n_layer"}, {"num_attention_heads", "n_head"},
                   {"intermediate_size", "d_inner"}, {"hidden_act", "ff_activation"}}},
      {.defaults = {.model_type = "convbert", .embedding_size = 768, .pad_token_id = 1}, .has_embedding_size = true},
      {.defaults = {.model_type = "mobilebert", .embedding_size = 128, .hidden_size = 512, .num_hidden_layers = 24, .num_attention_heads = 4,
                    .intermediate_size = 512, .hidden_act = "relu"},
       .has_embedding_size = true},
      {.defaults = {.model_type = "roformer", .vocab_size = 50000, .max_position_embeddings = 1536}, .has_embedding_size = true},
      {.defaults = {.model_type = "nystromformer", .vocab_size = 30000, .max_position_embeddings = 510,
                    .pad_token_id = 1, .hidden_act = "gelu_new", .layer_norm_eps = 1e-5},
       .position_ids = PositionIds::after_two},
  };
  return families;
}

}  // namespace

const ConfigFamily& config_family(std::string_view model_type) {
  const std::vector<ConfigFamily>& families = config_families();
  const auto found = std::ranges::find_if(families, [&](const ConfigFamily& family) { return family.defaults.model_type == model_type; });
  return found == families.end() ? families.front() : *found;
}

void check_padding_in_front(const Config& config) {
  if (!config.max_tokens || config_family(config.model_type).position_ids == PositionIds::after_padding) return;
  throw Error(ErrorKind::invalid_argument, fmt::format("attention_mask: expected padding behind the text, since {} counts positions from the first "
                                                       "token, found it before", config.model_type));
}

}  // namespace filbert
