#include "cli/explain_options.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include <filbert/error.h>

#include "cli/options.h"
#include "explain/option_words.h"

namespace filbert::cli {
namespace {

std::vector<std::string> split(std::string_view list) {
  std::vector<std::string> words;
  while (true) {
    const std::size_t comma = list.find(',');
    words.emplace_back(list.substr(0, comma));
    if (comma == std::string_view::npos) return words;
    list.remove_prefix(comma + 1);
  }
}

void add_what(CLI::App& app, ReportOptions& options, std::string& target) {
  ExplainOptions& explain = options.explain;
  add_text(app, "--method", "LIST", "Of shap, lime, occlusion, saliency, input_x_gradient, integrated_gradients, smoothgrad, attention_rollout and "
           "attention_gradient, with commas between; default: shap",
           [&](const std::string& list) { options.methods = split(list); });
  add_text(app, "--label", "LABEL", "The label to explain; default: the predicted one", [&](const std::string& label) { explain.label = label; });
  add_text(app, "--target", "TARGET",
           "What of it: its probability (the default), its logit, or LABEL-LABEL, by how much the first logit is above the second",
           [&](const std::string& words) { target = words; });
  add_text(app, "--unit", "UNIT", "What is masked as a whole: word (the default), token, sentence, or regex=EXPRESSION, what lies between "
           "its matches", [&](const std::string& unit) { set_unit(unit, explain, "--"); });
  add_text(app, "--mask", "MASK", "What takes its place: token, the tokenizer's mask token (the default, where there is one), remove, or "
           "string=TEXT", [&](const std::string& mask) { set_mask(mask, explain, "--"); });
  add_choice(app, "--compat", "lime|shap", "The units, masking and draws of the Python package, to the letter", [&](const std::string& package) {
    explain.compat = package == "lime" ? ExplainCompat::lime : ExplainCompat::shap;
  });
  add_flag(app, "--no-bow", "Of --compat lime: each place of a word is a unit of its own", [&] { explain.bow = false; });
  add_choice(app, "--function-to-apply", "softmax|sigmoid|none", "What makes scores of logits; default: as the model says",
             [&](const std::string& name) { explain.function_to_apply = function_to_apply_from_name(name); });
  add_decimal(app, "--threshold", "P", "Labels whose score is at least P are the prediction, and are marked; for models of several labels a text", 0, 1,
              [&](float threshold) { explain.threshold = threshold; });
  add_number(app, "--max-length", "Tokens of a text, special ones included; default: all the model takes", {.least = 1},
             [&](std::size_t length) { explain.max_length = length; });
  add_choice(app, "--offset-unit", "code_points|bytes|utf16", "What start and end count; default: code_points",
             [&](const std::string& name) { explain.offset_unit = offset_unit_from_name(name); });
}

void add_how(CLI::App& app, ReportOptions& options) {
  const auto unsigned32 = Range{.most = std::numeric_limits<std::uint32_t>::max()};
  add_number(app, "--budget-ms", "Milliseconds for all of it: what was found by then is shown; default: two seconds a part", {},
             [&](std::size_t ms) { options.explain.budget = std::chrono::milliseconds(ms); });
  add_number(app, "--seed", "Of the random numbers of all methods; default: 0", unsigned32, [&](std::size_t seed) {
    options.lime.seed = options.shap.seed = options.gradients.seed = static_cast<std::uint32_t>(seed);
  });
  add_choice(app, "--algorithm", "auto|owen|partition|shapley|permutation|kernel",
             "Of shap: which orders of the words count; default: auto, Owen values, exact where --max-evals allow it",
             [&](const std::string& name) { options.shap.algorithm = shap_algorithm_from_name(name); });
  add_number(app, "--max-evals", "Of shap: masked texts that an exact result may cost; default: 500", {.least = 2},
             [&](std::size_t evals) { options.shap.max_evals = evals; });
  add_decimal(app, "--half-width", "WIDTH", "Of shap: sampling ends when 95 % of the doubt is within ± this; default: 0.02", 0, 1e9F,
              [&](float width) { options.shap.half_width = double{width}; });
  add_number(app, "--num-samples", "Of lime: masked texts drawn, the text itself included; default: 5000", {.least = 2},
             [&](std::size_t samples) { options.lime.num_samples = samples; });
  add_number(app, "--num-features", "Of lime: words that its line is made of; default: 10", {.least = 1},
             [&](std::size_t features) { options.lime.num_features = features; });
  add_choice(app, "--feature-selection", "auto|none|forward_selection|highest_weights|lasso_path", "Of lime: how they are chosen; default: auto",
             [&](const std::string& name) { options.lime.feature_selection = feature_selection_from_name(name); });
}

void add_gradients(CLI::App& app, GradientOptions& options) {
  add_choice(app, "--embedding", "word|embeddings", "Of gradients: what a token goes in as, its word's vector or what the embeddings give; default: word",
             [&](const std::string& name) { options.embedding = gradient_embedding_from_name(name); });
  add_choice(app, "--baseline", "pad|mask|mean|zero", "Of integrated_gradients: what stands for a token that says nothing; default: pad",
             [&](const std::string& name) { options.baseline = gradient_baseline_from_name(name); });
  add_number(app, "--num-steps", "Of integrated_gradients: points on the way from there; default: 50", {.least = 1, .most = 10'000},
             [&](std::size_t steps) { options.num_steps = steps; });
  add_decimal(app, "--max-gap", "SHARE", "Of integrated_gradients: steps are doubled until what is missing is at most this share; default: as it comes", 0, 1,
              [&](float share) { options.max_gap = double{share}; });
  add_number(app, "--noise-samples", "Of smoothgrad: texts with noise; default: 25", {.least = 1, .most = 10'000},
             [&](std::size_t samples) { options.num_samples = samples; });
  add_decimal(app, "--noise", "SHARE", "Of smoothgrad: how strong it is, beside the range of the embeddings; default: 0.1", 0, 100,
              [&](float noise) { options.noise = double{noise}; });
}

}  // namespace

void add_explain_options(CLI::App& app, ReportOptions& options, std::string& target) {
  add_what(app, options, target);
  add_how(app, options);
  add_gradients(app, options.gradients);
}

}  // namespace filbert::cli
