// SPDX-License-Identifier: Apache-2.0
#include "sync/snapshot_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sync/cluster_pki_fixture.h"
#include "sync/digest.h"
#include "sync/gzip.h"
#include "sync/wire/row_fixture.h"

namespace sluice::sync {
namespace {

using ::testing::HasSubstr;

constexpr std::size_t kLimit = std::size_t{64} << 20U;
const char* const kAuthority = "src/sync/testdata/authority.pem";

Snapshot snapshot_of(std::vector<EntityRow> rows) {
  Snapshot snapshot;
  snapshot.control_plane = "4ba0f4a5-0f0b-4c69-bd1b-2c5e2f0b2a11";
  snapshot.version = "v02_000000000001000000000000002a";
  snapshot.made_by = "sluice/0.1.0";
  snapshot.made_at = 1'790'000'000.25;
  snapshot.rows.complete = true;
  snapshot.rows.upserts = std::move(rows);
  Digest digest;
  for (const EntityRow& row : snapshot.rows.upserts) digest.add(row);
  snapshot.hash = digest.text();
  return snapshot;
}

Snapshot small_snapshot() {
  std::vector<EntityRow> rows = {
      wire::row_of("services", 1, R"({"id":"00000000-0000-4000-8000-000000000001","name":"Grüße\n","retries":5})"),
      wire::row_of("routes", 2, R"({"id":"00000000-0000-4000-8000-000000000002","weights":[0.1,100.0]})")};
  rows[1].workspace = wire::id_of(9);
  return snapshot_of(std::move(rows));
}

Result<Snapshot> read(std::string_view octets, double now = kNow) {
  return read_snapshot(octets, file(kAuthority), now, kLimit);
}

/// The lines of a snapshot with something changed, packed again: what an attacker can do.
std::string edited(const std::string& octets, std::string_view what, std::string_view by) {
  std::string text = gunzip(octets, kLimit).value();
  const std::size_t at = text.find(what);
  EXPECT_NE(at, text.npos) << what;
  text.replace(at, what.size(), by);
  Gzip gzip(1);
  gzip.add(text);
  return gzip.finish();
}

TEST(SnapshotFile, GoesThereAndBack) {
  const Snapshot written = small_snapshot();
  const auto back = read(write_snapshot(written, *control_plane_signer()));
  ASSERT_TRUE(back.has_value()) << back.error().what;
  EXPECT_EQ(back->control_plane, written.control_plane);
  EXPECT_EQ(back->version, written.version);
  EXPECT_EQ(back->hash, written.hash);
  EXPECT_EQ(back->made_by, written.made_by);
  EXPECT_EQ(back->made_at, written.made_at);
  EXPECT_TRUE(back->rows.complete);
  EXPECT_EQ(back->rows.hash, written.hash);
  ASSERT_EQ(back->rows.upserts.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(back->rows.upserts[i].type, written.rows.upserts[i].type);
    EXPECT_EQ(back->rows.upserts[i].id, written.rows.upserts[i].id);
    EXPECT_EQ(back->rows.upserts[i].workspace, written.rows.upserts[i].workspace);
    EXPECT_EQ(*back->rows.upserts[i].document, *written.rows.upserts[i].document);
  }
}

TEST(SnapshotFile, MayHoldNothing) {
  const auto back = read(write_snapshot(snapshot_of({}), *control_plane_signer()));
  ASSERT_TRUE(back.has_value()) << back.error().what;
  EXPECT_TRUE(back->rows.upserts.empty());
  EXPECT_TRUE(back->rows.complete);
}

TEST(SnapshotFile, HoldsEveryTypeOfEntityOctetByOctet) {
  const entity::Catalog catalog{entity::PluginSchemas()};
  const Snapshot written = snapshot_of(wire::sample_rows(catalog));
  const auto back = read(write_snapshot(written, *control_plane_signer()));
  ASSERT_TRUE(back.has_value()) << back.error().what;
  ASSERT_EQ(back->rows.upserts.size(), written.rows.upserts.size());
  for (std::size_t i = 0; i < written.rows.upserts.size(); ++i) {
    EXPECT_EQ(*back->rows.upserts[i].document, *written.rows.upserts[i].document);
  }
}

TEST(SnapshotFile, LinesMayBeLongerThanAnyBuffer) {
  const std::string large = R"({"payload":")" + std::string(300'000, 'x') + "\"}";
  const auto back = read(write_snapshot(snapshot_of({wire::row_of("licenses", 1, large)}), *control_plane_signer()));
  ASSERT_TRUE(back.has_value()) << back.error().what;
  EXPECT_EQ(*back->rows.upserts.at(0).document, large);
}

TEST(SnapshotFile, RefusesEveryTruncation) {
  const std::string octets = write_snapshot(small_snapshot(), *control_plane_signer());
  for (std::size_t size = 0; size < octets.size(); ++size) {
    EXPECT_FALSE(read(std::string_view(octets).substr(0, size)).has_value()) << size;
  }
}

TEST(SnapshotFile, NoFlippedBitChangesWhatIsRead) {
  const Snapshot written = small_snapshot();
  const std::string octets = write_snapshot(written, *control_plane_signer());
  for (std::size_t i = 0; i < octets.size(); ++i) {
    std::string damaged = octets;
    damaged[i] = static_cast<char>(static_cast<unsigned char>(damaged[i]) ^ (1U << (i % 8)));
    const auto back = read(damaged);
    if (back) EXPECT_EQ(back->hash, written.hash);  // gzip has bits that mean nothing
  }
}

TEST(SnapshotFile, RefusesWhatWasEdited) {
  const std::string octets = write_snapshot(small_snapshot(), *control_plane_signer());
  for (const auto& [what, by] : std::vector<std::pair<std::string, std::string>>{
           {"\"retries\":5", "\"retries\":6"},
           {"002a\"", "002b\""},
           {"4ba0f4a5", "4ba0f4a6"},
           {"\"workspace\":\"00000000-0000-4000-8000-000000000009\",", ""}}) {
    const auto back = read(edited(octets, what, by));
    ASSERT_FALSE(back.has_value()) << what;
    EXPECT_EQ(back.error().code, Errc::Forbidden) << back.error().what;
  }
}

TEST(SnapshotFile, RefusesOtherSigners) {
  const auto shared = signer_of("src/sync/testdata/shared.pem", "src/sync/testdata/shared.key");
  const auto client = signer_of("src/sync/testdata/data_plane.pem", "src/sync/testdata/data_plane.key");
  EXPECT_FALSE(read(write_snapshot(small_snapshot(), *shared)).has_value());
  EXPECT_FALSE(read(write_snapshot(small_snapshot(), *client)).has_value());
  EXPECT_TRUE(
      read_snapshot(write_snapshot(small_snapshot(), *shared), file("src/sync/testdata/shared.pem"), kNow, kLimit));
}

TEST(SnapshotFile, RefusesAnExpiredCertificate) {
  const std::string octets = write_snapshot(small_snapshot(), *control_plane_signer());
  const auto late = read(octets, kFarFuture);
  ASSERT_FALSE(late.has_value());
  EXPECT_THAT(late.error().what, HasSubstr("expired"));
}

TEST(SnapshotFile, RefusesAHashOfOtherRows) {
  Snapshot wrong = small_snapshot();
  wrong.hash = std::string(32, 'a');
  const auto back = read(write_snapshot(wrong, *control_plane_signer()));
  ASSERT_FALSE(back.has_value());
  EXPECT_THAT(back.error().what, HasSubstr("hash"));
}

TEST(SnapshotFile, RefusesLinesBehindTheSignature) {
  const std::string octets = write_snapshot(small_snapshot(), *control_plane_signer());
  const auto back = read(edited(octets, "CERTIFICATE-----\\n\"}\n", "CERTIFICATE-----\\n\"}\n{}\n"));
  ASSERT_FALSE(back.has_value());
  EXPECT_THAT(back.error().what, HasSubstr("behind"));
}

TEST(SnapshotFile, SaysThatANewerFormatIsNewer) {
  const std::string octets = write_snapshot(small_snapshot(), *control_plane_signer());
  const auto back = read(edited(octets, "\"format_version\":1", "\"format_version\":2"));
  ASSERT_FALSE(back.has_value());
  EXPECT_EQ(back.error().code, Errc::Unsupported);
}

TEST(SnapshotFile, RefusesWhatUnpacksToMoreThanTheLimit) {
  std::string bomb = R"({"format":"sluice-snapshot)" + std::string(std::size_t{8} << 20U, 'x');
  Gzip gzip(9);
  gzip.add(bomb);
  const auto back = read_snapshot(gzip.finish(), file(kAuthority), kNow, std::size_t{1} << 20U);
  ASSERT_FALSE(back.has_value());
  EXPECT_EQ(back.error().code, Errc::TooLarge);
}

TEST(SnapshotFile, RowsThatAreAnnouncedOnlyTakeNoMemory) {
  const std::string octets = write_snapshot(small_snapshot(), *control_plane_signer());
  const auto back = read(edited(octets, "\"rows\":2", "\"rows\":9000000000000000000"));
  EXPECT_FALSE(back.has_value());
}

}  // namespace
}  // namespace sluice::sync
