// What all connections share.
#pragma once

#include <atomic>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "serve/batcher.h"
#include "serve/log.h"
#include "serve/metrics.h"
#include "serve/plan.h"
#include "serve/served_models.h"
#include "serve/slow_lane.h"

namespace filbert::serve {

struct ServeOptions {
  std::string host = "127.0.0.1";            // an address to listen on
  unsigned short port = 8080;                // 0: any that is free
  ServeLimits limits = {};
  bool explain = true;                       // /explain, /attention and /similar
  std::vector<std::string> api_keys = {};    // any of them opens; none: no key is asked for
  std::vector<std::string> cors_origins = {};   // pages of these origins may ask; "*": of any
  std::optional<std::filesystem::path> tls_certificate = {}, tls_key = {};  // PEM files, both or neither
  unsigned io_threads = 1;                   // that read and write; computing has its own
  unsigned explain_threads = 0;              // 0: as many as the system allows
  bool log_texts = false;
};

struct ServerState {
  ServerState(ServeOptions options_, ServedModels models, Log& log_);

  std::shared_ptr<const ServedModels> models() const;
  void set_models(ServedModels models);

  const ServeOptions options;
  Log& log;
  Metrics metrics;
  std::atomic<bool> draining = false;
  std::atomic<std::size_t> in_flight = 0;    // requests being answered
  std::atomic<std::size_t> connections = 0;
  std::atomic<std::size_t> body_bytes = 0;   // of requests being read or answered
  Batcher batcher;
  SlowLane slow_lane;

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const ServedModels> models_;
};

}  // namespace filbert::serve
