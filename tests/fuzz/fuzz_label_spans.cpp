// A byte that says the rules, and lines of labels: read as entities or refused; each is a part of its line, and of a scheme lines do not hang on those
// before them.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <filbert/error.h>

#include "evaluate/label_spans.h"

namespace {

std::vector<std::vector<std::string>> lines_of(std::string_view text) {
  std::vector<std::vector<std::string>> lines(1);
  std::string label;
  const auto end_label = [&] {
    if (!label.empty()) lines.back().push_back(std::move(label));
    label.clear();
  };
  for (const char c : text) {
    if (c == ' ' || c == '\n') end_label();
    else label += c;
    if (c == '\n') lines.emplace_back();
  }
  end_label();
  return lines;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto rules = static_cast<filbert::SpanRules>(data[0] % 7);
  const bool suffix = (data[0] & 0x80) != 0;
  const auto lines = lines_of({reinterpret_cast<const char*>(data + 1), size - 1});
  try {
    filbert::SpanReader all(rules, suffix);
    std::vector<filbert::LabelSpan> alone;
    std::size_t first = 0;
    for (const auto& line : lines) {
      all.take(line);
      for (filbert::LabelSpan& span : filbert::spans_of_labels(line, rules, suffix)) {
        if (span.begin >= span.end || span.end > line.size() || span.type.empty()) std::abort();
        alone.push_back({std::move(span.type), first + span.begin, first + span.end});
      }
      first += line.size() + 1;
    }
    if (rules != filbert::SpanRules::conlleval && std::move(all).spans() != alone) std::abort();
    filbert::sequence_figures(lines, lines, {.rules = rules, .suffix = suffix});
    if (filbert::label_accuracy(lines, lines) < 1) std::abort();
  } catch (const filbert::Error&) {
  }
  return 0;
}
