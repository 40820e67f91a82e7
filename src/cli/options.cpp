#include "cli/options.h"

#include <algorithm>
#include <charconv>
#include <numeric>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <filbert/error.h>

#include "base/nearest.h"

namespace filbert::cli {
namespace {

// Stands before every value on its way through CLI11, and is taken off again by add_text: no value then is empty,
// begins with a dash, or is one of the "[…]" and "[[…]]" that some versions read in their own way.
constexpr char kGuard = '=';

[[noreturn]] void refuse_usage(const Command& command, const std::string& message) {
  throw Error(ErrorKind::invalid_argument, fmt::format("{}\nTry \"filbert {} --help\".", message, command.name));
}

// "--top-k" or "-h" as it was declared.
std::vector<std::string> flags_of(const CLI::App& app) {
  std::vector<std::string> flags;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
    for (const std::string& name : option->get_snames()) flags.push_back("-" + name);
  }
  return flags;
}

std::size_t parse_number(const std::string& flag, const std::string& text, Range range) {
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc{} && end == text.data() + text.size() && number >= range.least && number <= range.most) {
    return number;
  }
  const std::string bounds = range.most == Range{}.most ? fmt::format("from {}", range.least)
                                                        : fmt::format("from {} to {}", range.least, range.most);
  throw Error(ErrorKind::invalid_argument,
              fmt::format("{}: expected a whole number {}, found \"{}\"", flag, bounds, text));
}

float parse_decimal(const std::string& flag, const std::string& text, float least, float most) {
  float number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc{} && end == text.data() + text.size() && number >= least && number <= most) return number;
  throw Error(ErrorKind::invalid_argument, fmt::format("{}: expected a number from {} to {}, found \"{}\"", flag, least, most, text));
}

std::string alternatives(std::span<const std::string> words) {
  std::string out = words.front();
  for (std::size_t at = 1; at < words.size(); ++at) out += (at + 1 == words.size() ? " or " : ", ") + words[at];
  return out;
}

}  // namespace

void add_text(CLI::App& app, const std::string& flag, const std::string& value, const std::string& description,
              std::function<void(const std::string&)> set) {
  const auto unguard = [set = std::move(set)](const std::string& text) { set(text.substr(1)); };
  app.add_option_function<std::string>(flag, unguard, description)->type_name(value)->take_last();
}

void add_texts(CLI::App& app, const std::string& flag, const std::string& value, const std::string& description,
               std::function<void(const std::string&)> add) {
  const auto unguard = [add = std::move(add)](const std::vector<std::string>& texts) {
    for (const std::string& text : texts) add(text.substr(1));
  };
  app.add_option_function<std::vector<std::string>>(flag, unguard, description)->type_name(value)->allow_extra_args(false);
}

void add_number(CLI::App& app, const std::string& flag, const std::string& description, Range range,
                std::function<void(std::size_t)> set) {
  add_text(app, flag, "N", description,
           [flag, range, set](const std::string& text) { set(parse_number(flag, text, range)); });
}

void add_decimal(CLI::App& app, const std::string& flag, const std::string& value, const std::string& description, float least,
                 float most, std::function<void(float)> set) {
  add_text(app, flag, value, description,
           [flag, least, most, set](const std::string& text) { set(parse_decimal(flag, text, least, most)); });
}

void add_choice(CLI::App& app, const std::string& flag, const std::string& choices, const std::string& description,
                std::function<void(const std::string&)> set) {
  add_text(app, flag, choices, description, [flag, choices, set](const std::string& text) {
    const std::vector<std::string> words = choices_of(choices);
    if (std::find(words.begin(), words.end(), text) == words.end()) {
      throw Error(ErrorKind::invalid_argument, fmt::format("{}: expected {}, found \"{}\"{}", flag, alternatives(words),
                                                           text, suggestion(text, words)));
    }
    set(text);
  });
}

void add_flag(CLI::App& app, const std::string& flag, const std::string& description, std::function<void()> set) {
  app.add_flag_callback(flag, std::move(set), description);
}

bool given(const CLI::App& app, const std::string& flag) { return app.count(flag) > 0; }

std::vector<std::string> choices_of(std::string_view value) {
  std::vector<std::string> choices;
  if (value.find('|') == std::string_view::npos) return choices;
  while (true) {
    const std::size_t bar = value.find('|');
    choices.emplace_back(value.substr(0, bar));
    if (bar == std::string_view::npos) return choices;
    value.remove_prefix(bar + 1);
  }
}

// Arguments are kept from CLI11, which would take "[a, b]" for a list, "++" for an end, and a text that is the name of
// a command for that command. It is given known options only, each with its value behind a guard.
std::optional<std::vector<std::string>> parse(const Command& command, const CommandLine& line,
                                              std::span<const std::string> words) {
  std::vector<std::string> arguments, options;
  const std::vector<std::string> flags = flags_of(*line.app);
  for (std::size_t at = 0; at < words.size(); ++at) {
    const std::string& word = words[at];
    if (word == "--") {
      arguments.insert(arguments.end(), words.begin() + at + 1, words.end());
      break;
    }
    if (word.size() < 2 || word.front() != '-') {
      arguments.push_back(word);
      continue;
    }
    const std::size_t equals = word.find('=');
    const std::string flag = word.substr(0, equals);
    if (std::find(flags.begin(), flags.end(), flag) == flags.end()) {
      const std::string guess = suggestion(flag, flags);
      const std::string_view hint =
          guess.empty() && command.argument == "TEXT" ? "; a text that starts with - goes after --" : "";
      refuse_usage(command, fmt::format("unknown option \"{}\"{}{}", flag, guess, hint));
    }
    const CLI::Option* option = line.app->get_option(flag);
    if (option == line.app->get_help_ptr()) return std::nullopt;
    const bool takes_value = option->get_items_expected_max() > 0;
    if (!takes_value && equals != std::string::npos) refuse_usage(command, fmt::format("{} takes no value", flag));
    if (takes_value && equals == std::string::npos && at + 1 == words.size()) {
      refuse_usage(command, fmt::format("{}: expected a value ({}) after it", flag, option->get_type_name()));
    }
    options.push_back(flag);
    if (takes_value) options.push_back(kGuard + (equals == std::string::npos ? words[++at] : word.substr(equals + 1)));
  }
  if (arguments.size() > command.max_arguments) {
    refuse_usage(command, fmt::format("unexpected argument \"{}\"", arguments[command.max_arguments]));
  }
  if (arguments.size() < command.min_arguments) refuse_usage(command, fmt::format("expected {}", command.argument));
  std::reverse(options.begin(), options.end());  // the order in which CLI11 wants a vector
  line.app->parse(options);
  return arguments;
}

}  // namespace filbert::cli
