#include "cli/number_list.h"

#include <utility>

#include "base/number_list.h"
#include "cli/options.h"

namespace filbert::cli {

void add_number_list(CLI::App& app, const std::string& flag, const std::string& description, std::function<void(std::vector<std::size_t>)> set) {
  add_text(app, flag, "LIST", description, [flag, set = std::move(set)](const std::string& text) { set(parse_number_list(flag, text)); });
}

}  // namespace filbert::cli
