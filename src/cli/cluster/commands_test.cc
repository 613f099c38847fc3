// SPDX-License-Identifier: Apache-2.0
#include "cli/cluster/commands.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "base/strings.h"
#include "cli/files.h"
#include "cli/gateway/fake_admin_fixture.h"
#include "crypto/pem.h"
#include "net/tls/self_signed.h"

namespace sluice::cli {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::string_view kPlane = "/v2/control-planes/11111111-2222-4333-8444-555555555555";
constexpr std::string_view kFound =
    R"({"data":[{"id":"11111111-2222-4333-8444-555555555555","name":"shop","config":{"auth_type":"AUTH",
        "control_plane_endpoint":"https://0123456789.cp.example.com:8005"}}]})";

/// A platform API with one control plane, "shop".
class ClusterCommands : public testing::Test {
 protected:
  ClusterCommands() : platform_([this](const FakeRequest& request) { return answer(request); }) {
    folder_ = std::filesystem::temp_directory_path() / ("cli_cluster_test." + std::to_string(::getpid()));
    std::filesystem::create_directory(folder_);
  }
  ~ClusterCommands() override { std::filesystem::remove_all(folder_); }

  FakeReply answer(const FakeRequest& request) {
    asked_.push_back(request.method + " " + percent_decode_lenient(request.target));
    if (request.target.starts_with("/v2/control-planes?")) {
      std::string found(kFound);
      return {200, found.replace(found.find("AUTH"), 4, auth_type_)};
    }
    if (request.method == "POST") {
      posted_.push_back(request.body);
      return {201, R"({"item":{"id":"77777777-2222-4333-8444-555555555555"}})"};
    }
    const auto at = pages_.find(request.target);
    return at != pages_.end() ? FakeReply{200, at->second} : FakeReply{404, R"({"message":"Not Found"})"};
  }

  int run(std::vector<std::string> words) {
    CLI::App app;
    int code = 0;
    add_cluster_commands(app, code);
    words.insert(words.end(), {"--platform", platform_.url()});
    std::ranges::reverse(words);
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    app.parse(words);
    output_ = testing::internal::GetCapturedStdout();
    error_ = testing::internal::GetCapturedStderr();
    return code;
  }

  std::string file(const std::string& name, const std::string& text) {
    const std::string path = folder_ / name;
    std::ofstream(path) << text;
    return path;
  }

  std::string auth_type_ = "pinned_client_certs";
  std::map<std::string, std::string> pages_;
  std::vector<std::string> asked_;
  std::vector<std::string> posted_;
  std::filesystem::path folder_;
  std::string output_;
  std::string error_;
  FakeAdmin platform_;  // last: its thread uses the others
};

TEST_F(ClusterCommands, NodesReadsAllPages) {
  const std::string nodes = std::string(kPlane) + "/nodes?page[size]=1000";
  pages_[std::string(kPlane) + "/expected-config-hash"] = R"({"expected_hash":"h","updated_at":1})";
  pages_[nodes] =
      R"({"items":[{"id":"a","hostname":"edge-1","connected":true,"config_hash":"h"}],"page":{"next":"a"}})";
  pages_[nodes + "&page[after]=a"] = R"({"items":[{"id":"b","hostname":"edge-2","connected":false}],"page":{}})";
  EXPECT_EQ(run({"nodes", "--control-plane", "shop"}), 0) << error_;
  EXPECT_THAT(output_, AllOf(HasSubstr("control plane shop: 2 data planes, 1 in sync, 1 away\n"), HasSubstr("edge-1"),
                             HasSubstr("edge-2")));
  EXPECT_EQ(asked_.front(), "GET /v2/control-planes?filter[name][eq]=shop");
}

TEST_F(ClusterCommands, NodesNamesTheControlPlaneThatIsMissing) {
  EXPECT_EQ(run({"nodes", "--control-plane", "other"}), 1);
  EXPECT_THAT(error_, HasSubstr("there is no control plane 'other' at http://127.0.0.1:"));
}

TEST_F(ClusterCommands, JoinPinsANewCertificateAndKeepsItsKeyToItself) {
  EXPECT_EQ(run({"dp", "join", "--for", "docker", "--control-plane", "shop", "--new-certificate"}), 0) << error_;
  ASSERT_EQ(posted_.size(), 1U);
  EXPECT_EQ(asked_.back(), "POST " + std::string(kPlane) + "/dp-client-certificates");
  const auto body = parse_json(posted_[0]);
  ASSERT_TRUE(body);
  const std::string& certificate = body->find("cert")->as_string();
  EXPECT_TRUE(crypto::Certificate::parse(certificate));
  EXPECT_THAT(posted_[0], Not(HasSubstr("PRIVATE KEY")));
  EXPECT_THAT(output_, AllOf(HasSubstr(certificate), HasSubstr("PRIVATE KEY"),
                             HasSubstr("SLUICE_CLUSTER_CONTROL_PLANE=0123456789.cp.example.com:8005"),
                             HasSubstr("SLUICE_CLUSTER_MTLS=pki"),
                             HasSubstr("SLUICE_CLUSTER_SERVER_NAME=0123456789.cp.example.com")));
}

TEST_F(ClusterCommands, JoinAsksForTheNameThatTheControlPlanesCertificateHas) {
  const auto pair = net::tls::make_self_signed({"kong_clustering"});
  ASSERT_TRUE(pair);
  const std::string authority = file("cp.crt", pair->certificate);
  EXPECT_EQ(run({"dp", "join", "--for", "docker", "--control-plane", "shop", "--new-certificate", "--ca", authority}),
            0)
      << error_;
  EXPECT_THAT(output_, HasSubstr("SLUICE_CLUSTER_SERVER_NAME=kong_clustering"));
}

TEST_F(ClusterCommands, JoinPinsNothingForAKitThatCannotBeMade) {
  EXPECT_EQ(run({"dp", "join", "--for", "docker", "--control-plane", "shop", "--new-certificate", "--name", "A B"}), 1);
  EXPECT_THAT(posted_, IsEmpty());
}

TEST_F(ClusterCommands, JoinMakesNoCertificateWhereAnAuthorityIssuesThem) {
  auth_type_ = "pki_client_certs";
  EXPECT_EQ(run({"dp", "join", "--for", "docker", "--control-plane", "shop", "--new-certificate"}), 1);
  EXPECT_THAT(error_, HasSubstr("takes certificates of an authority"));
  EXPECT_THAT(posted_, IsEmpty());
}

TEST_F(ClusterCommands, JoinWithFilesAndAnAddressAsksNobody) {
  const auto pair = net::tls::make_self_signed({"kong_clustering"});
  ASSERT_TRUE(pair);
  const std::string out = folder_ / "kit";
  EXPECT_EQ(run({"dp", "join", "--for", "systemd", "--address", "cp.test:8005", "--cert",
                 file("a.crt", pair->certificate), "--key", file("a.key", pair->key), "--out", out}),
            0)
      << error_;
  EXPECT_THAT(asked_, IsEmpty());
  EXPECT_EQ(read_input(out + "/cluster.key")->text, pair->key);
  EXPECT_EQ(std::filesystem::status(out + "/cluster.key").permissions(), std::filesystem::perms(0600));
  EXPECT_EQ(std::filesystem::status(out + "/join.sh").permissions(), std::filesystem::perms(0700));
}

TEST_F(ClusterCommands, JoinRefusesAKeyOfAnotherCertificate) {
  const auto one = net::tls::make_self_signed({"one"});
  const auto other = net::tls::make_self_signed({"other"});
  ASSERT_TRUE(one && other);
  EXPECT_EQ(run({"dp", "join", "--for", "docker", "--address", "cp.test:8005", "--cert",
                 file("a.crt", one->certificate), "--key", file("a.key", other->key)}),
            1);
  EXPECT_THAT(error_, HasSubstr("is not the key of"));
}

TEST_F(ClusterCommands, JoinSaysThatTheSharedCertificateLeadsToTheDefaultControlPlaneOnly) {
  const auto pair = net::tls::make_self_signed({"kong_clustering"});
  ASSERT_TRUE(pair);
  const std::vector<std::string> shared = {"dp",        "join",
                                           "--for",     "docker",
                                           "--address", "cp.test:8005",
                                           "--cert",    file("a.crt", pair->certificate),
                                           "--key",     file("a.key", pair->key)};
  for (const std::vector<std::string>& more : {std::vector<std::string>{}, {"--mtls", "shared"}}) {
    std::vector<std::string> words = shared;
    words.insert(words.end(), more.begin(), more.end());
    EXPECT_EQ(run(words), 0) << error_;
    words.insert(words.end(), {"--control-plane", "shop"});
    EXPECT_EQ(run(words), 1);
    EXPECT_THAT(error_, AllOf(HasSubstr("For 'shop' use --new-certificate"), HasSubstr("--mtls pki")));
    EXPECT_THAT(output_, IsEmpty());
  }
  EXPECT_THAT(asked_, IsEmpty());
}

TEST_F(ClusterCommands, JoinMakesTheFoldersAboveItsOwn) {
  const std::string out = folder_ / "joins" / "edge";
  EXPECT_EQ(run({"dp", "join", "--for", "docker", "--control-plane", "shop", "--new-certificate", "--out", out}), 0)
      << error_;
  EXPECT_TRUE(std::filesystem::exists(out + "/join.sh"));
  EXPECT_EQ(std::filesystem::status(out).permissions(), std::filesystem::perms(0700));
  EXPECT_THAT(error_, HasSubstr("sluice dp unpin 77777777-2222-4333-8444-555555555555 --control-plane 'shop'"));
}

TEST_F(ClusterCommands, JoinPinsNothingWhereItsFolderCannotBeMade) {
  const std::string out = file("taken", "") + "/joins/edge";
  EXPECT_EQ(run({"dp", "join", "--for", "docker", "--control-plane", "shop", "--new-certificate", "--out", out}), 1);
  EXPECT_THAT(error_, HasSubstr("cannot make"));
  EXPECT_THAT(posted_, IsEmpty());
}

TEST_F(ClusterCommands, JoinTakesACertificateBackThatItCouldNotGiveAway) {
  const std::filesystem::path out = folder_ / "edge";
  std::filesystem::create_directories(out / "cluster.crt.part" / "in the way");
  pages_[std::string(kPlane) + "/dp-client-certificates/77777777-2222-4333-8444-555555555555"] = "{}";
  EXPECT_EQ(run({"dp", "join", "--for", "docker", "--control-plane", "shop", "--new-certificate", "--out", out}), 1);
  EXPECT_EQ(asked_.back(),
            "DELETE " + std::string(kPlane) + "/dp-client-certificates/77777777-2222-4333-8444-555555555555");
  EXPECT_THAT(error_, HasSubstr("Took the certificate back."));
}

TEST_F(ClusterCommands, JoinBringsAlongTheCertificateThatVouchesForItself) {
  const auto pair = net::tls::make_self_signed({"kong_clustering"});
  ASSERT_TRUE(pair);
  pages_[std::string(kPlane) + "/cluster-door"] =
      to_json(Json::Object{{"open", true}, {"host", {}}, {"port", 8005}, {"authority", pair->certificate}});
  EXPECT_EQ(run({"dp", "join", "--for", "docker", "--control-plane", "shop", "--new-certificate"}), 0) << error_;
  EXPECT_THAT(output_, AllOf(HasSubstr(pair->certificate), HasSubstr("SLUICE_CLUSTER_SERVER_NAME=kong_clustering")));
}

TEST_F(ClusterCommands, JoinWarnsOfWhatDataPlanesWouldTripOver) {
  pages_[std::string(kPlane) + "/cluster-door"] = R"({"open":false,"host":null,"port":null,"authority":null})";
  EXPECT_EQ(run({"dp", "join", "--for", "docker", "--control-plane", "shop", "--new-certificate", "--address",
                 "cp.test:8005"}),
            0)
      << error_;
  EXPECT_THAT(error_, AllOf(HasSubstr("takes no data planes yet"), Not(HasSubstr("--address"))));
}

TEST_F(ClusterCommands, UnpinNamesTheCertificate) {
  pages_[std::string(kPlane) + "/dp-client-certificates/abc"] = "{}";
  EXPECT_EQ(run({"dp", "unpin", "abc", "--control-plane", "shop"}), 0) << error_;
  EXPECT_EQ(asked_.back(), "DELETE " + std::string(kPlane) + "/dp-client-certificates/abc");
  EXPECT_EQ(run({"dp", "unpin", "unknown", "--control-plane", "shop"}), 1);
}

TEST_F(ClusterCommands, JoinWantsOneKindOfCertificate) {
  EXPECT_EQ(run({"dp", "join", "--for", "docker"}), 1);
  EXPECT_THAT(error_, HasSubstr("either --new-certificate, or --cert and --key"));
}

}  // namespace
}  // namespace sluice::cli
