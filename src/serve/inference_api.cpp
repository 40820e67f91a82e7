#include "serve/plan.h"

namespace filbert::serve {

std::span<const Route> inference_api_routes() { return {}; }

}  // namespace filbert::serve
