// SPDX-License-Identifier: Apache-2.0
#include "cli/commands.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "cli/files.h"
#include "cli/gateway/fake_admin_fixture.h"

namespace sluice::cli {
namespace {

using testing::AnyOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

struct MarkerConfig {
  std::string header = "X-Mark";

  static void describe(schema::Record<MarkerConfig>& r) { r.field<&MarkerConfig::header>("header"); }
};

constexpr std::string_view kEntities = "/v2/control-planes/99999999/core-entities";

/// A server that has what `lists` says and keeps what it is sent.
class GatewayCommands : public testing::Test {
 protected:
  GatewayCommands() : admin_([this](const FakeRequest& request) { return answer(request); }) {
    folder_ = std::filesystem::temp_directory_path() / ("cli_commands_test." + std::to_string(::getpid()));
    std::filesystem::create_directory(folder_);
  }
  ~GatewayCommands() override { std::filesystem::remove_all(folder_); }

  FakeReply answer(const FakeRequest& request) {
    if (request.method == "POST") {
      batches_.push_back(request);
      return on_batch_ ? on_batch_(request) : FakeReply{};
    }
    std::string path = request.target.substr(0, request.target.find('?'));
    if (path == "/v2/control-planes") return {200, R"({"data":[{"id":"99999999","name":"shop"}]})"};
    if (path.starts_with(kEntities)) path.erase(0, kEntities.size());
    if (path == "/") return {200, R"({"version":"3.9.0"})"};
    const auto at = lists_.find(path);
    return {200, R"({"data":[)" + (at != lists_.end() ? at->second : "") + "]}", version_};
  }

  std::string file(std::string_view text) {
    const std::string path = folder_ / "state.json";
    std::ofstream(path) << text;
    return path;
  }

  /// The exit code; what was printed is in `output_` and `error_`.
  int run(std::vector<std::string> words) {
    CLI::App app;
    int code = 0;
    add_commands(app, code, [](const Dialect&) {
      entity::PluginSchemas plugins;
      plugins.add({.name = "marker", .config = schema::describe<MarkerConfig>()});
      return std::make_unique<const entity::Catalog>(plugins);
    });
    words.insert(words.begin(), "gateway");
    const bool plane = std::ranges::find(words, "--control-plane") != words.end();
    words.insert(words.end(), {plane ? "--platform" : "--admin-url", admin_.url()});
    std::ranges::reverse(words);
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    app.parse(words);
    output_ = testing::internal::GetCapturedStdout();
    error_ = testing::internal::GetCapturedStderr();
    return code;
  }

  std::map<std::string, std::string> lists_;
  std::string version_ = R"("7")";
  std::function<FakeReply(const FakeRequest& request)> on_batch_;
  std::vector<FakeRequest> batches_;
  std::filesystem::path folder_;
  std::string output_;
  std::string error_;
  FakeAdmin admin_;  // last: its thread uses the others
};

constexpr std::string_view kService =
    R"({"id":"11111111-1111-4111-8111-111111111111","name":"a","host":"a.internal","port":80,"protocol":"http"})";
constexpr std::string_view kFile = R"({"_format_version":"3.0","services":[{"name":"a","host":"b.internal"}]})";

TEST_F(GatewayCommands, ResetLeavesPluginsOfConsumersAlone) {
  lists_["/plugins"] = R"({"id":"22222222-2222-4222-8222-222222222222","name":"marker","config":{},
      "consumer":{"id":"33333333-3333-4333-8333-333333333333"}})";
  lists_["/services"] = kService;
  EXPECT_EQ(run({"reset", "--force", "--skip-consumers"}), 0) << error_;
  ASSERT_EQ(batches_.size(), 1U);
  EXPECT_EQ(batches_[0].body, R"({"delete":{"services":["11111111-1111-4111-8111-111111111111"]}})");
}

TEST_F(GatewayCommands, SyncCreatesNoConsumersThatItIsToSkip) {
  const std::string path = file(R"({"_format_version":"3.0","services":[{"name":"a","host":"h"}],
      "consumers":[{"username":"u","keyauth_credentials":[{"key":"k"}],"plugins":[{"name":"marker"}]}]})");
  EXPECT_EQ(run({"sync", "--skip-consumers", path}), 0) << error_;
  EXPECT_THAT(output_, HasSubstr("Created: 1\n"));
  ASSERT_EQ(batches_.size(), 1U);
  EXPECT_THAT(batches_[0].body, Not(AnyOf(HasSubstr("consumers"), HasSubstr("marker"))));
}

TEST_F(GatewayCommands, SyncReachesOneControlPlaneAmongSeveral) {
  EXPECT_EQ(run({"sync", "--control-plane", "shop", file(kFile)}), 0) << error_;
  ASSERT_EQ(batches_.size(), 1U);
  EXPECT_EQ(batches_[0].target, std::string(kEntities) + "/batch");
  EXPECT_EQ(run({"ping", "--control-plane", "shop"}), 0) << error_;
  EXPECT_THAT(output_, HasSubstr(std::string(kEntities)));
  EXPECT_EQ(run({"ping", "--control-plane", "other"}), 1);
  EXPECT_THAT(error_, HasSubstr("there is no control plane 'other'"));
}

TEST_F(GatewayCommands, DumpRefusesSecretsThatAreHidden) {
  lists_["/key-auths"] = R"({"id":"22222222-2222-4222-8222-222222222222","key":"***",
      "consumer":{"id":"33333333-3333-4333-8333-333333333333"}})";
  EXPECT_EQ(run({"dump"}), 1);
  EXPECT_THAT(output_, IsEmpty());
  EXPECT_THAT(error_, HasSubstr("an administrator's token is needed"));
}

TEST_F(GatewayCommands, SyncRefusesSecretsThatAreHidden) {
  lists_["/key-auths"] = R"({"id":"22222222-2222-4222-8222-222222222222","key":"***",
      "consumer":{"id":"33333333-3333-4333-8333-333333333333"}})";
  EXPECT_EQ(run({"sync", file(kFile)}), 1);
  EXPECT_THAT(batches_, IsEmpty());
  EXPECT_THAT(error_, HasSubstr("an administrator's token is needed"));
}

TEST_F(GatewayCommands, SyncRefusesAFileThatWasDumpedWithoutItsSecrets) {
  const std::string path = file(R"({"_format_version":"3.0","consumers":[{"username":"u",
      "keyauth_credentials":[{"key":"***"}]}]})");
  EXPECT_EQ(run({"sync", path}), 1);
  EXPECT_THAT(batches_, IsEmpty());
  EXPECT_THAT(error_, HasSubstr("an administrator's token"));
}

TEST_F(GatewayCommands, SyncIsBoundToTheVersionThatWasCompared) {
  lists_["/services"] = kService;
  EXPECT_EQ(run({"sync", file(kFile)}), 0) << error_;
  ASSERT_EQ(batches_.size(), 1U);
  EXPECT_EQ(batches_[0].if_match, R"("7")");
}

TEST_F(GatewayCommands, SyncComparesAgainWhenSomebodyElseWasFaster) {
  lists_["/services"] = kService;
  on_batch_ = [this](const FakeRequest& request) -> FakeReply {
    if (request.if_match == R"("8")") return {};
    version_ = R"("8")";
    lists_["/services"] =
        R"({"id":"44444444-4444-4444-8444-444444444444","name":"a","host":"a.internal","port":80,"protocol":"http"})";
    return {412, R"({"message":"Precondition Failed"})"};
  };
  EXPECT_EQ(run({"sync", file(kFile)}), 0) << error_;
  ASSERT_EQ(batches_.size(), 2U);
  EXPECT_THAT(batches_[1].body, HasSubstr("44444444"));
  EXPECT_THAT(error_, HasSubstr("comparing again"));
}

TEST_F(GatewayCommands, SyncGivesUpWhenOthersAreAlwaysFaster) {
  on_batch_ = [](const FakeRequest&) -> FakeReply { return {412, R"({"message":"Precondition Failed"})"}; };
  EXPECT_EQ(run({"sync", file(kFile)}), 1);
  EXPECT_EQ(batches_.size(), 5U);
  EXPECT_THAT(error_, HasSubstr("sluice: nothing was changed, after 5 tries: somebody else"));
}

TEST_F(GatewayCommands, AServerWithoutVersionsIsNotAskedForOne) {
  version_ = R"(W/"7")";
  EXPECT_EQ(run({"sync", file(kFile)}), 0) << error_;
  ASSERT_EQ(batches_.size(), 1U);
  EXPECT_EQ(batches_[0].if_match, "");
}

TEST_F(GatewayCommands, DumpsAreForTheirOwnerAlone) {
  const std::filesystem::path path = folder_ / "dump.yaml";
  lists_["/services"] = kService;
  std::ofstream(path) << "old";
  std::filesystem::permissions(path, std::filesystem::perms(0644));
  EXPECT_EQ(run({"dump", "-o", path}), 0) << error_;
  EXPECT_EQ(std::filesystem::status(path).permissions(), std::filesystem::perms(0600));
  EXPECT_THAT(read_input(path)->text, HasSubstr("a.internal"));
}

}  // namespace
}  // namespace sluice::cli
