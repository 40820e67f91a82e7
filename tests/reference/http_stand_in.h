// An HTTP server on the loopback whose answers a test makes up, well-behaved or not.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace filbert::reference {

struct StandInRequest {
  std::string method;  // "HEAD"
  std::string path;    // "/org/name/resolve/main/config.json", as it came
  std::map<std::string, std::string> headers = {};  // names in lower case

  std::string header(const std::string& name) const { return headers.contains(name) ? headers.at(name) : ""; }
};

struct StandInAnswer {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers = {};  // Content-Length is added unless it is among them
  std::string body = {};
  std::optional<std::size_t> cut_after = {};  // the connection ends after so many bytes of the body
};

// Answers each connection on a thread of its own, one request each.
class HttpStandIn {
 public:
  using Handler = std::function<StandInAnswer(const StandInRequest&)>;  // called from many threads
  explicit HttpStandIn(Handler handler);
  ~HttpStandIn();

  std::string url() const;  // "http://127.0.0.1:PORT"
  // Those that have come so far.
  std::vector<StandInRequest> requests() const;
  void forget_requests();

 private:
  void accept_all();
  void answer(int connection);

  Handler handler_;
  int listener_ = -1;
  int port_ = 0;
  mutable std::mutex mutex_;
  std::vector<StandInRequest> requests_;
  std::vector<std::thread> answering_;
  std::thread accepting_;
};

}  // namespace filbert::reference
