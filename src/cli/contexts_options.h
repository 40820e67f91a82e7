// What index and similar share.
#pragma once

namespace filbert::cli {

constexpr const char* kIndexFile = "contexts.filbert";  // in an index's directory

}  // namespace filbert::cli
