#include "base/regex.h"

#include <mutex>

#include <fmt/format.h>
#include <oniguruma.h>

#include <filbert/error.h>

#include "base/text.h"

namespace filbert {
namespace {

const OnigUChar* bytes(const char* text) { return reinterpret_cast<const OnigUChar*>(text); }

std::string message_of(int code, OnigErrorInfo* info = nullptr) {
  OnigUChar message[ONIG_MAX_ERROR_MESSAGE_LEN];
  const int length = info != nullptr ? onig_error_code_to_str(message, code, info) : onig_error_code_to_str(message, code);
  return {reinterpret_cast<const char*>(message), static_cast<std::size_t>(length)};
}

void initialize() {
  static std::once_flag once;
  std::call_once(once, [] {
    OnigEncoding encodings[] = {ONIG_ENCODING_UTF8};
    onig_initialize(encodings, 1);
  });
}

}  // namespace

void Regex::Free::operator()(void* regex) const { onig_free(static_cast<regex_t*>(regex)); }

Regex::Regex(std::string_view expression, RegexSyntax syntax, std::string_view what) : what_(what) {
  initialize();
  if (count_invalid_utf8(expression) > 0) {
    throw Error(ErrorKind::invalid_argument, fmt::format("{}: expected valid UTF-8", what));
  }
  regex_t* regex = nullptr;
  OnigErrorInfo info;
  const int code = onig_new(&regex, bytes(expression.data()), bytes(expression.data() + expression.size()), ONIG_OPTION_NONE,
                            ONIG_ENCODING_UTF8, syntax == RegexSyntax::python ? ONIG_SYNTAX_PYTHON : ONIG_SYNTAX_RUBY, &info);
  if (code != ONIG_NORMAL) {
    throw Error(ErrorKind::invalid_argument,
                fmt::format("{}: expected a regular expression, found \"{}\": {}", what, expression, message_of(code, &info)));
  }
  regex_.reset(regex);
}

std::optional<Regex::Match> Regex::search(std::string_view text, std::size_t from) const {
  const std::unique_ptr<OnigRegion, void (*)(OnigRegion*)> region(onig_region_new(), [](OnigRegion* r) { onig_region_free(r, 1); });
  const OnigUChar* begin = bytes(text.data());
  const OnigUChar* end = begin + text.size();
  const int found = onig_search(static_cast<regex_t*>(regex_.get()), begin, end, begin + from, end, region.get(), ONIG_OPTION_NONE);
  if (found == ONIG_MISMATCH) return std::nullopt;
  if (found < 0) throw Error(ErrorKind::invalid_argument, fmt::format("{}: {}", what_, message_of(found)));
  return Match{static_cast<std::size_t>(region->beg[0]), static_cast<std::size_t>(region->end[0])};
}

}  // namespace filbert
