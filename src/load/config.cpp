#include <filbert/config.h>

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filbert/error.h>

#include "base/file.h"
#include "base/json.h"
#include "load/config_family.h"
#include "load/quant_method.h"

namespace filbert {
namespace {

// Larger than any encoder there is, small enough that products of sizes cannot overflow.
constexpr std::size_t kMaxSize = std::size_t{1} << 31;
constexpr std::size_t kMaxLabels = std::size_t{1} << 20;
constexpr std::size_t kMaxLayers = 10'000;  // each costs memory before a tensor of it is looked for

// A field of config.json by its name in Config; where the family has another name for it, that one counts as well.
struct Fields {
  const JsonValue& root;
  const ConfigFamily& family;

  std::optional<JsonValue> find(std::string_view name) const {
    for (const FieldAlias& alias : family.aliases) {
      if (alias.field != name) continue;
      if (const auto field = root.find(alias.key)) return field;
    }
    return root.find(name);
  }
};

// Overwrites `size` if the key is there. `at_least` and `at_most` are the values that make sense.
void read_size(const Fields& fields, std::string_view key, std::size_t& size, std::size_t at_least = 1,
               std::size_t at_most = kMaxSize) {
  const auto field = fields.find(key);
  if (!field) return;
  const std::int64_t value = field->as_int();
  if (value < static_cast<std::int64_t>(at_least) || value > static_cast<std::int64_t>(at_most)) {
    field->fail(fmt::format("a number from {} to {}", at_least, at_most));
  }
  size = static_cast<std::size_t>(value);
}

std::optional<std::string> read_string(const Fields& fields, std::string_view key) {
  const auto field = fields.find(key);
  if (!field) return std::nullopt;
  return std::string(field->as_string());
}

std::map<int, std::string> read_id2label(const JsonValue& field) {
  std::map<int, std::string> id2label;
  field.for_each_field([&](std::string_view key, const JsonValue& label) {
    int id = -1;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
    if (error != std::errc() || end != key.data() + key.size() || id < 0) {
      throw Error(ErrorKind::corrupt, fmt::format("{}: expected keys that are numbers from 0, found \"{}\"", field.where(), key));
    }
    // A label may be written as a number; transformers keeps whatever the JSON holds.
    const std::string text = label.is_string() ? std::string(label.as_string()) : simdjson::to_string(label.raw());
    if (!id2label.emplace(id, text).second) {
      throw Error(ErrorKind::corrupt, fmt::format("{}: expected each id once, found {} twice", field.where(), id));
    }
  });
  int expected = 0;
  for (const auto& [id, label] : id2label) {
    if (id != expected++) {
      throw Error(ErrorKind::corrupt, fmt::format("{}: expected ids 0 to {} without gaps, found {}", field.where(),
                                                  id2label.size() - 1, id));
    }
  }
  return id2label;
}

void read_labels(const Fields& fields, Config& config) {
  if (const auto field = fields.find("id2label"); field && field->size() > 0) {
    config.id2label = read_id2label(*field);
    return;
  }
  std::size_t num_labels = 2;  // transformers' default
  for (const char* key : {"_num_labels", "num_labels"}) read_size(fields, key, num_labels, 1, kMaxLabels);
  config.has_default_labels = true;
  for (std::size_t id = 0; id < num_labels; ++id) {
    config.id2label.emplace(static_cast<int>(id), fmt::format("LABEL_{}", id));
  }
}

void read_choice(const Fields& fields, std::string_view key, std::initializer_list<std::string_view> choices,
                 std::optional<std::string>& value) {
  value = read_string(fields, key);
  if (value && std::ranges::find(choices, *value) == choices.end()) {
    fields.root.at(key).fail(fmt::format("{}", fmt::join(choices, " | ")));
  }
}

void read_quantization(const JsonValue& root, Config& config) {
  const auto field = root.find("quantization_config");
  if (!field) return;
  const std::string_view method = field->at("quant_method").as_string();
  if (method != kQuantMethod) {
    throw Error(ErrorKind::unsupported, fmt::format("{}.quant_method: expected \"{}\" or none, found \"{}\"", field->where(), kQuantMethod, method));
  }
  config.is_quantized = true;
}

void read_sizes(const Fields& fields, Config& config) {
  read_size(fields, "vocab_size", config.vocab_size);
  read_size(fields, "hidden_size", config.hidden_size);
  if (fields.family.has_embedding_size) read_size(fields, "embedding_size", config.embedding_size);
  if (config.embedding_size == 0) config.embedding_size = config.hidden_size;
  read_size(fields, "num_hidden_layers", config.num_hidden_layers, 0, kMaxLayers);
  if (config.num_hidden_groups > 0) {
    read_size(fields, "num_hidden_groups", config.num_hidden_groups, 1, kMaxLayers);
    read_size(fields, "inner_group_num", config.inner_group_num, 1, kMaxLayers / config.num_hidden_groups);
  }
  read_size(fields, "num_attention_heads", config.num_attention_heads);
  read_size(fields, "intermediate_size", config.intermediate_size);
  read_size(fields, "max_position_embeddings", config.max_position_embeddings);
  const bool needs_types = fields.family.defaults.type_vocab_size > 0;
  read_size(fields, "type_vocab_size", config.type_vocab_size, needs_types ? 1 : 0);
  if (config.hidden_size % config.num_attention_heads == 0) return;
  throw Error(ErrorKind::corrupt, fmt::format("{}: expected hidden_size to be a multiple of num_attention_heads, found {} and {}",
                                              config.path.string(), config.hidden_size, config.num_attention_heads));
}

// pad_token_id, and what it and the family's way to count positions leave for a row.
void read_positions(const Fields& fields, Config& config) {
  const auto pad = fields.find("pad_token_id");
  if (pad) config.pad_token_id = pad->as_int();
  bool relative = fields.family.position_ids == PositionIds::relative;
  if (const auto biased = fields.find("position_biased_input"); biased && fields.family.position_ids == PositionIds::biased_input) {
    relative = !biased->as_bool();
  }
  if (!relative) config.max_tokens = config.max_position_embeddings;
  if (fields.family.position_ids != PositionIds::after_padding) return;
  const auto most = static_cast<std::int64_t>(config.max_position_embeddings) - 2;
  if (config.pad_token_id < 0 || config.pad_token_id > most) {
    throw Error(ErrorKind::corrupt, fmt::format("{}: pad_token_id: expected a number from 0 to {} (positions begin after it, and "
                                                "max_position_embeddings is {}), found {}", config.path.string(), most,
                                                config.max_position_embeddings, config.pad_token_id));
  }
  config.max_tokens = config.max_position_embeddings - static_cast<std::size_t>(config.pad_token_id) - 1;
}

}  // namespace

Config Config::from_json(std::string_view json, const std::filesystem::path& path) {
  const JsonDocument document(json, path.string());
  const JsonValue root = document.root();

  const auto model_type = root.find("model_type");
  const Fields fields{root, config_family(model_type ? model_type->as_string() : "bert")};
  Config config = fields.family.defaults;
  config.path = path;
  config.json = json;
  if (model_type) config.model_type = model_type->as_string();
  if (const auto field = root.find("architectures")) {
    field->for_each_element([&](const JsonValue& name) { config.architectures.emplace_back(name.as_string()); });
  }
  read_sizes(fields, config);
  read_positions(fields, config);
  if (const auto act = read_string(fields, "hidden_act")) config.hidden_act = *act;
  if (const auto type = read_string(fields, "position_embedding_type")) config.position_embedding_type = *type;
  if (const auto field = fields.find("layer_norm_eps")) {
    config.layer_norm_eps = field->as_double();
    if (!(config.layer_norm_eps >= 0 && config.layer_norm_eps < 1)) field->fail("a number from 0 to 1");
  }
  read_labels(fields, config);
  read_choice(fields, "problem_type", {"regression", "single_label_classification", "multi_label_classification"},
              config.problem_type);
  if (config.problem_type == "single_label_classification" && config.num_labels() == 1) {
    throw Error(ErrorKind::corrupt, fmt::format("{}: problem_type: single_label_classification needs at least 2 labels, found 1",
                                                path.string()));
  }
  read_quantization(root, config);
  config.dtype = read_string(fields, "dtype");
  if (!config.dtype) config.dtype = read_string(fields, "torch_dtype");
  return config;
}

Config Config::from_pretrained(const std::filesystem::path& checkpoint, const HubOptions& hub) {
  const std::filesystem::path directory = find_checkpoint(checkpoint, hub, {.tokenizer = false, .weights = false});
  if (!std::filesystem::is_directory(directory)) {
    throw Error(ErrorKind::not_found, fmt::format("{}: expected a directory with a checkpoint, found {}", directory.string(),
                                                  std::filesystem::exists(directory) ? "a file" : "nothing"));
  }
  const std::filesystem::path path = directory / "config.json";
  return from_json(read_file(path), path);
}

}  // namespace filbert
