#include "cli/warnings.h"

#include <fmt/format.h>

namespace filbert::cli {
namespace {

constexpr std::size_t kNamedTexts = 10;  // of each kind: a million truncated texts shall not fill a log

}  // namespace

void Warnings::answer(const std::string& where, const Classification& answer, std::size_t invalid_before) {
  if (answer.truncated) truncated(where, answer.tokens_total, answer.tokens_used);
  if (answer.invalid_utf8 + invalid_before > 0) invalid_utf8(where, answer.invalid_utf8 + invalid_before);
}

void Warnings::truncated(const std::string& where, std::size_t tokens_total, std::size_t tokens_used) {
  add("truncated", fmt::format("{}: truncated: tokens_total {}, tokens_used {}", where, tokens_total, tokens_used));
}

void Warnings::invalid_utf8(const std::string& where, std::size_t sequences) {
  add("not valid UTF-8", fmt::format("{}: not valid UTF-8: {} ill-formed sequence{} replaced by U+FFFD", where,
                                     sequences, sequences == 1 ? "" : "s"));
}

void Warnings::not_finite(const std::string& where) {
  add("not finite", fmt::format("{}: not finite: the model gives NaN or infinity for this text (null in JSON)", where));
}

void Warnings::not_answered(const std::string& message) { add("left without an answer", message); }

void Warnings::summarize() {
  for (const auto& [kind, count] : counts_) {
    if (count > kNamedTexts) {
      messages_.warning(fmt::format("{} texts were {} in all; the first {} are named above", count, kind, kNamedTexts));
    }
  }
}

void Warnings::add(const std::string& kind, const std::string& message) {
  if (++counts_[kind] <= kNamedTexts) messages_.warning(message);
}

}  // namespace filbert::cli
