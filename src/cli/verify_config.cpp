// What config.json says of the classifier.
#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "base/json.h"
#include "cli/checkpoint.h"
#include "cli/verify_checks.h"

namespace filbert::cli {
namespace {

std::string list_of_labels(const Config& config) {
  constexpr std::size_t kMost = 6;
  std::string labels;
  for (const auto& [id, label] : config.id2label) {
    if (static_cast<std::size_t>(id) == kMost) return labels + ", …";
    labels += (id == 0 ? "" : ", ") + label;
  }
  return labels;
}

// label2id is read by no program that predicts, but a reader of the file may believe it.
void compare_label2id(const Config& config, CheckResult& result) {
  const JsonDocument document(config.json, config.path.string());
  const auto label2id = document.root().find("label2id");
  if (!label2id || !label2id->is_object() || config.has_default_labels) return;
  std::size_t others = 0;
  label2id->for_each_field([&](std::string_view label, const JsonValue& id) {
    const std::string number = id.is_string() ? std::string(id.as_string()) : simdjson::to_string(id.raw());
    others += std::ranges::none_of(config.id2label, [&](const auto& each) {
      return each.second == label && std::to_string(each.first) == number;
    });
  });
  if (others != 0) result.warn(fmt::format("label2id contradicts id2label in {} of its labels; id2label counts", others));
}

}  // namespace

void check_config(Subject& subject, CheckResult& result) {
  const auto is_config = [](const std::filesystem::path& path) { return path.filename() == "config.json"; };
  if (std::ranges::none_of(subject.files, is_config)) throw Skip{"there is no config.json"};  // said by files
  subject.config = Config::from_pretrained(subject.directory);
  const Config& config = *subject.config;
  const std::string head = config.architectures.empty() ? std::string() : config.architectures.front();
  result.found = fmt::format("{}, {}: {} layers, hidden {}, {} tokens, {} positions", config.model_type, head, config.num_hidden_layers,
                             config.hidden_size, config.vocab_size, config.max_position_embeddings);
  result.facts = {{"model_type", config.model_type}, {"architecture", head}};
  if (head.empty()) {
    result.warn("architectures: none is named: nothing says that this model was trained to classify texts");
  } else if (!is_made_for(config, "ForSequenceClassification") && !labels_tokens(config)) {
    result.fail(ErrorKind::unsupported, fmt::format("architectures: expected a …ForSequenceClassification or …ForTokenClassification, found {}: a model "
                                                    "that was not trained to classify", head));
  }
}

void check_labels(Subject& subject, CheckResult& result) {
  const Config& config = subject.need_config();
  const std::string function(labels_tokens(config) ? "softmax of each token" : name(default_function_to_apply(config)));
  result.found = fmt::format("{} ({}): {}", config.num_labels(), function, list_of_labels(config));
  result.facts = {{"num_labels", config.num_labels()}, {"function_to_apply", function.substr(0, function.find(' '))}};
  for (std::string& doubt : label_doubts(config)) result.warn(std::move(doubt));
  std::map<std::string_view, int> ids;
  for (const auto& [id, label] : config.id2label) {
    const auto [first, is_new] = ids.emplace(label, id);
    if (!is_new) result.warn(fmt::format("id2label: {} and {} are both \"{}\": an answer does not say which", first->second, id, label));
  }
  compare_label2id(config, result);
}

}  // namespace filbert::cli
