#include "load/pickle.h"

#include <algorithm>
#include <array>
#include <string>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include <filbert/error.h>

#include "base/text.h"
#include "load/little_endian.h"

namespace filbert {
namespace {

// Forty make a tensor: 25,000 of them. What a pickle can make of so many takes some 100 MB.
constexpr std::size_t kMostSteps = 1'000'000;
constexpr std::string_view kOrderedDict = "collections.OrderedDict";

// Opcodes that a state dict does not need, so that they can be refused by name.
struct OpcodeName {
  unsigned char opcode;
  std::string_view name;
};
constexpr std::array kRefused = {
    OpcodeName{'0', "POP"},        OpcodeName{'1', "POP_MARK"},     OpcodeName{'2', "DUP"},           OpcodeName{'F', "FLOAT"},
    OpcodeName{'I', "INT"},        OpcodeName{'L', "LONG"},         OpcodeName{'P', "PERSID"},        OpcodeName{'S', "STRING"},
    OpcodeName{'V', "UNICODE"},    OpcodeName{'d', "DICT"},         OpcodeName{'g', "GET"},           OpcodeName{'i', "INST"},
    OpcodeName{'l', "LIST"},       OpcodeName{'o', "OBJ"},          OpcodeName{'p', "PUT"},           OpcodeName{'B', "BINBYTES"},
    OpcodeName{'C', "SHORT_BINBYTES"}, OpcodeName{0x81, "NEWOBJ"},  OpcodeName{0x82, "EXT1"},         OpcodeName{0x83, "EXT2"},
    OpcodeName{0x84, "EXT4"},      OpcodeName{0x8E, "BINBYTES8"},   OpcodeName{0x8F, "EMPTY_SET"},    OpcodeName{0x90, "ADDITEMS"},
    OpcodeName{0x91, "FROZENSET"}, OpcodeName{0x92, "NEWOBJ_EX"},   OpcodeName{0x96, "BYTEARRAY8"},   OpcodeName{0x97, "NEXT_BUFFER"},
    OpcodeName{0x98, "READONLY_BUFFER"},
};

// A name out of the file, fit for a message.
std::string shown(std::string_view name) {
  constexpr std::size_t kMost = 100;
  return replace_invalid_utf8(name.substr(0, kMost)) + (name.size() > kMost ? "…" : "");
}

class Machine {
 public:
  Machine(std::span<const std::byte> bytes, std::span<const std::string_view> globals, std::string_view where)
      : bytes_(bytes), globals_(globals), where_(where) {}

  Pickle run() {
    for (;;) {
      opcode_at_ = at_;
      spend(1);
      const auto opcode = static_cast<unsigned char>(number(1));
      if (opcode == '.') break;  // STOP
      step(opcode);
    }
    pickle_.root = pop();
    if (!stack_.empty() || !marks_.empty()) corrupt("expected one value at the end, found more");
    pickle_.bytes = at_;
    return std::move(pickle_);
  }

 private:
  void step(unsigned char opcode) {
    using enum PickleKind;
    switch (opcode) {
      case 0x80: return check_protocol(number(1));                                  // PROTO
      case 0x95: take(8); return;                                                   // FRAME
      case '(': marks_.push_back(stack_.size()); return;                            // MARK
      case 'N': return push({none});                                                // NONE
      case 0x88: return push({boolean, 0, 1});                                      // NEWTRUE
      case 0x89: return push({boolean, 0, 0});                                      // NEWFALSE
      case 'J': return push({integer, 0, static_cast<std::int32_t>(number(4))});    // BININT
      case 'K': return push({integer, 0, static_cast<std::int64_t>(number(1))});    // BININT1
      case 'M': return push({integer, 0, static_cast<std::int64_t>(number(2))});    // BININT2
      case 0x8A: return push_long(take(number(1)));                                 // LONG1
      case 0x8B: return push_long(take(number(4)));                                 // LONG4
      case 'G': take(8); return push({real});                                       // BINFLOAT
      case 'U': case 0x8C: return push({text, 0, 0, take(number(1))});              // SHORT_BINSTRING, SHORT_BINUNICODE
      case 'T': case 'X': return push({text, 0, 0, take(number(4))});               // BINSTRING, BINUNICODE
      case 0x8D: return push({text, 0, 0, take(number(8))});                        // BINUNICODE8
      case ')': return push_node(tuple, {});                                        // EMPTY_TUPLE
      case ']': return push_node(list, {});                                         // EMPTY_LIST
      case '}': return push_node(dict, {});                                         // EMPTY_DICT
      case 0x85: return push_node(tuple, take_last(1));                             // TUPLE1
      case 0x86: return push_node(tuple, take_last(2));                             // TUPLE2
      case 0x87: return push_node(tuple, take_last(3));                             // TUPLE3
      case 't': return push_node(tuple, take_to_mark());                            // TUPLE
      case 'a': return append(list, take_last(1));                                  // APPEND
      case 'e': return append(list, take_to_mark());                                // APPENDS
      case 's': return append(dict, take_last(2));                                  // SETITEM
      case 'u': return append(dict, take_to_mark());                                // SETITEMS
      case 'q': return put(number(1));                                              // BINPUT
      case 'r': return put(number(4));                                              // LONG_BINPUT
      case 0x94: return put(memo_.size());                                          // MEMOIZE
      case 'h': return get(number(1));                                              // BINGET
      case 'j': return get(number(4));                                              // LONG_BINGET
      case 'c': return push_global();                                               // GLOBAL
      case 0x93: return push_stack_global();                                        // STACK_GLOBAL
      case 'Q': return push_persistent();                                           // BINPERSID
      case 'R': return reduce();                                                    // REDUCE
      case 'b': return build();                                                     // BUILD
      default: refuse(opcode);
    }
  }

  [[noreturn]] void fail(ErrorKind kind, std::string_view message) const {
    throw Error(kind, fmt::format("{} at byte {}: {}", where_, opcode_at_, message));
  }
  [[noreturn]] void corrupt(std::string_view message) const { fail(ErrorKind::corrupt, message); }
  [[noreturn]] void unsupported(std::string_view message) const { fail(ErrorKind::unsupported, message); }

  [[noreturn]] void refuse(unsigned char opcode) const {
    const auto known = std::ranges::find(kRefused, opcode, &OpcodeName::opcode);
    if (known == kRefused.end()) corrupt(fmt::format("expected an opcode of pickle, found 0x{:02x}", opcode));
    unsupported(fmt::format("expected the opcodes of a state dict, found {}", known->name));
  }

  void check_protocol(std::uint64_t protocol) const {
    if (protocol < 2 || protocol > 5) unsupported(fmt::format("expected a pickle of protocol 2 to 5, found {}", protocol));
  }

  void spend(std::size_t steps) {
    steps_ += steps;
    if (steps_ > kMostSteps) unsupported(fmt::format("expected at most {} steps, or 25,000 tensors, found more", kMostSteps));
  }

  std::string_view take(std::uint64_t count) {
    if (count > bytes_.size() - at_) corrupt(fmt::format("expected {} bytes, found the end after {}", count, bytes_.size() - at_));
    const std::string_view taken(reinterpret_cast<const char*>(bytes_.data()) + at_, count);
    at_ += count;
    return taken;
  }

  std::uint64_t number(std::size_t width) {
    const std::size_t at = at_;
    take(width);
    return read_little_endian(bytes_, at, width);
  }

  std::string_view take_line() {
    const std::string_view rest(reinterpret_cast<const char*>(bytes_.data()) + at_, bytes_.size() - at_);
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) corrupt("expected a name that ends its line, found the end");
    return take(end + 1).substr(0, end);
  }

  // How many values the machine may take: those since the last mark.
  std::size_t available() const { return stack_.size() - (marks_.empty() ? 0 : marks_.back()); }

  std::vector<PickleValue> take_last(std::size_t count) {
    if (available() < count) corrupt(fmt::format("expected {} more values on the stack, found {}", count, available()));
    const auto first = stack_.end() - static_cast<std::ptrdiff_t>(count);
    std::vector<PickleValue> taken(first, stack_.end());
    stack_.erase(first, stack_.end());
    return taken;
  }

  std::vector<PickleValue> take_to_mark() {
    if (marks_.empty()) corrupt("expected a mark on the stack, found none");
    auto taken = take_last(available());
    marks_.pop_back();
    return taken;
  }

  const PickleValue& top() const {
    if (available() == 0) corrupt("expected a value on the stack, found none");
    return stack_.back();
  }

  PickleValue pop() {
    const PickleValue value = top();
    stack_.pop_back();
    return value;
  }

  void push(PickleValue value) { stack_.push_back(value); }

  void push_node(PickleKind kind, std::vector<PickleValue> items) {
    push({kind, 0, static_cast<std::int64_t>(pickle_.nodes.size())});
    pickle_.nodes.push_back(std::move(items));
  }

  void push_long(std::string_view digits) {
    if (digits.size() > 8) return push({PickleKind::long_integer, 0, 0, digits});
    std::uint64_t value = !digits.empty() && (digits.back() & 0x80) != 0 ? ~std::uint64_t{0} : 0;  // two's complement
    for (std::size_t at = digits.size(); at-- > 0;) value = value << 8 | static_cast<unsigned char>(digits[at]);
    push({PickleKind::integer, 0, static_cast<std::int64_t>(value)});
  }

  void append(PickleKind kind, std::vector<PickleValue> items) {
    const PickleValue& to = top();
    if (to.kind != kind) {
      corrupt(fmt::format("expected a {} to put values into, found something else", kind == PickleKind::list ? "list" : "dict"));
    }
    if (kind == PickleKind::dict && items.size() % 2 != 0) corrupt("expected a value for each key, found a key without");
    auto& node = pickle_.nodes[static_cast<std::size_t>(to.number)];
    node.insert(node.end(), items.begin(), items.end());
  }

  void put(std::uint64_t index) { memo_[index] = top(); }
  void get(std::uint64_t index) {
    const auto found = memo_.find(index);
    if (found == memo_.end()) corrupt(fmt::format("expected a value kept as number {}, found none", index));
    push(found->second);
  }

  void push_global() {
    const std::string_view module = take_line();
    push_named(module, take_line());
  }

  void push_stack_global() {
    const std::vector<PickleValue> names = take_last(2);
    if (names[0].kind != PickleKind::text || names[1].kind != PickleKind::text) {
      corrupt("expected two texts that name a global, found something else");
    }
    push_named(names[0].text, names[1].text);
  }

  void push_named(std::string_view module, std::string_view name) {
    const auto is_named = [&](std::string_view global) {
      return global.size() == module.size() + 1 + name.size() && global.starts_with(module) && global[module.size()] == '.' &&
             global.ends_with(name);
    };
    const auto found = std::ranges::find_if(globals_, is_named);
    if (found == globals_.end()) {
      unsupported(fmt::format("expected the names that a state dict needs, found {}.{}; nothing of it was run", shown(module),
                              shown(name)));
    }
    push({PickleKind::global, static_cast<std::uint32_t>(found - globals_.begin())});
  }

  void push_persistent() {
    const PickleValue id = pop();
    if (id.kind != PickleKind::tuple) corrupt("expected a tuple that says where a storage lies, found something else");
    push({PickleKind::persistent, 0, id.number});
  }

  void reduce() {
    const PickleValue arguments = pop(), called = pop();
    if (called.kind != PickleKind::global) unsupported("expected a call of what a state dict needs, found one of something else");
    if (arguments.kind != PickleKind::tuple) corrupt("expected a tuple of arguments, found something else");
    if (globals_[called.global] == kOrderedDict) return push_node(PickleKind::dict, pairs_of(pickle_.items(arguments)));
    push({PickleKind::reduction, called.global, arguments.number});
  }

  // What an OrderedDict is made of: nothing, or, as Python 2 wrote it, a list of lists of two.
  std::vector<PickleValue> pairs_of(std::span<const PickleValue> arguments) {
    if (arguments.empty()) return {};
    if (arguments.size() != 1 || arguments[0].kind != PickleKind::list) {
      unsupported("expected an OrderedDict made of nothing or of a list, found another");
    }
    spend(pickle_.items(arguments[0]).size());  // the same list may be asked for again and again
    std::vector<PickleValue> pairs;
    for (const PickleValue& pair : pickle_.items(arguments[0])) {
      const bool has_items = pair.kind == PickleKind::list || pair.kind == PickleKind::tuple;
      const auto items = has_items ? pickle_.items(pair) : std::span<const PickleValue>();
      if (items.size() != 2) corrupt("expected pairs in an OrderedDict's list, found something else");
      pairs.insert(pairs.end(), items.begin(), items.end());
    }
    return pairs;
  }

  // The attributes of an object. Of a state dict they are the versions of its modules, which change no tensor.
  void build() {
    pop();
    if (top().kind != PickleKind::dict) unsupported("BUILD: expected attributes of a state dict, found those of something else");
  }

  std::span<const std::byte> bytes_;
  std::span<const std::string_view> globals_;
  std::string_view where_;
  std::size_t at_ = 0, opcode_at_ = 0, steps_ = 0;
  Pickle pickle_;
  std::vector<PickleValue> stack_;
  std::vector<std::size_t> marks_;  // how high the stack was at each
  std::unordered_map<std::uint64_t, PickleValue> memo_;
};

}  // namespace

Pickle read_pickle(std::span<const std::byte> bytes, std::span<const std::string_view> globals, std::string_view where) {
  return Machine(bytes, globals, where).run();
}

}  // namespace filbert
