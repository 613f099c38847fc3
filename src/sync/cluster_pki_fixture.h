// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "sync/signature.h"

// Certificates for tests, which run at the top of the tree.
namespace sluice::sync {

inline constexpr double kNow = 1'800'000'000;        // all of testdata/ is valid
inline constexpr double kFarFuture = 7'000'000'000;  // nothing is

inline std::string file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  return {std::istreambuf_iterator<char>(in), {}};
}

inline std::shared_ptr<const Signer> signer_of(const std::string& certificate, const std::string& key) {
  auto made = Signer::make(file(certificate), Secret<std::string>(file(key)));
  EXPECT_TRUE(made.has_value()) << (made ? "" : made.error().what);
  return made.value();
}

inline std::shared_ptr<const Signer> control_plane_signer() {
  return signer_of("src/sync/testdata/control_plane.pem", "src/sync/testdata/control_plane.key");
}

}  // namespace sluice::sync
