#include "load/weight_files.h"

#include <string_view>
#include <utility>

#include <fmt/format.h>

#include <filbert/error.h>

#include "base/json.h"
#include "load/checkpoint_files.h"
#include "load/pytorch.h"

namespace filbert {
namespace {

namespace fs = std::filesystem;

// Not the name of a file elsewhere.
bool is_plain_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find_first_of(std::string_view("/\\\0", 3)) == std::string_view::npos;
}

// {"metadata": …, "weight_map": {tensor: file}}
WeightFiles read_index(const fs::path& path, bool is_pytorch) {
  WeightFiles found{path, {}, is_pytorch, {}};
  std::map<std::string, std::size_t, std::less<>> places;
  const JsonDocument document(read_file(path), path.string());
  document.root().at("weight_map").for_each_field([&](std::string_view tensor, const JsonValue& value) {
    const std::string file(value.as_string());
    if (!is_plain_name(file)) value.fail("the name of a file in the same directory");
    const auto [place, is_new] = places.emplace(file, found.files.size());
    if (is_new) found.files.push_back(path.parent_path() / file);
    if (!found.weight_map.emplace(tensor, place->second).second) {
      throw Error(ErrorKind::corrupt, fmt::format("{}: weight_map: expected each tensor once, found {} twice", path.string(), tensor));
    }
  });
  return found;
}

// A file that the index names, or Error(not_found) that says for which tensor.
void check_is_there(const WeightFiles& files, std::size_t file) {
  const fs::path& path = files.files[file];
  if (files.weight_map.empty() || fs::exists(path)) return;
  for (const auto& [tensor, place] : files.weight_map) {
    if (place != file) continue;
    throw Error(ErrorKind::not_found, fmt::format("{}: weight_map: expected {} beside it, which has {}, found no such file",
                                                  files.main.string(), path.filename().string(), tensor));
  }
}

MappedTensors map_file(const fs::path& path, bool is_pytorch) {
  MappedFile file(path);
  const std::string_view text(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  if (text.starts_with("version https://git-lfs")) {
    throw Error(ErrorKind::corrupt, fmt::format("{}: expected weights, found a pointer of Git LFS: the file itself was not downloaded",
                                                path.string()));
  }
  if (!is_pytorch) {
    auto tensors = parse_safetensors(file.bytes(), path.string());
    return {std::move(file), std::move(tensors), {}};
  }
  PytorchTensors parsed = parse_pytorch(file.bytes(), path.string());
  return {std::move(file), std::move(parsed.tensors), std::move(parsed.made)};
}

// Each tensor must be in one file, and in that which the index says.
void check_index(const WeightFiles& files, const std::vector<MappedTensors>& mapped) {
  const auto file_name = [&](std::size_t file) { return files.files[file].filename().string(); };
  std::map<std::string_view, std::size_t> places;
  for (std::size_t file = 0; file < mapped.size(); ++file) {
    for (const TensorView& tensor : mapped[file].tensors) {
      const auto [place, is_new] = places.emplace(tensor.name, file);
      if (is_new) continue;
      throw Error(ErrorKind::corrupt, fmt::format("{}: expected {} in one file, found it in {} and {}", files.main.string(), tensor.name,
                                                  file_name(place->second), file_name(file)));
    }
  }
  for (const auto& [tensor, file] : files.weight_map) {
    const auto place = places.find(tensor);
    if (place != places.end() && place->second == file) continue;
    throw Error(ErrorKind::corrupt, fmt::format("{}: weight_map: expected {} in {}, found it in {}", files.main.string(), tensor,
                                                file_name(file), place == places.end() ? "none" : file_name(place->second)));
  }
}

}  // namespace

WeightFiles find_weight_files(const fs::path& directory) {
  for (const WeightFileName& candidate : kWeightFiles) {
    const fs::path path = directory / candidate.name;
    std::error_code ignored;
    if (fs::symlink_status(path, ignored).type() == fs::file_type::not_found) continue;  // a link to nothing is an error, not absent
    if (candidate.is_index) return read_index(path, candidate.is_pytorch);
    return {path, {path}, candidate.is_pytorch, {}};
  }
  throw Error(ErrorKind::not_found, fmt::format("{}: expected this file, pytorch_model.bin, or either in parts with its .index.json, "
                                                "found none", (directory / kWeightFiles[0].name).string()));
}

std::uintmax_t weight_bytes(const fs::path& directory) {
  std::uintmax_t bytes = 0;
  for (const fs::path& path : find_weight_files(directory).files) bytes += MappedFile(path).bytes().size();
  return bytes;
}

std::vector<MappedTensors> map_weight_files(const WeightFiles& files) {
  std::vector<MappedTensors> mapped;
  for (std::size_t file = 0; file < files.files.size(); ++file) {
    check_is_there(files, file);
    mapped.push_back(map_file(files.files[file], files.is_pytorch));
  }
  check_index(files, mapped);
  return mapped;
}

}  // namespace filbert
