// SPDX-License-Identifier: Apache-2.0
#include "objects/object_store.h"

#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

#include "rt/test_loop.h"

namespace sluice::objects {
namespace {

/// For tests: nothing is asked of a bucket here.
class NoClient final : public http::Client {
 public:
  Task<Result<http::ClientResponse>> send(http::ClientRequest /*request*/, rt::Deadline /*deadline*/) override {
    co_return fail(Errc::Unavailable, "no bucket");
  }
};

class FolderTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "sluice-objects-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder = name;
    const auto nothing = [](const char*) -> std::optional<std::string> { return std::nullopt; };
    store = *open_object_store(folder, nothing, {reactor, pool, client});
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  Result<> put(const std::string& octets, const std::string& tag) {
    return rt::run(reactor, store->put("one/copy", octets, tag, reactor.after_ms(5'000)));
  }
  Result<std::string> get(std::size_t most = 1'000) {
    return rt::run(reactor, store->get("one/copy", most, reactor.after_ms(5'000)));
  }
  Result<Beginning> peek(std::size_t size) {
    return rt::run(reactor, store->peek("one/copy", size, reactor.after_ms(5'000)));
  }

  rt::Reactor reactor;
  rt::BlockingPool pool{1};
  NoClient client;
  std::string folder;
  std::unique_ptr<ObjectStore> store;
};

TEST_F(FolderTest, KeepsWhatItIsGiven) {
  EXPECT_EQ(get().error().code, Errc::NotFound);
  ASSERT_TRUE(put("some octets", ""));
  EXPECT_EQ(*get(), "some octets");
  EXPECT_EQ(peek(4)->octets, "some");
  EXPECT_EQ(peek(400)->octets, "some octets");
  EXPECT_EQ(get(5).error().code, Errc::TooLarge);
}

TEST_F(FolderTest, ReplacesOnlyWhatItsWriterHasSeen) {
  ASSERT_TRUE(put("first", ""));
  EXPECT_EQ(put("another", "").error().code, Errc::Conflict);
  const std::string seen = peek(1)->tag;
  ASSERT_TRUE(put("second", seen));
  EXPECT_EQ(put("third", seen).error().code, Errc::Conflict) << "somebody else was faster";
  EXPECT_EQ(*get(), "second");
}

}  // namespace
}  // namespace sluice::objects
