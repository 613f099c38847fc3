// SPDX-License-Identifier: Apache-2.0
#include "store/store_fixture.h"

#include <filesystem>

#include <stdlib.h>  // mkdtemp

namespace sluice::store {

TempFolder::TempFolder() : path_((std::filesystem::temp_directory_path() / "sluice-store-XXXXXX").string()) {
  EXPECT_NE(::mkdtemp(path_.data()), nullptr);
}

TempFolder::~TempFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace sluice::store
