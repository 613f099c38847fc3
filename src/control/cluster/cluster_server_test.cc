// SPDX-License-Identifier: Apache-2.0
#include "control/cluster/cluster_server.h"

#include <gmock/gmock.h>

#include "control/admin/admin_fixture.h"

namespace sluice::control::cluster {
namespace {

using testing::HasSubstr;
using testing::Not;

/// No control plane at all.
class Nobody final : public Directory {
 public:
  [[nodiscard]] Result<std::shared_ptr<Hub>> by_server_name(std::string_view) const override { return nullptr; }
  [[nodiscard]] std::shared_ptr<Hub> standard() const override { return nullptr; }
  [[nodiscard]] std::shared_ptr<Hub> find(const Uuid&) const override { return nullptr; }
  [[nodiscard]] std::vector<Uuid> pinned_at(std::string_view) const override { return {}; }
  [[nodiscard]] std::optional<std::vector<std::string>> issuers(const Uuid&) const override { return std::nullopt; }
};

class ClusterServerTest : public testing::Test {
 protected:
  std::unique_ptr<admin::FakeStream> get(std::string_view target, Rpc rpc) {
    ClusterServer server(door, rpc);
    auto stream = std::make_unique<admin::FakeStream>(reactor, "GET", target, "");
    stream->request().headers.add("Upgrade", "websocket");
    stream->request().headers.add("Sec-WebSocket-Protocol", "kong.meta.v1");
    rt::Task<void> task = server.handle(*stream);
    task.start();
    EXPECT_TRUE(rt::turn_until(reactor, [&] { return task.ready(); }));
    return stream;
  }

  rt::Reactor reactor;
  Nobody nobody;
  Door door{nobody, {}, reactor};
};

TEST_F(ClusterServerTest, WithoutProtocol2ItsPathIsNotThereBeforeAnythingIsAgreedUpon) {
  const auto refused = get("/v2/outlet", Rpc::Off);
  EXPECT_EQ(refused->status, 404);
  EXPECT_THAT(refused->text, Not(HasSubstr("/v2/outlet")));
}

TEST_F(ClusterServerTest, OtherPathsAreToldWhereToGo) {
  const auto refused = get("/", Rpc::On);
  EXPECT_EQ(refused->status, 404);
  EXPECT_THAT(refused->text, HasSubstr("/v2/outlet"));
}

TEST_F(ClusterServerTest, Protocol1NeedsToKnowWhoComes) {
  EXPECT_EQ(get("/v1/outlet?node_id=nonsense", Rpc::On)->status, 400);
}

}  // namespace
}  // namespace sluice::control::cluster
