// The tensors of a checkpoint under the names the architecture expects, whatever the file calls them.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "load/packed_file.h"
#include "load/weight_files.h"

namespace filbert {

// A tensor that a model needs, by its name without the base model's prefix ("encoder.layer.0.…", "classifier.weight").
struct ExpectedTensor {
  std::string name;
  std::vector<std::size_t> shape;
  bool is_int8 = false;  // else F32, F16 or BF16
  std::string file_name = {};  // what the family's files call it, likewise without the prefix; empty: the same
  bool may_be_absent = false;
};

// Owns the mapped files; views are valid while it lives.
class Weights {
 public:
  // Maps the weight files of `directory` (weight_files.h) and finds each of `expected` in them, with or without `prefix`
  // ("bert."), with LayerNorm.gamma and .beta as the old names of weight and bias. Buffers, a pooler that the head does not look at
  // and the heads of pre-training (position_ids, cls.*, lm_head.*, …) are let be. The last weight of `expected` is the classifier's. Throws Error: what find_weight_files() and map_weight_files() throw; corrupt, in one message
  // all tensors that are missing, surplus or of another shape; unsupported (a tensor of another dtype than expected).
  static Weights from_pretrained(const std::filesystem::path& directory, std::string_view prefix,
                                 const std::vector<ExpectedTensor>& expected);

  // `name` must be one of the expected.
  const TensorView& at(std::string_view name) const;
  // The same, or null where it is absent.
  const TensorView* find(std::string_view name) const;
  std::size_t num_parameters() const;  // the scales of a quantized checkpoint are none
  std::string dtypes() const;  // "F16", or "F16, F32" where they are mixed

  // Says that the tensor, one of these, will hardly be read again (MappedFile::release). Reading it stays possible.
  void release(const TensorView& tensor) const;

  // Where the layers that are packed from here on are shared with other processes; `form` says what else than the files they depend on.
  void begin_packing(std::string_view form);
  PackedFile* packed() const { return packed_.get(); }  // null before and after
  void end_packing();

 private:
  explicit Weights(std::vector<MappedTensors> files) : files_(std::move(files)) {}
  std::vector<MappedTensors> files_;
  std::map<std::string, TensorView, std::less<>> tensors_;
  std::unique_ptr<PackedFile> packed_;
};

}  // namespace filbert
