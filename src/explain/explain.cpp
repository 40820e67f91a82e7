// What an Explainer offers: each method is given the game that the text is, and its answer comes back with the units' names.
#include <filbert/explain.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "base/names.h"
#include "explain/counterfactuals.h"
#include "explain/explainer.h"
#include "explain/faithfulness.h"
#include "explain/lime.h"
#include "explain/occlusion.h"
#include "explain/shap.h"

namespace filbert {
namespace {

constexpr std::array<std::string_view, 4> kUnits = {"word", "token", "sentence", "regex"};
constexpr std::array<std::string_view, 4> kMaskings = {"automatic", "mask_token", "remove", "string"};
constexpr std::array<std::string_view, 3> kCompats = {"none", "lime", "shap"};
constexpr std::array<std::string_view, 3> kTargets = {"probability", "logit", "contrast"};

// How far the scores of a masked text are on the side of what the model says of the whole one: above 0 it says the same. Of several
// labels that exclude each other it is the lead of the predicted one, else how far `label` stays on its side of a half.
double lead(std::span<const double> scores, FunctionToApply function, std::size_t predicted, std::size_t label, bool is_above) {
  if (function == FunctionToApply::sigmoid) return is_above ? scores[label] - 0.5 : 0.5 - scores[label];
  double best = -std::numeric_limits<double>::infinity();
  for (std::size_t other = 0; other < scores.size(); ++other) {
    if (other != predicted) best = std::max(best, scores[other]);
  }
  return scores[predicted] - best;
}

// What `ask` answers, with how many texts it asked for.
template <typename Ask>
auto counted(Predictor& predictor, const Ask& ask) {
  predictor.start_count();
  auto result = ask();
  result.evaluations = predictor.count();
  return result;
}

}  // namespace

std::string_view name(ExplainUnit unit) { return kUnits[static_cast<std::size_t>(unit)]; }
ExplainUnit explain_unit_from_name(std::string_view name) { return from_name<ExplainUnit>("unit", name, kUnits); }
std::string_view name(Masking masking) { return kMaskings[static_cast<std::size_t>(masking)]; }
Masking masking_from_name(std::string_view name) { return from_name<Masking>("masking", name, kMaskings); }
std::string_view name(ExplainTarget target) { return kTargets[static_cast<std::size_t>(target)]; }
ExplainTarget explain_target_from_name(std::string_view name) { return from_name<ExplainTarget>("target", name, kTargets); }
std::string_view name(ExplainCompat compat) { return kCompats[static_cast<std::size_t>(compat)]; }
ExplainCompat explain_compat_from_name(std::string_view name) { return from_name<ExplainCompat>("compat", name, kCompats); }

Explainer::Explainer(const TextClassificationPipeline& classifier, TextInput text, const ExplainOptions& options)
    : impl_(std::make_unique<Impl>(classifier, text, options)) {}
Explainer::Explainer(Explainer&&) noexcept = default;
Explainer& Explainer::operator=(Explainer&&) noexcept = default;
Explainer::~Explainer() = default;

const ExplainedText& Explainer::text() const { return impl_->text; }

void Explainer::set_budget(std::optional<std::chrono::milliseconds> budget) {
  impl_->budget.deadline.reset();
  if (budget) impl_->budget.deadline = std::chrono::steady_clock::now() + *budget;
}

LimeExplanation Explainer::lime(const LimeOptions& options) {
  const std::size_t output = impl_->output(impl_->label_id(options.label));
  return counted(impl_->predictor, [&] { return lime_of(impl_->game(), output, options, impl_->budget); });
}

ShapExplanation Explainer::shap(const ShapOptions& options) {
  const std::size_t output = impl_->output(impl_->label_id(options.label));
  return counted(impl_->predictor, [&] { return filbert::shap(impl_->game(), output, impl_->shap_players(), options, impl_->budget); });
}

FaithfulnessExplanation Explainer::faithfulness(const std::vector<NamedValues>& methods, std::uint32_t seed) {
  const std::size_t output = impl_->output(impl_->label_id({}));
  return counted(impl_->predictor, [&] { return faithfulness_of(impl_->game(), output, methods, seed, impl_->budget); });
}

GradientExplanation Explainer::gradients(GradientMethod method, const GradientOptions& options) { return impl_->gradients(method, options); }

OcclusionExplanation Explainer::occlusion(const OcclusionOptions& options) {
  const std::size_t output = impl_->output(impl_->label_id(options.label));
  return counted(impl_->predictor, [&] { return filbert::occlusion(impl_->game(), output, options.pairs, impl_->budget); });
}

CounterfactualExplanation Explainer::counterfactuals(const CounterfactualOptions& options) {
  const std::size_t label = impl_->label_id(options.label);
  const std::size_t predicted = impl_->label_id(impl_->text.classification.label);
  const std::size_t num_labels = impl_->classifier.config().num_labels();
  CounterfactualExplanation result;
  if (num_labels == 1 && impl_->function != FunctionToApply::sigmoid) return result;  // a number decides nothing
  impl_->predictor.start_count();
  const Game game = impl_->score_game(label);
  Masks whole(game.num_players);
  whole.add_row(std::uint8_t{1});
  const bool is_above = game.values(whole)[label] >= 0.5;
  const auto lead_of = [&](std::span<const double> outputs) {
    return lead(outputs.first(num_labels), impl_->function, predicted, label, is_above);
  };
  const auto ask = [&](bool keeps) {
    return smallest_sets({.game = game,
                          .keeps = keeps,
                          .satisfies = [&, keeps](std::span<const double> out) { return keeps == (lead_of(out) > 0); },
                          .distance = [&, keeps](std::span<const double> out) { return keeps ? -lead_of(out) : lead_of(out); },
                          .max_sets = options.max_sets,
                          .max_evals = options.max_evals / 2},
                         impl_->budget);
  };
  const auto told = [&](const SetAnswer& answer, bool keeps) {
    std::vector<Counterfactual> told_sets;
    for (const PlayerSet& set : answer.sets) {
      Masks masks(game.num_players);
      const auto kept = masks.add_row(static_cast<std::uint8_t>(keeps ? 0 : 1));
      for (const std::size_t unit : set) kept[unit] = keeps ? 1 : 0;
      MaskedText text = impl_->mask(kept);
      const std::vector<double> values = game.values(masks);
      const auto best = std::max_element(values.begin(), values.end() - 1) - values.begin();
      told_sets.push_back({set, std::move(text.text), std::move(text.text_pair), impl_->classifier.config().id2label.at(static_cast<int>(best)),
                           values[static_cast<std::size_t>(best)], values.back()});
    }
    return told_sets;
  };
  const SetAnswer flips = ask(false), keeps = ask(true);
  result.flips = told(flips, false);
  result.keeps = told(keeps, true);
  result.flips_exact = flips.exact;
  result.keeps_exact = keeps.exact;
  result.stopped = flips.stopped || keeps.stopped;
  result.evaluations = impl_->predictor.count();
  return result;
}

double Explainer::value(const std::vector<std::uint8_t>& kept, std::optional<std::string_view> label) {
  if (kept.size() != impl_->text.units.size()) {
    throw Error(ErrorKind::invalid_argument, fmt::format("kept: expected {} units, found {}", impl_->text.units.size(), kept.size()));
  }
  Masks masks(kept.size());
  masks.add_row(std::span<const std::uint8_t>(kept));
  const auto wanted = label ? std::optional<std::string>(*label) : std::nullopt;
  return impl_->game().values(masks)[impl_->output(impl_->label_id(wanted))];
}

LimeExplanation explain_lime(const TextClassificationPipeline& classifier, std::string_view text, const LimeOptions& lime,
                             const ExplainOptions& options) {
  return Explainer(classifier, {text, std::nullopt}, options).lime(lime);
}

ShapExplanation explain_shap(const TextClassificationPipeline& classifier, std::string_view text, const ShapOptions& shap,
                             const ExplainOptions& options) {
  return Explainer(classifier, {text, std::nullopt}, options).shap(shap);
}

OcclusionExplanation explain_occlusion(const TextClassificationPipeline& classifier, std::string_view text,
                                       const OcclusionOptions& occlusion, const ExplainOptions& options) {
  return Explainer(classifier, {text, std::nullopt}, options).occlusion(occlusion);
}

}  // namespace filbert
