// SPDX-License-Identifier: Apache-2.0
#include "sync/plane_name.h"

#include <gtest/gtest.h>

#include "crypto/hash.h"

namespace sluice::sync {
namespace {

TEST(PlaneName, IsTenDigitsOfItsId) {
  const Uuid id = *Uuid::parse("3f0e7c34-6f6b-4b1e-9b65-1f0d3c6f1a11");
  EXPECT_EQ(plane_prefix(id), crypto::sha256_hex("control plane " + id.to_string()).substr(0, 10))
      << "as the platform API shows it in control_plane_endpoint";
  EXPECT_EQ(plane_prefix_in(plane_prefix(id) + ".cp.example.com"), plane_prefix(id));
}

TEST(PlaneName, IsNotInOtherNames) {
  for (const char* name : {"", "cp.example.com", "kong_clustering", "abcdef.cp.test", "ABCDEF0123.cp.test", "::1"}) {
    EXPECT_EQ(plane_prefix_in(name), "") << name;
  }
}

}  // namespace
}  // namespace sluice::sync
