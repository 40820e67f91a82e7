#include "cli/evaluate_text.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <fmt/format.h>

#include "cli/columns.h"
#include "cli/help.h"

namespace filbert::cli {
namespace {

constexpr std::size_t kMatrixLabels = 8;       // of more labels confusions are a list
constexpr std::size_t kConfusions = 20;
constexpr std::size_t kWorst = 5;              // the page and the JSON have more

std::string head_lines(const EvaluationReport& report, const Output& out) {
  std::string lines = wrap(fmt::format("{}: {} of {} rows, {} in {}", out.foreign(report.input), report.evaluation.texts, report.rows, out.foreign(report.model), report.dtype), 0) + '\n';
  const auto note = [&](const std::string& text) { lines += wrap("note: " + text, 6) + '\n'; };
  if (report.unlabelled > 0) note(fmt::format("{} rows without a label are left out", report.unlabelled));
  if (report.unknown_texts > 0) {
    note(fmt::format("{} rows with labels that the model does not have are left out, \"{}\" say", report.unknown_texts, out.foreign(report.unknown.front().value)));
  }
  if (!report.gold_names.empty()) {
    std::string names;
    for (const auto& [value, label] : report.gold_names) {
      if (names.size() < 200) names += fmt::format("{}\"{}\" as {}", names.empty() ? "" : ", ", out.foreign(value), out.foreign(label));
      else if (!names.ends_with("...")) names += ", ...";
    }
    note("labels of the file are read so: " + names);
  }
  if (!report.decision.empty()) note(fmt::format("labels and scores are those of {}", out.foreign(report.decision)));
  if (report.evaluation.rejected.value_or(0) > 0) {
    note(fmt::format("{} of {} texts are rejected: all figures but the coverage are of the others", *report.evaluation.rejected, report.evaluation.texts));
  }
  if (report.truncated > 0) note(fmt::format("{} too long for the model, which saw the beginning", report.truncated == 1 ? std::string("1 text is") : fmt::format("{} texts are", report.truncated)));
  if (report.invalid_utf8 > 0) note(fmt::format("{} texts have ill-formed UTF-8, which was replaced", report.invalid_utf8));
  return lines;
}

std::string measure_lines(const EvaluationReport& report, const Output& out) {
  const auto& measures = report.evaluation.measures;
  std::string lines;
  for (std::size_t at = 0; at < measures.size(); ++at) {
    const Measure& own = measures[at].measure;
    std::string line = fmt::format("{:<23} {:>6} {:<16}", measures[at].info.title, number(own.value), interval(own));
    if (report.against) {
      const Measure& difference = report.comparison->differences[at].measure;
      line += fmt::format(" {:>6} {:>+7.3f} {}", number(report.against->measures[at].measure.value), difference.value, interval(difference));
    } else if (at == 0 && report.evaluation.baseline) {
      line += fmt::format(" always the same label: {}", number(*report.evaluation.baseline));
    }
    lines += line.substr(0, line.find_last_not_of(' ') + 1) + '\n';
  }
  if (report.against) return out.bold(fmt::format("{:<23} {:>6} {:<16} {:>6} {:>7}", "", "first", "", "second", "change")) + '\n' + lines;
  return lines;
}

std::string comparison_lines(const EvaluationReport& report, const Output& out) {
  if (!report.comparison) return "";
  const Comparison& both = *report.comparison;
  std::string lines = out.bold("Side by side") + '\n';
  lines += fmt::format("first: {} in {}\nsecond: {} in {}\n", out.foreign(report.model), report.dtype, out.foreign(report.against_model), report.against_dtype);
  const auto sentence = [&](const std::string& text) { lines += wrap(text, 0) + '\n'; };
  sentence(fmt::format("{} of {} texts get the same answer; scores differ by {:.4f} on average, by {:.4f} at most", both.same_prediction, report.evaluation.texts,
                       both.mean_score_difference, both.max_score_difference));
  if (report.evaluation.kind != EvaluationKind::regression) {
    sentence(fmt::format("both right {}, only the first {}, only the second {}, both wrong {}{}", both.both_right, both.only_first, both.only_second,
                         both.both_wrong, both.either_rejected == 0 ? "" : fmt::format(", rejected by either {}", both.either_rejected)));
    sentence(fmt::format("McNemar's test: p {:.4g} exact, {:.4g} mid-p", both.mcnemar_exact, both.mcnemar_mid_p));
  }
  return lines + '\n';
}

std::string label_lines(const Evaluation& evaluation, const Output& out) {
  if (evaluation.per_label.empty()) return "";
  std::string lines = out.bold(fmt::format("{:<18}{:>7}{:>7}  {:<9} {:<9} {:<6}{}", "label", "texts", "said", "precision", "recall", "F1", "interval of F1")) + '\n';
  for (const LabelMeasures& label : evaluation.per_label) {
    lines += fmt::format("{}{:>7}{:>7}  {:<9} {:<9} {:<6}{}\n", left(label.label, 18, out), label.texts, label.predicted, number(label.precision.value),
                         number(label.recall.value), number(label.f1.value), interval(label.f1));
  }
  return lines + '\n';
}

std::string matrix_lines(const Evaluation& evaluation, const Output& out) {
  const std::size_t labels = evaluation.labels.size();
  std::string lines = out.bold("Rows: what it should be; columns: what the model says") + '\n' + std::string(14, ' ');
  const std::size_t width = (kPlainColumns - 14) / labels - 1;
  const auto right_aligned = [&](const Word& word) { return ' ' + std::string(word.columns < width ? width - word.columns : 0, ' ') + word.text; };
  for (const std::string& label : evaluation.labels) lines += right_aligned(shown(label, out, width));
  lines += '\n';
  for (std::size_t gold = 0; gold < labels; ++gold) {
    lines += left(evaluation.labels[gold], 14, out);
    for (std::size_t predicted = 0; predicted < labels; ++predicted) lines += fmt::format(" {:>{}}", evaluation.confusion[gold * labels + predicted], width);
    lines += '\n';
  }
  return lines + '\n';
}

std::string confusion_lines(const Evaluation& evaluation, const Output& out) {
  const std::size_t labels = evaluation.labels.size();
  if (evaluation.confusion.empty()) return "";
  if (labels <= kMatrixLabels) return matrix_lines(evaluation, out);
  std::vector<std::size_t> cells;
  for (std::size_t cell = 0; cell < evaluation.confusion.size(); ++cell) {
    if (evaluation.confusion[cell] > 0 && cell / labels != cell % labels) cells.push_back(cell);
  }
  std::ranges::stable_sort(cells, [&](std::size_t a, std::size_t b) { return evaluation.confusion[a] > evaluation.confusion[b]; });
  if (cells.size() > kConfusions) cells.resize(kConfusions);
  std::string lines = out.bold(fmt::format("{:<32}{:<32}{:>7}", "it should be", "the model says", "texts")) + '\n';
  for (const std::size_t cell : cells) {
    lines += left(evaluation.labels[cell / labels], 31, out) + ' ' + left(evaluation.labels[cell % labels], 31, out) + fmt::format(" {:>7}\n", evaluation.confusion[cell]);
  }
  return lines + '\n';
}

std::string reliability_lines(const Evaluation& evaluation, const Output& out) {
  if (evaluation.reliability.empty()) return "";
  constexpr std::size_t kBar = 20;
  std::string lines = out.bold(fmt::format("{:<14}{:>8}  {:<7}{}", "score", "count", "says", "is right")) + '\n';
  for (const ReliabilityBin& bin : evaluation.reliability) {
    if (bin.count == 0) continue;
    std::string bar(static_cast<std::size_t>(std::lround(bin.accuracy.value * kBar)), '=');
    bar.resize(kBar + 1, ' ');
    bar[static_cast<std::size_t>(std::lround(bin.confidence * kBar))] = '|';
    lines += fmt::format("{:.3f} to {:.3f}{:>8}  {:<7}{:<9}{:<17}{}\n", bin.from, bin.to, bin.count, number(bin.confidence), number(bin.accuracy.value),
                         interval(bin.accuracy), bar.substr(0, bar.find_last_not_of(' ') + 1));
  }
  return lines + "bar: how often it is right; |: how often it says so\n\n";
}

std::string slice_lines(const EvaluationReport& report, const Output& out) {
  // Four figures that fit: how often it is right, macro F1 or what comes near, the loss, the calibration error.
  const std::vector<std::string_view> names = report.evaluation.kind == EvaluationKind::regression
                                                  ? std::vector<std::string_view>{"mean_absolute_error", "pearson", "spearman"}
                                                  : std::vector<std::string_view>{report.evaluation.measures.front().info.name, "macro_f1",
                                                                                  report.evaluation.rejected ? "coverage" : "log_loss", "ece"};
  std::string lines, by;
  for (const Slice& slice : report.slices) {
    if (slice.by != by) {
      by = slice.by;
      lines += lines.empty() ? "" : "\n";
      std::string head = left(by, 22, out) + fmt::format("{:>8}", "texts");
      for (std::size_t at = 0; at < names.size(); ++at) head += fmt::format("{}{:<{}}", at == 0 ? "  " : "", names[at] == "mean_absolute_error" ? "mean error" : names[at], at == 0 ? 23 : 10);
      lines += out.bold(head.substr(0, head.find_last_not_of(' ') + 1)) + '\n';
    }
    std::string line = left(slice.value.empty() ? "(empty)" : slice.value, 22, out) + fmt::format("{:>8}", slice.texts);
    for (std::size_t at = 0; at < names.size(); ++at) {
      const auto found = std::ranges::find(slice.measures, names[at], [](const NamedMeasure& each) { return each.info.name; });
      line += at == 0 ? fmt::format("  {:<5} {:<17}", number(found->measure.value), interval(found->measure)) : fmt::format("{:<10}", number(found->measure.value));
    }
    lines += line.substr(0, line.find_last_not_of(' ') + 1) + '\n';
  }
  return lines.empty() ? lines : lines + '\n';
}

std::string worst_lines(const EvaluationReport& report, const Output& out) {
  if (report.worst.empty()) return "";
  std::string lines = out.bold("Worst mistakes") + '\n';
  for (std::size_t at = 0; at < std::min(report.worst.size(), kWorst); ++at) {
    const WrongText& text = report.worst[at];
    std::string line = fmt::format("row {}: ", text.row);
    if (report.evaluation.kind == EvaluationKind::regression) line += fmt::format("should be {}, is {:.3f}", text.gold_score, text.score);
    if (report.evaluation.kind == EvaluationKind::multi_label) line += fmt::format("should be {}; is {}", out.foreign(text.gold), out.foreign(text.predicted));
    if (report.evaluation.kind == EvaluationKind::single_label) {
      line += fmt::format("should be {} ({:.3f}), is {} ({:.3f})", out.foreign(text.gold), text.gold_score, out.foreign(text.predicted), text.score);
    }
    lines += beginning_of(one_line(line, out), kPlainColumns) + '\n';
    lines += "  " + beginning_of(one_line(text.text, out), kPlainColumns - 2) + '\n';
    if (text.text_pair) lines += "  " + beginning_of(one_line(*text.text_pair, out), kPlainColumns - 2) + '\n';
  }
  return lines;
}

}  // namespace

std::string number(double value, int decimals) { return std::isnan(value) ? "-" : fmt::format("{:.{}f}", value, decimals); }

std::string interval(const Measure& measure) {
  return std::isnan(measure.low) || std::isnan(measure.value) ? "" : fmt::format("[{}, {}]", number(measure.low), number(measure.high));
}

std::string left(std::string_view word, std::size_t columns, const Output& out) { return padded(shown(word, out, columns), columns); }

std::string text_lines(const EvaluationReport& report, const Output& out) {
  std::string lines = head_lines(report, out) + '\n' + measure_lines(report, out) + '\n';
  lines += comparison_lines(report, out) + label_lines(report.evaluation, out) + confusion_lines(report.evaluation, out);
  lines += reliability_lines(report.evaluation, out) + slice_lines(report, out) + worst_lines(report, out);
  return lines.ends_with("\n\n") ? lines.substr(0, lines.size() - 1) : lines;
}

}  // namespace filbert::cli
