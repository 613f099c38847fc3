// SPDX-License-Identifier: Apache-2.0
// bench_cluster: thousands of data planes for one control plane. Commands on standard input, a line of JSON for each.
#include <csignal>
#include <cstdint>
#include <exception>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <sys/resource.h>

#include "base/json.h"
#include "cluster/driver.h"
#include "cluster/fleet.h"

namespace {

using namespace sluice;
using namespace sluice::bench;

constexpr std::string_view kUsage = R"(usage: bench_cluster simulate CERT KEY CLUSTER_PORT ADMIN_PORT ROUTES PLUGINS
PLUGINS is a file with {"name": "version"} of the plugins that nodes have.

Commands of `simulate`:
  join STRICT KONG_DELTAS KONG_WHOLE AT_ONCE   add so many nodes of each kind and wait until all are connected
  change COUNT PAUSE_MS                        changes, one after the other, each until all have acknowledged it
  storm current|behind                         all vanish and come back at once
  idle MS                                      only ask the Admin API
  probe on|off                                 whether the Admin API is asked while commands run; on at first
  leave                                        all nodes go
)";

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

template <class T>
T value_of(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().what);
  return *std::move(result);
}

void raise_limits() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

std::map<std::string, std::string> plugins_in(const std::string& path) {
  const Json list = value_of(parse_json(read_file(path)));
  if (!list.is_object()) throw std::runtime_error(path + " is no object");
  std::map<std::string, std::string> plugins;
  for (const auto& [name, version] : list.as_object()) plugins.emplace(name, version.as_string());
  return plugins;
}

/// Nodes verify nothing: real ones have machines of their own to do that on.
FleetOptions fleet_options(const std::string& certificate, const std::string& key, std::uint16_t port) {
  net::tls::ClientSettings tls;
  tls.verify = false;
  tls.identity = std::make_shared<const net::tls::Identity>(
      value_of(net::tls::Identity::from_pem(read_file(certificate), read_file(key))));
  FleetOptions options;
  options.control_plane = value_of(net::Address::parse(fmt::format("127.0.0.1:{}", port)));
  options.tls = value_of(net::tls::ClientContext::make(std::move(tls)));
  return options;
}

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream stream(line);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

void obey(Driver& driver) {
  for (std::string line; std::getline(std::cin, line);) {
    const auto words = words_of(line);
    if (words.empty()) continue;
    Json::Object answer;
    try {
      answer = driver.carry_out(words);
    } catch (const std::exception& problem) {
      answer = Json::Object{{"problem", problem.what()}};
    }
    std::cout << to_json(std::move(answer)) << std::endl;
  }
}

void simulate(const std::vector<std::string>& words) {
  const auto port = [&](std::size_t i) { return static_cast<std::uint16_t>(std::stoul(words.at(i))); };
  raise_limits();
  rt::Reactor reactor;
  FleetOptions options = fleet_options(words.at(1), words.at(2), port(3));
  options.plugins = plugins_in(words.at(6));
  auto fleet = std::make_unique<Fleet>(reactor, std::move(options));
  std::thread thread([&reactor] { reactor.run(); });
  {
    Driver driver(*fleet, {.admin = value_of(net::Address::parse(fmt::format("127.0.0.1:{}", port(4)))),
                           .routes = std::stoul(words.at(5))});
    obey(driver);
  }
  reactor.stop();
  thread.join();
  fleet.reset();
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  const std::vector<std::string> words(argv + 1, argv + argc);
  try {
    if (words.size() == 7 && words[0] == "simulate") {
      simulate(words);
    } else {
      fmt::print(stderr, "{}", kUsage);
      return 2;
    }
  } catch (const std::exception& problem) {
    fmt::print(stderr, "bench_cluster: {}\n", problem.what());
    return 1;
  }
}
