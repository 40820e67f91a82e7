#include "cli/entity_file.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include <filbert/error.h>

#include "base/csv.h"
#include "base/json.h"
#include "base/names.h"
#include "base/nearest.h"
#include "base/refuse.h"
#include "base/text.h"
#include "cli/compression.h"
#include "cli/input_file.h"

namespace filbert::cli {
namespace {

constexpr std::size_t kNamedFields = 12;
constexpr std::string_view kConllExtensions[] = {".conll", ".conllu", ".bio", ".iob", ".iob2", ".bioes", ".bilou", ".txt", ".tsv"};
constexpr std::string_view kWordFields[] = {"tokens", "words"}, kLabelFields[] = {"tags", "ner_tags", "labels"};
constexpr std::string_view kTextFields[] = {"text"}, kSpanFields[] = {"entities", "spans"}, kTypeFields[] = {"label", "entity_group", "entity", "type"};

// The lines of a file, cut at tabs.
class Lines {
 public:
  Lines(const std::filesystem::path& file, char delimiter)
      : file_(file, false), reader_([this](std::span<char> buffer) { return file_.read(buffer); }, {.delimiter = delimiter, .quotes = false}) {}

  bool next(std::vector<std::string>& fields) {
    try {
      return reader_.next(fields);
    } catch (const Error& error) {
      throw Error(error.kind(), fmt::format("{}: {}", file_.name(), error.what()));
    }
  }
  std::size_t line() const { return reader_.line(); }
  std::string where() const { return where(line()); }
  std::string where(std::size_t line) const { return fmt::format("{}: line {}", file_.name(), line); }

 private:
  InputFile file_;
  CsvReader reader_;
};

// A line of CoNLL's.
struct Columns {
  std::size_t line = 0;
  bool has_tabs = false;
  std::vector<std::string> fields;
};

class ConllReader {
 public:
  explicit ConllReader(const EntityGoldOptions& options)
      : lines_(options.file, '\t'), word_column_(column("--text-column", options.text_column)), label_column_(column("--label-column", options.label_column)) {}

  bool next(LabelledText& text) {
    for (std::vector<Columns> sentence; next_sentence(sentence);) {
      drop_comments(sentence);
      if (sentence.empty()) continue;
      text = {.line = sentence.front().line, .has_words = true, .words = {}, .labels = {}, .text = {}, .spans = {}};
      for (const Columns& row : sentence) take(row, text);
      return true;
    }
    return false;
  }

 private:
  static std::optional<std::size_t> column(const char* flag, const std::optional<std::string>& number) {
    if (!number) return std::nullopt;
    std::size_t value = 0;
    const auto [end, error] = std::from_chars(number->data(), number->data() + number->size(), value);
    if (error != std::errc() || end != number->data() + number->size() || value == 0) {
      refuse(fmt::format("{}: expected the number of a column, from 1, found \"{}\"", flag, *number));
    }
    return value - 1;
  }

  static std::vector<std::string> words_of(std::string_view line) {
    std::vector<std::string> words;
    for (std::size_t begin = 0; (begin = line.find_first_not_of(' ', begin)) != std::string_view::npos;) {
      const std::size_t end = std::min(line.find(' ', begin), line.size());
      words.emplace_back(line.substr(begin, end - begin));
      begin = end;
    }
    return words;
  }

  // Lines up to a blank one.
  bool next_sentence(std::vector<Columns>& sentence) {
    sentence.clear();
    for (std::vector<std::string> fields; lines_.next(fields);) {
      if (std::ranges::all_of(fields, [](const std::string& field) { return trimmed(field).empty(); })) {
        if (!sentence.empty()) return true;
        continue;
      }
      const bool has_tabs = fields.size() > 1;
      if (!has_tabs) fields = words_of(fields.front());
      if (fields.front() != "-DOCSTART-") sentence.push_back({lines_.line(), has_tabs, std::move(fields)});
    }
    return !sentence.empty();
  }

  // "#" may be a word: a comment is what stands before the words and has not their columns.
  void drop_comments(std::vector<Columns>& sentence) {
    if (sentence.empty()) return;
    const auto is_marked = [](const Columns& row) { return row.fields.front().starts_with('#') && !row.has_tabs && row.fields.size() != 2; };
    if (columns_ == 0 && std::ranges::all_of(sentence, is_marked)) {  // the head of a file
      sentence.clear();
      return;
    }
    const bool has_tabs = columns_ != 0 ? has_tabs_ : sentence.back().has_tabs;
    const std::size_t columns = columns_ != 0 ? columns_ : sentence.back().fields.size();
    const auto is_comment = [&](const Columns& row) {
      return row.fields.front().starts_with('#') && (row.has_tabs != has_tabs || row.fields.size() != columns);
    };
    sentence.erase(sentence.begin(), std::ranges::find_if_not(sentence, is_comment));
  }

  void take(const Columns& row, LabelledText& text) {
    if (columns_ == 0) {
      columns_ = row.fields.size();
      has_tabs_ = row.has_tabs;
      first_line_ = row.line;
      const std::size_t least = std::max({std::size_t{2}, word_column_.value_or(0) + 1, label_column_.value_or(0) + 1});
      if (columns_ < least) refuse(fmt::format("{}: expected a word and its label, {} columns, found {}", lines_.where(row.line), least, columns_));
    }
    if (row.fields.size() != columns_) {
      refuse(fmt::format("{}: expected {} columns as in line {}, found {}", lines_.where(row.line), columns_, first_line_, row.fields.size()));
    }
    for (const auto& [column, out] : {std::pair(word_column_.value_or(0), &text.words), std::pair(label_column_.value_or(columns_ - 1), &text.labels)}) {
      text.invalid_utf8 |= count_invalid_utf8(row.fields[column]) > 0;
      out->push_back(replace_invalid_utf8(row.fields[column]));
    }
  }

  Lines lines_;
  std::optional<std::size_t> word_column_, label_column_;
  std::size_t columns_ = 0, first_line_ = 0;
  bool has_tabs_ = false;
};

class ObjectReader {
 public:
  ObjectReader(const EntityGoldOptions& options, const std::map<int, std::string>& id2label) : options_(options), id2label_(id2label),
      lines_(options.file, '\n') {}

  bool next(LabelledText& text) {
    std::vector<std::string> line;
    do {
      if (!lines_.next(line)) return false;
    } while (line.front().find_first_not_of(" \t") == std::string::npos);
    text = {};
    text.line = lines_.line();
    text.invalid_utf8 = count_invalid_utf8(line.front()) > 0;
    const std::string object = text.invalid_utf8 ? replace_invalid_utf8(line.front()) : std::move(line.front());
    try {
      const JsonDocument document(object, lines_.where());
      if (!document.root().is_object()) document.root().fail("an object");
      read(document.root(), text);
    } catch (const Error& error) {  // the library calls a wrong file corrupt; this one is what the caller gave
      refuse(error.what());
    }
    if (!is_first_ && text.has_words != has_words_) {
      refuse(fmt::format("{}: expected {} as in the lines before, found {}", lines_.where(), has_words_ ? "words" : "a text", has_words_ ? "a text" : "words"));
    }
    has_words_ = text.has_words;
    is_first_ = false;
    return true;
  }

 private:
  // The field of this name, or the first of those that are known.
  static std::optional<JsonValue> field(const JsonValue& object, const std::optional<std::string>& name, std::span<const std::string_view> known) {
    if (name) return object.find(*name);
    for (const std::string_view each : known) {
      if (auto value = object.find(each)) return value;
    }
    return std::nullopt;
  }

  JsonValue needed(const JsonValue& object, const char* flag, const std::optional<std::string>& name, std::span<const std::string_view> known) const {
    if (auto value = field(object, name, known)) return *value;
    std::vector<std::string> names;
    object.for_each_field([&](std::string_view each, const JsonValue&) { names.emplace_back(each); });
    refuse(fmt::format("{}: expected a field \"{}\" ({}), found {}{}", object.where(), name ? *name : std::string(known.front()), flag,
                       names.empty() ? "none" : first_of(names, kNamedFields), name ? suggestion(*name, names) : ""));
  }

  void read(const JsonValue& object, LabelledText& text) const {
    const auto words = field(object, options_.text_column, kWordFields);
    text.has_words = words && words->is_array();
    if (!text.has_words) {
      text.text = needed(object, "--text-column", options_.text_column, kTextFields).as_string();
      needed(object, "--label-column", options_.label_column, kSpanFields).for_each_element([&](const JsonValue& entity) { text.spans.push_back(span_of(entity,
          text.text)); });
      return;
    }
    words->for_each_element([&](const JsonValue& word) { text.words.emplace_back(word.as_string()); });
    const JsonValue labels = needed(object, "--label-column", options_.label_column, kLabelFields);
    labels.for_each_element([&](const JsonValue& label) { text.labels.push_back(label_of(label)); });
    if (text.labels.size() != text.words.size()) {
      refuse(fmt::format("{}: expected {} labels, as there are words, found {}", labels.where(), text.words.size(), text.labels.size()));
    }
  }

  std::string label_of(const JsonValue& label) const {
    if (label.is_string()) return std::string(label.as_string());
    const auto found = id2label_.find(static_cast<int>(label.as_int()));
    if (found == id2label_.end()) refuse(fmt::format("{}: expected a label, or an id of the model's, below {}, found {}", label.where(), id2label_.size(),
        label.as_int()));
    return found->second;
  }

  static EntitySpan span_of(const JsonValue& entity, std::string_view text) {
    EntitySpan span;
    const JsonValue begin = entity.at("start"), end = entity.at("end");
    const auto from = begin.as_int(), to = end.as_int();
    const auto size = static_cast<std::int64_t>(count_code_points(text));
    if (from < 0 || to <= from || to > size) {
      refuse(fmt::format("{}: expected 0 <= start < end <= {}, the code points of the text, found {} and {}", entity.where(), size, from, to));
    }
    span.begin = static_cast<std::size_t>(from);
    span.end = static_cast<std::size_t>(to);
    const auto type = field(entity, std::nullopt, kTypeFields);
    if (!type) entity.fail("an object with a field \"label\"");
    span.type = type->as_string();
    return span;
  }

  const EntityGoldOptions& options_;
  const std::map<int, std::string>& id2label_;
  Lines lines_;
  bool is_first_ = true, has_words_ = false;
};

std::vector<LabelledText> read_all(auto&& reader, std::size_t most) {
  std::vector<LabelledText> texts;
  for (LabelledText text; texts.size() < most && reader.next(text);) texts.push_back(std::move(text));
  return texts;
}

}  // namespace

bool is_conll(const std::filesystem::path& file) { return std::ranges::count(kConllExtensions, extension_of(file)) > 0; }

std::vector<LabelledText> read_labelled_texts(const EntityGoldOptions& options, const std::map<int, std::string>& id2label) {
  const std::string extension = extension_of(options.file);
  if (is_conll(options.file)) return read_all(ConllReader(options), options.max_texts);
  if (extension == ".jsonl" || extension == ".ndjson") return read_all(ObjectReader(options, id2label), options.max_texts);
  refuse(fmt::format("FILE: expected words with labels (.conll, .bio, .iob, .iob2, .tsv, .txt) or objects (.jsonl), or one of these and .gz or .zst, since the "
                     "model is a token classifier, found \"{}\"", options.file.string()));
}

}  // namespace filbert::cli
