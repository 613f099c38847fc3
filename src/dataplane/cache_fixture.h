// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <dirent.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/uuid.h"
#include "dataplane/cache_files.h"
#include "net/tls/self_signed.h"

namespace sluice::dataplane {

inline CacheKey new_cache_key() {
  const auto pair = net::tls::make_self_signed({"kong_clustering"});
  auto key = pair ? CacheKey::from_cluster_key(Secret(pair->key)) : std::unexpected(pair.error());
  if (!key) std::abort();
  return *std::move(key);
}

/// The id that rows of tests have by number.
inline Uuid numbered(std::uint32_t number) {
  Uuid id;
  for (unsigned i = 0; i < 4; ++i) id.octets[15 - i] = static_cast<std::uint8_t>(number >> (8 * i));
  return id.with_version(4);
}

/// A cache in a folder of its own, and configurations whose version and rows say the same number.
class CacheTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "sluice-cache-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override {
    for (const std::string& file : listing("")) ::unlink(file.c_str());
    if (::rmdir(folder_.c_str()) != 0) ::unlink(folder_.c_str());  // one test puts a file in its place
  }

  [[nodiscard]] std::shared_ptr<CacheFiles> files(std::size_t fold_from = 1 << 20) const {
    return std::make_shared<CacheFiles>(CacheOptions{.folder = folder_, .maker = "test", .fold_from = fold_from}, key_);
  }
  static HeldRow row(std::string text) {
    const auto document = std::make_shared<const std::string>(std::move(text));
    return {document, document, {}};
  }
  /// One change: every configuration names its number in row 0, and adds a row.
  Step step(std::uint32_t number) const {
    Step made;
    made.to = {.control_plane = "cp",
               .version = "v" + std::to_string(number),
               .hash = "h",
               .since_ms = 1,
               .default_workspace = {}};
    made.puts.push_back({"services", numbered(0), row(R"({"n":)" + std::to_string(number) + "}")});
    made.puts.push_back({"routes", numbered(number), row(R"({"r":)" + std::to_string(number) + filler_ + "}")});
    return made;
  }
  /// Commits changes up to `last`.
  void commit_to(CacheFiles& cache, std::uint32_t last) {
    while (number_ < last) {
      const Step next = step(++number_);
      apply(next, state_);
      ASSERT_TRUE(cache.commit(next, state_));
    }
  }
  /// Which configuration that is, if it is a whole one.
  static std::uint32_t number_of(const State& state) {
    const auto number = static_cast<std::uint32_t>(std::stoul(state.standing.version.substr(1)));
    EXPECT_EQ(state.rows.size(), number + 1);
    const HeldRow* head = state.rows.find("services", numbered(0));
    EXPECT_TRUE(head != nullptr && *head->received == R"({"n":)" + std::to_string(number) + "}");
    for (std::uint32_t i = 1; i <= number; ++i) EXPECT_TRUE(state.rows.contains("routes", numbered(i))) << i;
    return number;
  }
  /// What a new process finds; 0: nothing.
  [[nodiscard]] std::uint32_t found() const {
    const auto loaded = files()->load();
    return loaded ? number_of(loaded->state) : 0;
  }
  /// The files whose names end so, in order.
  [[nodiscard]] std::vector<std::string> listing(std::string_view ending) const {
    std::vector<std::string> found;
    DIR* folder = ::opendir(folder_.c_str());
    if (folder == nullptr) return found;
    while (const dirent* entry = ::readdir(folder)) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != ".." && name.ends_with(ending)) found.push_back(folder_ + "/" + std::string(name));
    }
    ::closedir(folder);
    std::sort(found.begin(), found.end());
    return found;
  }
  static std::string read(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static void write(const std::string& path, const std::string& octets) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << octets;
  }

  std::string folder_;
  CacheKey key_ = new_cache_key();
  std::string filler_;  // makes rows larger
  State state_;
  std::uint32_t number_ = 0;
};

}  // namespace sluice::dataplane
