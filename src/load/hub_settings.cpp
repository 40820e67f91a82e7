#include "load/hub_settings.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdlib>

#include <fmt/format.h>

#include <filbert/error.h>

#include "base/file.h"

namespace filbert {
namespace {

namespace fs = std::filesystem;

bool is_word(char letter) { return std::isalnum(static_cast<unsigned char>(letter)) != 0 || letter == '_'; }

// os.path.expanduser, for one's own home, then os.path.expandvars.
fs::path expand(std::string text, const Environment& environment) {
  if (text == "~" || text.starts_with("~/")) text.replace(0, 1, environment("HOME").value_or("~"));
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const bool braced = text.compare(at, 2, "${") == 0;
    const std::size_t begin = at + 1 + braced;
    std::size_t end = begin;
    while (end < text.size() && (braced ? text[end] != '}' : is_word(text[end]))) ++end;
    if (text[at] != '$' || end == begin || (braced && end == text.size())) {
      out += text[at++];
      continue;
    }
    const std::size_t after = end + braced;
    out += environment(text.substr(begin, end - begin).c_str()).value_or(text.substr(at, after - at));
    at = after;
  }
  return out;
}

// The first of `names` that is set, as a path.
std::optional<fs::path> path_of(std::initializer_list<const char*> names, const Environment& environment) {
  for (const char* name : names) {
    if (const auto value = environment(name)) return expand(*value, environment);
  }
  return std::nullopt;
}

fs::path hf_home(const Environment& environment) {
  if (const auto home = path_of({"HF_HOME"}, environment)) return *home;
  return expand(environment("XDG_CACHE_HOME").value_or("~/.cache"), environment) / "huggingface";
}

// Without line breaks and without spaces around it.
std::string clean(std::string token) {
  std::erase_if(token, [](char letter) { return letter == '\r' || letter == '\n'; });
  const auto begin = token.find_first_not_of(" \t");
  if (begin == token.npos) return {};
  return token.substr(begin, token.find_last_not_of(" \t") - begin + 1);
}

std::string implicit_token(const Environment& environment) {
  if (is_true(environment("HF_HUB_DISABLE_IMPLICIT_TOKEN").value_or(""))) return {};
  for (const char* name : {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"}) {
    if (std::string token = clean(environment(name).value_or("")); !token.empty()) return token;
  }
  const fs::path file = path_of({"HF_TOKEN_PATH"}, environment).value_or(hf_home(environment) / "token");
  std::error_code ignored;
  return fs::is_regular_file(file, ignored) ? clean(read_file(file)) : std::string();
}

long seconds(const char* name, long otherwise, const Environment& environment) {
  const std::string text = environment(name).value_or("");
  if (text.empty()) return otherwise;
  long value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) {
    throw Error(ErrorKind::invalid_argument, fmt::format("{}: expected a whole number of seconds, found \"{}\"", name, text));
  }
  return value == 0 ? otherwise : value;
}

}  // namespace

std::optional<std::string> process_environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

HubSettings hub_settings(const HubOptions& options, const Environment& environment) {
  HubSettings settings;
  settings.endpoint = environment("HF_ENDPOINT").value_or("https://huggingface.co");
  while (settings.endpoint.ends_with('/')) settings.endpoint.pop_back();
  if (!settings.endpoint.starts_with("https://") && !settings.endpoint.starts_with("http://")) {
    throw Error(ErrorKind::invalid_argument, fmt::format("HF_ENDPOINT: expected https://…, found \"{}\"", settings.endpoint));
  }
  settings.cache_dir = !options.cache_dir.empty()
                           ? options.cache_dir
                           : path_of({"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"}, environment).value_or(hf_home(environment) / "hub");
  settings.token = options.token ? clean(*options.token) : implicit_token(environment);
  if (std::ranges::any_of(settings.token, [](char letter) { return letter <= ' ' || letter > '~'; })) {
    throw Error(ErrorKind::invalid_argument, "token: expected letters, digits and signs alone, found a space or another character between them");
  }
  const std::string hub_offline = environment("HF_HUB_OFFLINE").value_or("");
  settings.offline = options.local_files_only ||
                     is_true(hub_offline.empty() ? environment("TRANSFORMERS_OFFLINE").value_or("") : hub_offline);
  settings.use_symlinks = !is_true(environment("HF_HUB_DISABLE_SYMLINKS").value_or(""));
  settings.etag_timeout_s = seconds("HF_HUB_ETAG_TIMEOUT", settings.etag_timeout_s, environment);
  settings.download_timeout_s = seconds("HF_HUB_DOWNLOAD_TIMEOUT", settings.download_timeout_s, environment);
  return settings;
}

bool is_true(std::string_view value) {
  std::string upper(value);
  for (char& letter : upper) letter = static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
  return upper == "1" || upper == "ON" || upper == "YES" || upper == "TRUE";
}

bool is_repo_id(std::string_view name) {
  const auto part = [](std::string_view text) {
    const auto ends_well = [](char letter) { return letter != '-' && letter != '.'; };
    return !text.empty() && ends_well(text.front()) && ends_well(text.back()) &&
           std::ranges::all_of(text, [](char letter) { return is_word(letter) || letter == '-' || letter == '.'; });
  };
  if (name.size() > 96 || name.find("--") != name.npos || name.find("..") != name.npos || name.ends_with(".git")) return false;
  const auto slash = name.find('/');
  return slash == name.npos ? part(name) : part(name.substr(0, slash)) && part(name.substr(slash + 1));
}

bool is_relative_path(std::string_view name) {
  if (name.empty() || name.size() > 1000) return false;
  if (std::ranges::any_of(name, [](char letter) { return letter == '\\' || static_cast<unsigned char>(letter) < ' '; })) return false;
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t end = std::min(name.find('/', begin), name.size());
    const std::string_view part = name.substr(begin, end - begin);
    if (part.empty() || part == "." || part == "..") return false;
    begin = end + 1;
  }
  return true;
}

bool is_commit_hash(std::string_view revision) {
  return revision.size() == 40 && revision.find_first_not_of("0123456789abcdef") == revision.npos;
}

}  // namespace filbert
