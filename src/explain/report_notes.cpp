// How to read the page, where it misleads, and how to have it again.
#include <fmt/format.h>

#include "explain/report_html.h"
#include "explain/report_page.h"

namespace filbert {
namespace {

std::string stopped(bool truth) { return truth ? ", stopped before its end" : ""; }

constexpr std::string_view kInside =
    "Gradients look at the model from inside: saliency and SmoothGrad say how much the score hangs on a word, not which way; integrated gradients add up "
    "along the way from a text without words";
// True of every explanation.
constexpr std::string_view kOfAll =
    "<li>It shows what this model does with this text, not what is true of the world, and not what the model would do with another text.</li>\n"
    "<li>A masked text is one that nobody writes: what the model says of it is part of the answer, and can mislead.</li>\n</ul>\n</section>\n";

void entity_reading(const ReportPage& page, std::string& out) {
  out += fmt::format("<li>A number says what a {} does to {} on the entity’s own tokens: above zero it speaks for {}, below zero against it.</li>\n",
                     page.unit_word(), page.quantity(), page.explained());
  if (page.report.occlusion) {
    out += fmt::format("<li>Occlusion puts <code>{}</code> in the place of every token of one {}, so that all others stay where they are. Where it is one of "
                       "the entity’s own, the rest of the text is left to say what stands there.</li>\n", name_html(page.text.mask), page.unit_word());
  }
  if (!page.report.gradients.empty()) out += fmt::format("<li>{}.</li>\n", kInside);
}

void text_reading(const ReportPage& page, std::string& out) {
  const std::string masked = page.text.mask.empty() ? "taken out" : fmt::format("replaced by <code>{}</code>", name_html(page.text.mask));
  out += fmt::format("<li>A number says how {} changes when the {} is {}: above zero it speaks for {}, below zero against it.</li>\n", page.quantity(),
                     page.unit_word(), masked, page.explained());
  out += "<li>SHAP shares the score out so that it adds up, whatever order things are taken away in; LIME fits a straight line to many masked texts; "
         "occlusion takes one away and leaves the rest.</li>\n";
  if (!page.report.gradients.empty()) out += fmt::format("<li>{}; attention says where the model looked, which is no cause.</li>\n", kInside);
  out += "<li>Where the methods disagree, the text works by combinations, and no single number per word tells all of it: look at the phrases, and at the "
         "curves.</li>\n";
}

}  // namespace

void reading_section(const ReportPage& page, std::string& out) {
  out += "<section class=\"card\" id=\"reading\">\n<h2>How to read this</h2>\n<ul>\n";
  if (page.entity != nullptr) {
    entity_reading(page, out);
  } else {
    text_reading(page, out);
  }
  out += kOfAll;
}

void reproduce_section(const ReportPage& page, std::string& out) {
  const ExplainReport& report = page.report;
  const Classification& answer = page.text.classification;
  out += "<section class=\"card\" id=\"reproduce\">\n<h2>How to have it again</h2>\n<dl class=\"facts\">\n";
  fact("Model", name_html(report.model, 200), out);
  fact("Weights, sha256", hash_html(report.model_sha256), out);
  fact("Tokenizer, sha256", hash_html(report.tokenizer_sha256), out);
  fact("Computed in", name_html(report.dtype), out);
  fact("Filbert", name_html(report.version), out);
  if (answer.tokens_used > 0) fact("Tokens", fmt::format("{} of {}", answer.tokens_used, answer.tokens_total), out);
  if (page.entity != nullptr) {
    const Entity& entity = page.entity->entity;
    fact("Entity", fmt::format("{}, from {} to {}", name_html(entity.entity), entity.offset.begin, entity.offset.end), out);
    if (page.entity->windows > 1) fact("Window", fmt::format("{} of {}", page.entity->window + 1, page.entity->windows), out);
  }
  if (page.contexts != nullptr && !page.contexts->units.empty()) {
    const IndexInfo& index = page.contexts->units.front().similar.index;
    fact("Index of", name_html(index.input, 200), out);
    fact("Its texts, sha256", hash_html(index.input_sha256), out);
  }
  fact("Parts", fmt::format("{}, masked: {}", page.unit_words(page.text.units.size()), page.text.mask.empty() ? "taken out" : name_html(page.text.mask)), out);
  if (report.shap) {
    fact("SHAP", fmt::format("{}, {}{}, seed {}{}", name_html(report.shap->algorithm, 200), count_of(report.shap->evaluations, "evaluation", "evaluations"),
                              report.shap->exact ? ", exact" : "", report.shap_options.seed, stopped(report.shap->stopped)), out);
  }
  if (report.lime) {
    fact("LIME", fmt::format("{} samples, {}, kernel width {:g}, seed {}, R² {}{}", report.lime->num_samples,
                              count_of(report.lime->evaluations, "evaluation", "evaluations"), report.lime_options.kernel_width, report.lime_options.seed,
                              number(report.lime->r2, 3), stopped(report.lime->stopped)), out);
  }
  if (report.occlusion) {
    fact("Occlusion", count_of(report.occlusion->evaluations, "evaluation", "evaluations") + stopped(report.occlusion->stopped), out);
  }
  for (const GradientExplanation& gradient : report.gradients) {
    std::string words = count_of(gradient.evaluations, "pass forth and back", "passes forth and back");
    if (gradient.method == GradientMethod::integrated_gradients) {
      words += fmt::format(", {} steps from the baseline “{}”, gap {} ({:.2g} % of the difference)", gradient.num_steps, name(report.gradient_options.baseline),
                           signed_number(gradient.gap, 5), 100 * gradient.gap_share());
    }
    fact(method_html(name(gradient.method)), words + stopped(gradient.stopped), out);
  }
  fact("Time", fmt::format("{:.0f} ms", report.milliseconds), out);
  out += "</dl>\n";
  out += command_html(report.command);
  out += "<div id=\"download\"></div>\n</section>\n";
}

}  // namespace filbert
