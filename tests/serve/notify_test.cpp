// What a service manager hears, at a socket as systemd has it.
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>

#include <gtest/gtest.h>

#include "reference/tiny_checkpoint.h"
#include "serve/notify.h"

namespace filbert::serve {
namespace {

// The manager's end: a datagram socket under a path, or under "@name" in the abstract namespace.
class Manager {
 public:
  explicit Manager(const std::string& name) : descriptor_(socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name[0] == '@') address.sun_path[0] = '\0';
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    EXPECT_EQ(bind(descriptor_, reinterpret_cast<const sockaddr*>(&address), length), 0) << std::strerror(errno);
  }
  ~Manager() { close(descriptor_); }

  // The next datagram; empty if there is none.
  std::string heard() {
    char buffer[1000];
    const ssize_t bytes = recv(descriptor_, buffer, sizeof buffer, 0);
    return bytes < 0 ? std::string() : std::string(buffer, static_cast<std::size_t>(bytes));
  }

 private:
  int descriptor_;
};

// The environment as it was before, afterwards.
class Environment {
 public:
  Environment(const char* name, const std::string& value) : name_(name) { setenv(name, value.c_str(), 1); }
  ~Environment() { unsetenv(name_); }

 private:
  const char* name_;
};

long long monotonic_usec() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000LL + now.tv_nsec / 1000;
}

void expect_protocol(const std::string& name) {
  Manager manager(name);
  const ServiceManager service(name, {});
  EXPECT_TRUE(service.ready());
  EXPECT_EQ(manager.heard(), "READY=1");
  EXPECT_TRUE(service.ready("serves stars-en\non port 8080"));
  EXPECT_EQ(manager.heard(), "READY=1\nSTATUS=serves stars-en on port 8080");
  const long long before = monotonic_usec();
  EXPECT_TRUE(service.reloading());
  const std::string reloading = manager.heard();
  const std::string begins = "RELOADING=1\nMONOTONIC_USEC=";
  ASSERT_EQ(reloading.substr(0, begins.size()), begins);
  EXPECT_GE(std::stoll(reloading.substr(begins.size())), before);
  EXPECT_LE(std::stoll(reloading.substr(begins.size())), monotonic_usec());
  EXPECT_TRUE(service.stopping());
  EXPECT_EQ(manager.heard(), "STOPPING=1");
  EXPECT_TRUE(service.alive());
  EXPECT_EQ(manager.heard(), "WATCHDOG=1");
  EXPECT_EQ(manager.heard(), "");
}

TEST(ServeNotify, ASocketUnderAPath) {
  const reference::TemporaryDirectory folder;
  expect_protocol((folder.path() / "notify").string());
}

TEST(ServeNotify, ASocketInTheAbstractNamespace) { expect_protocol("@filbert-test-" + std::to_string(getpid())); }

TEST(ServeNotify, TheEnvironmentNamesTheSocketAndTheWatchdog) {
  const std::string name = "@filbert-environment-" + std::to_string(getpid());
  Manager manager(name);
  const Environment socket("NOTIFY_SOCKET", name), time("WATCHDOG_USEC", "30000000");
  EXPECT_EQ(ServiceManager().watchdog(), std::chrono::seconds(30));
  EXPECT_TRUE(ServiceManager().ready());
  EXPECT_EQ(manager.heard(), "READY=1");
  {
    const Environment process("WATCHDOG_PID", std::to_string(getpid()));
    EXPECT_EQ(ServiceManager().watchdog(), std::chrono::seconds(30));
  }
  {
    const Environment process("WATCHDOG_PID", std::to_string(getpid() + 1));   // meant for another
    EXPECT_EQ(ServiceManager().watchdog(), std::nullopt);
  }
  {
    const Environment wrong("WATCHDOG_USEC", "soon");
    EXPECT_EQ(ServiceManager().watchdog(), std::nullopt);
  }
}

TEST(ServeNotify, NobodyListeningIsNoError) {
  for (const std::string& name : {std::string(), std::string("/"), std::string("relative"), std::string("/nowhere/notify"), std::string("vsock:2:1"),
                                  "/" + std::string(200, 'x')}) {
    EXPECT_FALSE(ServiceManager(name, {}).ready()) << name;
  }
  unsetenv("NOTIFY_SOCKET");
  EXPECT_FALSE(ServiceManager().alive());
  EXPECT_EQ(ServiceManager().watchdog(), std::nullopt);
}

}  // namespace
}  // namespace filbert::serve
