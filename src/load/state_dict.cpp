#include "load/state_dict.h"

#include <algorithm>
#include <array>
#include <set>
#include <string>

#include <fmt/format.h>

#include <filbert/error.h>

#include "base/text.h"

namespace filbert {
namespace {

enum class Role : std::uint8_t { ordered_dict, tensor, parameter, storage };

// What the pickle of a state dict may name. A storage's name says the dtype of its elements.
struct Global {
  std::string_view name;
  Role role;
  std::string_view dtype = {};
};
constexpr std::array kGlobals = {
    Global{"collections.OrderedDict", Role::ordered_dict},
    Global{"torch._utils._rebuild_tensor", Role::tensor},
    Global{"torch._utils._rebuild_tensor_v2", Role::tensor},
    Global{"torch._utils._rebuild_parameter", Role::parameter},
    Global{"torch.FloatStorage", Role::storage, "F32"},
    Global{"torch.HalfStorage", Role::storage, "F16"},
    Global{"torch.BFloat16Storage", Role::storage, "BF16"},
    Global{"torch.DoubleStorage", Role::storage, "F64"},
    Global{"torch.LongStorage", Role::storage, "I64"},
    Global{"torch.IntStorage", Role::storage, "I32"},
    Global{"torch.ShortStorage", Role::storage, "I16"},
    Global{"torch.CharStorage", Role::storage, "I8"},
    Global{"torch.ByteStorage", Role::storage, "U8"},
    Global{"torch.BoolStorage", Role::storage, "BOOL"},
    Global{"torch.ComplexFloatStorage", Role::storage, "C64"},
};
constexpr auto kNames = [] {
  std::array<std::string_view, kGlobals.size()> names;
  for (std::size_t at = 0; at < names.size(); ++at) names[at] = kGlobals[at].name;
  return names;
}();

constexpr std::size_t kMostAxes = 64;  // torch's own

std::string_view kind_name(PickleKind kind) {
  switch (kind) {
    case PickleKind::none: return "None";
    case PickleKind::boolean: return "a boolean";
    case PickleKind::integer: case PickleKind::long_integer: return "an integer";
    case PickleKind::real: return "a number";
    case PickleKind::text: return "a text";
    case PickleKind::tuple: return "a tuple";
    case PickleKind::list: return "a list";
    case PickleKind::dict: return "a dict";
    default: return "something else";
  }
}

// One tensor of the dict: its name leads every message.
class Description {
 public:
  Description(const Pickle& pickle, std::string where) : pickle_(pickle), where_(std::move(where)) {}

  // torch._utils._rebuild_tensor(storage, offset, shape, strides), and _v2, which has requires_grad, hooks and metadata after these.
  PickledTensor read(const PickleValue& value) const {
    const PickleValue* tensor = &value;
    if (has_role(*tensor, Role::parameter)) {
      const auto arguments = pickle_.items(*tensor);
      if (arguments.empty()) fail(ErrorKind::corrupt, "expected a tensor as the argument of _rebuild_parameter, found none");
      tensor = &arguments[0];
    }
    if (!has_role(*tensor, Role::tensor)) {
      fail(ErrorKind::unsupported, fmt::format("expected a tensor, as a state dict has alone, found {}", kind_name(tensor->kind)));
    }
    const auto arguments = pickle_.items(*tensor);
    if (arguments.size() < 4 || arguments.size() > 7) {
      fail(ErrorKind::corrupt, fmt::format("expected 4 to 7 arguments of a tensor, found {}", arguments.size()));
    }
    if (arguments.size() == 7) check_metadata(arguments[6]);
    PickledTensor out;
    read_storage(arguments[0], out);
    out.offset = size(arguments[1], "offset");
    out.shape = sizes(arguments[2], "shape");
    out.strides = sizes(arguments[3], "strides");
    if (out.shape.size() != out.strides.size()) {
      fail(ErrorKind::corrupt, fmt::format("shape {}: expected a stride for each, found {}", shape_string(out.shape),
                                           shape_string(out.strides)));
    }
    return out;
  }

 private:
  [[noreturn]] void fail(ErrorKind kind, std::string_view message) const { throw Error(kind, fmt::format("{}: {}", where_, message)); }

  static bool has_role(const PickleValue& value, Role role) {
    return value.kind == PickleKind::reduction && kGlobals[value.global].role == role;
  }

  // ("storage", its class, its key, the device it was on, its elements), and in the old layout None, or which part of another it is.
  void read_storage(const PickleValue& value, PickledTensor& out) const {
    if (value.kind != PickleKind::persistent) fail(ErrorKind::corrupt, fmt::format("expected a storage, found {}", kind_name(value.kind)));
    const auto items = pickle_.items(value);
    if (items.size() < 5 || items.size() > 6 || items[0].text != "storage" || items[1].kind != PickleKind::global ||
        kGlobals[items[1].global].role != Role::storage || items[2].kind != PickleKind::text) {
      fail(ErrorKind::corrupt, "expected (\"storage\", class, key, device, elements) for its storage, found something else");
    }
    if (items.size() == 6 && items[5].kind != PickleKind::none) {
      fail(ErrorKind::unsupported, "expected a whole storage, found a part of another, as the first versions of torch had it");
    }
    out.dtype = find_dtype(kGlobals[items[1].global].dtype);
    out.storage = {items[2].text, size(items[4], "elements of its storage")};
  }

  // Marks a tensor whose numbers stand for their conjugates or negatives.
  void check_metadata(const PickleValue& value) const {
    if (value.kind == PickleKind::none || (value.kind == PickleKind::dict && pickle_.items(value).empty())) return;
    fail(ErrorKind::unsupported, "expected a tensor without metadata, found one with");
  }

  std::size_t size(const PickleValue& value, std::string_view what) const {
    if (value.kind == PickleKind::integer && value.number >= 0) return static_cast<std::size_t>(value.number);
    const bool is_number = value.kind == PickleKind::integer;
    fail(ErrorKind::corrupt, fmt::format("{}: expected a number of at least 0, found {}", what,
                                         is_number ? std::to_string(value.number) : std::string(kind_name(value.kind))));
  }

  std::vector<std::size_t> sizes(const PickleValue& value, std::string_view what) const {
    if (value.kind != PickleKind::tuple) {
      fail(ErrorKind::corrupt, fmt::format("{}: expected a tuple, found {}", what, kind_name(value.kind)));
    }
    const auto items = pickle_.items(value);
    if (items.size() > kMostAxes) {
      fail(ErrorKind::unsupported, fmt::format("{}: expected at most {} axes, found {}", what, kMostAxes, items.size()));
    }
    std::vector<std::size_t> out;
    for (const PickleValue& item : items) out.push_back(size(item, what));
    return out;
  }

  const Pickle& pickle_;
  std::string where_;
};

}  // namespace

Pickle read_state_dict_pickle(std::span<const std::byte> bytes, std::string_view where) {
  return read_pickle(bytes, kNames, where);
}

std::vector<PickledTensor> tensors_of(const Pickle& pickle, std::string_view where) {
  const auto fail = [&](ErrorKind kind, const std::string& message) { throw Error(kind, fmt::format("{}: {}", where, message)); };
  if (pickle.root.kind != PickleKind::dict) {
    fail(ErrorKind::unsupported, fmt::format("expected a state dict, a dict from names to tensors, found {}", kind_name(pickle.root.kind)));
  }
  std::vector<PickledTensor> tensors;
  std::set<std::string_view> names;
  const auto items = pickle.items(pickle.root);
  for (std::size_t at = 0; at + 1 < items.size(); at += 2) {
    const PickleValue& name = items[at];
    if (name.kind != PickleKind::text || count_invalid_utf8(name.text) > 0) {
      fail(ErrorKind::corrupt, fmt::format("expected the names of tensors, found {} that is none", kind_name(name.kind)));
    }
    if (!names.insert(name.text).second) fail(ErrorKind::corrupt, fmt::format("expected each name once, found {} twice", name.text));
    tensors.push_back(Description(pickle, fmt::format("{}: {}", where, name.text)).read(items[at + 1]));
    tensors.back().name = name.text;
  }
  return tensors;
}

}  // namespace filbert
