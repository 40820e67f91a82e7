#include "tokenize/decoder.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>
#include <simdjson.h>

#include "base/text.h"
#include "tokenize/bpe.h"
#include "tokenize/pre_tokenizer_steps.h"
#include "tokenize/unicode.h"

namespace filbert {
namespace {

using Tokens = std::vector<std::string>;

constexpr std::string_view kMetaspace = "\u2581";

// `from` is not empty.
void replace_all(std::string& text, std::string_view from, std::string_view to) {
  std::string written;
  std::size_t at = 0;
  for (std::size_t found = text.find(from); found != text.npos; found = text.find(from, at)) {
    written.append(text, at, found - at).append(to);
    at = found + from.size();
  }
  if (at > 0) text = written.append(text, at);
}

struct Replacement {
  std::string_view from, to;
};
// In this order; " do not" only where a decoder cleans up.
constexpr Replacement kCleanUp[] = {{" .", "."},     {" ?", "?"},   {" !", "!"},           {" ,", ","},   {" ' ", "'"},    {" n't", "n't"},
                                    {" 'm", "'m"}, {" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};

void clean_up(std::string& text, bool with_do_not) {
  for (const Replacement& replacement : kCleanUp) {
    if (with_do_not || replacement.from != " do not") replace_all(text, replacement.from, replacement.to);
  }
}

void apply_word_piece(const DecoderStep& step, Tokens& tokens) {
  for (std::size_t index = 0; index < tokens.size(); ++index) {
    std::string& token = tokens[index];
    if (index > 0) {
      if (token.starts_with(step.text)) {
        token.erase(0, step.text.size());
      } else {
        token.insert(0, 1, ' ');
      }
    }
    if (step.is_on) clean_up(token, true);
  }
}

// One string of the bytes of all tokens; a token with a character that stands for no byte counts as it is.
void apply_byte_level(const DecoderStep&, Tokens& tokens) {
  std::string bytes;
  for (const std::string& token : tokens) bytes += byte_level_bytes(token).value_or(token);
  tokens.assign(1, replace_invalid_utf8(bytes));
}

void apply_metaspace(const DecoderStep& step, Tokens& tokens) {
  for (std::size_t index = 0; index < tokens.size(); ++index) {
    replace_all(tokens[index], step.text, index == 0 && step.is_on ? "" : " ");
  }
}

void apply_bpe(const DecoderStep& step, Tokens& tokens) {
  for (std::size_t index = 0; index < tokens.size(); ++index) replace_all(tokens[index], step.text, index + 1 == tokens.size() ? "" : " ");
}

void apply_fuse(const DecoderStep&, Tokens& tokens) {
  std::string all;
  for (const std::string& token : tokens) all += token;
  tokens.assign(1, all);
}

// tokenizers panics where a token has fewer characters than may be taken off its end.
void apply_strip(const DecoderStep& step, Tokens& tokens) {
  for (std::string& token : tokens) {
    std::size_t begin = 0, end = token.size();
    for (std::size_t count = 0; count < step.start && token.compare(begin, step.text.size(), step.text) == 0; ++count) begin += step.text.size();
    const auto ends = [&] { return end >= begin + step.text.size() && token.compare(end - step.text.size(), step.text.size(), step.text) == 0; };
    for (std::size_t count = 0; count < step.stop && ends(); ++count) end -= step.text.size();
    token = token.substr(begin, end - begin);
  }
}

void apply_replace(const DecoderStep& step, Tokens& tokens) {
  for (std::string& token : tokens) {
    std::string written;
    std::size_t at = 0;
    Finds finds(step.pattern, token);
    while (const auto found = finds.next()) {
      written.append(token, at, found->begin - at).append(step.text);
      at = found->end;
    }
    token = written.append(token, at);
  }
}

// The byte of "<0x1F>".
std::optional<char> byte_of(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token.back() != '>') return std::nullopt;
  std::string_view digits = token.substr(3, 2);
  if (digits[0] == '+') digits.remove_prefix(1);  // as Rust reads a number
  unsigned value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return static_cast<char>(value);
}

// Bytes beside each other are one string, or, where that is none, a U+FFFD each.
void apply_byte_fallback(const DecoderStep&, Tokens& tokens) {
  Tokens written;
  std::string bytes;
  const auto flush = [&] {
    if (bytes.empty()) return;
    if (simdjson::validate_utf8(bytes.data(), bytes.size())) {
      written.push_back(bytes);
    } else {
      written.insert(written.end(), bytes.size(), "\uFFFD");
    }
    bytes.clear();
  };
  for (std::string& token : tokens) {
    if (const auto byte = byte_of(token)) {
      bytes += *byte;
      continue;
    }
    flush();
    written.push_back(std::move(token));
  }
  flush();
  tokens = std::move(written);
}

// ---- reading ---------------------------------------------------------------------------------------------------------

std::string not_empty(const JsonValue& value) {
  if (value.as_string().empty()) value.fail("a string that is not empty");
  return std::string(value.as_string());
}

std::size_t count_of(const JsonValue& value) {
  if (value.as_int() < 0) value.fail("0 or more");
  return static_cast<std::size_t>(value.as_int());
}

DecoderStep read_strip(const JsonValue& value) {
  const JsonValue content = value.at("content");
  const std::string text = not_empty(content);
  if (unicode::decode(text, 0).bytes != text.size()) content.fail("one character");
  return {.apply = apply_strip, .text = text, .start = count_of(value.at("start")), .stop = count_of(value.at("stop"))};
}

DecoderStep read_replace(const JsonValue& value) {
  DecoderStep step{.apply = apply_replace, .text = std::string(value.at("content").as_string()), .pattern = Pattern::from_json(value.at("pattern"))};
  if (step.pattern.kind == Pattern::Kind::literal && step.pattern.literal.empty()) value.at("pattern").fail("a string that is not empty");
  return step;
}

DecoderStep read_metaspace(const JsonValue& value) {
  const PreTokenizerStep metaspace = metaspace_from_json(value);
  return {.apply = apply_metaspace, .text = metaspace.replacement, .is_on = metaspace.prepend != PreTokenizerStep::Prepend::never};
}

struct DecoderReader {
  std::string_view type;
  DecoderStep (*read)(const JsonValue& value);
};
constexpr DecoderReader kDecoderReaders[] = {
    {"WordPiece",
     [](const JsonValue& value) {
       return DecoderStep{.apply = apply_word_piece, .text = std::string(value.at("prefix").as_string()), .is_on = value.at("cleanup").as_bool()};
     }},
    {"ByteLevel", [](const JsonValue&) { return DecoderStep{.apply = apply_byte_level}; }},
    {"Metaspace", read_metaspace},
    {"BPEDecoder", [](const JsonValue& value) { return DecoderStep{.apply = apply_bpe, .text = not_empty(value.at("suffix"))}; }},
    {"Fuse", [](const JsonValue&) { return DecoderStep{.apply = apply_fuse}; }},
    {"Strip", read_strip},
    {"Replace", read_replace},
    {"ByteFallback", [](const JsonValue&) { return DecoderStep{.apply = apply_byte_fallback}; }},
};

void read_steps(const JsonValue& decoder, std::vector<DecoderStep>& steps) {
  const JsonValue type = decoder.at("type");
  if (type.as_string() == "Sequence") {
    decoder.at("decoders").for_each_element([&](const JsonValue& step) { read_steps(step, steps); });
    return;
  }
  for (const DecoderReader& reader : kDecoderReaders) {
    if (reader.type == type.as_string()) return steps.push_back(reader.read(decoder));
  }
  throw Error(ErrorKind::unsupported, fmt::format("{}: expected a decoder that this version knows, found {}", type.where(), type.as_string()));
}

Decoder of_one_step(DecoderStep step) {
  Decoder decoder;
  decoder.is_given = true;
  decoder.steps.push_back(std::move(step));
  return decoder;
}

}  // namespace

Decoder Decoder::from_json(const JsonValue& json) {
  Decoder decoder;
  decoder.is_given = true;
  try {
    read_steps(json, decoder.steps);
  } catch (const Error& error) {
    decoder.error = error;
  }
  return decoder;
}

Decoder Decoder::word_piece(std::string_view prefix) { return of_one_step({.apply = apply_word_piece, .text = std::string(prefix), .is_on = true}); }

Decoder Decoder::byte_level() { return of_one_step({.apply = apply_byte_level}); }

Decoder Decoder::metaspace(bool prepends) { return of_one_step({.apply = apply_metaspace, .text = std::string(kMetaspace), .is_on = prepends}); }

std::string Decoder::decode(std::vector<std::string> tokens) const {
  if (error) throw *error;
  std::string text;
  for (const DecoderStep& step : steps) step.apply(step, tokens);
  for (std::size_t index = 0; index < tokens.size(); ++index) {
    if (!is_given && index > 0) text += ' ';
    text += tokens[index];
  }
  return text;
}

std::string clean_up_tokenization(std::string text) {
  clean_up(text, false);
  return text;
}

}  // namespace filbert
