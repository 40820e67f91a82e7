// The tokenizer: does it belong to these weights, and does it know the language?
#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>  // join, since fmt 11

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/probes.h"
#include "cli/verify_checks.h"
#include "tokenize/tokenizer_config.h"
#include "tokenize/unicode.h"

namespace filbert::cli {
namespace {

namespace fs = std::filesystem;

constexpr double kMostUnknown = 0.01;     // of the characters of a language that the vocabulary is for; common words have none
constexpr double kAlsoFor = 1.4;          // a language with at most so many times the tokens of the best is one too
constexpr double kUnknownCost = 3;        // tokens that a character costs which [UNK] hides: worse than one cut into bytes
constexpr double kFewRows = 0.9;          // of the embedding table; real ones are rounded up, to a multiple of 128 say
constexpr double kManyTokens = 3;         // a word, in a language that the vocabulary is not for

std::string read_if_there(const fs::path& path) { return fs::exists(path) ? read_file(path) : std::string(); }

// By the files beside the vocabulary, else by the names that nearly every vocabulary uses.
std::optional<std::int32_t> special_id(const Subject& subject, SpecialRole role) {
  constexpr std::array<std::array<const char*, 3>, 5> kUsual = {{{"[UNK]", "<unk>", nullptr}, {"[SEP]", "</s>", "<sep>"},
                                                                 {"[PAD]", "<pad>", nullptr}, {"[CLS]", "<s>", "<cls>"},
                                                                 {"[MASK]", "<mask>", nullptr}}};
  const TokenizerConfig config = TokenizerConfig::from_json(read_if_there(subject.directory / "tokenizer_config.json"),
                                                            read_if_there(subject.directory / "special_tokens_map.json"), {},
                                                            subject.directory.string());
  const Tokenizer& tokenizer = *subject.tokenizer;
  if (const AddedToken* token = config.special(role)) return tokenizer.token_to_id(token->content);
  for (const char* name : kUsual[static_cast<std::size_t>(role)]) {
    if (name == nullptr) continue;
    if (const auto id = tokenizer.token_to_id(name)) return id;
  }
  return std::nullopt;
}

// What a tokenizer makes of a probe.
struct Sight {
  const Probe* probe = nullptr;
  double tokens_per_word = 0;
  double unknown = 0;  // the share of its characters that [UNK] hides
  double cost = 0;     // tokens a word, if what is hidden had to be spelled out
};

Sight look_at(const Tokenizer& tokenizer, std::optional<std::int32_t> unk, const Probe& probe, std::string_view text) {
  const BatchEncoding seen = tokenizer(text, {.add_special_tokens = false});
  double characters = 0, hidden = 0;
  for (const char byte : text) characters += starts_char(byte) && byte != ' ';
  for (std::size_t at = 0; at < seen.total_tokens(); ++at) {
    const Offset& offset = seen.offset_mapping[at];
    if (unk && seen.input_ids[at] == *unk) hidden += static_cast<double>(std::max<std::size_t>(offset.end - offset.begin, 1));
  }
  const double tokens = static_cast<double>(seen.total_tokens()), words = static_cast<double>(word_count(probe));
  return {&probe, tokens / words, std::min(hidden / characters, 1.0), (tokens + kUnknownCost * hidden) / words};
}

// The probes, best known first.
std::vector<Sight> look_at_all(const Tokenizer& tokenizer, std::optional<std::int32_t> unk) {
  std::vector<Sight> sights;
  for (const Probe& probe : probes()) sights.push_back(look_at(tokenizer, unk, probe, probe.text));
  std::ranges::stable_sort(sights, {}, &Sight::cost);
  return sights;
}

std::string lowered(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const unicode::Char c = unicode::decode(text, at);
    const unicode::Mapping mapping = unicode::lower(c.code_point);
    for (std::size_t each = 0; each < mapping.size; ++each) append_utf8(mapping.code_points[each], out);
    at += c.bytes;
  }
  return out;
}

// "; also for Spanish, Danish"
std::string and_others(std::span<const Sight> others) {
  std::vector<std::string_view> languages;
  for (const Sight& sight : others) languages.push_back(sight.probe->language);
  if (languages.empty()) return {};
  return fmt::format("; also for {}", fmt::join(languages, ", "));
}

void check_ids(const Tokenizer& tokenizer, const Config& config, std::optional<std::int32_t> mask, CheckResult& result) {
  const std::size_t size = tokenizer.vocab_size(), rows = config.vocab_size;
  if (size > rows) {
    const bool only_mask = size == rows + 1 && mask && static_cast<std::size_t>(*mask) == rows;
    const std::string_view last = tokenizer.id_to_token(static_cast<std::int32_t>(size - 1));
    const std::string message = fmt::format("the tokenizer has ids up to {} ({}), the embedding table has {} rows: a text with such a token is "
                                            "refused", size - 1, excerpt(last), rows);
    only_mask ? result.warn(message) : result.fail(ErrorKind::corrupt, message);
  } else if (static_cast<double>(size) < kFewRows * static_cast<double>(rows)) {
    result.warn(fmt::format("the tokenizer has {} tokens, the embedding table {} rows: it may be that of another model", size, rows));
  }
}

void check_lengths(const Tokenizer& tokenizer, const Config& config, CheckResult& result) {
  const auto length = tokenizer.model_max_length();
  if (!length || !config.max_tokens || *length <= *config.max_tokens) return;
  result.warn(fmt::format("model_max_length is {}, the model takes at most {} (max_position_embeddings {})", *length, *config.max_tokens,
                          config.max_position_embeddings));
}

void check_pad(const Config& config, std::optional<std::int32_t> pad, CheckResult& result) {
  const JsonDocument document(config.json, config.path.string());
  const auto written = document.root().find("pad_token_id");
  if (!written || !pad || written->as_int() == *pad) return;
  result.warn(fmt::format("pad_token_id is {} in config.json, the tokenizer's is {}", written->as_int(), *pad));
}

}  // namespace

void check_tokenizer(Subject& subject, CheckResult& result) {
  try {
    subject.tokenizer = AutoTokenizer::from_pretrained(subject.directory);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::not_found) throw Skip{"there is no tokenizer"};  // said by files
    throw;
  }
  result.found = subject.tokenizer->description();
  result.facts = {{"vocab_size", subject.tokenizer->vocab_size()}};
  for (std::string& doubt : subject.tokenizer->doubts()) result.warn(std::move(doubt));
  if (subject.tokenizer->operator()("").total_tokens() == 0) {
    result.warn("no special tokens are put around a text: the model was hardly trained without them");
  }
}

void check_vocabulary(Subject& subject, CheckResult& result) {
  const Tokenizer& tokenizer = subject.need_tokenizer();
  const Config& config = subject.need_config();
  result.found = fmt::format("{} tokens for {} rows", tokenizer.vocab_size(), config.vocab_size);
  for (const SpecialRole role : {SpecialRole::cls, SpecialRole::sep, SpecialRole::unk, SpecialRole::pad, SpecialRole::mask}) {
    const auto id = special_id(subject, role);
    if (!id) continue;
    result.found += fmt::format(", {} {}", tokenizer.id_to_token(*id), *id);
    result.facts.push_back({std::string(kSpecialRoleKeys[static_cast<std::size_t>(role)]) + "_id", static_cast<std::size_t>(*id)});
  }
  check_ids(tokenizer, config, special_id(subject, SpecialRole::mask), result);
  check_lengths(tokenizer, config, result);
  check_pad(config, special_id(subject, SpecialRole::pad), result);
}

void check_unk(Subject& subject, CheckResult& result) {
  const Tokenizer& tokenizer = subject.need_tokenizer();
  const auto unk = special_id(subject, SpecialRole::unk);
  const std::vector<Sight> sights = look_at_all(tokenizer, unk);
  const Sight& best = sights.front();
  const auto end = std::ranges::find_if(sights, [&](const Sight& sight) { return sight.cost > kAlsoFor * best.cost; });
  const std::string_view language = best.probe->language;
  result.facts = {{"language", std::string(language)},
                  {"tokens_per_word", static_cast<float>(best.tokens_per_word)},
                  {"unk_share", static_cast<float>(best.unknown)}};
  const bool is_known = best.tokens_per_word <= kManyTokens;
  result.found = fmt::format("{}{}: {:.2f} tokens a word, {} of the text unknown{}", is_known ? "" : "none of the languages tried, the nearest is ",
                             language, best.tokens_per_word, best.unknown == 0 ? "nothing" : fmt::format("{:.1f} %", 100 * best.unknown),
                             is_known ? and_others({sights.begin() + 1, end}) : std::string());
  if (best.unknown <= kMostUnknown) return;
  std::string message = fmt::format("{}, the language that the vocabulary knows best: {:.1f} % of the text are [UNK], expected at most {:.0f} %",
                                    language, 100 * best.unknown, 100 * kMostUnknown);
  const Sight lower = look_at(tokenizer, unk, *best.probe, lowered(best.probe->text));
  if (!tokenizer.lowercases() && lower.unknown * 4 < best.unknown) {
    message += fmt::format("; in lower case {:.1f} %: do_lower_case should probably be true", 100 * lower.unknown);
  }
  result.warn(message);
}

}  // namespace filbert::cli
