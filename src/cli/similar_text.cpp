#include "cli/similar_text.h"

#include <algorithm>
#include <functional>
#include <numeric>

#include <fmt/format.h>
#include <fmt/ranges.h>  // join, since fmt 11

#include "cli/columns.h"
#include "cli/help.h"

namespace filbert::cli {
namespace {

constexpr std::size_t kMostLabelColumns = 12;
constexpr std::size_t kMostWordColumns = 20;
constexpr std::size_t kMostNames = 8;  // of a line of counts
constexpr std::size_t kMostAttended = 6;

enum class Quoted { no, yes };

// "labels: 5 stars 31, 4 stars 12"; words in quotes. The most frequent first.
std::string counts_line(std::string_view title, std::vector<NameCount> counts, Quoted quoted, const Output& out, std::string_view more = {}) {
  if (counts.empty()) return {};
  std::ranges::stable_sort(counts, std::ranges::greater(), &NameCount::count);
  std::string line = fmt::format("{}:", title);
  for (std::size_t at = 0; at < std::min(counts.size(), kMostNames); ++at) {
    const std::string name = beginning_of(one_line(counts[at].name, out), 32);
    line += fmt::format("{} {} {}", at == 0 ? "" : ",", quoted == Quoted::yes ? "\"" + name + "\"" : name, counts[at].count);
  }
  if (counts.size() > kMostNames) line += fmt::format(" and {} more", counts.size() - kMostNames);
  return sentence(line + std::string(more));
}

// Similarity, label and score, gold, and the word with what stands around it.
std::string hit_line(const SimilarHit& hit, std::size_t label_columns, std::size_t gold_columns, const Output& out) {
  std::string line = fmt::format("{:6.3f}  {} {:.3f}  ", hit.similarity, padded(shown(hit.label, out, label_columns + 1), label_columns), hit.text.score);
  if (gold_columns > 0) line += padded(shown(hit.text.gold.value_or("–"), out, gold_columns + 1), gold_columns) + "  ";
  const Offset& place = hit.tokens[hit.match].offset;
  const std::string_view text = hit.text.text;
  const std::size_t left = out.columns() - std::min(out.columns(), columns_of(line) + 1);
  const std::string word = beginning_of(one_line(text.substr(place.begin, place.end - place.begin), out), std::min(kMostWordColumns, left));
  const std::size_t around = left - columns_of(word), before_columns = around / 2, after_columns = around - before_columns;
  const std::string before = end_of(one_line(text.substr(0, place.begin), out), before_columns);
  const std::string after = beginning_of(one_line(text.substr(place.end), out), after_columns);
  line += std::string(before_columns - std::min(before_columns, columns_of(before)), ' ') + before + out.bold(word) + after;
  while (line.ends_with(' ')) line.pop_back();
  return line + '\n';
}

// The tokens that get most of a row of attention, the mean over the heads.
std::string attended(const SimilarReport& report, const Tensor& attention, const Output& out) {
  const std::vector<ContextToken>& tokens = report.query.tokens;
  std::vector<double> mean(tokens.size());
  for (const std::size_t head : report.heads) {
    for (std::size_t key = 0; key < tokens.size(); ++key) {
      mean[key] += double{attention[head][report.query.token * tokens.size() + key]} / static_cast<double>(report.heads.size());
    }
  }
  std::vector<std::size_t> order(tokens.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return mean[a] > mean[b]; });
  std::string line;
  for (std::size_t at = 0; at < std::min(order.size(), kMostAttended); ++at) {
    line += fmt::format("{}{} {:.2f}", at == 0 ? "" : ", ", one_line(tokens[order[at]].token, out), mean[order[at]]);
  }
  return line;
}

std::string masked_lines(const SimilarReport& report, const Output& out) {
  std::string lines;
  for (const MaskedQuery& masked : report.query.masked) {
    const std::string token = one_line(report.query.tokens[masked.token].token, out);
    float score = 0;
    for (const LabelScore& each : masked.answer.scores) {
      if (each.label == report.query.answer.label) score = each.score;
    }
    lines += sentence(fmt::format("without \"{}\": {} {:.3f} ({:+.3f})", token, out.foreign(report.query.answer.label), score,
                                  score - report.query.answer.score) +
                      (masked.answer.label == report.query.answer.label ? "" : fmt::format(", the label is {} {:.3f}", out.foreign(masked.answer.label), masked.answer.score)));
    lines += sentence(fmt::format("  it then attends to: {}", attended(report, masked.attention, out)));
  }
  return lines;
}

std::string head_lines(const SimilarReport& report, const Output& out) {
  const SimilarQuery& query = report.query;
  std::string lines = fmt::format("text: {}\n", one_line(query.text, out));
  if (query.text_pair) lines += fmt::format("text_pair: {}\n", one_line(*query.text_pair, out));
  lines += out.bold(fmt::format("{:<7}:\t{:.3f}", out.foreign(query.answer.label), query.answer.score)) + '\n';
  const bool all_heads = report.heads.size() == report.num_heads;
  lines += sentence(fmt::format("like: \"{}\" (token {}) by {}, layer {}, {}", one_line(query.tokens[query.token].token, out), query.token, name(report.by),
                                report.layer, all_heads ? fmt::format("all {} heads", report.num_heads) : fmt::format("heads {}", fmt::join(report.heads, ", "))));
  lines += sentence(fmt::format("it attends to: {}", attended(report, query.attention, out)));
  return lines + masked_lines(report, out) + '\n';
}

}  // namespace

std::string text_lines(const SimilarReport& report, const Output& out) {
  std::string lines = head_lines(report, out);
  std::size_t label_columns = 0, gold_columns = 0;
  double special = 0;
  for (const SimilarHit& hit : report.hits) {
    label_columns = std::max(label_columns, std::min(kMostLabelColumns, columns_of(one_line(hit.label, out))));
    if (hit.text.gold) gold_columns = std::max(gold_columns, std::min(kMostLabelColumns, columns_of(one_line(*hit.text.gold, out))));
    special += hit.special_share / static_cast<double>(report.hits.size());
  }
  for (const SimilarHit& hit : report.hits) lines += hit_line(hit, label_columns, gold_columns, out);
  if (report.hits.empty()) lines += "there is nothing like it: the index has no tokens, or the vector has no length\n";
  lines += '\n';
  lines += counts_line("labels", report.predicted(), Quoted::no, out);
  lines += counts_line("gold", report.gold(), Quoted::no, out);
  lines += counts_line("words", report.words(), Quoted::yes, out);
  lines += counts_line("kinds", report.classes(), Quoted::no, out);
  lines += counts_line("before", report.previous_words(), Quoted::yes, out);
  lines += counts_line("next", report.next_words(), Quoted::yes, out);
  const std::string of_special = fmt::format("; {:.0f} % of all goes to special tokens", 100 * special);
  lines += counts_line("attends to", report.most_words(), Quoted::yes, out, of_special);
  lines += counts_line("where", report.most_offsets(), Quoted::no, out);
  return lines;
}

}  // namespace filbert::cli
