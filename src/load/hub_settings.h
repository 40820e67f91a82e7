// What the environment and a caller's options say about the Hub, by the rules of huggingface_hub's constants.py and _auth.py.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <filbert/hub.h>

namespace filbert {

struct HubSettings {
  std::string endpoint;  // "https://huggingface.co", without a slash at its end
  std::filesystem::path cache_dir;
  std::string token;     // empty: none
  bool offline = false;  // asked for by the options or by the environment
  bool use_symlinks = true;
  long etag_timeout_s = 10;
  long download_timeout_s = 10;
  long first_wait_ms = 1000;  // before the second try; doubled for each further one
};

// A variable of the environment; nothing if it is not set.
using Environment = std::function<std::optional<std::string>(const char* name)>;
std::optional<std::string> process_environment(const char* name);

// Throws Error(invalid_argument) for a token that cannot stand in a header, a time-out that is no number, an endpoint without http.
HubSettings hub_settings(const HubOptions& options, const Environment& environment = process_environment);

// "1", "on", "yes", "true", in any case.
bool is_true(std::string_view value);

// Whether `name` can be that of a model: "org/name" or "name" of letters, digits, '-', '_' and '.', at most 96.
bool is_repo_id(std::string_view name);
// Whether `name` is a path that stays below where it starts: "model.safetensors", "onnx/model.onnx", "refs/pr/4".
bool is_relative_path(std::string_view name);
// 40 hexadecimal digits in lower case.
bool is_commit_hash(std::string_view revision);

}  // namespace filbert
