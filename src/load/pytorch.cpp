#include "load/pytorch.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <utility>

#include <fmt/format.h>

#include <filbert/error.h>

#include "base/text.h"
#include "load/little_endian.h"
#include "load/state_dict.h"
#include "load/zip.h"

namespace filbert {
namespace {

using Storages = std::map<std::string_view, std::span<const std::byte>>;

[[noreturn]] void corrupt(std::string_view where, std::string_view message) {
  throw Error(ErrorKind::corrupt, fmt::format("{}: {}", where, message));
}
[[noreturn]] void unsupported(std::string_view where, std::string_view message) {
  throw Error(ErrorKind::unsupported, fmt::format("{}: {}", where, message));
}

// The elements of `tensor`, row-major.
std::vector<std::byte> gathered(const PickledTensor& tensor, std::span<const std::byte> storage, std::size_t count) {
  const std::size_t width = tensor.dtype->bytes;
  std::vector<std::byte> out(count * width);
  std::vector<std::size_t> index(tensor.shape.size(), 0);
  std::size_t at = tensor.offset;
  for (std::size_t element = 0; element < count; ++element) {
    std::memcpy(out.data() + element * width, storage.data() + at * width, width);
    for (std::size_t axis = index.size(); axis-- > 0;) {  // to the next element
      at += tensor.strides[axis];
      if (++index[axis] < tensor.shape[axis]) break;
      at -= tensor.strides[axis] * tensor.shape[axis];
      index[axis] = 0;
    }
  }
  return out;
}

// Finds the bytes of pickled tensors in their storages.
class Layout {
 public:
  Layout(const Storages& storages, std::size_t file_bytes, std::string_view file_name)
      : storages_(storages), file_name_(file_name), bytes_left_(4 * file_bytes + (std::size_t{16} << 20)) {}

  PytorchTensors lay_out(const std::vector<PickledTensor>& tensors) {
    PytorchTensors out;
    for (const PickledTensor& tensor : tensors) {
      const std::string where = fmt::format("{}: {}", file_name_, tensor.name);
      const std::span<const std::byte> storage = storage_of(tensor, where);
      const std::size_t count = count_elements(tensor, where), width = tensor.dtype->bytes;
      TensorView view{std::string(tensor.name), tensor.dtype->dtype, std::string(tensor.dtype->name), tensor.shape, {}};
      if (count > 0) {
        check_within(tensor, where);
        if (lies_in_order(tensor)) {
          view.data = storage.subspan(tensor.offset * width, count * width);
        } else {
          view.data = out.made.emplace_back(gathered(tensor, storage, count));
        }
      }
      out.tensors.push_back(std::move(view));
    }
    return out;
  }

 private:
  std::span<const std::byte> storage_of(const PickledTensor& tensor, std::string_view where) const {
    const auto found = storages_.find(tensor.storage.key);
    if (found == storages_.end()) corrupt(where, fmt::format("expected its storage {} in the file, found none", tensor.storage.key));
    const std::size_t bytes = found->second.size(), width = tensor.dtype->bytes;
    if (bytes % width != 0 || bytes / width != tensor.storage.elements) {
      corrupt(where, fmt::format("expected a storage {} of {} elements of {} bytes, found {} bytes", tensor.storage.key,
                                 tensor.storage.elements, width, bytes));
    }
    return found->second;
  }

  // Elements that are in no storage, or in one again and again, may be claimed by the billion: the tensors together get as many bytes
  // as tied weights may need, and no more.
  std::size_t count_elements(const PickledTensor& tensor, std::string_view where) {
    if (std::ranges::find(tensor.shape, 0u) != tensor.shape.end()) return 0;
    std::size_t bytes = tensor.dtype->bytes;
    bool fits = bytes <= bytes_left_;
    for (const std::size_t size : tensor.shape) {
      fits = fits && bytes <= bytes_left_ / size;
      if (fits) bytes *= size;
    }
    if (!fits) {
      unsupported(where, fmt::format("shape {}: expected tensors that together take at most four times the bytes of the file, found more",
                                     shape_string(tensor.shape)));
    }
    bytes_left_ -= bytes;
    return bytes / tensor.dtype->bytes;
  }

  static void check_within(const PickledTensor& tensor, std::string_view where) {
    std::uint64_t last = tensor.offset;  // the place of the last element
    bool within = last < tensor.storage.elements;
    for (std::size_t axis = 0; axis < tensor.shape.size() && within; ++axis) {
      const std::uint64_t steps = tensor.shape[axis] - 1, left = tensor.storage.elements - 1 - last;
      within = steps == 0 || tensor.strides[axis] <= left / steps;
      if (within) last += steps * (steps == 0 ? 0 : tensor.strides[axis]);
    }
    if (within) return;
    corrupt(where, fmt::format("shape {} with strides {} from element {}: expected all within the {} elements of storage {}",
                               shape_string(tensor.shape), shape_string(tensor.strides), tensor.offset, tensor.storage.elements,
                               tensor.storage.key));
  }

  static bool lies_in_order(const PickledTensor& tensor) {
    std::size_t expected = 1;
    for (std::size_t axis = tensor.shape.size(); axis-- > 0;) {
      if (tensor.shape[axis] != 1 && tensor.strides[axis] != expected) return false;
      expected *= tensor.shape[axis];
    }
    return true;
  }

  const Storages& storages_;
  std::string_view file_name_;
  std::size_t bytes_left_;
};

PytorchTensors parse_zip(std::span<const std::byte> file, std::string_view file_name) {
  const auto entries = read_zip(file, file_name);
  const auto is_pickle = [](const auto& entry) { return entry.first.ends_with("/data.pkl"); };
  const auto pickled = std::ranges::find_if(entries, is_pickle);
  if (pickled == entries.end()) unsupported(file_name, "expected an archive of torch.save, found a zip archive without data.pkl");
  if (std::ranges::count_if(entries, is_pickle) > 1) corrupt(file_name, "expected one data.pkl in the archive, found more");
  const std::string root(pickled->first.substr(0, pickled->first.rfind('/') + 1));
  if (entries.contains(root + "constants.pkl")) unsupported(file_name, "expected a state dict, found a TorchScript program");
  const auto byte_order = entries.find(root + "byteorder");  // absent before torch 2.0
  if (byte_order != entries.end()) {
    const std::string_view order(reinterpret_cast<const char*>(byte_order->second.data()), byte_order->second.size());
    if (order != "little") {
      unsupported(file_name, fmt::format("byteorder: expected little, found \"{}\"", replace_invalid_utf8(order.substr(0, 20))));
    }
  }
  Storages storages;
  for (const auto& [name, bytes] : entries) {
    if (const std::string data = root + "data/"; name.starts_with(data)) storages.emplace(name.substr(data.size()), bytes);
  }
  const std::string where = fmt::format("{}: data.pkl", file_name);
  const Pickle pickle = read_state_dict_pickle(pickled->second, where);
  return Layout(storages, file.size(), file_name).lay_out(tensors_of(pickle, where));
}

// The layout before torch 1.6, from front to back.
class Legacy {
 public:
  Legacy(std::span<const std::byte> file, std::string_view file_name) : file_(file), file_name_(file_name) {}

  PytorchTensors parse() {
    check_magic_number();
    const Pickle protocol = next_pickle("protocol version");
    if (protocol.root.kind != PickleKind::integer || protocol.root.number != 1001) {
      unsupported(file_name_, "protocol version: expected 1001, found another");
    }
    check_system(next_pickle("system information"));
    const Pickle pickle = next_pickle("state dict");
    const auto tensors = tensors_of(pickle, fmt::format("{}: state dict", file_name_));
    const Pickle keys = next_pickle("storage keys");
    const Storages storages = read_storages(keys, tensors);
    return Layout(storages, file_.size(), file_name_).lay_out(tensors);
  }

 private:
  Pickle next_pickle(std::string_view part) {
    Pickle pickle = read_state_dict_pickle(file_.subspan(at_), fmt::format("{}: {}", file_name_, part));
    at_ += pickle.bytes;
    return pickle;
  }

  void check_magic_number() {
    constexpr std::string_view kMagic = "\x6C\xFC\x9C\x46\xF9\x20\x6A\xA8\x50\x19";
    const Pickle magic = next_pickle("magic number");
    if (magic.root.kind == PickleKind::long_integer && magic.root.text == kMagic) return;
    unsupported(file_name_, "expected a state dict written by torch.save, found a pickle of something else");
  }

  void check_system(const Pickle& system) const {
    if (system.root.kind != PickleKind::dict) corrupt(file_name_, "system information: expected a dict, found something else");
    const auto items = system.items(system.root);
    for (std::size_t at = 0; at + 1 < items.size(); at += 2) {
      if (items[at].text != "little_endian" || items[at + 1].number != 0) continue;
      unsupported(file_name_, "little_endian: expected true, found false");
    }
  }

  // Each storage that the keys list: the number of its elements, then their bytes.
  Storages read_storages(const Pickle& keys, const std::vector<PickledTensor>& tensors) {
    if (keys.root.kind != PickleKind::list) corrupt(file_name_, "storage keys: expected a list, found something else");
    std::map<std::string_view, std::size_t> widths;
    for (const PickledTensor& tensor : tensors) widths.emplace(tensor.storage.key, tensor.dtype->bytes);
    Storages storages;
    for (const PickleValue& key : keys.items(keys.root)) {
      const auto width = widths.find(key.text);
      if (key.kind != PickleKind::text || width == widths.end()) {
        corrupt(file_name_, "storage keys: expected those of the tensors, found another");
      }
      const std::string where = fmt::format("{}: storage {}", file_name_, key.text);
      if (file_.size() - at_ < 8) corrupt(where, "expected the number of its elements, found the end of the file");
      const std::uint64_t elements = read_little_endian(file_, at_, 8), left = file_.size() - at_ - 8;
      if (elements > left / width->second) {
        corrupt(where, fmt::format("expected {} elements of {} bytes, found {} bytes", elements, width->second, left));
      }
      const std::size_t bytes = elements * width->second;
      if (!storages.emplace(key.text, file_.subspan(at_ + 8, bytes)).second) corrupt(where, "expected it once, found it twice");
      at_ += 8 + bytes;
    }
    if (at_ != file_.size()) corrupt(file_name_, fmt::format("the storages end at byte {}, the file has {}", at_, file_.size()));
    return storages;
  }

  std::span<const std::byte> file_;
  std::string_view file_name_;
  std::size_t at_ = 0;
};

}  // namespace

PytorchTensors parse_pytorch(std::span<const std::byte> file, std::string_view file_name) {
  if (is_zip(file)) return parse_zip(file, file_name);
  constexpr std::byte kProto{0x80};
  constexpr std::size_t kTarMark = 257;
  if (!file.empty() && file[0] == kProto) return Legacy(file, file_name).parse();
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  if (text.size() > kTarMark && text.substr(kTarMark).starts_with("ustar")) {
    unsupported(file_name, "expected what torch.save writes, found a tar archive, as it wrote until 2017; torch can save it anew");
  }
  corrupt(file_name, fmt::format("expected what torch.save writes, found something else in {} bytes", file.size()));
}

}  // namespace filbert
