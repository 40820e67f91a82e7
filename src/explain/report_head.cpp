// The head of the page: the label, and three answers in plain words (why, how sure, what would change it), the scores of all labels, and what a
// reader must know before believing any of it.
#include <algorithm>
#include <cmath>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "explain/report_html.h"
#include "explain/report_page.h"

namespace filbert {
namespace {

constexpr std::size_t kMostLabels = 8;

std::vector<LabelScore> likeliest(const ReportPage& page) {
  std::vector<LabelScore> scores = page.text.classification.scores;
  std::ranges::stable_sort(scores, [](const LabelScore& a, const LabelScore& b) { return a.score > b.score; });
  return scores;
}

// The strongest of one sign, at most three, and only what is a tenth of the strongest of all.
std::string strongest(const ReportPage& page, const NamedValues& method, int sign) {
  std::vector<std::string> names;
  const double largest = largest_of(method.values);
  for (const std::size_t unit : by_size(method.values)) {
    const double value = method.values[unit];
    if (names.size() == 3 || !std::isfinite(value) || std::abs(value) < largest / 10) break;
    if (value * sign > 0) {
      names.push_back(fmt::format("<span class=\"word {0}\" data-unit=\"{1}\">{2}</span>&nbsp;<span class=\"num\">{3}</span>",
                                  sign > 0 ? "for" : "against", unit, page.quoted(unit), page.change(value)));
    }
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string why(const ReportPage& page) {
  if (page.methods.empty() || page.text.units.empty()) return "<p>There is nothing in this text that could be taken away.</p>";
  const NamedValues& method = page.methods.front();
  const std::string for_it = strongest(page, method, 1), against = strongest(page, method, -1);
  if (for_it.empty() && against.empty()) return fmt::format("<p>No {} makes a difference.</p>", page.unit_word());
  std::string out;
  if (!for_it.empty()) out += fmt::format("<p>Strongest for it: {}.</p>", for_it);
  out += against.empty() ? "<p>Nothing of weight against it.</p>" : fmt::format("<p>Against it: {}.</p>", against);
  return out;
}

// How many of the strongest keep their places wherever the values lie in their intervals.
std::size_t certain_places(const ShapExplanation& shap) {
  const std::vector<std::size_t> order = by_size(shap.values);
  const auto half = [&](std::size_t unit) { return (shap.high[unit] - shap.low[unit]) / 2; };
  double below = 0;  // the most that one of those behind may be
  std::size_t certain = order.size();
  for (std::size_t place = order.size(); place-- > 0;) {
    const double size = std::abs(shap.values[order[place]]);
    if (!(size - half(order[place]) > below)) certain = place;
    below = std::max(below, size + half(order[place]));
  }
  return certain;
}

std::string interval_sentence(const ReportPage& page, const ShapExplanation& shap) {
  double widest = 0;
  for (std::size_t unit = 0; unit < shap.values.size(); ++unit) widest = std::max(widest, (shap.high[unit] - shap.low[unit]) / 2);
  const std::size_t certain = certain_places(shap);
  std::string places = certain == 0                      ? fmt::format("Which {} is the strongest is not certain.", page.unit_word())
                       : certain >= shap.values.size()   ? std::string("Their order is certain within that.")
                       : certain == 1                    ? std::string("The strongest is certain, the order behind it is not.")
                                                         : fmt::format("The order of the first {} is certain within that.", certain);
  return fmt::format("<p>Each number is within <span class=\"num\">±{}</span> (95&nbsp;%). {}</p>", page.value(widest), places);
}

std::string how_sure(const ReportPage& page) {
  std::string out;
  const std::vector<LabelScore> scores = likeliest(page);
  if (page.is_probability && scores.size() > 1 && scores.front().label == page.text.label) {
    out += fmt::format("<p>Next is {} at {}, {} behind.</p>", name_html(scores[1].label), number(scores[1].score, 3),
                       number(scores[0].score - scores[1].score, 3));
  }
  const auto& shap = page.report.shap;
  const bool has_intervals = shap && !shap->low.empty() && shap->low.size() == shap->values.size() && shap->high.size() == shap->values.size();
  if (has_intervals && !shap->values.empty()) {
    out += interval_sentence(page, *shap);
  } else if (shap && shap->exact) {
    out += "<p>The numbers are exact: nothing was sampled.</p>";
  } else if (!shap && page.report.lime) {
    out += fmt::format("<p>LIME’s line explains {}&nbsp;% of what masking does near this text.</p>", number(page.report.lime->r2 * 100, 0));
  }
  const std::string best = faithfulness_sentence(page);
  if (!best.empty()) out += "<p>" + best + "</p>";
  return out.empty() ? "<p>No interval was computed.</p>" : out;
}

// “a”, “b” and “c”; of more than five the rest as a number.
std::string listed(const ReportPage& page, const std::vector<std::size_t>& units) {
  std::string out;
  const std::size_t named = std::min<std::size_t>(units.size(), 5);
  for (std::size_t at = 0; at < named; ++at) {
    if (at > 0) out += at + 1 == units.size() ? " and " : ", ";
    out += page.quoted(units[at]);
  }
  return named < units.size() ? fmt::format("{} and {} more", out, units.size() - named) : out;
}

std::string what_would_change(const ReportPage& page) {
  const auto& found = page.report.counterfactuals;
  if (!found) return {};
  std::string out;
  if (!found->flips.empty()) {
    const Counterfactual& flip = found->flips.front();
    out += fmt::format("<p>Without {} it would be <strong>{}</strong> ({}).</p>", listed(page, flip.units), name_html(flip.label, 64),
                       number(flip.score, 3));
  } else {
    out += fmt::format("<p>No small set of {}s was found whose removal changes the label ({} tried).</p>", page.unit_word(),
                       count_of(found->evaluations, "text", "texts"));
  }
  if (!found->keeps.empty()) {
    const std::vector<std::size_t>& units = found->keeps.front().units;
    if (units.empty()) return out + fmt::format("<p>With every {} masked it stays the same.</p>", page.unit_word());
    out += fmt::format("<p>{} alone {} enough to keep it.</p>", units.size() <= 3 ? listed(page, units) : page.unit_words(units.size()),
                       units.size() == 1 ? "is" : "are");
  }
  return out;
}

void label_row(std::string_view name, double score, bool is_probability, std::optional<float> threshold, std::string_view mark, std::string& out) {
  out += fmt::format("<tr{}><th scope=\"row\">{}</th>", mark.starts_with("explained") ? " class=\"explained\"" : "", name);
  if (is_probability) {
    out += fmt::format("<td class=\"track\"><svg class=\"score\" viewBox=\"0 0 1000 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\">"
                       "<path d=\"M0 0h{:.0f}v10H0z\"/>{}</svg></td>",
                       std::clamp(score, 0.0, 1.0) * 1000,
                       threshold ? fmt::format("<path class=\"threshold\" d=\"M{:.0f} 0v10\"/>", std::clamp(*threshold, 0.0F, 1.0F) * 1000) : "");
  }
  out += fmt::format("<td class=\"num\">{}</td><td class=\"mark\">{}</td></tr>\n", number(score, 3), mark);
}

void scores_table(const ReportPage& page, std::string& out) {
  const std::vector<LabelScore> scores = likeliest(page);
  if (scores.empty()) return;
  const Classification& answer = page.text.classification;
  const bool bars = std::ranges::all_of(scores, [](const LabelScore& score) { return score.score >= 0 && score.score <= 1; }) &&
                    (page.is_probability || page.sums_to_one || !page.is_classify_score);
  const std::optional<float> threshold = page.report.options.threshold;
  out += fmt::format("<table class=\"scores\">\n<caption>What the model says{}{}</caption>\n<thead class=\"quiet\"><tr><th scope=\"col\">Label</th>{}"
                     "<th scope=\"col\">Score</th><th scope=\"col\">Note</th></tr></thead>\n<tbody>\n",
                     page.entity ? " of the entity’s tokens, on the mean" : "", threshold ? fmt::format("; predicted from the line at {:g} on", *threshold) : "", bars ? "<th scope=\"col\">Bar</th>" : "");
  double rest = 0;
  for (std::size_t at = 0; at < scores.size(); ++at) {
    const LabelScore& score = scores[at];
    std::string mark = score.label == page.text.label ? "explained" : score.label == page.text.against ? "against" : "";
    if (std::ranges::count(answer.labels, score.label) > 0) mark += mark.empty() ? "predicted" : ", predicted";
    if (at >= kMostLabels && mark.empty()) {
      rest += score.score;
    } else {
      label_row(name_html(score.label, 40), score.score, bars, threshold, mark, out);
    }
  }
  if (scores.size() > kMostLabels && page.sums_to_one) {
    label_row("all others", rest, bars, std::nullopt, "", out);
  } else if (scores.size() > kMostLabels) {
    out += fmt::format("<tr><th scope=\"row\" colspan=\"{}\">and further labels with lower scores</th></tr>\n", bars ? 4 : 3);
  }
  out += "</tbody>\n</table>\n";
}

std::string seen_notice(const ReportPage& page) {
  const Classification& answer = page.text.classification;
  if (!answer.truncated && page.text.not_seen.empty()) return {};
  if (page.entity != nullptr && page.entity->windows > 1) {
    return fmt::format("The text is longer than the model takes, and was cut into windows. Explained is the entity in <strong>window {} of {}</strong>: "
                       "what is not in it stands struck out below and has no part in the score.", page.entity->window + 1, page.entity->windows);
  }
  std::string how_much;
  if (answer.tokens_total > answer.tokens_used) {
    how_much = fmt::format(": it takes {} of the {} tokens", answer.tokens_used, answer.tokens_total);
  }
  return fmt::format("<strong>Not seen by the model</strong> is the end of the text{}. It stands struck out below and has no part in the score.", how_much);
}

void notices(const ReportPage& page, std::string& out) {
  std::vector<std::string> lines;
  const auto say = [&](bool truth, std::string line) {
    if (truth && !line.empty()) lines.push_back(std::move(line));
  };
  const ExplainReport& report = page.report;
  const Classification& answer = page.text.classification;
  say(true, seen_notice(page));
  say(answer.label != page.text.label && !answer.label.empty(),
      fmt::format("The model’s own answer is {} ({}); explained is {}{}.", name_html(answer.label, 64), number(answer.score, 3),
                  page.explained(), page.entity ? "" : ", as asked for"));
  say(answer.invalid_utf8 > 0, fmt::format("{} replaced by U+FFFD.", count_of(answer.invalid_utf8, "ill-formed byte sequence was",
                                                                              "ill-formed byte sequences were")));
  say(report.shap && report.shap->truncated,
      fmt::format("SHAP had not enough evaluations ({}) to look at every {}: what was left of a phrase is spread evenly over it.",
                  report.shap ? report.shap->evaluations : 0, page.unit_word()));
  say(report.shap && report.shap->stopped, "SHAP was stopped by its time limit: the numbers are what it had until then.");
  say(report.lime && report.lime->stopped, fmt::format("LIME was stopped after {} samples.", report.lime ? report.lime->num_samples : 0));
  say(report.occlusion && report.occlusion->stopped, "Occlusion was stopped: what it had not reached has no number.");
  say(report.counterfactuals && report.counterfactuals->stopped, "The search for what would change the label was stopped.");
  say(report.faithfulness && report.faithfulness->stopped, "The curves of faithfulness were stopped before their end.");
  if (lines.empty()) return;
  out += "<ul class=\"notices\">\n";
  for (const std::string& line : lines) out += "<li>" + line + "</li>\n";
  out += "</ul>\n";
}

// What the entity is, and how likely its tokens are that, which is not quite the entity's own score.
void entity_title(const ReportPage& page, std::string& out) {
  const Entity& entity = page.entity->entity;
  out += "<p class=\"brand\">Why this entity?</p>\n";
  out += fmt::format("<h1><span>“{}”</span> <span class=\"chip\">{}</span> <span class=\"num\">{}</span></h1>\n", name_html(page.named_entity(), 64),
                     page.explained(), page.value(page.text.score));
  out += fmt::format("<p class=\"lead\">The number is {}, the mean over the entity’s {}.", page.quantity(),
                     count_of(page.entity->tokens.size(), "token", "tokens"));
  if (entity.score > 0) out += fmt::format(" The model found it as {}, with a score of {}.", name_html(entity.entity, 64), number(entity.score, 3));
  out += "</p>\n";
}

}  // namespace

void head_section(const ReportPage& page, std::string& out) {
  const std::string& answer = page.text.classification.label;
  const bool own = page.text.target != ExplainTarget::contrast && (answer == page.text.label || answer.empty());
  out += "<header>\n<div class=\"top\">\n<div>\n";
  if (page.entity != nullptr) {
    entity_title(page, out);
  } else {
    out += "<p class=\"brand\">Why this label?</p>\n";
    out += fmt::format("<h1><span>{}</span> <span class=\"chip\">{}</span> <span class=\"num\">{}</span></h1>\n", own ? "The model says" : "Explained is",
                       page.explained(), page.value(page.text.score));
    if (!page.is_probability) out += fmt::format("<p class=\"lead\">The number is {}.</p>\n", page.quantity());
  }
  out += "</div>\n";
  scores_table(page, out);
  out += "</div>\n";
  notices(page, out);
  const std::string change = what_would_change(page);
  out += fmt::format("<div class=\"answers\">\n<section><h2>Why?</h2>{}</section>\n<section><h2>How sure is that?</h2>{}</section>\n", why(page),
                     how_sure(page));
  if (!change.empty()) out += fmt::format("<section><h2>What would change it?</h2>{}</section>\n", change);
  out += "</div>\n</header>\n";
}

}  // namespace filbert
