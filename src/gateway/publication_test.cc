// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "gateway/gateway_fixture.h"
#include "gateway/node.h"
#include "net/listener.h"
#include "rt/test_loop.h"
#include "telemetry/file_writer.h"

// Changes of configuration while requests run, on real shards with real sockets; the thread sanitizer runs it too.
namespace sluice::gateway {
namespace {

/// A client with a connection of its own that asks over and over, blocking.
class Asker {
 public:
  explicit Asker(const net::Address& gateway) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval patience{10, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (::connect(fd_, gateway.data(), gateway.size()) != 0) ADD_FAILURE() << "cannot connect";
  }
  Asker(const Asker&) = delete;
  Asker& operator=(const Asker&) = delete;
  ~Asker() { ::close(fd_); }

  /// "<status> <content>" of the answer; "broken" without one.
  std::string ask(const std::string& path) {
    const std::string request = "GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n";
    if (::send(fd_, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size()))
      return "broken";
    std::string heard;
    for (;;) {
      const std::size_t end = heard.find("\r\n\r\n");
      if (end != std::string::npos) {
        const std::size_t at = heard.find("Content-Length: ");
        if (at == std::string::npos) return "broken";
        const std::size_t length = std::stoul(heard.substr(at + 16));
        if (heard.size() >= end + 4 + length) return heard.substr(9, 3) + " " + heard.substr(end + 4, length);
      }
      char piece[4096];
      const ssize_t got = ::recv(fd_, piece, sizeof piece, 0);
      if (got <= 0) return "broken";
      heard.append(piece, static_cast<std::size_t>(got));
    }
  }

 private:
  int fd_;
};

class PublicationTest : public testing::Test {
 protected:
  static constexpr std::size_t kShards = 2;

  void start(std::string_view yaml) {
    parts = std::make_unique<NodeParts>(NodeParts{.options = {},
                                                  .dns = {},
                                                  .tls = nullptr,
                                                  .tls_http2 = nullptr,
                                                  .trust = {},
                                                  .access_log = {},
                                                  .id_key = {},
                                                  .origin = {},
                                                  .blocking = blocking,
                                                  .counters = counters,
                                                  .files = files});
    node = std::make_unique<Node>(*parts, *vocabulary.catalog, vocabulary.plugins,
                                  router::Flavor::TraditionalCompatible, kShards, control);
    ASSERT_TRUE(node->apply_now(vocabulary.load(yaml)).has_value());
    doors.resize(1);
    net::Address where(*IpAddress::parse("127.0.0.1"), 0);
    for (std::size_t i = 0; i < kShards; ++i) {
      auto socket = net::listen_on(where, {});
      ASSERT_TRUE(socket.has_value()) << socket.error().what;
      where = net::Address::local_of(*socket);
      doors[0].sockets.push_back(*socket);
    }
    gateway = where;
    node->start(doors);
  }
  /// Applies and waits until the change is live everywhere.
  std::expected<sync::Applied, std::vector<sync::ConfigProblem>> apply(sync::Delta delta) {
    return rt::run(control, node->apply(std::move(delta)));
  }
  /// /a answers with `number`.
  static std::string answering(int number) {
    return "services:\n- {id: " + test_id(1) + ", host: up.test}\nroutes:\n- {id: " + test_id(2) +
           ", paths: [/a], service: {id: " + test_id(1) + "}}\nplugins:\n- {id: " + test_id(3) +
           ", name: answer, route: {id: " + test_id(2) + "}, config: {value: \"" + std::to_string(number) + "\"}}\n";
  }

  TestVocabulary vocabulary;
  rt::Reactor control;
  rt::BlockingPool blocking{1};
  rt::shared::CounterTable counters;
  telemetry::FileWriter files;
  std::vector<ProxyDoor> doors;
  net::Address gateway;
  std::unique_ptr<NodeParts> parts;
  std::unique_ptr<Node> node;
};

TEST_F(PublicationTest, IsLiveOnEveryShardWhenApplyReturns) {
  start(answering(0));
  std::vector<std::unique_ptr<Asker>> askers;
  askers.reserve(8);
  for (int i = 0; i < 8; ++i)
    askers.push_back(std::make_unique<Asker>(gateway));  // the kernel spreads them over the shards
  for (auto& asker : askers) EXPECT_EQ(asker->ask("/a"), "200 0");
  for (int number = 1; number <= 20; ++number) {
    ASSERT_TRUE(apply(vocabulary.only("plugins", answering(number))).has_value());
    for (auto& asker : askers) ASSERT_EQ(asker->ask("/a"), "200 " + std::to_string(number));
  }
  EXPECT_EQ(node->status().generation, 21U);
}

TEST_F(PublicationTest, FailsNoRequestWhileConfigurationsChange) {
  start(answering(0));
  std::atomic<bool> stop{false};
  std::atomic<int> answered{0};
  std::atomic<int> wrong{0};
  std::vector<std::thread> clients;
  clients.reserve(4);
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([&] {
      Asker asker(gateway);
      int last = 0;
      while (!stop) {
        const std::string answer = asker.ask("/a");
        // Every answer is that of one whole generation, and no connection goes back in time.
        const int number = answer.starts_with("200 ") ? std::stoi(answer.substr(4)) : -1;
        if (number < last) ++wrong;
        last = number;
        ++answered;
      }
    });
  }
  for (int number = 1; number <= 60; ++number) {
    sync::Delta delta =
        number % 3 == 0 ? vocabulary.load(answering(number)) : vocabulary.only("plugins", answering(number));
    EXPECT_TRUE(apply(std::move(delta)).has_value());
  }
  while (answered < 200) std::this_thread::yield();
  stop = true;
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(PublicationTest, AppliesChangesInTheOrderOfTheCalls) {
  start(answering(0));
  auto first = node->apply(vocabulary.only("plugins", answering(1)));
  auto second = node->apply(vocabulary.only("plugins", answering(2)));
  first.start();
  second.start();
  ASSERT_TRUE(rt::turn_until(control, [&] { return first.ready() && second.ready(); }));
  EXPECT_LT(first.take()->generation, second.take()->generation);
  EXPECT_EQ(Asker(gateway).ask("/a"), "200 2");
}

TEST_F(PublicationTest, ChangesNothingWhenAChangeIsRefused) {
  start(answering(7));
  sync::Delta broken = vocabulary.only("plugins", answering(8));
  broken.upserts.push_back(
      {"plugins", test_uuid(9), std::make_shared<const std::string>(R"({"name":"no-such-plugin"})")});
  auto outcome = apply(std::move(broken));
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().size(), 1U);
  EXPECT_EQ(Asker(gateway).ask("/a"), "200 7");
  EXPECT_EQ(node->status().generation, 1U);
}

TEST_F(PublicationTest, ServesNothingThatWasNotCommitted) {
  start(answering(0));
  const auto commit = [&](bool answer) {
    return rt::run(control, node->apply(vocabulary.only("plugins", answering(1)), [&, answer] {
      EXPECT_EQ(Asker(gateway).ask("/a"), "200 0") << "not before it is kept";
      return Task<bool>(answer);
    }));
  };
  const auto refused = commit(false);
  ASSERT_FALSE(refused.has_value());
  EXPECT_TRUE(refused.error().empty());
  EXPECT_EQ(Asker(gateway).ask("/a"), "200 0");
  EXPECT_TRUE(commit(true).has_value());
  EXPECT_EQ(Asker(gateway).ask("/a"), "200 1");
}

TEST_F(PublicationTest, AddsAndRemovesRoutes) {
  start(answering(0));
  Asker asker(gateway);
  EXPECT_TRUE(asker.ask("/b").starts_with("404"));
  ASSERT_TRUE(apply(vocabulary.load(answering(0) + "- {name: answer, config: {value: everywhere}}\n")).has_value());
  EXPECT_TRUE(asker.ask("/b").starts_with("404")) << "a global plugin makes no route";
  sync::Delta removal;
  removal.removals = {{"plugins", test_uuid(3)}, {"routes", test_uuid(2)}};
  ASSERT_TRUE(apply(std::move(removal)).has_value());
  EXPECT_TRUE(asker.ask("/a").starts_with("404"));
}

}  // namespace
}  // namespace sluice::gateway
