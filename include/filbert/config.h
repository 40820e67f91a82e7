// config.json, as transformers' PretrainedConfig and the configuration class of its model_type read it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <filbert/hub.h>

namespace filbert {

// Field names are those of transformers' BertConfig (models/bert/configuration_bert.py), whatever a family calls them in the file
// (DistilBERT's dim is hidden_size, XLNet's d_inner is intermediate_size). A key that is absent takes the default of the class of its
// model_type; those below are BERT's. Keys that do not touch inference (dropout, …) are not kept.
struct Config {
  std::filesystem::path path = {};               // the file it was read from; error messages name it
  std::string model_type = "bert";
  std::vector<std::string> architectures = {};

  std::size_t vocab_size = 30522;
  std::size_t embedding_size = 0;                // of word embeddings; hidden_size, unless a family projects smaller ones to it
  std::size_t hidden_size = 768;
  std::size_t num_hidden_layers = 12;
  std::size_t num_hidden_groups = 0;             // of layers that share their weights (ALBERT); 0: each layer has its own
  std::size_t inner_group_num = 1;               // layers of such a group
  std::size_t num_attention_heads = 12;
  std::size_t intermediate_size = 3072;
  std::size_t max_position_embeddings = 512;
  std::size_t type_vocab_size = 2;
  std::int64_t pad_token_id = 0;
  std::string hidden_act = "gelu";
  double layer_norm_eps = 1e-12;
  std::string position_embedding_type = "absolute";

  std::map<int, std::string> id2label = {};      // keys are 0 … num_labels − 1, without gaps
  bool has_default_labels = false;               // id2label was absent: the labels are LABEL_0, LABEL_1, …
  std::optional<std::string> problem_type = {};  // regression | single_label_classification | multi_label_classification
  std::optional<std::string> dtype = {};         // `dtype` or the older `torch_dtype`, as written

  // Tokens of the longest row, special ones included; absent where positions are relative and rows may have any length.
  std::optional<std::size_t> max_tokens = {};
  std::string json = {};                         // the file's text: what only one family has, its own code reads from here

  bool is_quantized = false;                     // quantization_config: as `filbert quantize` writes it

  // What a text is cut to where nobody says more: max_tokens, or without such a limit max_position_embeddings, which pre-training saw.
  std::size_t default_max_length() const { return max_tokens.value_or(max_position_embeddings); }
  std::size_t num_labels() const { return id2label.size(); }
  std::size_t head_size() const { return hidden_size / num_attention_heads; }

  // Reads and checks the config.json of a directory, or of a model of the Hub (find_checkpoint(), whose errors it throws too).
  // Throws Error: not_found (no such directory or file), corrupt (not JSON, a field of the wrong type or out of range,
  // sizes that contradict each other), unsupported (a quantization_config that is not of `filbert quantize`).
  static Config from_pretrained(const std::filesystem::path& checkpoint, const HubOptions& hub = {});
  // The same from the text of a config.json; `path` is only named in messages.
  static Config from_json(std::string_view json, const std::filesystem::path& path);
};

}  // namespace filbert
