#include "cli/explain_verify.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include <filbert/error.h>
#include <filbert/explain.h>
#include <filbert/explain_entity.h>

#include "base/file.h"
#include "base/json.h"
#include "base/names.h"
#include "load/fingerprint.h"

namespace filbert::cli {
namespace {

// f32 sums in another order, on another kind of CPU.
constexpr double kTolerance = 1e-4;

ExplainOptions read_settings(const JsonValue& root) {
  const JsonValue settings = root.at("settings");
  ExplainOptions options;
  options.unit = explain_unit_from_name(settings.at("unit").as_string());
  if (const auto regex = settings.find("unit_regex")) options.unit_regex = regex->as_string();
  options.masking = masking_from_name(settings.at("masking").as_string());
  options.mask_string = settings.at("mask").as_string();
  options.compat = explain_compat_from_name(settings.at("compat").as_string());
  options.bow = settings.at("bow").as_bool();
  options.offset_unit = offset_unit_from_name(settings.at("offset_unit").as_string());
  if (const auto function = settings.find("function_to_apply")) options.function_to_apply = function_to_apply_from_name(function->as_string());
  if (const auto threshold = settings.find("threshold")) options.threshold = static_cast<float>(threshold->as_double());
  if (const auto length = settings.find("max_length")) options.max_length = static_cast<std::size_t>(length->as_int());
  options.target = explain_target_from_name(root.at("target").as_string());
  options.label = std::string(root.at("label").as_string());
  if (const auto against = root.find("against")) options.against = std::string(against->as_string());
  return options;
}

void read_gradients(const JsonValue& method, GradientOptions& options) {
  options.embedding = gradient_embedding_from_name(method.at("embedding").as_string());
  if (const auto baseline = method.find("baseline")) {
    options.baseline = gradient_baseline_from_name(baseline->as_string());
    options.num_steps = static_cast<std::size_t>(method.at("num_steps").as_int());  // those that were taken, however they came about
  }
  if (const auto samples = method.find("num_samples")) {
    options.num_samples = static_cast<std::size_t>(samples->as_int());
    options.noise = method.at("noise").as_double();
    options.seed = static_cast<std::uint32_t>(method.at("seed").as_int());
  }
}

void read_methods(const JsonValue& root, ReportOptions& options) {
  options.methods.clear();
  root.at("methods").for_each_field([&](std::string_view name, const JsonValue& method) {
    options.methods.emplace_back(name);
    if (name == "shap") {
      options.shap.max_evals = static_cast<std::size_t>(method.at("max_evals").as_int());
      options.shap.half_width = method.at("half_width").as_double();
      options.shap.seed = static_cast<std::uint32_t>(method.at("seed").as_int());
      options.shap.algorithm = shap_algorithm_from_name(method.at("algorithm_option").as_string());
    } else if (name == "lime") {
      options.lime.num_samples = static_cast<std::size_t>(method.at("num_samples").as_int());
      options.lime.num_features = static_cast<std::size_t>(method.at("num_features").as_int());
      options.lime.kernel_width = method.at("kernel_width").as_double();
      options.lime.feature_selection = feature_selection_from_name(method.at("feature_selection").as_string());
      options.lime.seed = static_cast<std::uint32_t>(method.at("seed").as_int());
    } else if (name != "occlusion") {
      read_gradients(method, options.gradients);
    }
  });
}

// The place and the type, which say what was explained.
Entity read_entity(const JsonValue& entity) {
  Entity written;
  written.entity = entity.at("entity_group").as_string();
  written.offset = {static_cast<std::size_t>(entity.at("start").as_int()), static_cast<std::size_t>(entity.at("end").as_int())};
  return written;
}

// The values of a method as they were written, and whether time had cut it short.
struct Written {
  std::vector<double> values;
  bool stopped = false;
};
Written read_written(const JsonValue& method) {
  Written written;
  method.at("units").for_each_element([&](const JsonValue& unit) {
    const auto value = unit.find("value");
    written.values.push_back(value ? value->as_double() : std::nan(""));
  });
  written.stopped = method.at("stopped").as_bool();
  return written;
}

// Every difference, a sentence each.
std::vector<std::string> differences(const JsonValue& root, const ExplainReport& report) {
  std::vector<std::string> found;
  const double score = root.at("score").as_double();
  if (!(std::abs(score - report.text.score) <= kTolerance)) {
    found.push_back(fmt::format("score: expected {}, found {}", score, static_cast<float>(report.text.score)));
  }
  for (const NamedValues& method : report.values()) {
    const Written written = read_written(root.at("methods").at(method.method));
    if (written.stopped) continue;  // what time allows is another number each time
    if (written.values.size() != method.values.size()) {
      found.push_back(fmt::format("{}: expected {} units, found {}", method.method, written.values.size(), method.values.size()));
      continue;
    }
    for (std::size_t unit = 0; unit < method.values.size(); ++unit) {
      if (std::abs(written.values[unit] - method.values[unit]) <= kTolerance) continue;
      found.push_back(fmt::format("{} of \"{}\": expected {}, found {}", method.method, report.text.units[unit].text, written.values[unit],
                                  method.values[unit]));
    }
  }
  return found;
}

// One object; the pipelines are kept, since files mostly name one model.
class Verifier {
 public:
  Verifier(const ModelChoice& choice, const ModelOptions& loading, Session& session) : choice_(choice), loading_(loading), session_(session) {}

  std::vector<std::string> verify(const JsonValue& root) {
    ReportOptions options;
    options.explain = read_settings(root);
    read_methods(root, options);
    options.counterfactuals = options.faithfulness = false;
    options.shap.budget.reset();
    const bool of_entity = root.find("entity").has_value();
    const Loaded& loaded = load(std::string(root.at("model").as_string()), of_entity);
    std::vector<std::string> found;
    const auto same = [&](std::string_view key, const std::string& sha256) {
      const std::string_view written = root.at(key).as_string();
      if (written != sha256) found.push_back(fmt::format("{}: expected {}, found {}", key, written, sha256));
    };
    same("model_sha256", loaded.weights);
    same("tokenizer_sha256", loaded.tokenizer);
    const auto differing = differences(root, of_entity ? explain_entity(root, loaded, options) : explain_text(root, loaded, options));
    found.insert(found.end(), differing.begin(), differing.end());
    return found;
  }

 private:
  struct Loaded {
    std::variant<TextClassificationPipeline, TokenClassificationPipeline> pipeline;
    std::string weights, tokenizer;
  };

  static ExplainReport explain_text(const JsonValue& root, const Loaded& loaded, const ReportOptions& options) {
    std::optional<std::string_view> text_pair;
    if (const auto pair = root.find("text_pair")) text_pair = pair->as_string();
    return explain(std::get<TextClassificationPipeline>(loaded.pipeline), {root.at("text").as_string(), text_pair}, options);
  }

  static ExplainReport explain_entity(const JsonValue& root, const Loaded& loaded, const ReportOptions& options) {
    EntityExplainOptions of_entity{.explain = options.explain, .methods = options.methods, .gradients = options.gradients};
    if (const auto stride = root.at("settings").find("stride")) of_entity.stride = static_cast<std::size_t>(stride->as_int());
    const auto& pipeline = std::get<TokenClassificationPipeline>(loaded.pipeline);
    return filbert::explain_entity(pipeline, root.at("text").as_string(), read_entity(root.at("entity")), of_entity).report;
  }

  const Loaded& load(const std::string& model, bool of_entity) {
    ModelChoice choice = choice_;
    if (!choice.name && model != "built-in") choice.name = model;
    const std::string key = fmt::format("{}:{}", of_entity ? "entity" : "text", choice.name ? choice.name->string() : "");
    if (const auto known = loaded_.find(key); known != loaded_.end()) return known->second;
    const std::filesystem::path directory = of_entity && !choice.name ? default_entities_model() : model_directory(choice, session_);
    return loaded_.emplace(key, Loaded{pipeline_of(directory, of_entity), weights_sha256(directory), tokenizer_sha256(directory)}).first->second;
  }

  std::variant<TextClassificationPipeline, TokenClassificationPipeline> pipeline_of(const std::filesystem::path& directory, bool of_entity) const {
    if (of_entity) return pipeline<TokenClassificationPipeline>("ner", directory, {}, loading_);
    return pipeline("text-classification", directory, loading_, DecisionChoice{.use = false});
  }

  const ModelChoice& choice_;
  const ModelOptions& loading_;
  Session& session_;
  std::map<std::string, Loaded> loaded_;
};

}  // namespace

void verify_explanations(const std::filesystem::path& file, const ModelChoice& choice, const ModelOptions& loading, Session& session) {
  const std::string content = read_file(file);
  Verifier verifier(choice, loading, session);
  std::size_t number = 0, failures = 0;
  for (std::size_t at = 0; at < content.size();) {
    const std::size_t end = std::min(content.find('\n', at), content.size());
    const std::string_view line = std::string_view(content).substr(at, end - at);
    at = end + 1;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const std::string where = fmt::format("{}: explanation {}", file.string(), ++number);
    const JsonDocument document(line, where);
    const std::vector<std::string> found = verifier.verify(document.root());
    failures += !found.empty();
    session.out.write(fmt::format("explanation {}: {}\n", number, found.empty() ? "the same" : session.out.foreign(first_of(found, 5))));
  }
  if (number == 0) throw Error(ErrorKind::corrupt, fmt::format("{}: expected explanations as --format json writes them, found none", file.string()));
  if (failures > 0) throw Error(ErrorKind::corrupt, fmt::format("{}: {} of {} explanations are not the same", file.string(), failures, number));
}

}  // namespace filbert::cli
