// The ids by which a request is found again: the client's own, or new ones.
#include <algorithm>
#include <cstdint>
#include <random>

#include <fmt/format.h>

#include "serve/log.h"

namespace filbert::serve {
namespace {

constexpr std::size_t kMaxRequestId = 128;

// Ids must differ, not be secret: a generator a thread, seeded by the system.
std::uint64_t random_bits() {
  thread_local std::mt19937_64 generator = [] {
    std::random_device device;
    std::seed_seq seed{device(), device(), device(), device(), device(), device(), device(), device()};
    return std::mt19937_64(seed);
  }();
  return generator();
}

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_zero(std::string_view text) { return text.find_first_not_of('0') == std::string_view::npos; }

std::string new_span_id() {
  std::uint64_t bits = 0;
  while (bits == 0) bits = random_bits();   // all zeros means none
  return fmt::format("{:016x}", bits);
}

bool is_of_an_id(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || std::string_view(".-_:/+=@").find(c) != std::string_view::npos;
}

}  // namespace

std::string TraceContext::traceparent() const { return fmt::format("00-{}-{}-{}", trace_id, span_id, sampled ? "01" : "00"); }

TraceContext trace_context(std::string_view traceparent) {
  // version-trace_id-parent_id-flags; a later version may have more behind another "-", and of it we know these four.
  constexpr std::size_t kLength = 55;
  const std::string_view version = traceparent.substr(0, 2);
  const bool has_shape = traceparent.size() >= kLength && traceparent[2] == '-' && traceparent[35] == '-' && traceparent[52] == '-' &&
                         (traceparent.size() == kLength || (version != "00" && traceparent[kLength] == '-'));
  if (has_shape) {
    const std::string_view trace_id = traceparent.substr(3, 32);
    const std::string_view parent_id = traceparent.substr(36, 16);
    const std::string_view flags = traceparent.substr(53, 2);
    if (is_hex(version) && version != "ff" && is_hex(trace_id) && !is_zero(trace_id) && is_hex(parent_id) && !is_zero(parent_id) && is_hex(flags)) {
      const char low = flags[1];
      const int low_bits = low <= '9' ? low - '0' : low - 'a' + 10;
      return {std::string(trace_id), std::string(parent_id), new_span_id(), (low_bits & 1) != 0};
    }
  }
  return {new_span_id() + new_span_id(), {}, new_span_id(), false};
}

std::string request_id(std::string_view wanted) {
  const bool usable = !wanted.empty() && wanted.size() <= kMaxRequestId && std::all_of(wanted.begin(), wanted.end(), is_of_an_id);
  return usable ? std::string(wanted) : fmt::format("{:016x}{:016x}", random_bits(), random_bits());
}

}  // namespace filbert::serve
