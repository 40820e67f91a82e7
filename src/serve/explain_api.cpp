#include "serve/plan.h"

namespace filbert::serve {

std::span<const Route> explain_routes() { return {}; }

}  // namespace filbert::serve
