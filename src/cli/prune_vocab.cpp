// filbert prune-vocab: a checkpoint with the tokens that a corpus uses.
#include <functional>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include <filbert/error.h>
#include <filbert/prune_vocab.h>

#include "base/json_writer.h"
#include "cli/columns.h"
#include "cli/command.h"
#include "cli/model_options.h"
#include "cli/options.h"
#include "cli/table_input.h"

namespace filbert::cli {
namespace {

constexpr std::size_t kTextsAtOnce = 1024;

struct Options {
  HubOptions hub;
  TableOptions table;
  PruneOptions prune;
  std::vector<std::filesystem::path> corpus, check;
  bool json = false;
};

void for_each_batch(const std::filesystem::path& file, const char* argument, const Options& options, const std::function<void(std::span<const TextInput>)>& visit) {
  TableOptions table = options.table;
  table.file = file;
  table.argument = argument;
  TableInput input(table);
  std::vector<TableRow> rows;
  std::vector<TextInput> texts;
  for (bool at_end = false; !at_end;) {
    rows.clear(), texts.clear();
    for (TableRow row; rows.size() < kTextsAtOnce && !(at_end = !input.next(row));) rows.push_back(std::exchange(row, {}));
    for (const TableRow& row : rows) texts.push_back({row.text, row.text_pair ? std::optional<std::string_view>(*row.text_pair) : std::nullopt});
    visit(texts);
  }
}

double percent(std::uint64_t part, std::uint64_t all) { return all == 0 ? 0 : 100 * static_cast<double>(part) / static_cast<double>(all); }

std::string text_lines(const PruneReport& report, const std::vector<std::pair<std::string, PruneComparison>>& checks, const Options& options, const Output& out) {
  const auto megabytes = [](std::uintmax_t bytes) { return static_cast<double>(bytes) / 1e6; };
  std::string lines = fmt::format("vocabulary: {} → {} tokens\nweights: {:.1f} → {:.1f} MB\n", report.tokens_before, report.tokens_after, megabytes(report.bytes_before),
                                  megabytes(report.bytes_after));
  lines += fmt::format("kept: {} special, {} of one character, {} more of the corpus\n", report.kept_special, report.kept_characters, report.kept_used);
  lines += fmt::format("corpus: {} texts, {} tokens, each as before\n", report.corpus_texts, report.corpus_tokens);
  lines += fmt::format("further texts of the same kind: about {:.2f} % will have other tokens\n", percent(report.texts_with_a_token_of_their_own, report.corpus_texts));
  for (const auto& [file, check] : checks) {
    lines += fmt::format("{}: {} of {} texts ({:.2f} %) have other tokens;\n  tokens {} → {}, [UNK] {} → {}\n", out.foreign(file), check.changed_texts, check.texts,
                         percent(check.changed_texts, check.texts), check.tokens_before, check.tokens_after, check.unk_before, check.unk_after);
    if (check.changed_texts > 0) lines += "  the first: " + beginning_of(one_line(check.first_changed, out), 60) + '\n';
  }
  if (checks.empty() && options.prune.characters != KeptCharacters::all) lines += "Texts with other characters become [UNK] in part: --check FILE counts.\n";
  return lines;
}

void write_comparison(const std::string& file, const PruneComparison& check, JsonWriter& json) {
  json.begin_object();
  json.field("file", file);
  json.field("texts", check.texts);
  json.field("changed_texts", check.changed_texts);
  json.field("tokens_before", check.tokens_before);
  json.field("tokens_after", check.tokens_after);
  json.field("unk_before", check.unk_before);
  json.field("unk_after", check.unk_after);
  json.end_object();
}

std::string json_line(const PruneReport& report, const std::vector<std::pair<std::string, PruneComparison>>& checks) {
  JsonWriter json;
  json.begin_object();
  json.field("tokens_before", report.tokens_before);
  json.field("tokens_after", report.tokens_after);
  json.field("rows_before", report.rows_before);
  json.field("rows_after", report.rows_after);
  json.field("bytes_before", report.bytes_before);
  json.field("bytes_after", report.bytes_after);
  json.field("kept_special", report.kept_special);
  json.field("kept_characters", report.kept_characters);
  json.field("kept_used", report.kept_used);
  json.field("corpus_texts", report.corpus_texts);
  json.field("corpus_tokens", report.corpus_tokens);
  json.field("texts_with_a_token_of_their_own", report.texts_with_a_token_of_their_own);
  json.key("checks");
  json.begin_array();
  for (const auto& [file, check] : checks) write_comparison(file, check, json);
  json.end_array();
  json.end_object();
  return json.take_line();
}

void run(const Options& options, Session& session) {
  if (options.corpus.empty()) throw Error(ErrorKind::invalid_argument, "--corpus: expected a file of texts, found none");
  const std::filesystem::path from = model_directory({.name = session.arguments[0], .hub = options.hub}, session), to = session.arguments[1];
  VocabPruner pruner(from, options.prune);
  for (const auto& file : options.check) for_each_batch(file, "--check", options, [](const auto&) {});  // what is wrong with it is told before the work
  for (const auto& file : options.corpus) for_each_batch(file, "--corpus", options, [&](std::span<const TextInput> texts) { pruner.add(texts); });
  const PruneReport report = pruner.write(to);
  PruneComparison corpus;
  for (const auto& file : options.corpus) for_each_batch(file, "--corpus", options, [&](std::span<const TextInput> texts) { pruner.compare(texts, corpus); });
  if (corpus.changed_texts > 0 || corpus.texts != report.corpus_texts) {
    pruner.remove();
    throw Error(ErrorKind::unsupported, fmt::format("{}: expected the tokens of the corpus to stay, found {} of {} texts with others, such as \"{}\"", from.string(),
                                                    corpus.changed_texts, corpus.texts, corpus.first_changed));
  }
  std::vector<std::pair<std::string, PruneComparison>> checks;
  for (const auto& file : options.check) {
    PruneComparison& comparison = checks.emplace_back(file.string(), PruneComparison()).second;
    for_each_batch(file, "--check", options, [&](std::span<const TextInput> texts) { pruner.compare(texts, comparison); });
  }
  session.out.write(options.json ? json_line(report, checks) : text_lines(report, checks, options, session.out));
}

Run add_options(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  add_texts(app, "--corpus", "FILE", "The texts whose tokens are kept, .csv, .tsv or .jsonl; may be given several times", [options](const std::string& file) { options->corpus.emplace_back(file); });
  add_texts(app, "--check", "FILE", "Other texts: how many of them will have other tokens; may be given several times", [options](const std::string& file) { options->check.emplace_back(file); });
  add_choice(app, "--characters", "all|scripts|used",
             "Tokens of one character that are kept too: all (the default), so that no text is lost; letters of the corpus' scripts; none beside those used",
             [options](const std::string& name) { options->prune.characters = kept_characters_from_name(name); });
  add_text(app, "--text-column", "NAME", "The column with the texts; default: text", [options](const std::string& name) { options->table.text_column = name; });
  add_text(app, "--text-pair-column", "NAME", "The column with the second text of a pair", [options](const std::string& name) { options->table.text_pair_column = name; });
  add_text(app, "--delimiter", "BYTE", "Between the columns; default: a tab in .tsv, else a comma", [options](const std::string& byte) { set_delimiter(byte, options->table); });
  add_format_option(app, options->json, "Lines for people (the default), or a JSON object");
  add_hub_options(app, options->hub);
  return [options](Session& session) { run(*options, session); };
}

}  // namespace

const Command prune_vocab_command = {
    .name = "prune-vocab",
    .argument = "DIR OUT",
    .min_arguments = 2,
    .max_arguments = 2,
    .summary = "A checkpoint with the tokens that a corpus uses",
    .description =
        "Writes the checkpoint in DIR, or a model of the Hugging Face Hub, to OUT, a new or an empty directory, without the tokens that no text of the corpus "
        "has: a multilingual model is mostly word embeddings. On the corpus every token and number stays as it is, which is checked; other texts may be cut "
        "into other tokens, and the command says how many.",
    .examples =
        "  filbert prune-vocab path/to/multilingual path/to/dutch --corpus reviews.csv\n"
        "  filbert prune-vocab org/name out --corpus a.csv --corpus b.jsonl --check c.csv\n"
        "  filbert prune-vocab org/name out --corpus a.csv --characters scripts\n",
    .add_options = add_options,
};

}  // namespace filbert::cli
