// SPDX-License-Identifier: Apache-2.0
#include "sockets.h"

#include <algorithm>
#include <map>
#include <optional>
#include <thread>
#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "apps/process/memory_file.h"
#include "net/listener.h"
#include "net/udp_socket.h"

namespace sluice::apps {
namespace {

bool is_udp(int socket) {
  int type = 0;
  socklen_t size = sizeof type;
  return ::getsockopt(socket, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_DGRAM;
}

/// Sockets that a program before has opened, by address. Closes what nobody takes.
class OpenOnes {
 public:
  explicit OpenOnes(const ListeningSockets& sockets) {
    for (const int socket : sockets.all())
      by_address_.emplace(key(net::Address::local_of(socket), is_udp(socket)), socket);
  }
  OpenOnes(const OpenOnes&) = delete;
  OpenOnes& operator=(const OpenOnes&) = delete;
  ~OpenOnes() {
    for (const auto& [address, socket] : by_address_) ::close(socket);
  }

  std::optional<int> take(const net::Address& address, bool udp) {
    const auto found = by_address_.find(key(address, udp));
    if (found == by_address_.end()) return std::nullopt;
    const int socket = found->second;
    by_address_.erase(found);
    return socket;
  }

 private:
  static std::string key(const net::Address& address, bool udp) { return (udp ? "udp " : "") + address.to_string(); }
  std::multimap<std::string, int> by_address_;  // those of an address in the order in which they were opened
};

Result<int> open_datagrams(const settings::Listener& listener, const net::Address& address, bool shared,
                           OpenOnes& open_ones) {
  if (auto open = open_ones.take(address, true)) return *open;
  return net::bind_udp(address, {.reuse_port = shared, .v6_only = listener.ipv6only, .tell_local = true});
}

/// `shared`: one of several sockets on the address.
Result<int> open_one(const settings::Listener& listener, bool shared, OpenOnes& open_ones) {
  const net::Address address(listener.ip, listener.port);
  const int on = 1;
  const int off = 0;
  net::ListenOptions options;
  if (listener.backlog > 0) options.backlog = listener.backlog;
  options.v6_only = listener.ipv6only;
  options.keep_alive = listener.so_keepalive;
  options.reuse_port = shared;
  if (listener.udp) return open_datagrams(listener, address, shared, open_ones);
  if (auto open = open_ones.take(address, false)) {
    ::listen(*open, options.backlog);
    ::setsockopt(*open, SOL_SOCKET, SO_KEEPALIVE, options.keep_alive ? &on : &off, sizeof on);
    ::setsockopt(*open, IPPROTO_TCP, TCP_DEFER_ACCEPT, listener.deferred ? &on : &off, sizeof on);
    return *open;
  }
  TRY(int socket, net::listen_on(address, options));
  if (listener.deferred) ::setsockopt(socket, IPPROTO_TCP, TCP_DEFER_ACCEPT, &on, sizeof on);
  return socket;
}

/// Those for HTTP/3, on the ports of the sockets that have been opened for the same listeners.
Result<> open_quic(const std::vector<settings::Listener>& listeners, ListeningSockets& sockets, OpenOnes& open_ones) {
  for (std::size_t i = 0; i < listeners.size(); ++i) {
    auto& group = sockets.quic.emplace_back();
    if (!listeners[i].http3) continue;
    for (const int beside : sockets.proxy[i]) {
      const net::Address address(listeners[i].ip, net::Address::local_of(beside).port());
      TRY(int socket, open_datagrams(listeners[i], address, true, open_ones));
      group.push_back(socket);
    }
  }
  return {};
}

/// Several sockets on an address share what arrives, and the kernel lets another gateway of the same user take part.
Result<> expect_unused(const std::vector<settings::Listener>& listeners) {
  for (const settings::Listener& listener : listeners) {
    const net::Address address(listener.ip, listener.port);
    if (!listener.udp) TRY(net::expect_unused(address, listener.ipv6only));
    if (!listener.udp && !listener.http3) continue;
    TRY(const int probe, net::bind_udp(address, {.v6_only = listener.ipv6only}));
    ::close(probe);
  }
  return {};
}

/// Names the setting that the address comes from.
Result<> named(std::string_view setting, Result<> opened) {
  if (opened) return opened;
  return fail(std::string(setting) + ": ", std::move(opened).error());
}

Result<> open_group(const std::vector<settings::Listener>& listeners, std::vector<int>& sockets, OpenOnes& open_ones) {
  for (const settings::Listener& listener : listeners) {
    // Served by one shard: a second process on the port is a mistake.
    TRY(int socket, open_one(listener, false, open_ones));
    sockets.push_back(socket);
  }
  return {};
}

Json numbers(const std::vector<int>& sockets) {
  Json::Array list;
  for (int socket : sockets) list.emplace_back(std::int64_t{socket});
  return list;
}

Result<std::vector<int>> read_numbers(const Json* json, std::span<const int> descriptors) {
  std::vector<int> sockets;
  if (json == nullptr || !json->is_array()) return fail(Errc::Invalid, "no list of sockets");
  for (const Json& item : json->as_array()) {
    int socket = item.is_int() ? static_cast<int>(item.as_int()) : -1;
    if (!descriptors.empty()) {
      const auto place = static_cast<std::size_t>(socket);  // -1 is too large, too
      socket = place < descriptors.size() ? descriptors[place] : -1;
    }
    int listening = 0;
    socklen_t size = sizeof listening;
    ::getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size);
    if (listening == 0 && !is_udp(socket)) {
      return fail(Errc::Invalid, "descriptor " + std::to_string(socket) + " does not listen");
    }
    process::keep_on_exec(socket, false);
    sockets.push_back(socket);
  }
  return sockets;
}

Result<std::vector<std::vector<int>>> read_groups(const Json* json, std::span<const int> descriptors) {
  std::vector<std::vector<int>> groups;
  if (json == nullptr || !json->is_array()) return fail(Errc::Invalid, "no list of lists of sockets");
  for (const Json& group : json->as_array()) {
    TRY(auto shards, read_numbers(&group, descriptors));
    groups.push_back(std::move(shards));
  }
  return groups;
}

Json groups_json(const std::vector<std::vector<int>>& groups) {
  Json::Array list;
  for (const auto& group : groups) list.push_back(numbers(group));
  return list;
}

}  // namespace

Result<ListeningSockets> ListeningSockets::open(const settings::Settings& settings, std::size_t shards,
                                                ListeningSockets open_ones) {
  const bool cold = open_ones.all().empty();
  OpenOnes reusable(open_ones);
  ListeningSockets sockets;
  const auto open_for_shards = [&](const auto& listeners, auto& groups) -> Result<> {
    for (const settings::Listener& listener : listeners) {
      auto& group = groups.emplace_back();
      for (std::size_t i = 0; i < shards; ++i) {
        TRY(int socket, open_one(listener, true, reusable));
        group.push_back(socket);
      }
    }
    return {};
  };
  const auto open_proxy = [&]() -> Result<> {
    TRY(open_for_shards(settings.proxy_listen, sockets.proxy));
    return open_quic(settings.proxy_listen, sockets, reusable);
  };
  const auto open_all = [&]() -> Result<> {
    const bool proxies = settings.role != settings::Role::ControlPlane;
    if (proxies && cold) {  // before the first is open: one of our addresses may cover another
      TRY(named("proxy_listen", expect_unused(settings.proxy_listen)));
      TRY(named("stream_listen", expect_unused(settings.stream_listen)));
    }
    if (proxies) {
      TRY(named("proxy_listen", open_proxy()));
      TRY(named("stream_listen", open_for_shards(settings.stream_listen, sockets.streams)));
    }
    const auto open = [&](std::string_view setting, const auto& listeners, std::vector<int>& group) {
      return named(setting, open_group(listeners, group, reusable));
    };
    TRY(open("admin_listen", settings.admin_listen, sockets.admin));
    TRY(open("status_listen", settings.status_listen, sockets.status));
    if (has_platform(settings)) TRY(open("admin_gui_listen", settings.admin_gui_listen, sockets.gui));
    if (has_cluster(settings)) TRY(open("cluster_listen", settings.cluster_listen, sockets.cluster));
    return {};
  };
  if (auto opened = open_all(); !opened) {
    sockets.close();
    return std::unexpected(std::move(opened).error());
  }
  return sockets;
}

Result<ListeningSockets> ListeningSockets::inherited(const Json& json, std::span<const int> descriptors) {
  ListeningSockets sockets;
  TRY(sockets.proxy, read_groups(json.find("proxy"), descriptors));
  // A version that knew no streams did not open any.
  if (const Json* streams = json.find("streams")) {
    TRY(sockets.streams, read_groups(streams, descriptors));
  }
  if (const Json* quic = json.find("quic")) {
    TRY(sockets.quic, read_groups(quic, descriptors));
  }
  sockets.quic.resize(sockets.proxy.size());
  TRY(sockets.admin, read_numbers(json.find("admin"), descriptors));
  TRY(sockets.status, read_numbers(json.find("status"), descriptors));
  TRY(sockets.gui, read_numbers(json.find("gui"), descriptors));
  TRY(sockets.cluster, read_numbers(json.find("cluster"), descriptors));
  return sockets;
}

Json ListeningSockets::to_json() const {
  return Json::Object{{"proxy", groups_json(proxy)}, {"quic", groups_json(quic)}, {"streams", groups_json(streams)},
                      {"admin", numbers(admin)},     {"status", numbers(status)}, {"gui", numbers(gui)},
                      {"cluster", numbers(cluster)}};
}

std::vector<int> ListeningSockets::all() const {
  std::vector<int> list;
  for (const auto* groups : {&proxy, &quic, &streams}) {
    for (const auto& group : *groups) list.insert(list.end(), group.begin(), group.end());
  }
  list.insert(list.end(), admin.begin(), admin.end());
  for (const auto* group : {&status, &gui, &cluster}) list.insert(list.end(), group->begin(), group->end());
  return list;
}

ListeningSockets ListeningSockets::as_places() const {
  ListeningSockets places = *this;
  int next = 0;
  const auto number = [&next](std::vector<int>& group) {
    for (int& socket : group) socket = next++;
  };
  std::ranges::for_each(places.proxy, number);  // in the order of all()
  std::ranges::for_each(places.quic, number);
  std::ranges::for_each(places.streams, number);
  for (auto* group : {&places.admin, &places.status, &places.gui, &places.cluster}) number(*group);
  return places;
}

void ListeningSockets::close() {
  for (int socket : all()) ::close(socket);
  *this = {};
}

bool has_platform(const settings::Settings& settings) {
  return settings.database != settings::Database::Off && settings.role != settings::Role::DataPlane;
}

bool has_cluster(const settings::Settings& settings) {
  return !settings.cluster_cert.empty() && settings.role != settings::Role::DataPlane;
}

std::size_t shard_count(const settings::Settings& settings) {
  if (settings.role == settings::Role::ControlPlane) return 1;  // which only checks that what it keeps can be served
  const unsigned wanted = settings.nginx_worker_processes.count;
  return wanted != 0 ? wanted : std::max(1U, std::thread::hardware_concurrency());
}

std::uint32_t share_of_shard(std::uint32_t whole, std::size_t shards) {
  return static_cast<std::uint32_t>((whole + shards - 1) / shards);
}

}  // namespace sluice::apps
