// What the environment says about the Hub: huggingface_hub's variables, and which of two counts.
#include "load/hub_settings.h"

#include <map>

#include <gtest/gtest.h>

#include "reference/expect_error.h"
#include "reference/tiny_checkpoint.h"

namespace filbert {
namespace {

using namespace reference;

HubSettings settings(std::map<std::string, std::string> variables, const HubOptions& options = {}) {
  variables.try_emplace("HOME", "/home/ada");
  return hub_settings(options, [&](const char* name) {
    return variables.contains(name) ? std::optional<std::string>(variables.at(name)) : std::nullopt;
  });
}

TEST(HubSettings, CacheDirIsTheFirstThatIsNamed) {
  EXPECT_EQ(settings({}).cache_dir, "/home/ada/.cache/huggingface/hub");
  EXPECT_EQ(settings({{"XDG_CACHE_HOME", "/xdg"}}).cache_dir, "/xdg/huggingface/hub");
  EXPECT_EQ(settings({{"XDG_CACHE_HOME", "/xdg"}, {"HF_HOME", "/hf"}}).cache_dir, "/hf/hub");
  EXPECT_EQ(settings({{"HF_HOME", "/hf"}, {"HUGGINGFACE_HUB_CACHE", "/old"}}).cache_dir, "/old");
  EXPECT_EQ(settings({{"HUGGINGFACE_HUB_CACHE", "/old"}, {"HF_HUB_CACHE", "/new"}}).cache_dir, "/new");
  EXPECT_EQ(settings({{"HF_HUB_CACHE", "/new"}}, {.cache_dir = "/mine"}).cache_dir, "/mine");
}

TEST(HubSettings, HomeAndVariablesInPathsAreFilledIn) {
  EXPECT_EQ(settings({{"HF_HUB_CACHE", "~/cache"}}).cache_dir, "/home/ada/cache");
  EXPECT_EQ(settings({{"HF_HUB_CACHE", "$DISK/${USER}_hub"}, {"DISK", "/disk"}, {"USER", "ada"}}).cache_dir, "/disk/ada_hub");
  EXPECT_EQ(settings({{"HF_HUB_CACHE", "/a/$NONE/${NONE}/$/${open"}}).cache_dir, "/a/$NONE/${NONE}/$/${open");
}

TEST(HubSettings, EndpointLosesItsLastSlash) {
  EXPECT_EQ(settings({}).endpoint, "https://huggingface.co");
  EXPECT_EQ(settings({{"HF_ENDPOINT", "http://mirror:8080/hub/"}}).endpoint, "http://mirror:8080/hub");
  expect_error(ErrorKind::invalid_argument, {"HF_ENDPOINT", "file:///etc"}, [] { settings({{"HF_ENDPOINT", "file:///etc"}}); });
}

TEST(HubSettings, TokenIsTheCallersThenTheEnvironmentsThenTheFiles) {
  const TemporaryDirectory home;
  home.write("token", " of_the_file\n");
  const std::string path = home.path().string();
  EXPECT_EQ(settings({}).token, "");
  EXPECT_EQ(settings({{"HF_HOME", path}}).token, "of_the_file");
  EXPECT_EQ(settings({{"HF_TOKEN_PATH", path + "/token"}}).token, "of_the_file");
  EXPECT_EQ(settings({{"HF_HOME", path}, {"HUGGING_FACE_HUB_TOKEN", "old"}}).token, "old");
  EXPECT_EQ(settings({{"HF_HOME", path}, {"HUGGING_FACE_HUB_TOKEN", "old"}, {"HF_TOKEN", "new"}}).token, "new");
  EXPECT_EQ(settings({{"HF_HOME", path}, {"HF_TOKEN", "\r\n"}}).token, "of_the_file");
  EXPECT_EQ(settings({{"HF_TOKEN", "new"}}, {.token = "mine"}).token, "mine");
  EXPECT_EQ(settings({{"HF_TOKEN", "new"}}, {.token = ""}).token, "");
  EXPECT_EQ(settings({{"HF_TOKEN", "new"}, {"HF_HUB_DISABLE_IMPLICIT_TOKEN", "1"}}).token, "");
  expect_error(ErrorKind::invalid_argument, {"token"}, [] { settings({}, {.token = "two words"}); });
}

TEST(HubSettings, OfflineIsTrueInAnyCase) {
  EXPECT_FALSE(settings({}).offline);
  EXPECT_TRUE(settings({}, {.local_files_only = true}).offline);
  for (const char* word : {"1", "on", "Yes", "TRUE"}) EXPECT_TRUE(settings({{"HF_HUB_OFFLINE", word}}).offline) << word;
  EXPECT_TRUE(settings({{"TRANSFORMERS_OFFLINE", "1"}}).offline);
  EXPECT_FALSE(settings({{"HF_HUB_OFFLINE", "0"}, {"TRANSFORMERS_OFFLINE", "1"}}).offline);
}

TEST(HubSettings, TimeoutsAreWholeSeconds) {
  EXPECT_EQ(settings({{"HF_HUB_ETAG_TIMEOUT", "3"}}).etag_timeout_s, 3);
  EXPECT_EQ(settings({{"HF_HUB_DOWNLOAD_TIMEOUT", "0"}}).download_timeout_s, 10);
  expect_error(ErrorKind::invalid_argument, {"HF_HUB_ETAG_TIMEOUT", "soon"}, [] { settings({{"HF_HUB_ETAG_TIMEOUT", "soon"}}); });
}

TEST(HubSettings, NamesOfModels) {
  for (const char* name : {"bert-base-uncased", "org/name", "Org_1/na.me-2"}) EXPECT_TRUE(is_repo_id(name)) << name;
  for (const char* name : {"", "/", "org/", "/name", "a/b/c", "./name", "../name", "org/..", "a--b", "-a", "a.", "a b", "a.git", "~/a", "a\n"}) {
    EXPECT_FALSE(is_repo_id(name)) << name;
  }
  EXPECT_TRUE(is_repo_id(std::string(96, 'a')));
  EXPECT_FALSE(is_repo_id(std::string(97, 'a')));
}

TEST(HubSettings, PathsThatStayInside) {
  for (const char* name : {"a", "model.safetensors", "onnx/model.onnx", "refs/pr/4", "..a/b.."}) EXPECT_TRUE(is_relative_path(name)) << name;
  for (const char* name : {"", "/a", "a/", "a//b", ".", "..", "a/../b", "a\\b", "a\nb"}) EXPECT_FALSE(is_relative_path(name)) << name;
}

}  // namespace
}  // namespace filbert
