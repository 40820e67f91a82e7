#include "explain/option_words.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include <filbert/error.h>

#include "base/names.h"
#include "postprocess/answers.h"

namespace filbert {

void set_unit(std::string_view unit, ExplainOptions& options, std::string_view prefix) {
  if (unit.starts_with("regex=")) {
    options.unit = ExplainUnit::regex;
    options.unit_regex = unit.substr(6);
    return;
  }
  if (unit == "regex") throw Error(ErrorKind::invalid_argument, fmt::format("{}unit: expected regex=EXPRESSION, found no expression", prefix));
  options.unit = explain_unit_from_name(unit);
}

void set_mask(std::string_view mask, ExplainOptions& options, std::string_view prefix) {
  if (mask == "remove") {
    options.masking = Masking::remove;
  } else if (mask == "token") {
    options.masking = Masking::mask_token;
  } else if (mask.starts_with("string=")) {
    options.masking = Masking::string;
    options.mask_string = mask.substr(7);
  } else {
    throw Error(ErrorKind::invalid_argument, fmt::format("{}mask: expected token, remove or string=TEXT, found \"{}\"", prefix, mask));
  }
}

void set_target(std::string_view target, const Config& config, ExplainOptions& options, std::string_view prefix) {
  if (target == "probability" || target == "logit") {
    options.target = target == "logit" ? ExplainTarget::logit : ExplainTarget::probability;
    return;
  }
  const std::vector<std::string> labels = labels_of(config.id2label);
  const auto is_label = [&](std::string_view word) { return std::find(labels.begin(), labels.end(), word) != labels.end(); };
  for (std::size_t dash = target.find('-'); dash != std::string_view::npos; dash = target.find('-', dash + 1)) {
    const std::string_view label = target.substr(0, dash), against = target.substr(dash + 1);
    if (!is_label(label) || !is_label(against)) continue;
    if (options.label && *options.label != label) {
      throw Error(ErrorKind::invalid_argument, fmt::format("{}target {}: expected {}label \"{}\" or none beside it, found \"{}\"", prefix, target, prefix, label,
                                                           *options.label));
    }
    options.target = ExplainTarget::contrast;
    options.label = label;
    options.against = against;
    return;
  }
  throw Error(ErrorKind::invalid_argument, fmt::format("{}target: expected probability, logit or two of {} with a - between, found \"{}\"", prefix,
                                                       first_of(labels, 12), target));
}

void apply_compat(ReportOptions& options, std::string_view prefix) {
  if (options.explain.compat == ExplainCompat::none) return;
  const bool is_lime = options.explain.compat == ExplainCompat::lime;
  const std::string package = is_lime ? "lime" : "shap";
  if (options.methods != std::vector<std::string>{"shap"} && options.methods != std::vector{package}) {
    throw Error(ErrorKind::invalid_argument, fmt::format("{}compat {}: expected {}method {} or none beside it, found {}", prefix, package, prefix, package,
                                                         fmt::join(options.methods, ",")));
  }
  options.methods = {package};
  if (!is_lime && options.shap.algorithm == ShapAlgorithm::automatic) options.shap.algorithm = ShapAlgorithm::partition;
}

}  // namespace filbert
