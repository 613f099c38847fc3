// SPDX-License-Identifier: Apache-2.0
#include "dataplane/fallback.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataplane/gateway_fixture.h"
#include "http/client.h"
#include "objects/object_store.h"
#include "sync/snapshot_file.h"

namespace sluice::dataplane {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

/// A bucket behind S3's requests, which keeps what is put into it.
class BucketClient final : public http::Client {
 public:
  Task<Result<http::ClientResponse>> send(http::ClientRequest request, rt::Deadline /*deadline*/) override {
    requests.push_back(request);
    http::ClientResponse response;
    response.status = down ? 503 : 200;
    if (!down && request.method == "PUT") objects[request.url] = request.body;
    if (!down && request.method == "GET") {
      const auto found = objects.find(request.url);
      response.status = found != objects.end() ? 200 : 404;
      if (found != objects.end()) response.body = found->second;
    }
    co_return response;
  }
  std::vector<http::ClientRequest> requests;
  std::map<std::string, std::string> objects;
  bool down = false;
};

class FallbackTest : public GatewayTest {
 protected:
  void SetUp() override {
    GatewayTest::SetUp();
    pair = *net::tls::make_self_signed({"kong_clustering"});
    identity = identity_of(pair);
  }
  static std::shared_ptr<const ClusterIdentity> identity_of(const net::tls::PemPair& from) {
    return *ClusterIdentity::make({.certificate = from.certificate, .key = Secret(from.key), .authorities = {}}, true);
  }
  std::unique_ptr<Fallback> fallback_at(const std::string& where, Fallback::Terms terms) {
    const auto environment = [](const char* name) -> std::optional<std::string> {
      const std::string_view asked = name;
      if (asked == "AWS_ACCESS_KEY_ID") return "id";
      if (asked == "AWS_SECRET_ACCESS_KEY") return "secret";
      if (asked == "AWS_CONFIG_STORAGE_ENDPOINT") return "http://s3.test:9000";
      return std::nullopt;
    };
    auto store = objects::open_object_store(where, environment, {reactor, pool, client});
    EXPECT_TRUE(store.has_value()) << (store ? "" : store.error().what);
    return std::make_unique<Fallback>(Fallback::Parts{reactor, pool, *applier, *std::move(store)}, terms);
  }
  void export_to(const std::string& where) {
    const auto fallback = fallback_at(where, {.exports = true, .made_by = "sluice/test"});
    fallback->keep_house(identity);
    ASSERT_TRUE(rt::turn_until(
        reactor, [&] { return std::filesystem::exists(where + "/" + kSnapshotName) || !client.objects.empty(); }));
  }
  void forget_everything() {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directory(folder_);
    restart();
    ASSERT_TRUE(applier->standing().empty());
  }

  net::tls::PemPair pair;
  std::shared_ptr<const ClusterIdentity> identity;
  BucketClient client;
};

TEST_F(FallbackTest, ANewNodeStartsFromAnothersCopy) {
  const std::string where = folder_ + "-copies";
  ASSERT_FALSE(apply_now(whole_of({service(1, "one.test"), route(2, 1)}, 7)).has_value());
  export_to(where);
  forget_everything();
  const auto fallback = fallback_at(where, {.imports = true});
  const auto imported = rt::run(reactor, fallback->import(identity));
  ASSERT_TRUE(imported.has_value()) << imported.error().what;
  EXPECT_EQ(applier->standing().version, version(7));
  EXPECT_EQ(applier->standing().control_plane, kControlPlane);
  EXPECT_THAT(served("services", 1), HasSubstr("one.test"));
  std::filesystem::remove_all(where);
}

TEST_F(FallbackTest, ABucketServesAsWell) {
  ASSERT_FALSE(apply_now(whole_of({service(1, "one.test")}, 7)).has_value());
  export_to("s3://copies/prod one");
  EXPECT_EQ(client.requests.front().url, "http://s3.test:9000/copies/prod%20one/config.snapshot");
  forget_everything();
  const auto fallback = fallback_at("s3://copies/prod one", {.imports = true});
  ASSERT_TRUE(rt::run(reactor, fallback->import(identity)).has_value());
  EXPECT_EQ(applier->standing().version, version(7));
}

TEST_F(FallbackTest, TriesAgainWhenTheStoreWasAway) {
  client.down = true;
  const auto fallback = fallback_at("s3://copies", {.imports = true});
  const auto failed = rt::run(reactor, fallback->import(identity));
  ASSERT_FALSE(failed.has_value());
  EXPECT_THAT(failed.error().what, HasSubstr("503"));
  client.down = false;
  EXPECT_EQ(rt::run(reactor, fallback->import(identity)).error().code, Errc::NotFound);
}

TEST_F(FallbackTest, TakesNoCopyThatAnotherClusterSigned) {
  ASSERT_FALSE(apply_now(whole_of({service(1, "one.test")}, 7)).has_value());
  export_to("s3://copies");
  forget_everything();
  const auto fallback = fallback_at("s3://copies", {.imports = true});
  const auto stranger = identity_of(*net::tls::make_self_signed({"kong_clustering"}));
  EXPECT_FALSE(rt::run(reactor, fallback->import(stranger)).has_value());
  EXPECT_TRUE(gateway.rows.empty());
}

TEST_F(FallbackTest, WritesACopyOnceInItsTime) {
  ASSERT_FALSE(apply_now(whole_of({service(1, "one.test")}, 7)).has_value());
  const auto fallback = fallback_at("s3://copies", {.exports = true, .export_delay_ms = 60'000});
  fallback->keep_house(identity);
  ASSERT_TRUE(rt::turn_until(reactor, [&] { return client.requests.size() == 1; }));
  ASSERT_FALSE(apply_now(whole_of({service(1, "two.test")}, 8)).has_value());
  for (int i = 0; i < 5; ++i) {
    fallback->keep_house(identity);
    reactor.run_once(5);
  }
  EXPECT_EQ(client.requests.size(), 1U);
}

TEST_F(FallbackTest, NamesWhatIsWrongWithAnAddress) {
  const auto nothing = [](const char*) -> std::optional<std::string> { return std::nullopt; };
  const objects::StoreParts parts{reactor, pool, client};
  const auto why = [&](std::string_view where) {
    const auto opened = objects::open_object_store(where, nothing, parts);
    return opened ? std::string() : opened.error().what;
  };
  EXPECT_THAT(why("s3://bucket"), HasSubstr("AWS_ACCESS_KEY_ID"));
  EXPECT_THAT(why("gcs://bucket"), StartsWith("gcs:// is not offered"));
  EXPECT_THAT(why(""), HasSubstr("a folder"));
  EXPECT_EQ(why("/var/lib/copies"), "");
}

}  // namespace
}  // namespace sluice::dataplane
