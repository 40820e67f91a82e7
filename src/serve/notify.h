// Tells systemd, or whoever started this server with $NOTIFY_SOCKET set, how it is: sd_notify(3)'s protocol, a datagram of KEY=value lines,
// without its library.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace filbert::serve {

// Every member may be called from many threads at once. Those that say something return whether somebody was told; nobody listening is no error.
class ServiceManager {
 public:
  ServiceManager();                                                  // whom the environment names
  ServiceManager(std::string_view notify_socket, std::optional<std::chrono::microseconds> watchdog);

  bool ready(std::string_view status = {}) const;                    // requests are answered from now on; also the end of reloading()
  bool reloading() const;                                            // until ready()
  bool stopping(std::string_view status = {}) const;
  bool alive() const;                                                // wanted more often than watchdog()
  std::optional<std::chrono::microseconds> watchdog() const { return watchdog_; }   // absent: nobody waits for alive()

 private:
  bool say(const std::string& message) const;

  std::string socket_;     // "/run/systemd/notify", or "@name" in the abstract namespace
  std::optional<std::chrono::microseconds> watchdog_;
};

}  // namespace filbert::serve
