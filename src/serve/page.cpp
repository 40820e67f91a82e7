#include "serve/plan.h"

namespace filbert::serve {

std::span<const Route> page_routes() { return {}; }

}  // namespace filbert::serve
