#include "serve/server_state.h"

#include <utility>

namespace filbert::serve {

ServerState::ServerState(ServeOptions options_, ServedModels models, Log& log_)
    : options(std::move(options_)),
      log(log_),
      batcher(options.limits, metrics),
      slow_lane(options.explain_threads != 0 ? options.explain_threads : models.all().front()->model().num_threads(),
                options.limits.max_explain_requests, [this] { return batcher.busy(); }, metrics),
      models_(std::make_shared<const ServedModels>(std::move(models))) {
  metrics.set_models(*models_);
}

std::shared_ptr<const ServedModels> ServerState::models() const {
  const std::lock_guard lock(mutex_);
  return models_;
}

void ServerState::set_models(ServedModels models) {
  auto fresh = std::make_shared<const ServedModels>(std::move(models));
  metrics.set_models(*fresh);
  const std::lock_guard lock(mutex_);
  models_.swap(fresh);  // the old ones end outside, with the last request that has them
}

}  // namespace filbert::serve
