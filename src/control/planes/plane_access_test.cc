// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "control/planes/planes_fixture.h"
#include "net/tls/self_signed.h"
#include "sync/plane_name.h"

namespace sluice::control::planes {
namespace {

/// What says which data planes may join.
class PlaneAccess : public testing::Test {
 protected:
  /// Whether the book says that this has changed since the last question.
  bool has_changed() {
    const std::uint64_t now = process.planes.book().access_changes();
    return std::exchange(seen, now) != now;
  }
  PinnedCertificate pin(const Uuid& plane) {
    const auto pair = net::tls::make_self_signed({"node"});
    PinnedCertificate certificate = store::expect(PinnedCertificate::of(plane, "", pair->certificate));
    EXPECT_TRUE(rt::run(reactor, process.planes.pin(certificate, "tester")));
    return certificate;
  }
  void edit(const Uuid& plane, ControlPlanes::EditProfile change) {
    EXPECT_TRUE(rt::run(reactor, process.planes.update(plane, std::move(change), "tester")));
  }

  store::TempFolder folder;
  rt::Reactor reactor;
  TestProcess process{folder.path(), reactor};
  std::uint64_t seen = 0;
};

TEST_F(PlaneAccess, ChangesWithCertificatesAndTheirKind) {
  const Uuid shop = process.create("shop");
  EXPECT_TRUE(has_changed());
  const PinnedCertificate pinned = pin(shop);
  EXPECT_TRUE(has_changed());
  EXPECT_TRUE(rt::run(reactor, process.planes.unpin(shop, pinned.id, "tester")));
  EXPECT_TRUE(has_changed());
  edit(shop, [](PlaneProfile& profile) { profile.auth_type = "pki_client_certs"; });
  EXPECT_TRUE(has_changed());
  EXPECT_TRUE(rt::run(reactor, process.planes.remove(shop, "tester")));
  EXPECT_TRUE(has_changed());
}

TEST_F(PlaneAccess, DoesNotChangeWithAnythingElse) {
  const Uuid shop = process.create("shop");
  EXPECT_TRUE(has_changed());
  edit(shop, [](PlaneProfile& profile) { profile.description = "of the shop"; });
  EXPECT_FALSE(has_changed());
}

TEST_F(PlaneAccess, AControlPlaneInTheBookIsNotOpenBeforeItHasLoaded) {
  process.create("shop");
  EXPECT_TRUE(process.planes.all_open());
  TestProcess other(folder.path(), reactor);  // has read the book, and no more
  EXPECT_FALSE(other.planes.all_open());
  EXPECT_TRUE(rt::turn_until(reactor, [&] { return other.planes.all_open(); }));
}

TEST(PlaneProfileHostPrefix, IsToldFromOtherNames) {
  PlaneProfile profile;
  profile.id = Uuid::random();
  EXPECT_EQ(sync::plane_prefix_in(profile.host_prefix()), profile.host_prefix());
  for (const char* other : {"", "cp", "kong_clustering", "127", "0123456789a", "012345678", "012345678G"}) {
    EXPECT_EQ(sync::plane_prefix_in(other), "") << other;
  }
}

}  // namespace
}  // namespace sluice::control::planes
