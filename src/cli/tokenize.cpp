// filbert tokenize: texts in, what the model will see out.
#include <initializer_list>
#include <memory>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include <filbert/error.h>
#include <filbert/pipeline.h>

#include "base/json_writer.h"
#include "cli/input.h"
#include "cli/model_options.h"
#include "cli/options.h"
#include "cli/warnings.h"

namespace filbert::cli {
namespace {

struct Options {
  InputOptions input;
  ModelChoice model;
  EncodeOptions encode;
  std::optional<Truncation> truncation;
  bool json = true;
};

// One row of a batch, as spans.
struct Row {
  Row(const BatchEncoding& of_batch, std::size_t row)
      : begin(of_batch.row_starts[row]), length(of_batch.row_length(row)), batch(of_batch) {}
  template <class T>
  std::span<const T> of(const std::vector<T>& all) const {
    return std::span(all).subspan(begin, length);
  }
  std::size_t begin, length;
  const BatchEncoding& batch;
};

// `text` counts all that came; nothing where a text is one row.
void write_json(const Record& record, std::optional<std::size_t> text, const Tokenizer& tokenizer, const Row& row, JsonWriter& json) {
  json.begin_object();
  if (!record.id.empty()) {
    json.key("id");
    json.raw(record.id);
  }
  if (text) {
    json.key("overflow_to_sample_mapping");
    json.value(*text);
  }
  const auto array = [&](const char* name, auto values) {
    json.key(name);
    json.array(values);
  };
  array("input_ids", row.of(row.batch.input_ids));
  array("token_type_ids", row.of(row.batch.token_type_ids));
  array("attention_mask", std::vector<int>(row.length, 1));  // rows have no padding
  array("special_tokens_mask", row.of(row.batch.special_tokens_mask));
  json.key("tokens");
  json.begin_array();
  for (const std::int32_t id : row.of(row.batch.input_ids)) json.value(tokenizer.id_to_token(id));
  json.end_array();
  json.key("offset_mapping");
  json.begin_array();
  for (const Offset& offset : row.of(row.batch.offset_mapping))
    json.array(std::initializer_list<std::size_t>{offset.begin, offset.end});
  json.end_array();
  json.key("word_ids");
  json.begin_array();
  for (const std::int32_t word : row.of(row.batch.word_ids)) word < 0 ? json.null() : json.value(word);
  json.end_array();
  json.end_object();
}

// A table for people: a line a token.
std::string text_lines(const Record& record, const Tokenizer& tokenizer, const Row& row, const Output& out) {
  std::string lines = fmt::format("text: {}\n", out.foreign(*record.text));
  if (record.text_pair) lines += fmt::format("text_pair: {}\n", out.foreign(*record.text_pair));
  lines += out.bold(fmt::format("{:>7}  {:>4}  {:>11}  {:>5}  {}", "id", "type", "offsets", "word", "token")) + '\n';
  for (std::size_t at = row.begin; at < row.begin + row.length; ++at) {
    const Offset& offset = row.batch.offset_mapping[at];
    const std::int32_t word = row.batch.word_ids[at];
    const std::string token = out.foreign(tokenizer.id_to_token(row.batch.input_ids[at]));
    lines += fmt::format("{:>7}  {:>4}  {:>11}  {:>5}  {}\n", row.batch.input_ids[at], row.batch.token_type_ids[at],
                         fmt::format("{}-{}", offset.begin, offset.end), word < 0 ? "" : std::to_string(word), token);
  }
  return lines;
}

void run(const Options& options, Session& session) {
  if (options.encode.stride > 0 && !options.encode.return_overflowing_tokens) {
    throw Error(ErrorKind::invalid_argument, "--stride: expected --return-overflowing-tokens beside it, without which there are no windows");
  }
  const Tokenizer tokenizer = AutoTokenizer::from_pretrained(model_directory(options.model, session, {.weights = false}));
  // As transformers: nothing is cut unless a length or a strategy is given; a length alone means longest_first, and so do windows.
  EncodeOptions encode = options.encode;
  encode.truncation =
      options.truncation.value_or(encode.max_length || encode.return_overflowing_tokens ? Truncation::longest_first : Truncation::do_not_truncate);
  Input input(session, options.input);
  Warnings warnings(session.messages);
  JsonWriter json;
  bool first = true;
  std::size_t texts_before = 0;  // those of earlier batches
  answer_all(input, session.out, warnings, [&](std::span<const Record> records) {
    std::vector<TextInput> texts;
    for (const Record& record : records) {
      if (!record.text) throw Error(ErrorKind::invalid_argument, "expected a field \"text\", found input_ids alone");
      texts.push_back({*record.text, record.text_pair});
    }
    const BatchEncoding batch = tokenizer(texts, encode);
    std::optional<std::size_t> before;  // whose rows were last
    for (std::size_t at = 0; at < batch.batch_size(); ++at) {
      const std::size_t of = encode.return_overflowing_tokens ? batch.overflow_to_sample_mapping[at] : at;
      const Row row(batch, at);
      if (options.json) {
        write_json(records[of], encode.return_overflowing_tokens ? std::optional(texts_before + of) : std::nullopt, tokenizer, row, json);
        session.out.write(json.take_line());
      } else {
        if (!std::exchange(first, false)) session.out.write("\n");
        session.out.write(text_lines(records[of], tokenizer, row, session.out));
      }
      if (std::exchange(before, of) == of) continue;  // a further window of the same text
      const std::string where = input.where(records[of]);
      const std::size_t invalid_utf8 = batch.rows[at].invalid_utf8 + records[of].invalid_utf8;
      if (batch.rows[at].truncated) warnings.truncated(where, batch.rows[at].tokens_total, row.length);
      if (invalid_utf8 > 0) warnings.invalid_utf8(where, invalid_utf8);
    }
    texts_before += records.size();
  });
}

Run add_options(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  add_model_option(app, options->model);
  add_input_options(app, options->input);
  add_format_option(app, options->json, "A JSON object a line (the default), or a table for people");
  add_number(app, "--max-length", "Cut to N tokens, special ones included", {.least = 1},
             [options](std::size_t length) { options->encode.max_length = length; });
  add_choice(
      app, "--truncation", kTruncationChoices,
      "What gives way in a text or pair that is too long; default: longest_first with --max-length, else nothing",
      [options](const std::string& name) { options->truncation = truncation_from_name(name); });
  add_flag(app, "--return-overflowing-tokens", "A text that is too long becomes several rows, windows of --max-length tokens, instead of being cut",
           [options] { options->encode.return_overflowing_tokens = true; });
  add_number(app, "--stride", "Tokens of the text that a window shares with the one before; default: 0", {},
             [options](std::size_t stride) { options->encode.stride = stride; });
  add_flag(app, "--no-add-special-tokens", "Without [CLS] and [SEP]",
           [options] { options->encode.add_special_tokens = false; });
  add_choice(app, "--offset-unit", "code_points|bytes|utf16", "What offsets count; default: code_points",
             [options](const std::string& name) { options->encode.offset_unit = offset_unit_from_name(name); });
  return [options](Session& session) { run(*options, session); };
}

}  // namespace

const Command tokenize_command = {
    .name = "tokenize",
    .argument = "TEXT",
    .min_arguments = 0,
    .max_arguments = kAnyNumber,
    .summary = "Token ids, tokens and offsets of texts",
    .description =
        "Shows each TEXT or, without one, each line of standard input as a model sees it. "
        "The model's directory may hold tokenizer files alone.",
    .examples =
        "  filbert tokenize --format text \"I really love this book\"\n"
        "  filbert tokenize --model path/to/checkpoint < texts.txt | jq -c .input_ids\n"
        "  filbert tokenize --return-overflowing-tokens --stride 32 < documents.txt\n"
        "  filbert tokenize --max-length 16 --offset-unit bytes \"Cut to 16 tokens\"\n",
    .add_options = add_options,
};

}  // namespace filbert::cli
