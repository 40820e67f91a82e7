// filbert evaluate of a token classifier, for people.
#include <algorithm>
#include <cmath>
#include <filesystem>

#include <fmt/format.h>

#include "base/names.h"
#include "cli/columns.h"
#include "cli/evaluate_entities.h"
#include "cli/evaluate_text.h"
#include "cli/help.h"
#include "explain/report_html.h"

namespace filbert::cli {
namespace {

constexpr std::size_t kMatrixTypes = 6;        // of more types mistakes are a list
constexpr std::size_t kMistakes = 20;          // of the list
constexpr std::size_t kWorstTexts = 5;         // texts; the page and the JSON have more
constexpr std::size_t kOfText = 6;             // mistakes of a text

std::string without_end(std::string line) { return line.substr(0, line.find_last_not_of(' ') + 1) + '\n'; }

std::string types_of(const std::vector<std::pair<std::string, std::size_t>>& types, const Output& out) {
  std::vector<std::string> names;
  for (const auto& [type, count] : types) names.push_back(fmt::format("{} ({})", out.foreign(type), count));
  return first_of(names, 12);
}

std::string head_lines(const EntityEvaluationReport& report, const Output& out) {
  const EntityEvaluation& evaluation = report.evaluation;
  std::string lines = wrap(fmt::format("{}: {} texts, {} entities, of which {} finds {} in {} and says {}", out.foreign(report.input), evaluation.texts,
      evaluation.gold,
                                       out.foreign(report.model), evaluation.right, report.dtype, evaluation.predicted), 0) + '\n';
  const auto note = [&](const std::string& text) { lines += wrap("note: " + text, 6) + '\n'; };
  if (!report.never_said.empty()) note(fmt::format("the model never says {}, which count as missed; --label-map NAME=TYPE says what they are",
      types_of(report.never_said, out)));
  if (!report.never_gold.empty()) {
    std::vector<std::string> names;
    for (const std::string& type : report.never_gold) names.push_back(out.foreign(type));
    note(fmt::format("the file has no {}: what the model says of them counts as wrong; --ignore-labels leaves them out", first_of(names, 12)));
  }
  if (!report.gold_names.empty()) {
    std::vector<std::string> names;
    for (const auto& [name, type] : report.gold_names) names.push_back(fmt::format("{} as {}", out.foreign(name), out.foreign(type)));
    note("labels of the file are read so: " + first_of(names, 12));
  }
  if (report.truncated > 0) note(fmt::format("{} too long for the model, which saw the beginning", report.truncated == 1 ? std::string("1 text is")
      : fmt::format("{} texts are", report.truncated)));
  if (report.windowed > 0) note(fmt::format("{} too long for the model, which read {} in windows", report.windowed == 1 ? std::string("1 text is")
      : fmt::format("{} texts are", report.windowed), report.windowed == 1 ? "it" : "them"));
  if (report.unseen_words > 0) note(fmt::format("of {} of {} words the tokenizer makes no token: they have no label", report.unseen_words, report.words));
  if (report.invalid_utf8 > 0) note(fmt::format("{} texts have ill-formed UTF-8, which was replaced", report.invalid_utf8));
  return lines;
}

std::string measure_lines(const EntityEvaluationReport& report, const Output& out) {
  std::string lines;
  for (std::size_t at = 0; at < report.evaluation.measures.size(); ++at) {
    const NamedMeasure& each = report.evaluation.measures[at];
    std::string line = fmt::format("{:<23} {:>6} {:<16}", each.info.title, number(each.measure.value), interval(each.measure));
    if (report.against) {
      const Measure& difference = report.comparison->differences[at].measure;
      line += fmt::format(" {:>6} {:>+7.3f} {}", number(report.against->measures[at].measure.value), difference.value, interval(difference));
    }
    lines += without_end(std::move(line));
  }
  if (report.against) return out.bold(fmt::format("{:<23} {:>6} {:<16} {:>6} {:>7}", "", "first", "", "second", "change")) + '\n' + lines;
  return lines;
}

std::string comparison_lines(const EntityEvaluationReport& report, const Output& out) {
  if (!report.comparison) return "";
  const EntityComparison& both = *report.comparison;
  std::string lines = out.bold("Side by side") + '\n';
  lines += fmt::format("first: {} in {}\nsecond: {} in {}\n", out.foreign(report.model), report.dtype, out.foreign(report.against_model), report.against_dtype);
  const auto sentence = [&](const std::string& text) { lines += wrap(text, 0) + '\n'; };
  sentence(fmt::format("{} of {} texts get the same answer", both.same_prediction, report.evaluation.texts));
  sentence(fmt::format("entities that both find {}, only the first {}, only the second {}, neither {}", both.both_found, both.only_first, both.only_second,
      both.neither));
  sentence(fmt::format("McNemar's test of what they find: p {:.4g} exact, {:.4g} mid-p", both.mcnemar_exact, both.mcnemar_mid_p));
  if (!std::isnan(both.bootstrap_p)) sentence(fmt::format("paired bootstrap of micro F1: p {:.4g}", both.bootstrap_p));
  return lines + '\n';
}

std::string type_lines(const EntityEvaluation& evaluation, const Output& out) {
  if (evaluation.types.empty()) return "";
  std::string lines = out.bold(fmt::format("{:<18}{:>7}{:>7}  {:<9} {:<9} {:<6}{}", "type", "gold", "said", "precision", "recall", "F1", "interval of F1"))
      + '\n';
  for (const EntityTypeMeasures& type : evaluation.types) {
    lines += without_end(fmt::format("{}{:>7}{:>7}  {:<9} {:<9} {:<6}{}", left(type.type, 18, out), type.gold, type.predicted, number(type.precision.value),
                                     number(type.recall.value), number(type.f1.value), interval(type.f1)));
  }
  return lines + '\n';
}

std::string outcome_lines(const EntityEvaluation& evaluation, const Output& out) {
  constexpr std::string_view kMeaning[] = {"type and both ends", "another type", "the type, but not both ends", "it overlaps, and that is all",
      "nothing is said there", "nothing should be there"};
  std::string lines = out.bold("What becomes of them") + '\n';
  for (std::size_t outcome = 0; outcome < kEntityOutcomes; ++outcome) {
    std::string name(filbert::name(static_cast<EntityOutcome>(outcome)));
    std::ranges::replace(name, '_', ' ');
    lines += fmt::format("{:<12}{:>7}  {}\n", name, evaluation.outcomes[outcome], kMeaning[outcome]);
  }
  return lines + '\n';
}

std::string matrix_lines(const EntityEvaluation& evaluation, const Output& out) {
  const std::size_t types = evaluation.types.size();
  const std::size_t width = (kPlainColumns - 14) / (types + 1) - 1;
  const auto right_aligned = [&](const Word& word) { return ' ' + std::string(word.columns < width ? width - word.columns : 0, ' ') + word.text; };
  std::string lines = out.bold("Rows: what it should be; columns: what the model says, or nothing") + '\n' + std::string(14, ' ');
  for (const EntityTypeMeasures& type : evaluation.types) lines += right_aligned(shown(type.type, out, width));
  lines += right_aligned(shown("nothing", out, width)) + '\n';
  for (std::size_t gold = 0; gold <= types; ++gold) {
    lines += left(gold == types ? "nothing" : evaluation.types[gold].type, 14, out);
    for (std::size_t predicted = 0; predicted <= types; ++predicted) {
      lines += gold + predicted == 2 * types ? "" : fmt::format(" {:>{}}", evaluation.confusion[gold * (types + 1) + predicted], width);
    }
    lines += '\n';
  }
  return lines + '\n';
}

std::string confusion_lines(const EntityEvaluation& evaluation, const Output& out) {
  const std::size_t types = evaluation.types.size();
  if (types == 0) return "";
  if (types <= kMatrixTypes) return matrix_lines(evaluation, out);
  std::vector<std::size_t> cells;
  for (std::size_t cell = 0; cell < evaluation.confusion.size(); ++cell) {
    if (evaluation.confusion[cell] > 0 && cell / (types + 1) != cell % (types + 1)) cells.push_back(cell);
  }
  std::ranges::stable_sort(cells, [&](std::size_t a, std::size_t b) { return evaluation.confusion[a] > evaluation.confusion[b]; });
  if (cells.size() > kMistakes) cells.resize(kMistakes);
  const auto name = [&](std::size_t type) { return left(type == types ? "nothing" : evaluation.types[type].type, 31, out); };
  std::string lines = out.bold(fmt::format("{:<32}{:<32}{:>7}", "it should be", "the model says", "times")) + '\n';
  for (const std::size_t cell : cells) lines += fmt::format("{} {} {:>7}\n", name(cell / (types + 1)), name(cell % (types + 1)), evaluation.confusion[cell]);
  return lines + '\n';
}

std::string slice_lines(const EntityEvaluationReport& report, const Output& out) {
  std::string lines, by;
  for (const EntitySlice& slice : report.slices) {
    if (slice.by != by) {
      by = slice.by;
      lines += lines.empty() ? "" : "\n";
      lines += out.bold(fmt::format("{}{:>8}{:>8}  {:<23}{:<11}{}", left(std::filesystem::path(by).filename().string(), 22, out), "texts", "gold", "micro F1",
          "precision", "recall")) + '\n';
    }
    const Measure& f1 = slice.measures[0].measure;
    lines += without_end(fmt::format("{}{:>8}{:>8}  {:<5} {:<17}{:<11}{}", left(slice.value, 22, out), slice.texts, slice.gold, number(f1.value), interval(f1),
                                     number(slice.measures[1].measure.value), number(slice.measures[2].measure.value)));
  }
  return lines.empty() ? lines : lines + '\n';
}

std::string mistake_line(const WrongEntities& wrong, const EntityPair& pair, const OffsetBytes& bytes, const Output& out) {
  const EntitySpan* gold = pair.gold < 0 ? nullptr : &wrong.entities.gold[static_cast<std::size_t>(pair.gold)];
  const EntitySpan* said = pair.predicted < 0 ? nullptr : &wrong.entities.predicted[static_cast<std::size_t>(pair.predicted)];
  const auto described = [&](const EntitySpan& span) {
    const std::size_t begin = bytes(span.begin);
    return fmt::format("{} \"{}\"", span.type, wrong.text.substr(begin, bytes(span.end) - begin));
  };
  std::string line = gold == nullptr ? "spurious " + described(*said) : said == nullptr ? "missed " + described(*gold)
      : fmt::format("{} is {}", described(*gold), described(*said));
  if (said != nullptr) line += fmt::format(" ({:.3f})", said->score);
  return "  " + beginning_of(one_line(line, out), kPlainColumns - 2) + '\n';
}

std::string worst_lines(const EntityEvaluationReport& report, const Output& out) {
  if (report.worst.empty()) return "";
  std::string lines = out.bold("Worst mistakes") + '\n';
  for (std::size_t at = 0; at < std::min(report.worst.size(), kWorstTexts); ++at) {
    const WrongEntities& wrong = report.worst[at];
    const OffsetBytes bytes(wrong.text, OffsetUnit::code_points);
    lines += beginning_of(fmt::format("text {}: {}", wrong.row, one_line(wrong.text, out)), kPlainColumns) + '\n';
    std::size_t mistakes = 0;
    for (const EntityPair& pair : pair_entities(wrong.entities)) {
      if (pair.outcome == EntityOutcome::right) continue;
      if (++mistakes <= kOfText) lines += mistake_line(wrong, pair, bytes, out);
    }
    if (mistakes > kOfText) lines += fmt::format("  and {} more\n", mistakes - kOfText);
  }
  return lines;
}

}  // namespace

std::string text_lines(const EntityEvaluationReport& report, const Output& out) {
  std::string lines = head_lines(report, out) + '\n' + measure_lines(report, out) + '\n';
  lines += comparison_lines(report, out) + type_lines(report.evaluation, out) + outcome_lines(report.evaluation, out) + confusion_lines(report.evaluation, out);
  lines += slice_lines(report, out) + worst_lines(report, out);
  return lines.ends_with("\n\n") ? lines.substr(0, lines.size() - 1) : lines;
}

}  // namespace filbert::cli
