#include "cli/model_options.h"

#include <filbert/pipeline.h>

#include "cli/options.h"

namespace filbert::cli {

void add_model_option(CLI::App& app, std::optional<std::filesystem::path>& directory) {
  add_text(app, "--model", "DIR",
           "The checkpoint's directory; default: $FILBERT_MODEL, else the one that comes with Filbert",
           [&](const std::string& path) { directory = path; });
}

std::filesystem::path model_directory(const std::optional<std::filesystem::path>& directory) {
  return directory ? *directory : default_model();
}

void add_threads_option(CLI::App& app, unsigned& num_threads) {
  add_number(app, "--threads", "Threads to compute with; 0, the default: as many as this process may use",
             {.least = 0, .most = 1024}, [&](std::size_t count) { num_threads = static_cast<unsigned>(count); });
}

void add_format_option(CLI::App& app, bool& json, const char* description) {
  add_choice(app, "--format", "text|json", description, [&](const std::string& format) { json = format == "json"; });
}

}  // namespace filbert::cli
