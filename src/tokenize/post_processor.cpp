#include "tokenize/post_processor.h"

#include <limits>
#include <string>
#include <unordered_map>

#include <fmt/format.h>

#include <filbert/error.h>

namespace filbert {
namespace {

std::int32_t id_from_json(const JsonValue& value) {
  const std::int64_t id = value.as_int();
  if (id < 0 || id > std::numeric_limits<std::int32_t>::max()) value.fail("an id from 0 to 2147483647");
  return static_cast<std::int32_t>(id);
}

using SpecialTokens = std::unordered_map<std::string, std::vector<std::int32_t>>;

SpecialTokens special_tokens_from_json(const JsonValue& tokens) {
  SpecialTokens special_tokens;
  tokens.for_each_field([&](std::string_view name, const JsonValue& token) {
    std::vector<std::int32_t>& ids = special_tokens[std::string(name)];
    token.at("ids").for_each_element([&](const JsonValue& id) { ids.push_back(id_from_json(id)); });
  });
  return special_tokens;
}

std::vector<TemplatePiece> template_from_json(const JsonValue& pieces, const SpecialTokens& special_tokens,
                                              bool is_pair) {
  std::vector<TemplatePiece> result;
  bool has[2] = {false, false};
  pieces.for_each_element([&](const JsonValue& piece) {
    if (const auto sequence = piece.find("Sequence")) {
      const JsonValue id = sequence->at("id");
      const bool is_b = id.as_string() == "B";
      if ((!is_b && id.as_string() != "A") || (is_b && !is_pair)) id.fail(is_pair ? "\"A\" or \"B\"" : "\"A\"");
      has[is_b] = true;
      result.push_back({is_b ? 1 : 0, {}, id_from_json(sequence->at("type_id"))});
      return;
    }
    const JsonValue token = piece.at("SpecialToken");
    const JsonValue id = token.at("id");
    const auto known = special_tokens.find(std::string(id.as_string()));
    if (known == special_tokens.end()) id.fail("a token that special_tokens has");
    result.push_back({-1, known->second, id_from_json(token.at("type_id"))});
  });
  if (!has[0] || (is_pair && !has[1])) {
    throw Error(ErrorKind::corrupt,
                fmt::format("{}: expected a Sequence {}, found none", pieces.where(), has[0] ? "B" : "A"));
  }
  return result;
}

// BertProcessing writes a token as ["[SEP]", 102].
std::int32_t bert_token_id(const JsonValue& token) {
  std::int32_t id = -1;
  std::size_t index = 0;
  token.for_each_element([&](const JsonValue& element) {
    if (index++ == 1) id = id_from_json(element);
  });
  if (index != 2) token.fail("a token and its id");
  return id;
}

}  // namespace

std::size_t PostProcessor::added_tokens(bool is_pair) const {
  std::size_t added = 0;
  for (const TemplatePiece& piece : pieces(is_pair)) added += piece.ids.size();
  return added;
}

PostProcessor PostProcessor::none() {
  PostProcessor none;
  none.single = {{0, {}, 0}};
  none.pair = {{0, {}, 0}, {1, {}, 1}};
  return none;
}

PostProcessor PostProcessor::bert(std::int32_t cls_id, std::int32_t sep_id) {
  const TemplatePiece cls{-1, {cls_id}, 0}, text{0, {}, 0}, sep{-1, {sep_id}, 0};
  PostProcessor bert;
  bert.single = {cls, text, sep};
  bert.pair = {cls, text, sep, {1, {}, 1}, {-1, {sep_id}, 1}};
  return bert;
}

PostProcessor PostProcessor::roberta(std::int32_t cls_id, std::int32_t sep_id) {
  const TemplatePiece cls{-1, {cls_id}, 0}, text{0, {}, 0}, sep{-1, {sep_id}, 0}, text_pair{1, {}, 0};
  PostProcessor roberta;
  roberta.single = {cls, text, sep};
  roberta.pair = {cls, text, sep, sep, text_pair, sep};
  return roberta;
}

namespace {

void read_trimming(const JsonValue& value, PostProcessor& post_processor) {
  const auto flag = [&](std::string_view key) {
    const auto field = value.find(key);
    return !field || field->as_bool();
  };
  if (!flag("trim_offsets")) return;
  post_processor.trims_offsets = true;
  post_processor.add_prefix_space = flag("add_prefix_space");
}

// Puts the template of `value` into `post_processor`, or what it says about offsets.
void read(const JsonValue& value, PostProcessor& post_processor) {
  const JsonValue type = value.at("type");
  const std::string_view name = type.as_string();
  const auto take = [&](PostProcessor pieces) {
    post_processor.single = std::move(pieces.single);
    post_processor.pair = std::move(pieces.pair);
  };
  if (name == "Sequence") {
    value.at("processors").for_each_element([&](const JsonValue& element) { read(element, post_processor); });
  } else if (name == "BertProcessing") {
    take(PostProcessor::bert(bert_token_id(value.at("cls")), bert_token_id(value.at("sep"))));
  } else if (name == "RobertaProcessing") {
    take(PostProcessor::roberta(bert_token_id(value.at("cls")), bert_token_id(value.at("sep"))));
    read_trimming(value, post_processor);
  } else if (name == "ByteLevel") {
    read_trimming(value, post_processor);
  } else if (name == "TemplateProcessing") {
    const SpecialTokens special_tokens = special_tokens_from_json(value.at("special_tokens"));
    post_processor.single = template_from_json(value.at("single"), special_tokens, false);
    post_processor.pair = template_from_json(value.at("pair"), special_tokens, true);
  } else {
    throw Error(ErrorKind::unsupported,
                fmt::format("{}: expected a post-processor that this version knows, found {}", type.where(), name));
  }
}

}  // namespace

PostProcessor PostProcessor::from_json(const JsonValue& value) {
  PostProcessor post_processor = none();
  read(value, post_processor);
  return post_processor;
}

}  // namespace filbert
