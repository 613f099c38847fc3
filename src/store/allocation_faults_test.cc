// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <cstdlib>
#include <new>

#include <sqlite3.h>

#include "store/store_fixture.h"

// Row 6 of the fault list, memory: for every n, the n-th allocation of a write fails, ours or SQLite's. The write says
// so, by an error or by std::bad_alloc, which ends it alone; nothing is half done, and the next one succeeds.

// The thread sanitizer's own operators cannot be replaced.
#if !__has_feature(thread_sanitizer)

namespace {

thread_local std::uint64_t allocations_left = 0;  // 0: none fails

bool fails_now() {
  if (allocations_left == 0) return false;
  return --allocations_left == 0;
}

}  // namespace

// Replaced in this test program only.
void* operator new(std::size_t size) {
  void* memory = fails_now() ? nullptr : std::malloc(size != 0 ? size : 1);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t /*size*/) noexcept {
  std::free(memory);
}

namespace sluice::store {
namespace {

/// SQLite's allocator, which fails when it is told to; while it lives no other connection may be open.
class FailingSqliteMemory {
 public:
  FailingSqliteMemory() {
    sqlite3_shutdown();
    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &usual());
    sqlite3_mem_methods failing = usual();
    failing.xMalloc = [](int size) { return fails_now() ? nullptr : usual().xMalloc(size); };
    failing.xRealloc = [](void* old, int size) { return fails_now() ? nullptr : usual().xRealloc(old, size); };
    sqlite3_config(SQLITE_CONFIG_MALLOC, &failing);
  }
  FailingSqliteMemory(const FailingSqliteMemory&) = delete;
  FailingSqliteMemory& operator=(const FailingSqliteMemory&) = delete;
  ~FailingSqliteMemory() {
    sqlite3_shutdown();
    sqlite3_config(SQLITE_CONFIG_MALLOC, &usual());
  }

 private:
  static sqlite3_mem_methods& usual() {
    static sqlite3_mem_methods methods;
    return methods;
  }
};

constexpr std::uint64_t kEnough = 5000;  // more allocations than one write makes

class AllocationFaultsTest : public testing::Test {
 protected:
  /// Two rows that belong together: version n has rows 2n-1 and 2n.
  Commit pair(std::uint64_t number) {
    return {{consumer_row(catalog, 2 * number - 1), consumer_row(catalog, 2 * number)}, {}, "tester"};
  }

  FailingSqliteMemory memory;
  TempFolder folder;
  entity::Catalog catalog{entity::test_plugins()};
  Keyring keyring = *Keyring::open(folder / "keyring");
};

TEST_F(AllocationFaultsTest, EveryAllocationOfAWriteMayFailOnce) {
  SqliteOptions options;
  options.file = folder / "store.db";
  const auto store = expect(open_sqlite(options, catalog, keyring));
  bool reached = true;
  std::uint64_t failures = 0;
  for (std::uint64_t n = 1; reached; ++n) {
    ASSERT_LT(n, kEnough);
    const Version before = expect(store->head());
    const Commit change = pair(before.number + 1);
    bool threw = false;
    bool done = false;
    allocations_left = n;
    try {
      done = store->commit(before, {&change, 1}).has_value();
    } catch (const std::bad_alloc&) {
      threw = true;
    }
    reached = allocations_left == 0;
    allocations_left = 0;
    const auto contents = expect(store->load());
    EXPECT_EQ(contents.rows.size(), 2 * contents.version.number) << "half a write at allocation " << n;
    // What threw may have been kept: whoever asked is told that its fate is not known.
    if (!threw) EXPECT_EQ(contents.version.number, before.number + (done ? 1 : 0)) << "allocation " << n;
    failures += done ? 0 : 1;
  }
  EXPECT_GT(failures, 20U);
}

}  // namespace
}  // namespace sluice::store

#endif
