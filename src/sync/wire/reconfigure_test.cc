// SPDX-License-Identifier: Apache-2.0
#include "sync/wire/reconfigure.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "entity/catalog_fixture.h"
#include "sync/cluster_pki_fixture.h"
#include "sync/gzip.h"
#include "sync/wire/row_fixture.h"

namespace sluice::sync::wire {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::size_t kLimit = std::size_t{64} << 20U;

const entity::Catalog& catalog() {
  static const entity::Catalog kCatalog(entity::test_plugins());
  return kCatalog;
}

PartHashes hashes() {
  PartHashes made;
  made.config = std::string(32, 'c');
  made.routes = std::string(32, 'r');
  return made;
}

/// The message as JSON.
Json written(const std::vector<EntityRow>& rows) {
  const std::string frame = reconfigure_frame(catalog(), rows, kDefault, hashes(), 1'700'000'000.5);
  const auto text = gunzip(frame, kLimit);
  EXPECT_TRUE(text.has_value());
  return json_of(text.value_or("null"));
}

Json table_of(const std::vector<EntityRow>& rows) {
  return *written(rows).find("config_table");
}

Result<Reconfigure> read_text(std::string_view text) {
  Gzip gzip(1);
  gzip.add(text);
  return read_reconfigure(catalog(), gzip.finish(), kLimit);
}

std::string with_id(std::uint64_t n, const std::string& more = {}) {
  return R"({"id":")" + id_of(n).to_string() + '"' + more + '}';
}

std::string reference(const std::string& field, std::uint64_t n) {
  return ",\"" + field + R"(":{"id":")" + id_of(n).to_string() + "\"}";
}

TEST(ReconfigureFrame, HasTheHeadThatKongExpects) {
  const Json message = written({});
  EXPECT_EQ(*message.find("type"), Json("reconfigure"));
  EXPECT_EQ(message.find("timestamp")->number(), 1'700'000'000.5);
  EXPECT_EQ(*message.find("config_hash"), Json(std::string(32, 'c')));
  EXPECT_EQ(*message.find("hashes")->find("routes"), Json(std::string(32, 'r')));
  EXPECT_EQ(message.find("hashes")->as_object().size(), 6U);
  const Json& table = *message.find("config_table");
  EXPECT_EQ(*table.find("_format_version"), Json("3.0"));
  EXPECT_EQ(*table.find("_transform"), Json(false));
}

TEST(ReconfigureFrame, NamesTheDefaultWorkspaceOnce) {
  const Json alone = table_of({});
  ASSERT_EQ(alone.find("workspaces")->as_array().size(), 1U);
  EXPECT_EQ(*alone.find("workspaces")->as_array()[0].find("name"), Json("default"));
  EXPECT_EQ(*alone.find("workspaces")->as_array()[0].find("id"), Json(kDefault.to_string()));

  EntityRow own{"workspaces", kDefault,
                std::make_shared<const std::string>(R"({"id":"0dc6f45b-8f8d-40d2-a504-473544ee190b","name":"default",)"
                                                    R"("comment":"mine"})")};
  const Json written_too = table_of({own});
  ASSERT_EQ(written_too.find("workspaces")->as_array().size(), 1U);
  EXPECT_EQ(*written_too.find("workspaces")->as_array()[0].find("comment"), Json("mine"));
}

TEST(ReconfigureFrame, ReferencesArePlainIdsAndNullsStay) {
  const Json table = table_of({row_of("routes", 2, with_id(2, reference("service", 1) + R"(,"name":null)"))});
  const Json& route = table.find("routes")->as_array().at(0);
  EXPECT_EQ(*route.find("service"), Json(id_of(1).to_string()));
  EXPECT_TRUE(route.find("name")->is_null());
}

TEST(ReconfigureFrame, RowsNameTheirWorkspaceWhereTheyHaveOne) {
  EntityRow other = row_of("consumers", 2, with_id(2));
  other.workspace = id_of(9);
  const Json table = table_of({row_of("consumers", 1, with_id(1)), other, row_of("licenses", 3, with_id(3))});
  const auto& consumers = table.find("consumers")->as_array();
  EXPECT_EQ(*consumers.at(0).find("ws_id"), Json(kDefault.to_string()));
  EXPECT_EQ(*consumers.at(1).find("ws_id"), Json(id_of(9).to_string()));
  EXPECT_EQ(table.find("licenses")->as_array().at(0).find("ws_id"), nullptr);
}

TEST(ReconfigureFrame, LeavesOutWhatIsDisabledAndWhatHangsOnIt) {
  const std::string off = R"(,"enabled":false)";
  const std::string on = R"(,"enabled":true)";
  const Json table = table_of({
      row_of("plugins", 30, with_id(30, on + reference("route", 11))),   // of a route that goes
      row_of("plugins", 31, with_id(31, on + reference("service", 1))),  // of a service that goes
      row_of("plugins", 32, with_id(32, off)),                           // itself
      row_of("plugins", 33, with_id(33, on + reference("service", 2))),  //
      row_of("plugins", 34, with_id(34, on + R"(,"service":null)")),     //
      row_of("routes", 11, with_id(11, reference("service", 1))),        //
      row_of("routes", 12, with_id(12, reference("service", 2))),        //
      row_of("services", 1, with_id(1, off)),                            //
      row_of("services", 2, with_id(2, on)),
  });
  const auto ids = [&](const char* type) {
    std::vector<std::string> all;
    for (const Json& row : table.find(type)->as_array()) all.push_back(row.find("id")->as_string());
    return all;
  };
  EXPECT_THAT(ids("services"), ElementsAre(id_of(2).to_string()));
  EXPECT_THAT(ids("routes"), ElementsAre(id_of(12).to_string()));
  EXPECT_THAT(ids("plugins"), ElementsAre(id_of(33).to_string(), id_of(34).to_string()));
}

TEST(ReconfigureFrame, ComesBackOctetByOctet) {
  std::vector<EntityRow> rows;
  for (EntityRow& row : sample_rows(catalog())) {
    Json document = json_of(*row.document);
    document.as_object().set("id", row.id.to_string());
    if (document.find("name") != nullptr && row.type == "workspaces") document.as_object().set("name", "other");
    if (row.type == "routes") document.as_object().set("service", Json::Object{{"id", id_of(70).to_string()}});
    row.document = std::make_shared<const std::string>(to_json(document));
    if (row.type == "consumers") row.workspace = id_of(9);
    rows.push_back(row);
  }
  const std::string frame = reconfigure_frame(catalog(), rows, kDefault, hashes(), 1);
  const auto read = read_reconfigure(catalog(), frame, kLimit);
  ASSERT_TRUE(read.has_value()) << read.error().what;
  EXPECT_TRUE(read->delta.complete);
  EXPECT_EQ(read->delta.hash, std::string(32, 'c'));
  for (const EntityRow& row : rows) {
    const auto same = [&](const EntityRow& other) { return other.type == row.type && other.id == row.id; };
    const auto found = std::ranges::find_if(read->delta.upserts, same);
    ASSERT_NE(found, read->delta.upserts.end()) << row.type;
    EXPECT_EQ(*found->document, *row.document);
    EXPECT_EQ(found->workspace, row.workspace) << row.type;
  }
  EXPECT_EQ(read->delta.upserts.size(), rows.size() + 1) << "and the default workspace";
}

// The golden frame was packed and hashed by other programs than ours.
TEST(ReadReconfigure, TakesTheFrameOfAKongControlPlane) {
  const auto read = read_reconfigure(catalog(), file("src/sync/wire/testdata/v1_reconfigure.json.gz"), kLimit);
  ASSERT_TRUE(read.has_value()) << read.error().what;
  EXPECT_TRUE(read->delta.complete);
  EXPECT_EQ(read->delta.hash, "7d214686f8bd9ec1f71e03deb80c8bae");
  std::vector<std::string> types;
  for (const EntityRow& row : read->delta.upserts) {
    types.push_back(row.type);
    EXPECT_TRUE(row.workspace.is_nil());
    const auto judged = catalog().find(row.type)->process(json_of(*row.document), {.transform = false});
    EXPECT_TRUE(judged.has_value()) << row.type << judged.error().text();
  }
  EXPECT_THAT(types, ElementsAre("services", "routes", "consumers", "plugins", "upstreams", "targets",
                                 "keyauth_credentials", "consumer_group_consumers"));
  const Json route = json_of(*read->delta.upserts[1].document);
  EXPECT_EQ(*route.find("service")->find("id"), Json(id_of(1).to_string()));
  EXPECT_EQ(route.find("ws_id"), nullptr);
  EXPECT_EQ(json_of(*read->delta.upserts[5].document).find("created_at")->number(), 1'700'000'000.125);
}

TEST(ReadReconfigure, ComputesTheHashWhereThereIsNone) {
  Json message = json_of(file("src/sync/wire/testdata/v1_reconfigure.json"));
  message.as_object().erase("config_hash");
  const auto read = read_text(to_json(message));
  ASSERT_TRUE(read.has_value()) << read.error().what;
  EXPECT_EQ(read->delta.hash, "7d214686f8bd9ec1f71e03deb80c8bae");
}

TEST(ReadReconfigure, KeepsTypesThatItDoesNotKnow) {
  const auto read = read_text(
      R"({"type":"reconfigure","config_hash":"12345678901234567890123456789012","config_table":{"filter_chains":[)" +
      with_id(1, R"(,"service":"x")") + "]}}");
  ASSERT_TRUE(read.has_value()) << read.error().what;
  ASSERT_EQ(read->delta.upserts.size(), 1U);
  EXPECT_EQ(*read->delta.upserts[0].document, with_id(1, R"(,"service":"x")"));
}

TEST(ReadReconfigure, RefusesWhatCannotBeOne) {
  for (const char* text :
       {"", "[]", "{}", R"({"type":"reconfigure"})", R"({"type":"x","config_table":{}})",
        R"({"type":"reconfigure","config_table":[]})",
        R"({"type":"reconfigure","config_table":{},"config_hash":"short"})",
        R"({"type":"reconfigure","config_table":{},"config_hash":5})",
        R"({"type":"reconfigure","config_table":{"services":5}})",
        R"({"type":"reconfigure","config_table":{"services":[5]}})",
        R"({"type":"reconfigure","config_table":{"services":[{}]}})",
        R"({"type":"reconfigure","config_table":{"services":[{"id":"x"}]}})",
        R"({"type":"reconfigure","config_table":{"workspaces":[{"id":"x","name":"default"}]}})",
        R"({"type":"reconfigure","config_table":{"a":[{"id":"00000000-0000-4000-8000-000000000001","ws_id":5}]}})"}) {
    EXPECT_FALSE(read_text(text).has_value()) << text;
  }
}

TEST(ReadReconfigure, SaysWhichRowIsWrong) {
  const auto read =
      read_text(R"({"type":"reconfigure","config_table":{"services":[)" + with_id(1) + R"(,{"id":"x"}]}})");
  ASSERT_FALSE(read.has_value());
  EXPECT_THAT(read.error().what, HasSubstr("services[1]: "));
}

TEST(ReadReconfigure, RefusesBombsAndDamage) {
  Gzip gzip(9);
  gzip.add(R"({"type":"reconfigure","x":")" + std::string(std::size_t{16} << 20U, 'x') + "\"}");
  const auto bomb = read_reconfigure(catalog(), gzip.finish(), kLimit);
  ASSERT_FALSE(bomb.has_value());
  EXPECT_EQ(bomb.error().code, Errc::TooLarge);
  const std::string frame = file("src/sync/wire/testdata/v1_reconfigure.json.gz");
  EXPECT_EQ(read_reconfigure(catalog(), frame, 1'000).error().code, Errc::TooLarge);
  for (std::size_t size = 0; size < frame.size(); size += 7) {
    EXPECT_FALSE(read_reconfigure(catalog(), std::string_view(frame).substr(0, size), kLimit).has_value());
  }
  EXPECT_FALSE(read_reconfigure(catalog(), R"({"type":"reconfigure","config_table":{}})", kLimit).has_value());
}

TEST(KongHashes, OfNothing) {
  const PartHashes parts = kong_hashes(Json::object());
  EXPECT_EQ(parts.config, "2da3c26e4dbd6dd6ea3ab60a3dd7fb3e");
  EXPECT_EQ(parts.routes, std::string(32, '0'));
}

// Expected values: a second program, written from the same description.
TEST(KongHashes, OfEveryKindOfValue) {
  const PartHashes parts = kong_hashes(json_of(
      R"({"_format_version":"3.0","_transform":false,"routes":[{"id":"r","paths":["/a"],"n":null}],"services":[],
          "plugins":[{"c":[1,2,3,4,5],"d":[1,2,3,4,5,6],"e":{},"f":0.1,"g":100.0,"h":1700000000,
          "i":123456789012345678,"z":true,"y":false,"é":"ü","A":"x"}],
          "consumers":[{"username":"a"},{"username":"b"}]})"));
  EXPECT_EQ(parts.routes, "c5c1fe2da0da73a99797069ca90c98d8");
  EXPECT_EQ(parts.services, "99914b932bd37a50b983c5e7c90ae93b");
  EXPECT_EQ(parts.plugins, "3bba1399c8ad4899a07373ea8363c359");
  EXPECT_EQ(parts.config, "b574aa1813b09f84818f384543f611de");
}

TEST(KongHashes, OfTextsBeyondAMegabyte) {
  Json::Array consumers;
  for (int i = 0; i < 30'000; ++i) {
    std::string number = std::to_string(i);
    number.insert(0, 6 - number.size(), '0');
    consumers.push_back(Json::Object{{"id", number},
                                     {"username", "user-" + std::to_string(i)},
                                     {"custom_id", nullptr},
                                     {"tags", Json::Array{"a", "b"}}});
  }
  Json::Array services;
  for (int i = 0; i < 40'000; ++i) {
    services.push_back(Json::Object{{"name", "service-" + std::to_string(i)}, {"retries", i}});
  }
  const PartHashes parts =
      kong_hashes(Json::Object{{"consumers", std::move(consumers)}, {"services", std::move(services)}});
  EXPECT_EQ(parts.services, "64ef2dcb8b6136e6d63926cddbd65a7a");
  EXPECT_EQ(parts.config, "7ceee2aba19346565cce04a3b04e3a58");
}

TEST(KongHashes, DoNotDependOnTheOrderOfMembers) {
  const Json one = json_of(R"({"routes":[{"a":1,"b":[2]}],"consumers":[{"x":null,"y":"z"}]})");
  const Json other = json_of(R"({"consumers":[{"y":"z","x":null}],"routes":[{"b":[2],"a":1}]})");
  EXPECT_EQ(kong_hashes(one).config, kong_hashes(other).config);
}

}  // namespace
}  // namespace sluice::sync::wire
