// SPDX-License-Identifier: Apache-2.0
#include "gateway/health/prober.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/gateway_fixture.h"
#include "rt/test_loop.h"

namespace sluice::gateway {
namespace {

class NoNames final : public NameResolver {
 public:
  Task<Result<net::dns::AnswerPtr>> resolve(const std::string& /*host*/, rt::Deadline /*deadline*/) override {
    return Result<net::dns::AnswerPtr>(fail(Errc::NotFound, "no such name", Blame::Upstream));
  }
};

/// A port of the loopback interface that accepts connections until it is closed.
class Port {
 public:
  Port() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    ::listen(fd_, 64);
    name = net::Address::local_of(fd_).to_string();
  }
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;
  ~Port() { close(); }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  std::string name;

 private:
  int fd_;
};

class ProberTest : public testing::Test, protected Generations {
 protected:
  std::string config(const std::string& checks) const {
    return "upstreams:\n- id: " + test_id(7) + "\n  name: up\n  healthchecks: {active: {type: tcp, timeout: 1, " +
           checks + "}}\n  targets:\n  - {target: \"" + port.name + "\"}\n";
  }
  void publish(const std::string& yaml) {
    load(yaml);
    prober.publish(*current);
  }
  std::shared_ptr<AddressState> state() {
    return board.of(test_uuid(7), "up")->address(port.name, *net::Address::parse(port.name), 0);
  }

  rt::Reactor reactor;
  NoNames names;
  HealthBoard board;
  Port port;
  Prober prober{reactor, names, board, {}, {}};
};

const std::string kQuick = "healthy: {interval: 0.02, successes: 1}, unhealthy: {interval: 0.02, tcp_failures: 2}";

TEST_F(ProberTest, FindsOutThatATargetIsGone) {
  publish(config(kQuick));
  const auto address = state();
  EXPECT_TRUE(address->healthy());
  port.close();
  EXPECT_TRUE(rt::turn_until(reactor, [&] { return !address->healthy(); }));
}

TEST_F(ProberTest, FindsOutThatATargetIsBack) {
  const auto address = state();
  address->set_healthy(false);
  publish(config(kQuick));
  EXPECT_TRUE(rt::turn_until(reactor, [&] { return address->healthy(); }));
}

TEST_F(ProberTest, LeavesHealthyTargetsAloneWhenOnlyUnhealthyOnesAreProbed) {
  publish(config("healthy: {interval: 0, successes: 1}, unhealthy: {interval: 0.02, tcp_failures: 1}"));
  const auto address = state();
  port.close();
  const std::int64_t until = reactor.clock().mono_ms() + 150;
  rt::turn_until(reactor, [&] { return reactor.clock().mono_ms() > until; });
  EXPECT_TRUE(address->healthy());
}

TEST_F(ProberTest, WatchesOverTheUpstreamsThatFallToIt) {
  std::size_t watched = 0;
  load(config(kQuick));
  for (std::size_t index = 0; index < 3; ++index) {
    Prober one(reactor, names, board, {}, {index, 3});
    one.publish(*current);
    watched += one.watched();
  }
  EXPECT_EQ(watched, 1U);
}

TEST_F(ProberTest, StopsWhenTheUpstreamIsGoneOrAsksForNothing) {
  publish(config(kQuick));
  EXPECT_EQ(prober.watched(), 1U);
  publish(config("healthy: {interval: 0}, unhealthy: {interval: 0}"));
  EXPECT_EQ(prober.watched(), 0U);
  publish(config(kQuick));
  EXPECT_EQ(prober.watched(), 1U);
  publish("");
  EXPECT_EQ(prober.watched(), 0U);
}

}  // namespace
}  // namespace sluice::gateway
