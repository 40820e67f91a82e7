#include "cli/help.h"

#include <algorithm>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <filbert/error.h>

#include "cli/columns.h"

namespace filbert::cli {
namespace {


struct Row {
  std::string left, right;
};

// Two columns; the left one as wide as its widest entry, but a very wide one gets a line of its own.
std::string two_columns(const std::vector<Row>& rows) {
  std::size_t width = 0;
  for (const Row& row : rows) {
    if (row.left.size() <= 24) width = std::max(width, row.left.size());
  }
  std::string out;
  for (const Row& row : rows) {
    const std::string gap =
        row.left.size() <= width ? std::string(width - row.left.size(), ' ') : '\n' + std::string(width + 2, ' ');
    out += fmt::format("  {}{}  {}\n", row.left, gap, wrap(row.right, width + 4));
  }
  return out;
}

std::string usage(const Command& command) {
  std::string out = fmt::format("filbert {}", command.name);
  if (command.name != "completion") out += " [OPTIONS]";
  if (command.argument.empty()) return out;
  const std::string_view more = command.max_arguments == kAnyNumber ? "..." : "";
  return out + (command.min_arguments == 0 ? fmt::format(" [{}{}]", command.argument, more)
                                           : fmt::format(" {}{}", command.argument, more));
}

std::string option_names(const CLI::Option& option) {
  std::string names;
  for (const std::string& name : option.get_snames()) names += fmt::format("{}-{}", names.empty() ? "" : ", ", name);
  for (const std::string& name : option.get_lnames()) names += fmt::format("{}--{}", names.empty() ? "" : ", ", name);
  if (option.get_items_expected_max() > 0) names += " " + option.get_type_name();
  return names;
}

// The library's own table, so that this page cannot disagree with what happens.
std::vector<Row> exit_codes() {
  std::vector<Row> rows = {{"0", "done"}, {"1", "anything not below, such as a full disk"}};
  for (const ErrorKindInfo& kind : error_kinds()) {
    std::string name(kind.name);
    std::replace(name.begin(), name.end(), '_', ' ');
    rows.push_back({std::to_string(kind.exit_code), name});
  }
  return rows;
}

}  // namespace

std::string wrap(std::string_view text, std::size_t indent) {
  std::string out;
  std::size_t column = indent;
  while (!text.empty()) {
    const std::size_t space = text.find(' ');
    const std::string_view word = text.substr(0, space);
    text.remove_prefix(space == std::string_view::npos ? text.size() : space + 1);
    if (column > indent && column + 1 + word.size() > kPlainColumns) {
      out += '\n' + std::string(indent, ' ');
      column = indent;
    } else if (column > indent) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
  }
  return out;
}

std::string program_help(const Output& out) {
  std::string help = "Filbert classifies text with BERT checkpoints on CPUs.\n";
  help += fmt::format("\n{}\n  filbert COMMAND [OPTIONS] [ARGUMENTS]\n", out.bold("Usage:"));
  std::vector<Row> rows;
  for (const Command* each : commands()) rows.push_back({std::string(each->name), std::string(each->summary)});
  help += fmt::format("\n{}\n{}", out.bold("Commands:"), two_columns(rows));
  help += fmt::format(
      "\n{}\n{}", out.bold("Options:"),
      two_columns({{"-h, --help", "This page; after a command, that command's"}, {"-V, --version", "The version"}}));
  help += fmt::format(
      "\n{}\n{}", out.bold("Environment:"),
      two_columns({{"FILBERT_MODEL", "The checkpoint to use when --model is not given"},
                   {"FILBERT_ENTITIES_MODEL", "The same, for entities"},
                   {"FILBERT_KERNELS", "scalar, avx2 or avx512: the vector code to run, instead of the best"},
                   {"NO_COLOR", "If set, no colours on a terminal"}}));
  help += fmt::format("\n{}\n{}", out.bold("Exit codes:"), two_columns(exit_codes()));
  help += fmt::format("\n{}\n", out.bold("Examples:"));
  help +=
      "  filbert classify \"I really love this book\"\n"
      "  filbert classify --format json < reviews.txt > answers.jsonl\n"
      "  filbert inspect path/to/checkpoint\n";
  return help;
}

std::string command_help(const Command& command, const CommandLine& line, const Output& out) {
  std::string help = fmt::format("{}\n\n{}\n  {}\n", wrap(command.description, 0), out.bold("Usage:"), usage(command));
  std::vector<Row> rows;
  for (const CLI::Option* option : line.app->get_options()) {
    rows.push_back({option_names(*option), option->get_description()});
  }
  help +=
      fmt::format("\n{}\n{}\n{}\n{}", out.bold("Options:"), two_columns(rows), out.bold("Examples:"), command.examples);
  return help;
}

}  // namespace filbert::cli
