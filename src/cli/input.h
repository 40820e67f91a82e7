// What classify and tokenize read: the texts of the command line, or standard input, as records in batches.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command.h"
#include "cli/line_reader.h"
#include "cli/warnings.h"

namespace filbert::cli {

// One text, one pair, or one row tokenized elsewhere.
struct Record {
  std::size_t number = 0;  // of the text or line, from 1
  std::string id;          // of a jsonl object: its JSON, passed through; empty if it has none
  std::optional<std::string> text;
  std::optional<std::string> text_pair;
  std::vector<std::int32_t> input_ids;       // if not empty, what is classified; `text` then is only shown
  std::vector<std::int32_t> token_type_ids;  // as many, or none
  bool padded_in_front = false;              // padding before input_ids was dropped
  std::size_t invalid_utf8 = 0;              // ill-formed sequences replaced before the line could be read as JSON

  bool is_tokenized() const { return !input_ids.empty(); }
  std::size_t bytes() const;
};

struct InputOptions {
  std::optional<std::string> text_pair;  // of every text that brings none itself
  bool jsonl = false;
  bool lists = false;                    // of jsonl: a list is a text too, as its JSON, and the field may be called "words"
  std::optional<std::string> format;     // --input-format as it was given: of a file there are more than of standard input
};
// --text-pair and --input-format
void add_input_options(CLI::App& app, InputOptions& options);
// --input-format alone; `object` is what the objects of jsonl may be.
void add_input_format_option(CLI::App& app, InputOptions& options, const std::string& object);

// A line of --input-format jsonl; `lists` as above. Throws Error(invalid_argument) that begins with `where` and names the field.
Record parse_jsonl(std::string_view line, const std::string& where, bool lists = false);

class Input {
 public:
  // Reads standard input if the session has no arguments, and says so if that is a terminal.
  Input(Session& session, const InputOptions& options);

  // Fills `batch` with the next records: as many as are there without waiting, at least one, at most a batch; one at a
  // time if answers go to a terminal. False at the end. What is wrong with a line is thrown when all before it have
  // been returned: Error(invalid_argument).
  bool next(std::vector<Record>& batch);

  std::string where(const Record& record) const;  // "line 7" or "text 7"

 private:
  std::optional<Record> next_record();
  bool ready();

  std::vector<std::string> arguments_;
  InputOptions options_;
  std::optional<LineReader> lines_;  // absent: arguments
  std::size_t max_rows_;
  std::size_t count_ = 0;
  std::exception_ptr failure_;
};

// Hands every batch of `input` to `answer`, which either writes answers for all its records or throws having written
// none. If it throws an Error, the records before the one at fault are answered; the error then names that one.
// Ends with the summary of `warnings`.
void answer_all(Input& input, Output& out, Warnings& warnings,
                const std::function<void(std::span<const Record>)>& answer);

}  // namespace filbert::cli
