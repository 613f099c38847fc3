// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ftw.h>
#include <gtest/gtest.h>
#include <stdio.h>   // remove
#include <stdlib.h>  // mkdtemp
#include <sys/stat.h>

#include "entity/catalog_fixture.h"
#include "store/durable.h"
#include "store/keyring.h"

namespace sluice::store {

/// A folder of its own, gone afterwards.
class TempFolder {
 public:
  TempFolder() {
    const char* folder = ::getenv("TMPDIR");
    path_ = std::string(folder != nullptr ? folder : "/tmp") + "/sluice-store-XXXXXX";
    EXPECT_NE(::mkdtemp(path_.data()), nullptr);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  ~TempFolder() {
    constexpr int kDescriptors = 16;
    const auto remove_one = [](const char* path, const struct stat*, int, struct FTW*) { return ::remove(path); };
    ::nftw(path_.c_str(), remove_one, kDescriptors, FTW_DEPTH | FTW_PHYS);
  }
  [[nodiscard]] const std::string& path() const { return path_; }
  /// Something in it.
  friend std::string operator/(const TempFolder& folder, const std::string& name) { return folder.path_ + '/' + name; }

 private:
  std::string path_;
};

/// A small row whose id follows from `n`.
inline Uuid test_id(std::uint64_t n) {
  Uuid id;
  for (std::size_t i = 0; i < sizeof n; ++i) id.octets[15 - i] = static_cast<std::uint8_t>(n >> (8 * i));
  return id.with_version(4);
}
inline sync::EntityRow test_row(const entity::Catalog& catalog, std::string_view type, const Uuid& id,
                                std::string_view members) {
  const std::string input = R"({"id":")" + id.to_string() + "\"," + std::string(members) + "}";
  constexpr double kNow = 1'700'000'000;  // so that equal input makes equal documents
  auto document = catalog.find(type)->process(entity::parse(input), {.now = kNow});
  EXPECT_TRUE(document.has_value()) << (document ? "" : document.error().text());
  return {std::string(type), id, std::make_shared<const std::string>(to_json(document.value_or(Json())))};
}
inline sync::EntityRow consumer_row(const entity::Catalog& catalog, std::uint64_t n) {
  return test_row(catalog, "consumers", test_id(n), R"("username":"user-)" + std::to_string(n) + '"');
}

/// Contents as something that can be compared and printed.
using Texts = std::map<std::pair<std::string, std::string>, std::string>;
inline Texts texts(const std::vector<sync::EntityRow>& rows) {
  Texts all;
  for (const auto& row : rows) all[{row.type, row.id.to_string()}] = *row.document;
  return all;
}
template <class T>
T expect(Result<T> result) {
  EXPECT_TRUE(result.has_value()) << (result ? "" : result.error().what);
  return result ? *std::move(result) : T{};
}
inline void expect(const Result<>& result) {
  EXPECT_TRUE(result.has_value()) << (result ? "" : result.error().what);
}
inline Version expect(std::expected<Version, CommitError> result) {
  EXPECT_TRUE(result.has_value()) << (result ? "" : result.error().error.what);
  return result.value_or(Version{});
}

}  // namespace sluice::store
