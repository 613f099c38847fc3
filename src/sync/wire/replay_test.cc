// SPDX-License-Identifier: Apache-2.0
// Replays sessions of other products frame by frame: every frame is read, and written by us says the same.
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "entity/catalog_fixture.h"
#include "sync/cluster_pki_fixture.h"
#include "sync/gzip.h"
#include "sync/wire/deltas.h"
#include "sync/wire/hello.h"
#include "sync/wire/reconfigure.h"
#include "sync/wire/row_fixture.h"
#include "sync/wire/rpc.h"

namespace sluice::sync::wire {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr std::size_t kLimit = std::size_t{16} << 20U;

/// Snappy without its library: literals of at most 60 octets.
std::string literal_snappy(std::string_view text) {
  std::string block;
  for (std::size_t size = text.size();; size >>= 7U) {
    block += static_cast<char>((size & 0x7FU) | (size > 0x7FU ? 0x80U : 0U));
    if (size <= 0x7FU) break;
  }
  while (!text.empty()) {
    const std::string_view piece = text.substr(0, 60);
    block += static_cast<char>((piece.size() - 1) << 2U);
    block += piece;
    text.remove_prefix(piece.size());
  }
  return block;
}

/// The frames of a session, in order.
class Transcript {
 public:
  explicit Transcript(const std::string& path) : lines_(file(path)) {}

  /// The next text, which must be of that side; what it looks like on the wire is opened on the way.
  const std::string& text(const std::string& from) {
    std::string line;
    while (std::getline(lines_, line) && line.starts_with('#')) {
    }
    const std::string plain = from + " plain ";
    const std::string snappy = from + " snappy ";
    EXPECT_TRUE(line.starts_with(plain) || line.starts_with(snappy)) << line;
    said_ = line.substr((line.starts_with(plain) ? plain : snappy).size());
    if (line.starts_with(snappy)) EXPECT_EQ(decompress(literal_snappy(said_), kLimit).value_or(""), said_);
    return said_;
  }
  RpcMessage next(const std::string& from) {
    auto messages = parse_rpc(text(from));
    EXPECT_TRUE(messages.has_value() && messages->size() == 1) << said_;
    return messages->front();
  }
  RpcCall call(const std::string& from) { return std::get<RpcCall>(next(from)); }
  Json result(const std::string& from) { return std::get<Json>(std::get<RpcReply>(next(from)).outcome); }

  /// What we write must say the same as the frame that was read last; the order of members is nobody's business.
  void expect_same(const std::string& ours) const {
    EXPECT_TRUE(json_of(ours) == json_of(said_)) << ours << "\nbut " << said_;
    const auto back = decompress(compress(ours), kLimit);
    EXPECT_EQ(back.value_or(""), ours);
  }

 private:
  std::istringstream lines_;
  std::string said_;
};

const std::string kFirst = "v02_0000000000000000000000000000";
const std::string kSeventh = "v02_0000000000000000000000000007";
const std::string kNinth = "v02_0000000000000000000000000009";

TEST(ReplayV2, SessionOfAKongControlPlaneAndDataPlane) {
  Transcript session("src/sync/wire/testdata/v2_session.txt");

  const RpcCall greeting = session.call("DP");
  EXPECT_EQ(greeting.method, "kong.meta.v1.hello");
  const auto hello = parse_hello(greeting.params);
  ASSERT_TRUE(hello.has_value()) << hello.error().what;
  EXPECT_THAT(hello->peer.labels, ElementsAre(Pair("env", "prod")));
  session.expect_same(call_text(greeting.method, to_text(*hello), 1));

  const Json agreed = session.result("CP");
  const auto reply = parse_hello_reply(agreed);
  ASSERT_TRUE(reply.has_value()) << reply.error().what;
  session.expect_same(result_text(Json(1), to_text(*reply)));

  const RpcCall asked = session.call("DP");
  EXPECT_EQ(read_get_delta_params(asked.params).value(), kFirst);
  session.expect_same(call_text(asked.method, get_delta_params(kFirst), 0));

  const Json everything = session.result("CP");
  const auto full = read_get_delta_result(everything);
  ASSERT_TRUE(full.has_value());
  EXPECT_TRUE(full->full);
  const auto rows = read_deltas(*full->deltas, kDefault);
  ASSERT_TRUE(rows.has_value()) << rows.error().what;
  EXPECT_EQ(rows->version, kSeventh);
  EXPECT_EQ(rows->default_workspace, Uuid::parse("7e2f5c1c-9a5f-4b0e-8a39-2f7c0a7c0de1").value());
  ASSERT_EQ(rows->upserts.size(), 2U);
  EXPECT_EQ(rows->upserts[1].type, "routes");
  EXPECT_TRUE(rows->upserts[1].workspace.is_nil());
  EXPECT_EQ(*json_of(*rows->upserts[1].document).find("service")->find("id"), Json(id_of(1).to_string()));

  const RpcCall acknowledged = session.call("DP");
  EXPECT_FALSE(acknowledged.id.has_value());
  EXPECT_EQ(read_get_delta_params(acknowledged.params).value(), kSeventh);
  session.expect_same(call_text(acknowledged.method, get_delta_params(kSeventh)));

  const RpcCall news = session.call("CP");
  EXPECT_EQ(read_new_version_params(news.params).value(), kNinth);
  session.expect_same(call_text(news.method, new_version_params(kNinth), 0));
  EXPECT_TRUE(session.result("DP").as_bool());
  session.expect_same(result_text(Json(0), "true"));

  (void)session.call("DP");
  const Json change = session.result("CP");
  const auto delta = read_get_delta_result(change);
  ASSERT_TRUE(delta.has_value());
  EXPECT_FALSE(delta->full);
  const auto changed = read_deltas(*delta->deltas, rows->default_workspace);
  ASSERT_TRUE(changed.has_value()) << changed.error().what;
  EXPECT_EQ(changed->version, kNinth);
  ASSERT_EQ(changed->removals.size(), 1U);
  EXPECT_EQ(changed->removals[0].id, id_of(2));
  EXPECT_EQ(changed->upserts.size(), 1U);

  const auto refused = read_refused_params(session.call("DP").params);
  ASSERT_TRUE(refused.has_value()) << refused.error().what;
  EXPECT_EQ(refused->version, kNinth);
  EXPECT_EQ(refused->name, "sync deltas parse failure");
  EXPECT_EQ(refused->errors.as_array().size(), 1U);

  (void)session.call("DP");
  const Json nothing = session.result("CP");
  EXPECT_THAT(read_deltas(*read_get_delta_result(nothing)->deltas, kDefault)->upserts, IsEmpty());
}

TEST(ReplayV2, DeltasOfOursSayWhatThoseOfKongSay) {
  Transcript session("src/sync/wire/testdata/v2_session.txt");
  for (int frame = 0; frame < 3; ++frame) (void)session.next(frame == 1 ? "CP" : "DP");
  const Json everything = session.result("CP");
  const Json& theirs = *read_get_delta_result(everything)->deltas;
  const auto rows = read_deltas(theirs, kDefault);
  ASSERT_TRUE(rows.has_value());
  const Json ours = json_of(deltas_text(rows->upserts, {}, kSeventh, rows->default_workspace));
  ASSERT_EQ(ours.as_array().size() + 1, theirs.as_array().size()) << "all but the default workspace";
  for (std::size_t i = 0; i < ours.as_array().size(); ++i) {
    Json expected = theirs.as_array()[i + 1];
    expected.find("entity")->as_object().erase("ws_id");  // said beside the entity already
    EXPECT_TRUE(ours.as_array()[i] == expected) << to_json(ours.as_array()[i]);
  }
}

TEST(ReplayV1, SessionOfAKongControlPlaneAndDataPlane) {
  Transcript session("src/sync/wire/testdata/v1_session.txt");
  const auto info = parse_basic_info(session.text("DP"));
  ASSERT_TRUE(info.has_value()) << info.error().what;
  EXPECT_THAT(info->plugins, ElementsAre(Pair("key-auth", "3.10.0"), Pair("rate-limiting", "3.10.0")));
  EXPECT_THAT(info->labels, ElementsAre(Pair("env", "prod")));
  session.expect_same(to_text(*info));

  const entity::Catalog catalog(entity::test_plugins());
  const auto taken = read_reconfigure(catalog, file("src/sync/wire/testdata/v1_reconfigure.json.gz"), kLimit);
  ASSERT_TRUE(taken.has_value()) << taken.error().what;

  const auto refused = read_refused_v1(session.text("DP"));
  ASSERT_TRUE(refused.has_value()) << refused.error().what;
  EXPECT_EQ(refused->hash, taken->delta.hash);
  EXPECT_EQ(refused->name, "declarative configuration parse failure");
  EXPECT_EQ(refused->errors.as_array().size(), 1U);
}

// Everything that a Kong control plane said is there again, in the words of its own that a data plane relies on.
TEST(ReplayV1, FrameOfOursSaysWhatThatOfKongSays) {
  const entity::Catalog catalog(entity::test_plugins());
  const auto taken = read_reconfigure(catalog, file("src/sync/wire/testdata/v1_reconfigure.json.gz"), kLimit);
  ASSERT_TRUE(taken.has_value());
  const Json theirs = json_of(file("src/sync/wire/testdata/v1_reconfigure.json"));
  const Uuid workspace = Uuid::parse("7e2f5c1c-9a5f-4b0e-8a39-2f7c0a7c0de1").value();
  PartHashes hashes;
  hashes.config = taken->delta.hash;
  const std::string frame = reconfigure_frame(catalog, taken->delta.upserts, workspace, hashes, 1'700'000'100.5);
  const Json ours = json_of(gunzip(frame, kLimit).value_or(""));
  for (const char* member : {"type", "timestamp", "config_hash"})
    EXPECT_TRUE(*ours.find(member) == *theirs.find(member));
  for (const auto& [type, list] : theirs.find("config_table")->as_object()) {
    const bool empty = !list.is_array() || list.as_array().empty();
    // Memberships have got an id, and the workspace is said with less.
    if (type == "workspaces" || type == "consumer_group_consumers" || (empty && !type.starts_with('_'))) continue;
    const Json* written = ours.find("config_table")->find(type);
    ASSERT_NE(written, nullptr) << type;
    EXPECT_TRUE(*written == list) << to_json(*written);
  }
}

}  // namespace
}  // namespace sluice::sync::wire
