// SPDX-License-Identifier: Apache-2.0
#include "dataplane/fallback.h"

#include <algorithm>
#include <filesystem>
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/time.h"
#include "crypto/hash.h"
#include "dataplane/gateway_fixture.h"
#include "http/client.h"
#include "objects/object_store.h"
#include "sync/plane_name.h"
#include "sync/snapshot_file.h"

namespace sluice::dataplane {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

/// A bucket behind S3's requests, which keeps what is put into it, and minds conditions.
class BucketClient final : public http::Client {
 public:
  Task<Result<http::ClientResponse>> send(http::ClientRequest request, rt::Deadline /*deadline*/) override {
    requests.push_back(request);
    http::ClientResponse response;
    const auto found = objects.find(request.url);
    const std::string tag = found != objects.end() ? '"' + crypto::md5_hex(found->second) + '"' : std::string();
    if (found != objects.end()) response.headers.emplace_back("ETag", tag);
    if (down) {
      response.status = 503;
    } else if (request.method == "PUT") {
      response.status = put(request, tag);
    } else {
      response.status = found != objects.end() ? 200 : 404;
      if (found != objects.end()) response.body = found->second;
    }
    co_return response;
  }
  [[nodiscard]] bool holds(const std::string& ending) const {
    return std::ranges::any_of(objects, [&](const auto& each) { return each.first.ends_with(ending); });
  }
  std::vector<http::ClientRequest> requests;
  std::map<std::string, std::string> objects;
  bool down = false;
  std::function<void()> before_put;

 private:
  int put(const http::ClientRequest& request, const std::string& tag) {
    if (auto first = std::exchange(before_put, nullptr)) {
      first();
      return 412;
    }
    for (const auto& [name, value] : request.headers) {
      if (name == "If-None-Match" && !tag.empty()) return 412;
      if (name == "If-Match" && value != tag) return 412;
    }
    objects[request.url] = request.body;
    return 200;
  }
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
    if (terms.server_name.empty()) terms.server_name = ClusterIdentity::kSharedName;
    return std::make_unique<Fallback>(Fallback::Parts{reactor, pool, *applier, *std::move(store)}, terms);
  }
  /// What a control plane with that key answers.
  static sync::wire::Certified signature_of(const State& state, const net::tls::PemPair& by, double made_at) {
    sync::Snapshot header{.control_plane = state.standing.control_plane,
                          .version = state.standing.version,
                          .hash = state.standing.hash,
                          .made_by = "sluice/test",
                          .made_at = made_at,
                          .rows = {}};
    auto rows = received(state.rows).upserts;
    sync::order_rows(rows);
    sync::SnapshotStatement statement(header, rows.size());
    for (const auto& row : rows) statement.add(row);
    const auto signer = *sync::Signer::make(by.certificate, Secret(by.key));
    return {.made_by = header.made_by,
            .made_at = made_at,
            .signature = signer->sign(statement.finish()),
            .certificate = by.certificate};
  }
  /// A node that serves `rows` as version `number` leaves a copy of them; when that is done.
  void export_to(const std::string& where, std::vector<sync::EntityRow> rows, std::uint64_t number,
                 const char* control_plane = kControlPlane) {
    State state;
    for (const auto& row : rows) state.rows.put(row.type, row.id, {row.document, row.document, row.workspace});
    state.standing = {.control_plane = control_plane,
                      .version = version(number),
                      .hash = digest_of(rows),
                      .since_ms = 0,
                      .default_workspace = {}};
    export_state(*fallback_at(where, {.exports = true, .server_name = name}), state, pair);
  }
  void export_state(Fallback& fallback, const State& state, const net::tls::PemPair& by) {
    fallback.signed_by_control_plane(state, signature_of(state, by, static_cast<double>(unix_seconds())), identity);
    ASSERT_TRUE(rt::turn_until(reactor, [&] { return !fallback.is_exporting(); }));
  }
  Result<std::int64_t> import_from(const std::string& where, Fallback::Terms terms = {}) {
    terms.imports = true;
    const auto fallback = fallback_at(where, terms);
    return rt::run(reactor, fallback->import(identity));
  }

  static constexpr const char* kOther = "7c1d1c0e-2f0b-4d0a-8f0e-0a6b5c4d3e21";
  net::tls::PemPair pair;
  std::string name;  // by which nodes ask; empty: that of a shared certificate
  std::shared_ptr<const ClusterIdentity> identity;
  BucketClient client;
};

TEST_F(FallbackTest, ANewNodeStartsFromAnothersCopy) {
  const std::string where = folder_ + "-copies";
  export_to(where, {service(1, "one.test"), route(2, 1)}, 7);
  EXPECT_TRUE(std::filesystem::exists(where + "/" + kControlPlane + "/config.snapshot"));
  const auto imported = import_from(where);
  ASSERT_TRUE(imported.has_value()) << imported.error().what;
  EXPECT_NEAR(static_cast<double>(*imported), static_cast<double>(unix_seconds()), 5) << "when it was signed";
  EXPECT_EQ(applier->standing().version, version(7));
  EXPECT_EQ(applier->standing().control_plane, kControlPlane);
  EXPECT_THAT(served("services", 1), HasSubstr("one.test"));
  std::filesystem::remove_all(where);
}

TEST_F(FallbackTest, ABucketServesAsWell) {
  export_to("s3://copies/prod one", {service(1, "one.test")}, 7);
  EXPECT_TRUE(client.objects.contains("http://s3.test:9000/copies/prod%20one/" + copy_name(kControlPlane)));
  ASSERT_TRUE(import_from("s3://copies/prod one").has_value());
  EXPECT_EQ(applier->standing().version, version(7));
}

TEST_F(FallbackTest, TriesAgainWhenTheStoreWasAway) {
  client.down = true;
  const auto failed = import_from("s3://copies");
  ASSERT_FALSE(failed.has_value());
  EXPECT_THAT(failed.error().what, HasSubstr("503"));
  client.down = false;
  EXPECT_EQ(import_from("s3://copies").error().code, Errc::NotFound);
}

TEST_F(FallbackTest, TakesNoCopyThatAnotherClusterSigned) {
  export_to("s3://copies", {service(1, "one.test")}, 7);
  identity = identity_of(*net::tls::make_self_signed({"kong_clustering"}));
  EXPECT_FALSE(import_from("s3://copies").has_value());
  EXPECT_TRUE(gateway.rows.empty());
}

TEST_F(FallbackTest, WritesNothingThatNobodyWouldTake) {
  ASSERT_FALSE(apply_now(whole_of({service(1, "one.test")}, 7)).has_value());
  const auto fallback = fallback_at("s3://copies", {.exports = true});
  const auto stranger = *net::tls::make_self_signed({"kong_clustering"});
  export_state(*fallback, applier->state(), stranger);
  EXPECT_TRUE(client.objects.empty()) << "whoever signs with another key is not the control plane";
}

TEST_F(FallbackTest, NeverReplacesANewerCopy) {
  export_to("s3://copies", {service(1, "two.test")}, 8);
  export_to("s3://copies", {service(1, "one.test")}, 7);
  ASSERT_TRUE(import_from("s3://copies").has_value());
  EXPECT_EQ(applier->standing().version, version(8));
}

TEST_F(FallbackTest, ReplacesWhatOnlyClaimsToBeNewer) {
  const std::string copy = "http://s3.test:9000/copies/" + copy_name(kControlPlane);
  export_to("s3://copies", {service(1, "two.test")}, 9);
  client.objects[copy].resize(client.objects[copy].size() - 10);
  export_to("s3://copies", {service(1, "one.test")}, 7);
  ASSERT_TRUE(import_from("s3://copies").has_value());
  EXPECT_EQ(applier->standing().version, version(7));
}

TEST_F(FallbackTest, OfTwoThatWriteAtOnceOneLooksAgain) {
  client.before_put = [this] {
    client.objects["http://s3.test:9000/copies/" + copy_name(kControlPlane)] = "another's";
  };
  ASSERT_FALSE(apply_now(whole_of({service(1, "one.test")}, 7)).has_value());
  const auto fallback = fallback_at("s3://copies", {.exports = true, .export_delay_ms = 0});
  export_state(*fallback, applier->state(), pair);
  EXPECT_EQ(client.objects.begin()->second, "another's");
  export_state(*fallback, applier->state(), pair);
  EXPECT_TRUE(client.holds(guide_name(ClusterIdentity::kSharedName)));
  EXPECT_NE(client.objects.begin()->second, "another's");
}

TEST_F(FallbackTest, ControlPlanesKeepTheirCopiesApart) {
  name = sync::plane_prefix(*Uuid::parse(kControlPlane)) + ".cp.test";
  export_to("s3://copies", {service(1, "one.test")}, 7);
  export_to("s3://copies", {service(1, "other.test")}, 900, kOther);
  ASSERT_TRUE(import_from("s3://copies", {.server_name = name}).has_value()) << "the name says which of them";
  EXPECT_EQ(applier->standing().control_plane, kControlPlane);
  EXPECT_EQ(applier->standing().version, version(7));
}

TEST_F(FallbackTest, GuessesNoControlPlane) {
  export_to("s3://copies", {service(1, "one.test")}, 7);
  export_to("s3://copies", {service(1, "other.test")}, 900, kOther);
  const auto imported = import_from("s3://copies");
  ASSERT_FALSE(imported.has_value());
  EXPECT_THAT(imported.error().what, HasSubstr("names 2 control planes"));
  EXPECT_TRUE(gateway.rows.empty());
}

TEST_F(FallbackTest, TakesNoCopyOfAnotherControlPlane) {
  export_to("s3://copies", {service(1, "other.test")}, 900, kOther);
  const std::string root = "http://s3.test:9000/copies/";
  client.objects[root + copy_name(kControlPlane)] = client.objects[root + copy_name(kOther)];
  client.objects[root + guide_name(ClusterIdentity::kSharedName)] =
      R"({"control_planes":[")" + std::string(kControlPlane) + "\"]}";
  const auto imported = import_from("s3://copies");
  ASSERT_FALSE(imported.has_value());
  EXPECT_EQ(imported.error().code, Errc::Forbidden);
  EXPECT_TRUE(gateway.rows.empty());
}

TEST_F(FallbackTest, RemembersWhoseNodeItIs) {
  const Fallback::Terms terms{.imports = true, .memory = folder_ + "/control_plane.json"};
  fallback_at("s3://copies", terms)->heard_from(kControlPlane);  // the pool ends what was begun
  ASSERT_TRUE(rt::turn_until(reactor, [&] { return std::filesystem::exists(terms.memory); }));
  export_to("s3://copies", {service(1, "one.test")}, 7);
  export_to("s3://copies", {service(1, "other.test")}, 900, kOther);
  const auto imported = import_from("s3://copies", terms);
  ASSERT_TRUE(imported.has_value()) << imported.error().what;
  EXPECT_EQ(applier->standing().control_plane, kControlPlane);
}

TEST_F(FallbackTest, AControlPlanesOwnConfigurationWins) {
  export_to("s3://copies", {service(1, "one.test")}, 7);
  const auto fallback = fallback_at("s3://copies", {.imports = true});
  Task<Result<std::int64_t>> importing = fallback->import(identity);
  Task<std::optional<Refusal>> applying = applier->apply(whole_of({service(1, "two.test")}, 8));
  importing.start();
  applying.start();
  ASSERT_TRUE(rt::turn_until(reactor, [&] { return importing.ready() && applying.ready(); }));
  EXPECT_EQ(applier->standing().version, version(8));
  EXPECT_THAT(served("services", 1), HasSubstr("two.test"));
}

TEST_F(FallbackTest, AsksForASignatureOnceInItsTime) {
  const auto fallback = fallback_at("s3://copies", {.exports = true, .export_delay_ms = 60'000});
  EXPECT_FALSE(fallback->wants_signature()) << "nothing is served";
  ASSERT_FALSE(apply_now(whole_of({service(1, "one.test")}, 7)).has_value());
  EXPECT_TRUE(fallback->wants_signature());
  export_state(*fallback, applier->state(), pair);
  EXPECT_FALSE(fallback->wants_signature());
  ASSERT_FALSE(apply_now(whole_of({service(1, "two.test")}, 8)).has_value());
  EXPECT_FALSE(fallback->wants_signature());
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
