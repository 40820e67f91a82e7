// The server: it listens, and lives until a signal ends it.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "serve/log.h"
#include "serve/served_models.h"
#include "serve/server_state.h"

namespace filbert::serve {

// Whether nobody but this machine reaches an address: "127.0.0.1", "::1", "localhost".
bool is_loopback(const std::string& host);

class Server {
 public:
  // Loads by `load`, which a reload calls again, in a thread of its own; then listens. `log` must outlive it. Throws what `load` throws;
  // Error(invalid_argument): an address that is none or is in use, a certificate or key that cannot be used.
  Server(ServeOptions options, std::function<ServedModels()> load, Log& log);
  ~Server();

  unsigned short port() const;
  const ServerState& state() const;

  // Answers until stop(): SIGTERM and SIGINT stop, and end the process where they come a second time; SIGHUP reloads models and certificate and
  // opens the log anew. `ready` is called once requests are taken. To be called once.
  void run(const std::function<void()>& ready = {});
  // From any thread: takes nothing new, answers what it has, and ends.
  void stop();
  // From any thread. What cannot be loaded is logged, and what was loaded stays.
  void reload();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace filbert::serve
