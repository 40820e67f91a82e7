#include <filbert/error.h>

#include <array>

namespace filbert {
namespace {

constexpr std::array kKinds = {
    ErrorKindInfo{ErrorKind::invalid_argument, "invalid_argument", 2, 400, "ValueError"},
    ErrorKindInfo{ErrorKind::not_found, "not_found", 3, 404, "FileNotFoundError"},
    ErrorKindInfo{ErrorKind::unsupported, "unsupported", 4, 501, "NotImplementedError"},
    ErrorKindInfo{ErrorKind::corrupt, "corrupt", 5, 500, "RuntimeError"},
    ErrorKindInfo{ErrorKind::network, "network", 6, 502, "ConnectionError"},
    ErrorKindInfo{ErrorKind::overloaded, "overloaded", 7, 429, "RuntimeError"},
};

}  // namespace

std::span<const ErrorKindInfo> error_kinds() { return kKinds; }

const ErrorKindInfo& info(ErrorKind kind) { return kKinds[static_cast<std::size_t>(kind)]; }

}  // namespace filbert
