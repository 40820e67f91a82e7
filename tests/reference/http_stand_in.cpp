#include "reference/http_stand_in.h"

#include <algorithm>
#include <cctype>
#include <stdexcept>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace filbert::reference {
namespace {

// Up to the empty line that ends the headers; what was there when the other side stopped, if it did.
std::string read_head(int connection) {
  std::string head;
  char byte = 0;
  while (!head.ends_with("\r\n\r\n") && ::recv(connection, &byte, 1, 0) == 1) head += byte;
  return head;
}

StandInRequest parse(std::string_view head) {
  StandInRequest request;
  const auto take_line = [&] {
    const std::size_t end = std::min(head.find("\r\n"), head.size());
    const std::string_view line = head.substr(0, end);
    head.remove_prefix(std::min(end + 2, head.size()));
    return line;
  };
  const std::string_view first = take_line();
  const std::size_t space = first.find(' ');
  request.method = first.substr(0, space);
  request.path = first.substr(space + 1, first.rfind(' ') - space - 1);
  for (std::string_view line = take_line(); !line.empty(); line = take_line()) {
    const std::size_t colon = line.find(": ");
    std::string name(line.substr(0, colon));
    std::ranges::transform(name, name.begin(), [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
    request.headers[name] = line.substr(colon + 2);
  }
  return request;
}

void send_all(int connection, std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = ::send(connection, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
}

}  // namespace

HttpStandIn::HttpStandIn(Handler handler) : handler_(std::move(handler)), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_, any, size) != 0 || ::listen(listener_, 64) != 0 || ::getsockname(listener_, any, &size) != 0) {
    throw std::runtime_error("no socket on the loopback");
  }
  port_ = ntohs(address.sin_port);
  accepting_ = std::thread([this] { accept_all(); });
}

HttpStandIn::~HttpStandIn() {
  ::shutdown(listener_, SHUT_RDWR);  // accept() returns
  accepting_.join();
  for (std::thread& thread : answering_) thread.join();
  ::close(listener_);
}

std::string HttpStandIn::url() const { return fmt::format("http://127.0.0.1:{}", port_); }

std::vector<StandInRequest> HttpStandIn::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void HttpStandIn::forget_requests() {
  const std::lock_guard lock(mutex_);
  requests_.clear();
}

void HttpStandIn::accept_all() {
  for (int connection = 0; (connection = ::accept(listener_, nullptr, nullptr)) >= 0;) {
    answering_.emplace_back([this, connection] { answer(connection); });
  }
}

void HttpStandIn::answer(int connection) {
  if (const std::string head = read_head(connection); !head.empty()) {
    const StandInRequest request = parse(head);
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(request);
    }
    const StandInAnswer answer = handler_(request);
    std::string text = fmt::format("HTTP/1.1 {} Made up\r\nConnection: close\r\n", answer.status);
    bool has_length = false;
    for (const auto& [name, value] : answer.headers) {
      text += fmt::format("{}: {}\r\n", name, value);
      has_length |= name == "Content-Length";
    }
    if (!has_length) text += fmt::format("Content-Length: {}\r\n", answer.body.size());
    send_all(connection, text + "\r\n");
    if (request.method != "HEAD") send_all(connection, std::string_view(answer.body).substr(0, answer.cut_after.value_or(answer.body.size())));
  }
  ::shutdown(connection, SHUT_WR);
  ::close(connection);
}

}  // namespace filbert::reference
