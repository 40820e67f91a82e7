#include "load/weights.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filbert/error.h>

#include "base/names.h"

namespace filbert {
namespace {

// The name that transformers gives a tensor today: no prefix, no gamma and beta.
std::string canonical_name(std::string_view file_name, std::string_view prefix) {
  if (file_name.starts_with(prefix)) file_name.remove_prefix(prefix.size());
  std::string name(file_name);
  for (const auto& [old_end, end] : {std::pair{"LayerNorm.gamma", "weight"}, std::pair{"LayerNorm.beta", "bias"}}) {
    if (name.ends_with(old_end)) name.replace(name.rfind('.') + 1, std::string::npos, end);
  }
  return name;
}

// What a classifier's checkpoint may hold besides: buffers that older versions saved, the heads of pre-training, and a pooler where the
// head does without one.
bool is_ignored(std::string_view name) {
  constexpr std::string_view kBuffers[] = {"position_ids", "token_type_ids", "embeddings.position_embeddings.weight"};  // a DeBERTa may not use it
  constexpr std::string_view kHeads[] = {"cls.", "lm_head.", "lm_loss.", "lm_predictions.", "mask_predictions.", "predictions.", "pooler.",
                                         "decoder.", "mask_emb", "sop_classifier.", "discriminator_predictions.", "generator_predictions.", "vocab_transform.",
                                         "vocab_layer_norm.", "vocab_projector."};
  return std::ranges::any_of(kBuffers, [&](std::string_view end) { return name.ends_with(end); }) ||
         std::ranges::any_of(kHeads, [&](std::string_view begin) { return name.starts_with(begin); });
}

const std::string& name_in_file(const ExpectedTensor& tensor) { return tensor.file_name.empty() ? tensor.name : tensor.file_name; }

constexpr std::size_t kNamed = 40;  // tensors of a complaint

// Every complaint about the tensors found, as parts of one message.
struct Complaints {
  std::vector<std::string> missing, surplus, misshapen;

  // `head_weight`: what no encoder has before it is trained for a task.
  void raise_if_any(const std::filesystem::path& path, const std::string& head_weight) const {
    std::vector<std::string> parts;
    if (!missing.empty()) parts.push_back("missing: " + first_of(missing, kNamed));
    if (!surplus.empty()) parts.push_back("surplus: " + first_of(surplus, kNamed));
    if (!misshapen.empty()) parts.push_back("of another shape: " + first_of(misshapen, kNamed));
    if (parts.empty()) return;
    std::string message = fmt::format("{}: the tensors are not those that config.json asks for; {}", path.string(),
                                      fmt::join(parts, "; "));
    if (const auto head = std::ranges::find(missing, head_weight); head != missing.end()) {
      message += fmt::format("; without {} this is an encoder without a classification head, which must be trained first", *head);
    }
    throw Error(ErrorKind::corrupt, message);
  }
};

}  // namespace

Weights Weights::from_pretrained(const std::filesystem::path& directory, std::string_view prefix,
                                 const std::vector<ExpectedTensor>& expected) {
  const WeightFiles found = find_weight_files(directory);
  Weights weights(map_weight_files(found));
  Complaints complaints;
  std::map<std::string, const ExpectedTensor*, std::less<>> wanted;
  for (const ExpectedTensor& tensor : expected) wanted.emplace(name_in_file(tensor), &tensor);

  const auto take = [&](const TensorView& tensor, const MappedFile& file) {
    const std::string name = canonical_name(tensor.name, prefix);
    const auto want = wanted.find(name);
    if (want == wanted.end()) {
      if (!is_ignored(name)) complaints.surplus.push_back(tensor.name);
      return;
    }
    if (tensor.shape != want->second->shape) {
      complaints.misshapen.push_back(fmt::format("{} (expected {}, found {})", tensor.name,
                                                 shape_string(want->second->shape), shape_string(tensor.shape)));
    } else if (tensor.dtype == Dtype::other || (tensor.dtype == Dtype::i8) != want->second->is_int8) {
      throw Error(ErrorKind::unsupported,
                  fmt::format("{}: {}: expected {}, found {}", file.path().string(), tensor.name,
                              want->second->is_int8 ? "I8" : "F32, F16 or BF16", tensor.dtype_name));
    }
    if (!weights.tensors_.emplace(want->second->name, tensor).second) complaints.surplus.push_back(tensor.name);
  };
  for (MappedTensors& part : weights.files_) {
    for (const TensorView& tensor : std::exchange(part.tensors, {})) take(tensor, part.file);
  }
  for (const ExpectedTensor& tensor : expected) {
    if (!tensor.may_be_absent && !weights.tensors_.contains(tensor.name)) complaints.missing.push_back(name_in_file(tensor));
  }
  const auto is_weight = [](const ExpectedTensor& tensor) { return tensor.name.ends_with(".weight"); };
  const auto head = std::find_if(expected.rbegin(), expected.rend(), is_weight);
  const bool has_head = head != expected.rend() && !head->name.starts_with("encoder.");
  complaints.raise_if_any(found.main, has_head ? name_in_file(*head) : "");
  return weights;
}

void Weights::release(const TensorView& tensor) const {
  for (const MappedTensors& part : files_) part.file.release(tensor.data);
}

void Weights::begin_packing(std::string_view form) {
  std::string identity(form);
  for (const MappedTensors& part : files_) {
    std::error_code ignored;
    const std::filesystem::path path = std::filesystem::canonical(part.file.path(), ignored);
    const auto written = std::filesystem::last_write_time(path, ignored).time_since_epoch().count();
    identity += fmt::format("\n{} {} {}", path.string(), part.file.bytes().size(), written);
  }
  packed_ = std::make_unique<PackedFile>(identity);
}

void Weights::end_packing() {
  packed_->finish();
  packed_.reset();
}

const TensorView& Weights::at(std::string_view name) const { return tensors_.find(name)->second; }

const TensorView* Weights::find(std::string_view name) const {
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? nullptr : &found->second;
}

std::size_t Weights::num_parameters() const {
  std::size_t count = 0;
  constexpr std::string_view kScales[] = {".weight_scale", ".input_center", ".input_factor"};
  for (const auto& [name, tensor] : tensors_) {
    if (std::ranges::none_of(kScales, [&name = name](std::string_view end) { return name.ends_with(end); })) count += tensor.num_elements();
  }
  return count;
}

std::string Weights::dtypes() const {
  std::set<std::string> names;
  for (const auto& [name, tensor] : tensors_) names.emplace(filbert::name(tensor.dtype));
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace filbert
