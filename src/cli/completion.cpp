// filbert completion: scripts for bash and zsh, made from the tables that parse the command line.
#include <algorithm>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>  // join, since fmt 11

#include <filbert/error.h>

#include "base/nearest.h"
#include "cli/command.h"
#include "cli/options.h"

namespace filbert::cli {
namespace {

// What one option, or the argument of a command, is for a shell.
struct Word {
  std::string flag;   // "--top-k"; empty for the argument
  std::string value;  // "N", "DIR", "FILE", "text|json"; empty if it takes none
  std::string description;
};

std::vector<Word> options_of(const Command& command) {
  const CommandLine line = command_line(command);
  std::vector<Word> words;
  for (const CLI::Option* option : line.app->get_options()) {
    const std::string value = option->get_items_expected_max() > 0 ? option->get_type_name() : "";
    for (const std::string& name : option->get_lnames())
      words.push_back({"--" + name, value, option->get_description()});
  }
  return words;
}

std::string joined_flags(const std::vector<Word>& words) {
  std::string out;
  for (const Word& word : words) out += (out.empty() ? "" : " ") + word.flag;
  return out;
}

// "DIR" of "DIR OUT".
std::string_view first_word(std::string_view argument) { return argument.substr(0, argument.find(' ')); }

// The bash that fills COMPREPLY with what a value can be.
std::string bash_values(std::string_view value) {
  if (value == "DIR") return "compopt -o filenames 2> /dev/null; mapfile -t COMPREPLY < <(compgen -d -- \"$cur\")";
  if (value == "FILE") return "compopt -o filenames 2> /dev/null; mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")";
  const std::vector<std::string> choices = choices_of(value);
  if (choices.empty()) return "COMPREPLY=()";
  return fmt::format("mapfile -t COMPREPLY < <(compgen -W \"{}\" -- \"$cur\")", fmt::join(choices, " "));
}

std::string bash_script() {
  std::string names, values, arguments;
  for (const Command* command : commands()) {
    names += fmt::format("{}{}", names.empty() ? "" : " ", command->name);
    const std::vector<Word> options = options_of(*command);
    for (const Word& word : options) {
      if (!word.value.empty())
        values += fmt::format("    {}:{}) {}; return ;;\n", command->name, word.flag, bash_values(word.value));
    }
    arguments += fmt::format("    {}:-*) mapfile -t COMPREPLY < <(compgen -W \"{}\" -- \"$cur\") ;;\n", command->name,
                             joined_flags(options));
    arguments += fmt::format("    {}:*) {} ;;\n", command->name, bash_values(first_word(command->argument)));
  }
  return fmt::format(R"(# bash completion for filbert, made by: filbert completion bash
_filbert() {{
  local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}}
  if [[ $cur == "=" ]]; then  # --format=…: bash cuts words at "="
    cur=""
  elif [[ $prev == "=" ]]; then
    prev=${{COMP_WORDS[COMP_CWORD-2]}}
  fi
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    mapfile -t COMPREPLY < <(compgen -W "{} --help --version" -- "$cur")
    return
  fi
  case ${{COMP_WORDS[1]}}:$prev in
{}  esac
  case ${{COMP_WORDS[1]}}:$cur in
{}  esac
}}
complete -F _filbert filbert
)",
                     names, values, arguments);
}

// `text` within '…' of zsh, and within the [ ] and : of _arguments.
std::string zsh_quoted(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else if (c == '[' || c == ']' || c == ':') {
      out += {'\\', c};
    } else {
      out += c;
    }
  }
  return out;
}

// ":message:action" of _arguments.
std::string zsh_values(std::string_view value) {
  if (value == "DIR") return ":directory:_files -/";
  if (value == "FILE") return ":file:_files";
  const std::vector<std::string> choices = choices_of(value);
  if (choices.empty()) return fmt::format(":{}: ", value);
  return fmt::format(":choice:({})", fmt::join(choices, " "));
}

std::string zsh_script() {
  std::string names, cases;
  for (const Command* command : commands()) {
    names += fmt::format("    '{}:{}'\n", command->name, zsh_quoted(command->summary));
    cases += fmt::format("    {})\n      _arguments -S \\\n", command->name);
    for (const Word& word : options_of(*command)) {
      cases += fmt::format("        '{}{}[{}]{}' \\\n", word.flag, word.value.empty() ? "" : "=",
                           zsh_quoted(word.description), word.value.empty() ? "" : zsh_values(word.value));
    }
    const std::string argument =
        command->argument.empty()
            ? ""
            : fmt::format("'{}{}' ", command->max_arguments > 1 ? "*" : "1", zsh_values(first_word(command->argument)));
    cases += fmt::format("        {};;\n", argument);
  }
  return fmt::format(R"(#compdef filbert
# zsh completion for filbert, made by: filbert completion zsh
_filbert() {{
  local -a commands=(
{}  )
  if ((CURRENT == 2)); then
    _describe command commands
    [[ $words[2] == -* ]] && compadd -- --help --version
    return
  fi
  shift words
  ((CURRENT--))
  case $words[1] in
{}  esac
}}
if [[ $funcstack[1] == _filbert ]]; then
  _filbert "$@"
else
  compdef _filbert filbert
fi
)",
                     names, cases);
}

Run add_options(CLI::App&) {
  return [](Session& session) {
    const std::string& shell = session.arguments.front();
    const std::vector<std::string> shells = choices_of(completion_command.argument);
    if (std::find(shells.begin(), shells.end(), shell) == shells.end()) {
      throw Error(ErrorKind::invalid_argument,
                  fmt::format("completion: expected bash or zsh, found \"{}\"{}", shell, suggestion(shell, shells)));
    }
    session.out.write(shell == "bash" ? bash_script() : zsh_script());
  };
}

}  // namespace

const Command completion_command = {
    .name = "completion",
    .argument = "bash|zsh",
    .min_arguments = 1,
    .max_arguments = 1,
    .summary = "A script that completes filbert's commands in a shell",
    .description = "Prints a script that teaches bash or zsh to complete filbert's commands, options and their values.",
    .examples =
        "  source <(filbert completion bash)           # in ~/.bashrc for every shell\n"
        "  filbert completion zsh > ~/.zfunc/_filbert  # or another directory of $fpath\n",
    .add_options = add_options,
};

}  // namespace filbert::cli
