#include "cli/input.h"

#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include <filbert/error.h>

#include "cli/options.h"

namespace filbert::cli {
namespace {

// A batch is large enough to keep every core busy, and small enough to bound memory and the time to the next answers.
constexpr std::size_t kBatchRows = 1024;
constexpr std::size_t kBatchBytes = 1 << 20;

}  // namespace

std::size_t Record::bytes() const {
  return (text ? text->size() : 0) + (text_pair ? text_pair->size() : 0) + input_ids.size() * sizeof(input_ids[0]);
}

void add_input_options(CLI::App& app, InputOptions& options) {
  add_text(app, "--text-pair", "TEXT", "The second text of a pair, for every text that brings none",
           [&](const std::string& text) { options.text_pair = text; });
  add_input_format_option(app, options, "{\"text\", \"text_pair\"} or {\"input_ids\", \"token_type_ids\"}");
}

void add_input_format_option(CLI::App& app, InputOptions& options, const std::string& object) {
  add_choice(app, "--input-format", "lines|jsonl|csv|tsv",
             "Of standard input: a text a line (the default), or a JSON object a line, " + object +
                 "; its \"id\" is passed through. Of --input, whatever it is called: these or a table",
             [&](const std::string& format) { options.jsonl = format == "jsonl", options.format = format; });
}

Input::Input(Session& session, const InputOptions& options)
    : arguments_(session.arguments), options_(options), max_rows_(session.out.is_terminal() ? 1 : kBatchRows) {
  if (options.format == "csv" || options.format == "tsv") {
    throw Error(ErrorKind::invalid_argument, fmt::format("--input-format: expected lines or jsonl without --input, found \"{}\"", *options.format));
  }
  if (!arguments_.empty()) return;
  lines_.emplace(STDIN_FILENO);
  if (isatty(STDIN_FILENO)) {
    session.messages.note(
        fmt::format("reading standard input, {} a line; Ctrl-D ends it", options.jsonl ? "a JSON object" : "a text"));
  }
}

bool Input::next(std::vector<Record>& batch) {
  batch.clear();
  if (failure_) std::rethrow_exception(failure_);
  try {
    std::size_t bytes = 0;
    while (batch.empty() || (batch.size() < max_rows_ && bytes < kBatchBytes && ready())) {
      auto record = next_record();
      if (!record) break;
      bytes += record->bytes();
      batch.push_back(*std::move(record));
    }
  } catch (const std::exception&) {
    if (batch.empty()) throw;
    failure_ = std::current_exception();
  }
  return !batch.empty();
}

std::string Input::where(const Record& record) const {
  return fmt::format("{} {}", lines_ ? "line" : "text", record.number);
}

bool Input::ready() { return !lines_ || lines_->ready(); }

std::optional<Record> Input::next_record() {
  Record record;
  if (!lines_) {
    if (count_ == arguments_.size()) return std::nullopt;
    record.text = arguments_[count_++];
    record.number = count_;
  } else {
    auto line = lines_->next();
    for (++count_; options_.jsonl && line && line->find_first_not_of(" \t") == std::string_view::npos; ++count_) {
      line = lines_->next();  // a blank line holds no object
    }
    if (!line) return std::nullopt;
    if (options_.jsonl) {
      record = parse_jsonl(*line, fmt::format("line {}", count_), options_.lists);
    } else {
      record.text = *line;
    }
    record.number = count_;
  }
  if (!record.text_pair && !record.is_tokenized()) record.text_pair = options_.text_pair;
  return record;
}

namespace {

void answer_from(std::span<const Record> records, const Input& input,
                 const std::function<void(std::span<const Record>)>& answer) {
  try {
    return answer(records);
  } catch (const Error& error) {
    if (records.size() == 1) {
      throw Error(error.kind(), fmt::format("{}: {}", input.where(records.front()), error.what()));
    }
  }
  const std::size_t half = records.size() / 2;
  answer_from(records.first(half), input, answer);
  answer_from(records.subspan(half), input, answer);
}

}  // namespace

void answer_all(Input& input, Output& out, Warnings& warnings,
                const std::function<void(std::span<const Record>)>& answer) {
  std::vector<Record> batch;
  try {
    while (input.next(batch)) {
      answer_from(batch, input, answer);
      out.flush();
    }
  } catch (const std::exception&) {
    warnings.summarize();
    throw;
  }
  warnings.summarize();
}

}  // namespace filbert::cli
