// Pickle, as far as a state dict needs it: a machine that builds values and calls nothing. What the pickle asks to be called
// becomes a value that says so; what it may name is an allow-list. Nothing in it is trusted. Tested by pickle_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string_view>
#include <vector>

namespace filbert {

enum class PickleKind : std::uint8_t {
  none, boolean, integer, real, text,
  long_integer,  // of more than 64 bits: its bytes, the least first, are the text
  tuple, list, dict,
  global,        // something that the pickle names
  reduction,     // a global that it asks to be called, with these arguments
  persistent,    // something that lies outside the pickle: these say where
};

// Valid while the Pickle that it is of lives, and the bytes that this was read from.
struct PickleValue {
  PickleKind kind = PickleKind::none;
  std::uint32_t global = 0;  // of a global or a reduction: its place in the allow-list
  std::int64_t number = 0;   // of a boolean or an integer; of what has items, the place of those
  std::string_view text = {};
};

struct Pickle {
  PickleValue root;
  std::size_t bytes = 0;                        // what it took of those it was read from
  std::deque<std::vector<PickleValue>> nodes;

  // The elements of a tuple or list, key, value, key, … of a dict, the arguments of a reduction or persistent. A list or dict may
  // hold itself.
  std::span<const PickleValue> items(const PickleValue& value) const { return nodes[static_cast<std::size_t>(value.number)]; }
};

// The pickle, of protocol 2 to 5, that `bytes` begins with. It may name `globals` ("module.name") and nothing else; a call of
// "collections.OrderedDict" gives a dict. `where` leads every message. Throws Error: unsupported, by name (another global or
// opcode, a call or attributes of something else, more steps than any state dict takes); corrupt (cut short, takes what is not there).
Pickle read_pickle(std::span<const std::byte> bytes, std::span<const std::string_view> globals, std::string_view where);

}  // namespace filbert
