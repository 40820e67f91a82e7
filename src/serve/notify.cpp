#include "serve/notify.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include <fmt/format.h>

namespace filbert::serve {
namespace {

std::string_view environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string_view{} : std::string_view(value);
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value > 0 ? std::optional(value) : std::nullopt;
}

// $WATCHDOG_USEC, if it is meant for this process.
std::optional<std::chrono::microseconds> watchdog_of_environment() {
  const std::string_view process = environment("WATCHDOG_PID");
  if (!process.empty() && number(process) != static_cast<std::uint64_t>(getpid())) return std::nullopt;
  const auto microseconds = number(environment("WATCHDOG_USEC"));
  if (!microseconds) return std::nullopt;
  return std::chrono::microseconds(*microseconds);
}

// A value is a line.
std::string with_status(std::string message, std::string_view status) {
  if (status.empty()) return message;
  message += "\nSTATUS=";
  for (const char c : status) message += c == '\n' ? ' ' : c;
  return message;
}

}  // namespace

ServiceManager::ServiceManager() : ServiceManager(environment("NOTIFY_SOCKET"), watchdog_of_environment()) {}

ServiceManager::ServiceManager(std::string_view notify_socket, std::optional<std::chrono::microseconds> watchdog)
    : socket_(notify_socket), watchdog_(watchdog) {}

bool ServiceManager::ready(std::string_view status) const { return say(with_status("READY=1", status)); }

bool ServiceManager::reloading() const {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);   // by which it tells this reload's READY=1 from one before
  return say(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", now.tv_sec * 1'000'000LL + now.tv_nsec / 1000));
}

bool ServiceManager::stopping(std::string_view status) const { return say(with_status("STOPPING=1", status)); }

bool ServiceManager::alive() const { return say("WATCHDOG=1"); }

bool ServiceManager::say(const std::string& message) const {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_.size() < 2 || socket_.size() >= sizeof address.sun_path || (socket_[0] != '/' && socket_[0] != '@')) return false;
  std::memcpy(address.sun_path, socket_.data(), socket_.size());
  if (socket_[0] == '@') address.sun_path[0] = '\0';
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());

  const int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return false;
  const timeval patience{1, 0};   // a manager that hangs is no reason to hang too
  setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  const ssize_t sent = sendto(descriptor, message.data(), message.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address), length);
  close(descriptor);
  return sent == static_cast<ssize_t>(message.size());
}

}  // namespace filbert::serve
