#include <filbert/convert.h>

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <filbert/error.h>

#include "base/file.h"
#include "load/new_checkpoint.h"
#include "load/weight_files.h"

namespace filbert {

void convert_to_safetensors(const std::filesystem::path& from, const std::filesystem::path& to) {
  const std::string config = read_file(from / "config.json");
  const WeightFiles files = find_weight_files(from);
  const std::vector<MappedTensors> mapped = map_weight_files(files);
  std::vector<TensorToWrite> tensors;
  for (const MappedTensors& part : mapped) {
    for (const TensorView& tensor : part.tensors) {
      if (tensor.name == "__metadata__") {
        throw Error(ErrorKind::unsupported, fmt::format("{}: expected no tensor named __metadata__, which safetensors keeps for "
                                                        "itself, found one", part.file.path().string()));
      }
      tensors.push_back({tensor.name, tensor.dtype_name, tensor.shape, tensor.data});
    }
  }
  // The widest elements first: then each tensor's data begins at a multiple of its elements' size, as safetensors has it.
  std::ranges::stable_sort(tensors, std::greater<>(), [](const TensorToWrite& tensor) { return find_dtype(tensor.dtype_name)->bytes; });

  make_new_directory(to);
  write_safetensors(to / "model.safetensors", tensors, {{"format", "pt"}}, [&](const TensorToWrite& tensor) {
    for (const MappedTensors& part : mapped) part.file.release(tensor.data);
  });
  copy_tokenizer_files(from, to);
  write_file_atomic(to / "config.json", config);  // last: without it there is no checkpoint
}

}  // namespace filbert
