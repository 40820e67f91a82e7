#include "cli/contexts_options.h"

#include <utility>

#include <fmt/format.h>

#include "cli/number_list.h"
#include "cli/options.h"

namespace filbert::cli {

ContextIndex open_index(const std::filesystem::path& given) {
  return ContextIndex::open(std::filesystem::is_directory(given) ? given / kIndexFile : given);
}

void add_search_options(CLI::App& app, SimilarOptions& options, std::size_t usual, std::function<void(const char*)> seen) {
  options.top_k = usual;
  add_number(app, "--layer", "Of the index: which layer, from 0; default: its last", {.most = 4096}, [&options, seen](std::size_t layer) {
    options.layer = layer;
    seen("--layer");
  });
  add_choice(app, "--by", "embedding|context",
             "Like in what the layer takes of the token, or in what its heads make of the tokens around it; default: embedding",
             [&options, seen](const std::string& by) {
               options.by = similar_by_from_name(by);
               seen("--by");
             });
  add_number_list(app, "--heads", "The heads that count, from 0: \"3\", \"0,3\" or \"2-4\"; default: all", [&options, seen](std::vector<std::size_t> heads) {
    options.heads = std::move(heads);
    seen("--heads");
  });
  add_number(app, "--top-k", fmt::format("How many of the index's tokens; default: {}", usual), {.least = 1, .most = 10000},
             [&options, seen](std::size_t count) {
               options.top_k = count;
               seen("--top-k");
             });
}

}  // namespace filbert::cli
