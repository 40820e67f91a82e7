#include "cli/text_file.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <future>
#include <memory>
#include <numeric>
#include <utility>

#include <fmt/format.h>
#include <sys/stat.h>

#include <filbert/contexts.h>
#include <filbert/error.h>
#include <filbert/version.h>

#include "base/refuse.h"
#include "base/sha256.h"
#include "cli/compression.h"
#include "cli/explain_bar.h"
#include "cli/interrupts.h"
#include "cli/options.h"
#include "cli/result_file.h"
#include "cli/warnings.h"
#include "load/fingerprint.h"

namespace filbert::cli {
namespace {

constexpr std::size_t kLabelsShown = 3;

// What must be the same for the rows of one run to go on behind those of another, whatever is done with them.
RunSettings settings_of(const TextFileOptions& file, const TableInput& input, TableFormat format, const CheckpointHashes& hashes) {
  const CsvDialect& dialect = input.dialect();
  return {{"version", FILBERT_VERSION},
          {"text_column", file.table.text_column},
          {"text_pair_column", file.table.text_pair_column.value_or("")},
          {"input_format", std::string(name(input.format()))},
          {"dialect", fmt::format("{}{}", static_cast<int>(dialect.delimiter), dialect.quotes ? ", quotes" : "")},
          {"header", file.table.has_header ? "yes" : "no"},
          {"max_row_bytes", std::to_string(file.table.max_row_bytes)},
          {"on_error", file.table.faults_in_rows ? "row" : "stop"},
          {"output_format", std::string(name(format))},
          {"model_sha256", hashes.weights},
          {"tokenizer_sha256", hashes.tokenizer}};
}

// What is counted of the rows: labels, or whatever the command counts, then these.
struct Counts {
  std::vector<std::uint64_t> labels;
  std::uint64_t faults = 0, truncated = 0;

  std::vector<std::uint64_t> list() const {
    std::vector<std::uint64_t> all = labels;
    all.insert(all.end(), {faults, truncated});
    return all;
  }
  void set(const std::vector<std::uint64_t>& all) {
    if (all.size() != labels.size() + 2) return;
    std::copy_n(all.begin(), labels.size(), labels.begin());
    faults = all[labels.size()];
    truncated = all[labels.size() + 1];
  }
};

// ": 5 stars 41 %, 1 star 20 %, …": the labels with most rows.
std::string shares(const Counts& counts, const std::vector<std::string>& labels) {
  std::vector<std::size_t> order(labels.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return counts.labels[a] > counts.labels[b]; });
  const std::uint64_t all = std::max<std::uint64_t>(1, std::accumulate(counts.labels.begin(), counts.labels.end(), std::uint64_t{0}));
  std::string text;
  for (std::size_t place = 0; place < std::min(order.size(), kLabelsShown); ++place) {
    text += fmt::format("{}{} {:.0f} %", place == 0 ? "; " : ", ", printable(labels[order[place]]),
                        100.0 * static_cast<double>(counts.labels[order[place]]) / static_cast<double>(all));
  }
  return text + (order.size() > kLabelsShown ? ", …" : "");
}

// The thread that writes: rows, their warnings, and how far it is.
class Writer {
 public:
  Writer(const TableInput& input, const FileWork& work, ResultRows& rows, ResultFile& result, Compression compression, Session& session)
      : input_(input), work_(work), rows_(rows), result_(result), compression_(compression), warnings_(session.messages), shows_(!session.out.is_terminal()),
        bar_(work.doing) {
    counts_.labels.resize(work.counted.size());
    counts_.set(result.before().counts);
    done_ = result.before().rows;
    has_begun_ = result.before().bytes > 0;
  }

  void write(const Block& block) {
    std::string text = std::exchange(has_begun_, true) ? std::string() : rows_.header();
    for (std::size_t row = 0; row < block.rows.size(); ++row) {
      rows_.append(block.rows[row], block.answers[row].get(), text);
      count(block.rows[row], block.answers[row].get());
    }
    done_ += block.rows.size();
    result_.append(compressed(compression_, text), {.rows = done_, .bytes = 0, .input_crc32 = block.input_crc32, .counts = counts_.list()});
    if (shows_) bar_(block.share_read, done_, true, [&] { return shares(counts_, work_.counted); });
  }

  void finish() {
    if (!has_begun_) result_.append(compressed(compression_, rows_.header()), {});
    result_.finish();
  }

  void say(Messages& messages, const std::string& message) {
    bar_.clear();
    messages.note(message);
  }
  void summarize() {
    bar_.clear();
    warnings_.summarize();
  }
  void skipped(std::size_t rows) {
    if (shows_) bar_(input_.share_read(), rows, false);
  }
  std::uint64_t rows() const { return done_; }

 private:
  void count(const TableRow& row, const TextAnswer* answer) {
    const std::string& fault = row.fault.empty() ? answer->fault : row.fault;
    if (!fault.empty()) {
      ++counts_.faults;
      bar_.clear();
      return warnings_.not_answered(row.fault.empty() ? fmt::format("{}: {}", input_.where(row), fault) : fault);
    }
    work_.count(*answer, counts_.labels);
    counts_.truncated += answer->truncated;
    const std::size_t invalid = answer->invalid_utf8 + row.invalid_utf8;
    if (!answer->truncated && invalid == 0 && answer->is_finite) return;
    bar_.clear();
    const std::string where = input_.where(row);
    if (answer->truncated) warnings_.truncated(where, answer->tokens_total, answer->tokens_used);
    if (invalid > 0) warnings_.invalid_utf8(where, invalid);
    if (!answer->is_finite) warnings_.not_finite(where);
  }

  const TableInput& input_;
  const FileWork& work_;
  ResultRows& rows_;
  ResultFile& result_;
  Compression compression_;
  Warnings warnings_;
  bool shows_;
  ExplainBar bar_;
  Counts counts_;
  std::uint64_t done_ = 0;
  bool has_begun_ = false;
};

void check_paths(const TextFileOptions& options, const TableInput& input) {
  if (options.output == "-") return;
  struct stat status {};
  if (::stat(options.output.c_str(), &status) == 0 && input.file().is_same_as(status)) {
    refuse(fmt::format("--output: expected another file than the input, found \"{}\" for both", options.output.string()));
  }
}

// The rows that a run before this one has done, which must be those that it read.
void skip_rows(TableInput& input, const RunCheckpoint& before, const std::string& partial, Writer& writer) {
  std::uint32_t crc32 = 0;
  std::uint64_t rows = 0;
  for (TableRow row; rows < before.rows; ++rows) {
    if (!input.next(row)) break;
    crc32 = row_crc32(row, crc32);
    writer.skipped(static_cast<std::size_t>(rows));
  }
  if (rows < before.rows) refuse(fmt::format("{}: expected at least {} rows, as many as {} has, found {}", input.file().name(), before.rows, partial, rows));
  if (crc32 != before.input_crc32) {
    refuse(fmt::format("{}: expected the {} rows that {} was made of, found that they have changed since; remove it and its journal to begin anew",
                       input.file().name(), rows, partial));
  }
}

void say_dialect(const TextFileOptions& options, const TableInput& input, Session& session, bool always) {
  const bool is_table = input.format() == TableFormat::csv || input.format() == TableFormat::tsv;
  const CsvDialect& found = input.dialect();
  const bool tabs = input.format() == TableFormat::tsv;
  const bool is_usual = found.delimiter == options.table.delimiter.value_or(tabs ? '\t' : ',') && found.quotes == options.table.quotes.value_or(!tabs);
  if (!is_table || (is_usual && !always)) return;
  session.messages.note(fmt::format("{}: read with {} between columns, {}", input.file().name(),
                                    found.delimiter == '\t' ? std::string("a tab") : fmt::format("\"{}\"", found.delimiter),
                                    found.quotes ? "fields in double quotes" : "quotes as they stand"));
}

}  // namespace

void add_text_file_options(CLI::App& app, TextFileOptions& options, const std::string& added) {
  const auto text = [&](const char* flag, const char* value, const char* description, auto set) {
    add_text(app, flag, value, description, [&options, flag, set](const std::string& word) {
      options.of_file = flag;
      set(word);
    });
  };
  const auto choice = [&](const char* flag, const char* choices, const char* description, auto set) {
    add_choice(app, flag, choices, description, [&options, flag, set](const std::string& word) {
      options.of_file = flag;
      set(word);
    });
  };
  add_text(app, "--input", "FILE", "A whole file, .csv, .tsv, .jsonl or .txt (lines), each also .gz or .zst, or - for standard input: its rows come out "
           "with columns for " + added + " and more", [&](const std::string& file) { options.table.file = file; });
  text("--output", "FILE", "Where they go, there whole once all are done; what is done so far is in FILE.partial; default: -, standard output",
       [&](const std::string& file) { options.output = file; });
  text("--text-column", "NAME", "Of the file: the column with the texts, with --no-header its number; default: text",
       [&](const std::string& name) { options.table.text_column = name; });
  text("--delimiter", "BYTE", "Between the columns; default: what the file seems to have", [&](const std::string& byte) { set_delimiter(byte, options.table); });
  choice("--quotes", "yes|no", "Whether fields may stand in double quotes; default: in .csv, and in a .tsv that seems to have them",
         [&](const std::string& word) { options.table.quotes = word == "yes"; });
  add_flag(app, "--no-header", "The first line is a row, and columns are called by their numbers, from 1", [&] { options.of_file = "--no-header", options.table.has_header = false; });
  choice("--output-format", "csv|tsv|jsonl", "Of --output, whatever it is called; default: by its name, else that of the input",
         [&](const std::string& word) { options.output_format = table_format_from_name("--output-format", word); });
  choice("--on-error", "row|stop", "A row that cannot be read or answered has its error in its last column (the default), or ends the run",
         [&](const std::string& word) { options.table.faults_in_rows = word == "row"; });
  add_number(app, "--max-row-bytes", "A longer row is an error; default: 4194304", {.least = 1},
             [&](std::size_t bytes) { options.of_file = "--max-row-bytes", options.table.max_row_bytes = bytes; });
  add_flag(app, "--resume", "Goes on where the run that left FILE.partial ended", [&] { options.of_file = "--resume", options.resume = true; });
}

void check_no_file(const TextFileOptions& options) {
  if (options.of_file != nullptr) refuse(fmt::format("{}: expected --input beside it, found none", options.of_file));
}

void run_text_file(const TextFileOptions& options, const ModelChoice& model, bool verbose, Session& session,
                   const std::function<FileWork(const std::filesystem::path& directory)>& make) {
  if (!session.arguments.empty()) refuse("--input: expected no TEXT beside it, found one");
  TableInput input(options.table);  // a wrong name is told before a model is loaded
  check_paths(options, input);
  const TableFormat format = result_format(options.output_format, options.output, input.format());
  say_dialect(options, input, session, verbose);
  const bool is_kept = !ResultFile::is_written_as_it_is(options.output);
  const std::filesystem::path directory = model_directory(model, session);
  std::future<CheckpointHashes> hashing = std::async(is_kept ? std::launch::async : std::launch::deferred,
                                           [directory] { return CheckpointHashes{weights_sha256(directory), tokenizer_sha256(directory)}; });
  const FileWork work = make(directory);
  RunSettings settings;
  if (is_kept) {
    settings = settings_of(options, input, format, hashing.get());
    settings.insert(settings.end(), work.settings.begin(), work.settings.end());
  }
  ResultFile result(options.output, settings, options.resume);
  if (result.was_finished()) return result.finish();
  const Compression compression = options.output == "-" ? Compression::none : compression_of(options.output);
  Writer* talking = nullptr;
  ResultRows rows(input, work.columns, {.format = format, .has_header = options.table.has_header},
                  [&](const std::string& message) { talking ? talking->say(session.messages, message) : session.messages.note(message); });
  Writer writer(input, work, rows, result, compression, session);
  talking = &writer;
  const auto started = std::chrono::steady_clock::now();
  bool is_whole = false;
  std::size_t distinct = 0;
  try {
    const Interrupts interrupts;
    skip_rows(input, result.before(), options.output.string() + ".partial", writer);
    TextRows run(input, work.texts, {.stops_at_faults = !options.table.faults_in_rows, .gives_half_blocks = !is_kept}, result.before().input_crc32);
    is_whole = run.run([&](const Block& block) { writer.write(block); }, [] { return Interrupts::noted(); });
    distinct = run.distinct_texts();
    if (is_whole) writer.finish();
    writer.summarize();
  } catch (...) {
    writer.summarize();
    const std::string partial = result.give_up();
    if (!partial.empty()) session.messages.note(fmt::format("what is done is in {}, and --resume goes on", partial));
    throw;
  }
  if (!is_whole) {
    const std::string partial = result.give_up();
    session.messages.note(partial.empty() ? std::string("stopped") : fmt::format("stopped; what is done is in {}, and --resume goes on", partial));
    std::raise(SIGINT);  // whoever started this learns how it ended
    return;
  }
  const std::uint64_t done = writer.rows() - result.before().rows;
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  if (verbose) session.messages.note(fmt::format("{} rows, {} different texts, {:.3f} s, {:.1f} rows/s", done, distinct, seconds, static_cast<double>(done) / seconds));
}

}  // namespace filbert::cli
