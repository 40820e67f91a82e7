#include "reference/labelled.h"

#include <fstream>

#include "reference/goldens.h"

namespace filbert::reference {

TemporaryDirectory with_labels(const std::filesystem::path& fixture, const std::vector<std::string>& labels) {
  TemporaryDirectory directory;
  for (const auto& entry : std::filesystem::directory_iterator(source_directory() / "tests/data/families" / fixture)) {
    std::filesystem::copy_file(entry.path(), directory.path() / entry.path().filename());
  }
  std::ifstream file(directory.path() / "config.json");
  auto config = nlohmann::ordered_json::parse(file);
  config["id2label"] = nlohmann::ordered_json::object();
  for (std::size_t id = 0; id < labels.size(); ++id) config["id2label"][std::to_string(id)] = labels[id];
  directory.write("config.json", config.dump());
  return directory;
}

}  // namespace filbert::reference
