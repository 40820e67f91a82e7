#include "cli/explain_file_text.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

namespace filbert::cli {
namespace {

constexpr std::size_t kWords = 6;  // of each list

// "  for: love +0.213 [0.190, 0.236], great +0.180 […]"
std::string word_line(const char* what, const std::vector<CorpusWord>& words, const Output& out) {
  if (words.empty()) return "";
  std::string line = fmt::format("  {}: ", what);
  for (std::size_t word = 0; word < std::min(words.size(), kWords); ++word) {
    line += fmt::format("{}{} {:+.3f} [{:.3f}, {:.3f}]", word == 0 ? "" : ", ", out.foreign(words[word].word), words[word].mean, words[word].low, words[word].high);
  }
  return line + '\n';
}

std::string gold_lines(const GoldReport& gold, const Output& out) {
  std::string lines;
  if (gold.texts > 0) {
    lines += fmt::format("accuracy: {:.3f}, {} of {} texts\n", static_cast<double>(gold.correct) / static_cast<double>(gold.texts), gold.correct, gold.texts);
    lines += word_line("for the wrong label", gold.misleading, out);
  }
  if (gold.unknown > 0) {
    lines += fmt::format("{} texts have a label that the model has not, \"{}\" say\n", gold.unknown, out.foreign(gold.unknown_labels.front()));
  }
  return lines;
}

}  // namespace

std::string text_lines(const CorpusReport& report, const Output& out) {
  std::string lines = fmt::format("{}: {} texts, {} masked texts, {}\n\n", out.foreign(report.input), report.texts, report.evaluations, report.options.method);
  for (const CorpusLabel& label : report.labels) {
    lines += out.bold(out.foreign(label.label)) + fmt::format(": {} texts, mean score {:.3f}\n", label.texts, label.mean_score);
    lines += word_line("for", label.words_for, out);
    lines += word_line("against", label.words_against, out);
    std::vector<CorpusWord> mixed;
    for (const MixedWord& word : label.mixed) mixed.push_back(word.word);
    lines += word_line("either", mixed, out);
  }
  lines += '\n';
  for (const Leak& leak : report.leaks) {
    lines += fmt::format("\"{}\" decides {} in {} of the {} texts that hold it, {:.1f} % of the label's; {:.1f} % of all texts with it are called so\n",
                         out.foreign(leak.word), out.foreign(leak.label), leak.decided, leak.texts, 100 * leak.explained, 100 * leak.precision);
  }
  if (report.leaks.empty() && report.has_scores_of_labels) {
    lines += fmt::format("no word decides {:g} % of a label's texts\n", 100 * report.options.leak_share);
  }
  if (report.gold) lines += gold_lines(*report.gold, out);
  return lines;
}

}  // namespace filbert::cli
