// A model by its name: what is asked of the Hub, what is kept and where, and what happens when either is not as it should be.
#include <filbert/hub.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <string_view>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <filbert/pipeline.h>

#include "base/file.h"
#include "base/http.h"
#include "load/hub_cache.h"
#include "load/hub_client.h"
#include "load/hub_settings.h"
#include "reference/expect_error.h"
#include "reference/hub_stand_in.h"
#include "reference/tiny_checkpoint.h"

namespace filbert {
namespace {

using namespace reference;
namespace fs = std::filesystem;

// A Hub with a model on it, an empty cache, and an environment that knows of nothing else.
class Hub : public testing::Test {
 protected:
  Hub() {
    for (const char* file : {"config.json", "vocab.txt", "tokenizer_config.json", "model.safetensors"}) {
      hub.files[file] = read_file(checkpoint.path() / file);
    }
    hub.large = {"model.safetensors"};
    for (const char* name : {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_DISABLE_SYMLINKS"}) ::unsetenv(name);
    ::setenv("HF_ENDPOINT", hub.url().c_str(), 1);
    ::setenv("HF_HOME", home.path().c_str(), 1);
  }
  ~Hub() override {
    ::unsetenv("HF_ENDPOINT");
    ::unsetenv("HF_HUB_DISABLE_SYMLINKS");
  }

  fs::path folder() const { return home.path() / "hub/models--org--tiny"; }
  fs::path snapshot() const { return folder() / "snapshots" / hub.commit; }
  // How often `method` was asked for `file` of the Hub and of the other host.
  std::size_t count(const std::string& method, const std::string& file) const {
    std::size_t found = 0;
    for (const auto& requests : {hub.requests(), hub.other_requests()}) {
      for (const StandInRequest& request : requests) {
        found += request.method == method && request.path.substr(0, request.path.find('?')).ends_with("/" + file);
      }
    }
    return found;
  }

  TemporaryDirectory checkpoint = write_checkpoint({.hidden_size = 16, .num_hidden_layers = 1, .intermediate_size = 24});
  TemporaryDirectory home;
  HubStandIn hub;
};

TEST_F(Hub, NameGivesTheAnswersOfTheDirectory) {
  const auto by_name = pipeline("text-classification", "org/tiny"), by_directory = pipeline("text-classification", checkpoint.path());
  EXPECT_EQ(by_name("good word7").logits, by_directory("good word7").logits);
}

TEST_F(Hub, OptionsStandBesideTheName) {
  const auto tokenizer = AutoTokenizer::from_pretrained("org/tiny", {.revision = hub.commit});
  const auto model = AutoModelForSequenceClassification::from_pretrained("org/tiny", {.revision = hub.commit}, {.num_threads = 1});
  EXPECT_EQ(model.num_threads(), 1u);
  EXPECT_EQ(model(tokenizer("good")).logits.shape[1], 2u);
}

TEST_F(Hub, CacheIsLaidOutAsHuggingfaceHubDoes) {
  EXPECT_EQ(find_checkpoint("org/tiny"), snapshot());
  EXPECT_EQ(read_file(folder() / "refs/main"), hub.commit);
  for (const auto& [file, bytes] : hub.files) {
    EXPECT_EQ(fs::read_symlink(snapshot() / file), fs::path("../../blobs") / hub.etag(file));
    EXPECT_EQ(read_file(snapshot() / file), bytes) << file;
    EXPECT_TRUE(fs::exists(home.path() / "hub/.locks/models--org--tiny" / (hub.etag(file) + ".lock"))) << file;
  }
  EXPECT_TRUE(fs::exists(folder() / ".no_exist" / hub.commit / "tokenizer.json"));
  EXPECT_TRUE(read_file(home.path() / "hub/CACHEDIR.TAG").starts_with("Signature: 8a477f597d28d172789f06886806bc55"));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder() / "blobs"), fs::directory_iterator()), 4);  // nothing else is left
}

TEST_F(Hub, SecondTimeOneQuestionIsAsked) {
  find_checkpoint("org/tiny");
  hub.forget_requests();
  find_checkpoint("org/tiny");
  EXPECT_EQ(hub.requests().size(), 1u);
  EXPECT_EQ(count("HEAD", "config.json"), 1u);
  EXPECT_TRUE(hub.other_requests().empty());
}

TEST_F(Hub, CommitHashThatIsThereAsksNothing) {
  find_checkpoint("org/tiny");
  hub.forget_requests();
  EXPECT_EQ(find_checkpoint("org/tiny", {.revision = hub.commit}), snapshot());
  EXPECT_TRUE(hub.requests().empty());
}

TEST_F(Hub, OnlyTheWantedPartsCome) {
  find_checkpoint("org/tiny", {}, {.weights = false});
  EXPECT_EQ(count("GET", "vocab.txt"), 1u);
  EXPECT_EQ(count("HEAD", "model.safetensors"), 0u);
}

TEST_F(Hub, BranchThatMovedBringsWhatChanged) {
  find_checkpoint("org/tiny");
  const fs::path old = snapshot();
  hub.forget_requests();
  hub.commit = std::string(40, 'b');
  hub.files["vocab.txt"] += "more\n";
  EXPECT_EQ(find_checkpoint("org/tiny"), snapshot());
  EXPECT_EQ(read_file(folder() / "refs/main"), hub.commit);
  EXPECT_EQ(count("GET", "vocab.txt"), 1u);
  EXPECT_EQ(count("GET", "model.safetensors"), 0u);
  EXPECT_EQ(read_file(snapshot() / "model.safetensors"), hub.files.at("model.safetensors"));
  EXPECT_NE(read_file(old / "vocab.txt"), read_file(snapshot() / "vocab.txt"));
}

TEST_F(Hub, TokenGoesToTheHubAlone) {
  hub.token = "secret";
  ::setenv("HF_TOKEN", "secret", 1);
  find_checkpoint("org/tiny");
  ::unsetenv("HF_TOKEN");
  ASSERT_FALSE(hub.other_requests().empty());
  for (const StandInRequest& request : hub.other_requests()) EXPECT_EQ(request.header("authorization"), "") << request.path;
  for (const StandInRequest& request : hub.requests()) EXPECT_EQ(request.header("authorization"), "Bearer secret") << request.path;
}

TEST_F(Hub, RedirectOfADownloadTakesNoTokenAlong) {
  hub.large.clear();
  hub.instead = [this](const StandInRequest& request) -> std::optional<StandInAnswer> {
    if (request.method != "GET" || "http://" + request.header("host") != hub.url()) return std::nullopt;
    return StandInAnswer{.status = 307, .headers = {{"Location", hub.other_url() + request.path.substr(request.path.rfind('/'))}}};
  };
  find_checkpoint("org/tiny", {.token = "secret"});
  ASSERT_FALSE(hub.other_requests().empty());
  for (const StandInRequest& request : hub.other_requests()) EXPECT_EQ(request.header("authorization"), "") << request.path;
}

TEST_F(Hub, RenamedModelIsFollowed) {
  hub.instead = [](const StandInRequest& request) -> std::optional<StandInAnswer> {
    if (!request.path.starts_with("/old/")) return std::nullopt;
    return StandInAnswer{.status = 307, .headers = {{"Location", "/org/tiny" + request.path.substr(request.path.find("/resolve"))}}};
  };
  const fs::path directory = find_checkpoint("old/name");
  EXPECT_EQ(read_file(directory / "config.json"), hub.files.at("config.json"));
  EXPECT_TRUE(fs::exists(home.path() / "hub/models--old--name"));
}

TEST_F(Hub, ShardsOfAnIndexCome) {
  hub.files["model.safetensors.index.json"] = R"({"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors", "c": "model-1.safetensors"}})";
  hub.files["model-1.safetensors"] = hub.files["model-2.safetensors"] = hub.files["model.safetensors"];
  hub.files.erase("model.safetensors");
  hub.large = {"model-1.safetensors"};
  find_checkpoint("org/tiny");
  EXPECT_TRUE(fs::exists(snapshot() / "model-1.safetensors"));
  EXPECT_TRUE(fs::exists(snapshot() / "model-2.safetensors"));
}

TEST_F(Hub, IndexThatLeadsOutIsRefused) {
  hub.files.erase("model.safetensors");
  hub.files["model.safetensors.index.json"] = R"({"weight_map": {"a": "../../outside"}})";
  expect_error(ErrorKind::corrupt, {"model.safetensors.index.json", "weight_map", "../../outside"}, [] { find_checkpoint("org/tiny"); });
}

TEST_F(Hub, BinIsTakenWhereThereAreNoSafetensors) {
  hub.files["pytorch_model.bin"] = hub.files["model.safetensors"];
  find_checkpoint("org/tiny");
  EXPECT_FALSE(fs::exists(snapshot() / "pytorch_model.bin"));
  hub.files.erase("model.safetensors");
  hub.commit = std::string(40, 'b');
  find_checkpoint("org/tiny");
  EXPECT_TRUE(fs::exists(snapshot() / "pytorch_model.bin"));
  hub.files.erase("pytorch_model.bin");
  hub.commit = std::string(40, 'c');
  expect_error(ErrorKind::not_found, {"org/tiny", "model.safetensors", "pytorch_model.bin"}, [] { find_checkpoint("org/tiny"); });
}

TEST_F(Hub, SubfolderIsWhereTheCheckpointLies) {
  std::map<std::string, std::string> moved;
  for (const auto& [file, bytes] : hub.files) moved["small/" + file] = bytes;
  hub.files = moved;
  const fs::path directory = find_checkpoint("org/tiny", {.subfolder = "small"});
  EXPECT_EQ(directory, snapshot() / "small");
  EXPECT_EQ(fs::read_symlink(directory / "vocab.txt"), fs::path("../../../blobs") / hub.etag("small/vocab.txt"));
}

TEST_F(Hub, WithoutSymlinksFilesAreReal) {
  ::setenv("HF_HUB_DISABLE_SYMLINKS", "1", 1);
  find_checkpoint("org/tiny");
  EXPECT_FALSE(fs::is_symlink(snapshot() / "model.safetensors"));
  EXPECT_EQ(read_file(snapshot() / "model.safetensors"), hub.files.at("model.safetensors"));
}

TEST_F(Hub, OfflineTakesWhatIsThere) {
  expect_error(ErrorKind::not_found, {"org/tiny", "main", (home.path() / "hub").native()}, [] { find_checkpoint("org/tiny", {.local_files_only = true}); });
  find_checkpoint("org/tiny");
  hub.forget_requests();
  EXPECT_EQ(find_checkpoint("org/tiny", {.local_files_only = true}), snapshot());
  expect_error(ErrorKind::not_found, {"v2"}, [] { find_checkpoint("org/tiny", {.revision = "v2", .local_files_only = true}); });
  expect_error(ErrorKind::invalid_argument, {"force_download"}, [] { find_checkpoint("org/tiny", {.local_files_only = true, .force_download = true}); });
  EXPECT_TRUE(hub.requests().empty());
}

TEST_F(Hub, HubOutOfReachIsSaidAndTheCacheIsUsed) {
  find_checkpoint("org/tiny");
  hub.instead = [](const StandInRequest&) { return StandInAnswer{.status = 503}; };
  std::string warning;
  EXPECT_EQ(find_checkpoint("org/tiny", {.on_warning = [&](std::string_view text) { warning = text; }}), snapshot());
  EXPECT_NE(warning.find("503"), warning.npos) << warning;
  EXPECT_NE(warning.find("cache"), warning.npos) << warning;
}

TEST_F(Hub, ForceDownloadBringsAllAgain) {
  find_checkpoint("org/tiny");
  hub.forget_requests();
  std::ofstream(fs::canonical(snapshot() / "vocab.txt")) << "spoilt";
  find_checkpoint("org/tiny", {.force_download = true});
  EXPECT_EQ(count("GET", "model.safetensors"), 1u);
  EXPECT_EQ(read_file(snapshot() / "vocab.txt"), hub.files.at("vocab.txt"));
}

TEST_F(Hub, ProgressEndsWithTheWholeFile) {
  std::map<std::string, DownloadProgress> last;
  find_checkpoint("org/tiny", {.on_progress = [&](const DownloadProgress& progress) { last[std::string(progress.file)] = progress; }});
  ASSERT_TRUE(last.contains("model.safetensors"));
  EXPECT_EQ(last.at("model.safetensors").bytes, hub.files.at("model.safetensors").size());
  EXPECT_EQ(last.at("model.safetensors").total_bytes, hub.files.at("model.safetensors").size());
}

TEST_F(Hub, WhatIsNotThereOrNotAllowedIsNotFound) {
  expect_error(ErrorKind::not_found, {"org/none", "no such model", "HF_TOKEN"}, [] { find_checkpoint("org/none"); });
  expect_error(ErrorKind::not_found, {"org/tiny", "revision \"v9\""}, [] { find_checkpoint("org/tiny", {.revision = "v9"}); });
  hub.instead = [](const StandInRequest&) { return StandInAnswer{.status = 403, .headers = {{"X-Error-Code", "GatedRepo"}}}; };
  expect_error(ErrorKind::not_found, {"org/tiny", "gated", hub.url()}, [] { find_checkpoint("org/tiny"); });
  EXPECT_FALSE(fs::exists(folder() / "snapshots"));
}

TEST_F(Hub, NamesThatLeadElsewhereAreRefused) {
  expect_error(ErrorKind::not_found, {"../tiny"}, [] { find_checkpoint("../tiny"); });
  expect_error(ErrorKind::not_found, {"a/b/c"}, [] { find_checkpoint("a/b/c"); });
  expect_error(ErrorKind::invalid_argument, {"revision"}, [] { find_checkpoint("org/tiny", {.revision = "../../x"}); });
  expect_error(ErrorKind::invalid_argument, {"subfolder"}, [] { find_checkpoint("org/tiny", {.subfolder = "/etc"}); });
  EXPECT_TRUE(hub.requests().empty());
}

TEST_F(Hub, AnswerOfSomethingElseIsNoHub) {
  hub.instead = [](const StandInRequest&) { return StandInAnswer{.status = 200, .headers = {{"ETag", "\"x\""}}, .body = "<html>log in</html>"}; };
  expect_error(ErrorKind::network, {"X-Repo-Commit"}, [] { find_checkpoint("org/tiny"); });
  hub.instead = [this](const StandInRequest&) {
    return StandInAnswer{.status = 200, .headers = {{"X-Repo-Commit", hub.commit}, {"ETag", "\"../../escape\""}}};
  };
  expect_error(ErrorKind::network, {"ETag", "../../escape"}, [] { find_checkpoint("org/tiny"); });
}

// A proxy that asks the Hub for what it is asked for, "http://hub.invalid/…", by the address that the Hub has here.
class Proxy : public Hub {
 protected:
  Proxy() { clear(); }
  ~Proxy() override { clear(); }

  static void clear() {
    for (const char* name : {"http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY", "REQUEST_METHOD"}) {
      ::unsetenv(name);
    }
  }
  StandInAnswer pass_on(const StandInRequest& request) const {
    if (request.method == "CONNECT") return {.status = 407};
    HttpRequest passed{.url = hub.url() + request.path.substr(std::string_view("http://hub.invalid").size()), .head = request.method == "HEAD"};
    if (const std::string token = request.header("authorization"); !token.empty()) passed.headers.push_back("Authorization: " + token);
    StandInAnswer answer;
    const HttpResponse response = HttpClient()(passed, [&](const HttpResponse&, std::string_view piece) { answer.body += piece; });
    answer.status = static_cast<int>(response.status);
    for (const auto& [name, value] : response.headers) answer.headers.push_back({name == "content-length" ? "Content-Length" : name, value});
    return answer;
  }

  HttpStandIn proxy{[this](const StandInRequest& request) { return pass_on(request); }};
};

TEST_F(Proxy, OfAnyVariableIsAskedAndNoProxyIsNot) {
  ::setenv("HF_ENDPOINT", "http://hub.invalid", 1);
  ::setenv("HF_TOKEN", "hf_secret", 1);
  for (const char* excepted : {"no_proxy", "NO_PROXY"}) {
    for (const char* name : {"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"}) {
      clear();
      ::setenv(name, ("http://ada:lovelace@" + proxy.url().substr(7)).c_str(), 1);
      ::setenv(excepted, "localhost,127.0.0.1", 1);  // where the Hub's large files lie
      proxy.forget_requests();
      hub.forget_requests();
      const TemporaryDirectory cache;
      EXPECT_EQ(read_file(find_checkpoint("org/tiny", {.cache_dir = cache.path()}) / "model.safetensors"), hub.files["model.safetensors"]) << name;
      ASSERT_FALSE(proxy.requests().empty()) << name;
      for (const StandInRequest& request : proxy.requests()) {
        EXPECT_TRUE(request.path.starts_with("http://hub.invalid/org/tiny/")) << request.path;
        EXPECT_EQ(request.header("proxy-authorization"), "Basic YWRhOmxvdmVsYWNl");
        EXPECT_EQ(request.header("authorization"), "Bearer hf_secret");  // for the Hub, as without a proxy
      }
      EXPECT_EQ(hub.other_requests().size(), 1u) << excepted;
      EXPECT_EQ(hub.other_requests()[0].header("proxy-authorization"), "");
    }
  }
  ::unsetenv("HF_TOKEN");
}

TEST_F(Proxy, TunnelIsAskedForWithoutTheToken) {
  ::setenv("HF_ENDPOINT", "https://hub.invalid", 1);
  ::setenv("HF_TOKEN", "hf_secret", 1);
  for (const char* name : {"https_proxy", "HTTPS_PROXY"}) {
    clear();
    ::setenv(name, proxy.url().c_str(), 1);
    proxy.forget_requests();
    const HubSettings settings = hub_settings({});
    HubClient client(settings, "org/tiny");
    expect_error(ErrorKind::network, {"https://hub.invalid/org/tiny", "407"}, [&] { client.head("config.json", "main", 1); });
    ASSERT_FALSE(proxy.requests().empty());
    EXPECT_EQ(proxy.requests()[0].method + " " + proxy.requests()[0].path, "CONNECT hub.invalid:443");
    EXPECT_EQ(proxy.requests()[0].header("authorization"), "");
  }
  ::unsetenv("HF_TOKEN");
}

TEST_F(Proxy, OfARequestToACgiProgramIsNone) {
  ::setenv("HTTP_PROXY", "http://127.0.0.1:9", 1);
  ::setenv("REQUEST_METHOD", "GET", 1);
  EXPECT_EQ(find_checkpoint("org/tiny"), snapshot());
}

// A file may not grow beyond this limit, which is what a full disk is to a program: writing fails.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit little{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &little);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    ::signal(SIGXFSZ, SIG_DFL);
  }

 private:
  rlimit before_{};
};

TEST_F(Hub, DiskThatFillsUpIsSaidAndTheNextTryGoesOn) {
  const std::string& weights = hub.files["model.safetensors"];
  const fs::path blob = folder() / "blobs" / hub.etag("model.safetensors"), incomplete = blob.string() + ".incomplete";
  for (const std::size_t fits : {std::size_t{0}, std::size_t{100}, weights.size() - 1}) {
    fs::remove_all(folder());
    {
      const FullDisk disk(fits);
      expect_error(ErrorKind::invalid_argument, {folder().string(), "cannot write"}, [&] { find_checkpoint("org/tiny"); });
    }
    EXPECT_FALSE(fs::exists(blob));
    EXPECT_FALSE(fs::exists(snapshot() / "model.safetensors"));
    const std::size_t kept = fs::exists(incomplete) ? file_size(incomplete) : 0;
    EXPECT_LE(kept, fits);
    hub.forget_requests();
    EXPECT_EQ(read_file(find_checkpoint("org/tiny") / "model.safetensors"), weights);
    for (const StandInRequest& request : hub.other_requests()) {
      if (request.path.find("model.safetensors") != request.path.npos && request.method == "GET") {
        EXPECT_EQ(request.header("range"), kept > 0 ? fmt::format("bytes={}-", kept) : "");
      }
    }
    EXPECT_NO_THROW(pipeline("text-classification", "org/tiny"));
  }
}

TEST_F(Hub, LinkOutOfTheCacheIsRefused) {
  find_checkpoint("org/tiny");
  fs::remove(snapshot() / "config.json");
  fs::create_symlink(checkpoint.path() / "config.json", snapshot() / "config.json");
  expect_error(ErrorKind::corrupt, {"config.json", "link"}, [] { find_checkpoint("org/tiny"); });
}

TEST_F(Hub, ThreadsThatWantTheSameModelDownloadItOnce) {
  std::vector<std::thread> threads;
  for (int at = 0; at < 3; ++at) threads.emplace_back([] { find_checkpoint("org/tiny"); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(count("GET", "model.safetensors"), 1u);
}

TEST_F(Hub, ScanFindsWhatWasDownloaded) {
  EXPECT_TRUE(scan_cache_dir().empty());
  find_checkpoint("org/tiny");
  fs::create_directories(home.path() / "hub/models--not--a--model");
  fs::create_directories(home.path() / "hub/datasets--org--data");
  const auto models = scan_cache_dir();
  ASSERT_EQ(models.size(), 1u);
  EXPECT_EQ(models[0].repo_id, "org/tiny");
  ASSERT_EQ(models[0].revisions.size(), 1u);
  EXPECT_EQ(models[0].revisions[0].commit_hash, hub.commit);
  EXPECT_EQ(models[0].revisions[0].refs, std::vector<std::string>{"main"});
  EXPECT_EQ(models[0].revisions[0].directory, snapshot());
  EXPECT_EQ(models[0].revisions[0].files, (std::vector<std::string>{"config.json", "model.safetensors", "tokenizer_config.json", "vocab.txt"}));
  std::size_t bytes = 0;
  for (const auto& [file, content] : hub.files) bytes += content.size();
  EXPECT_EQ(models[0].revisions[0].file_bytes, bytes);
  EXPECT_EQ(models[0].file_bytes, bytes + hub.commit.size());  // and refs/main
}

// ---- one file, by a client that does not wait long between tries

class Client : public Hub {
 protected:
  Client() {
    settings.first_wait_ms = 1;
    cache.create();
  }
  RemoteFile head(const std::string& file = "model.safetensors") { return HubClient(settings, "org/tiny").head(file, "main", kHeadTries); }
  bool download(const RemoteFile& remote) { return HubClient(settings, "org/tiny").download(remote, "model.safetensors", cache, {}, stop); }
  const std::string& bytes() const { return hub.files.at("model.safetensors"); }
  fs::path blob() const { return cache.blob(hub.etag("model.safetensors")); }
  fs::path incomplete() const { return cache.incomplete_blob(hub.etag("model.safetensors")); }
  // The answers of the other host to the first GETs, then the truth.
  void answer_first(std::vector<StandInAnswer> answers) {
    hub.instead = [this, answers](const StandInRequest& request) -> std::optional<StandInAnswer> {
      if (request.method != "GET") return std::nullopt;
      const std::size_t at = given++;
      return at < answers.size() ? std::optional(answers[at]) : std::nullopt;
    };
  }

  HubSettings settings = hub_settings({});
  RepoCache cache{home.path() / "hub", "org/tiny"};
  std::atomic<bool> stop = false;
  std::atomic<std::size_t> given = 0;
};

TEST_F(Client, LargeFileIsKnownByItsLinkedEtag) {
  const RemoteFile remote = head();
  EXPECT_TRUE(remote.exists);
  EXPECT_EQ(remote.etag, hub.etag("model.safetensors"));
  EXPECT_EQ(remote.file_bytes, bytes().size());
  EXPECT_TRUE(remote.url.starts_with(hub.other_url()));
  EXPECT_EQ(head("config.json").etag, hub.etag("config.json"));
  EXPECT_FALSE(head("none.json").exists);
}

TEST_F(Client, QuestionIsAskedAgainWhereItMayPass) {
  std::atomic<int> asked = 0;
  hub.instead = [&](const StandInRequest&) -> std::optional<StandInAnswer> {
    const int at = asked++;
    if (at == 0) return StandInAnswer{.status = 429, .headers = {{"Retry-After", "1"}}};
    if (at == 1) return StandInAnswer{.status = 500};
    return std::nullopt;
  };
  EXPECT_TRUE(head().exists);
  EXPECT_EQ(asked, 3);
  hub.instead = [&](const StandInRequest&) { return StandInAnswer{.status = 500}; };
  expect_error(ErrorKind::network, {"HTTP 500", "/org/tiny/resolve/main/model.safetensors"}, [&] { head(); });
  hub.instead = [&](const StandInRequest&) { return StandInAnswer{.status = 429, .headers = {{"Retry-After", "3600"}}}; };
  expect_error(ErrorKind::network, {"HTTP 429", "3600"}, [&] { head(); });
}

TEST_F(Client, CutDownloadGoesOnWhereItEnded) {
  answer_first({{.body = bytes(), .cut_after = 1000}});
  EXPECT_TRUE(download(head()));
  EXPECT_EQ(read_file(blob()), bytes());
  ASSERT_EQ(hub.other_requests().size(), 2u);
  EXPECT_EQ(hub.other_requests()[1].header("range"), "bytes=1000-");
}

TEST_F(Client, WhatAnEarlierProcessLeftGoesOn) {
  std::ofstream(incomplete(), std::ios::binary) << bytes().substr(0, 500);
  EXPECT_TRUE(download(head()));
  EXPECT_EQ(hub.other_requests()[0].header("range"), "bytes=500-");
  EXPECT_EQ(read_file(blob()), bytes());
  EXPECT_FALSE(fs::exists(incomplete()));
}

TEST_F(Client, LeftoverOfSomethingElseIsDownloadedAnew) {
  std::ofstream(incomplete(), std::ios::binary) << std::string(500, 'x');
  EXPECT_TRUE(download(head()));
  EXPECT_EQ(read_file(blob()), bytes());
  std::ofstream(incomplete(), std::ios::binary) << std::string(bytes().size() + 1, 'x');
  fs::remove(blob());
  EXPECT_TRUE(download(head()));
  EXPECT_EQ(read_file(blob()), bytes());
}

TEST_F(Client, ServerThatIgnoresTheRangeGivesTheWhole) {
  std::ofstream(incomplete(), std::ios::binary) << bytes().substr(0, 500);
  answer_first({{.body = bytes()}});
  EXPECT_TRUE(download(head()));
  EXPECT_EQ(read_file(blob()), bytes());
}

TEST_F(Client, RangePastTheEndBeginsAgain) {
  std::ofstream(incomplete(), std::ios::binary) << bytes().substr(0, 500);
  answer_first({{.status = 416}});
  EXPECT_TRUE(download(head()));
  EXPECT_EQ(read_file(blob()), bytes());
}

TEST_F(Client, ServerThatDiesLeavesWhatCameAndNothingWhole) {
  answer_first(std::vector<StandInAnswer>(50, {.body = bytes(), .cut_after = 0}));
  expect_error(ErrorKind::network, {hub.other_url()}, [&] { download(head()); });
  EXPECT_EQ(given, static_cast<std::size_t>(kDownloadTries));
  EXPECT_FALSE(fs::exists(blob()));
}

TEST_F(Client, AnotherLengthIsAnError) {
  RemoteFile remote = head();
  remote.file_bytes = bytes().size() + 1;
  expect_error(ErrorKind::network, {std::to_string(bytes().size() + 1), std::to_string(bytes().size())}, [&] { download(remote); });
  EXPECT_FALSE(fs::exists(blob()));
}

TEST_F(Client, AnotherHashIsCorruptAndNothingIsLeft) {
  std::string spoilt = bytes();
  spoilt[100] ^= 1;
  answer_first(std::vector<StandInAnswer>(50, {.body = spoilt}));
  expect_error(ErrorKind::corrupt, {"sha256", hub.etag("model.safetensors")}, [&] { download(head()); });
  EXPECT_FALSE(fs::exists(blob()));
  EXPECT_FALSE(fs::exists(incomplete()));
}

TEST_F(Client, BytesOfAnErrorPageAreNotTheFile) {
  answer_first({{.status = 503, .body = "<html>later</html>"}});
  EXPECT_TRUE(download(head()));
  EXPECT_EQ(read_file(blob()), bytes());
}

TEST_F(Client, StopsWhenAnotherFileFailed) {
  stop = true;
  expect_error(ErrorKind::network, {"stopped"}, [&] { download(head()); });
}

}  // namespace
}  // namespace filbert
