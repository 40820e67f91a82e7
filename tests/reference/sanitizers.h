// Whether a sanitizer watches this build. It costs ten to a hundred times as much, and looks for other faults than numbers: fewer cases will do.
#pragma once

namespace filbert::reference {

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr bool kUnderSanitizer = true;
#else
constexpr bool kUnderSanitizer = false;
#endif

}  // namespace filbert::reference
