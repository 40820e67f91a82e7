#include "serve/plan.h"

namespace filbert::serve {

std::span<const Route> text_embeddings_inference_routes() { return {}; }

}  // namespace filbert::serve
