#include "serve/plan.h"

namespace filbert::serve {

std::span<const Route> open_inference_routes() { return {}; }

}  // namespace filbert::serve
