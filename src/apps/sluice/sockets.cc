// SPDX-License-Identifier: Apache-2.0
#include "sockets.h"

#include <algorithm>
#include <thread>
#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "apps/process/memory_file.h"
#include "net/listener.h"

namespace sluice::apps {
namespace {

/// `shared`: one of several sockets on the address.
Result<int> open_one(const settings::Listener& listener, bool shared) {
  net::ListenOptions options;
  if (listener.backlog > 0) options.backlog = listener.backlog;
  options.v6_only = listener.ipv6only;
  options.keep_alive = listener.so_keepalive;
  options.reuse_port = shared;
  TRY(int socket, net::listen_on(net::Address(listener.ip, listener.port), options));
  const int on = 1;
  if (listener.deferred) ::setsockopt(socket, IPPROTO_TCP, TCP_DEFER_ACCEPT, &on, sizeof on);
  return socket;
}

/// Only what keeps a configuration can be more than one control plane.
bool has_platform(const settings::Settings& settings) {
  return settings.database != settings::Database::Off && settings.role != settings::Role::DataPlane;
}

bool has_cluster(const settings::Settings& settings) {
  return !settings.cluster_cert.empty() && settings.role != settings::Role::DataPlane;
}

Result<> open_group(const std::vector<settings::Listener>& listeners, std::vector<int>& sockets) {
  for (const settings::Listener& listener : listeners) {
    TRY(int socket, open_one(listener, false));  // served by one shard: a second process on the port is a mistake
    sockets.push_back(socket);
  }
  return {};
}

Json numbers(const std::vector<int>& sockets) {
  Json::Array list;
  for (int socket : sockets) list.emplace_back(std::int64_t{socket});
  return list;
}

Result<std::vector<int>> read_numbers(const Json* json) {
  std::vector<int> sockets;
  if (json == nullptr || !json->is_array()) return fail(Errc::Invalid, "no list of sockets");
  for (const Json& item : json->as_array()) {
    const int socket = item.is_int() ? static_cast<int>(item.as_int()) : -1;
    int listening = 0;
    socklen_t size = sizeof listening;
    if (::getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0 || listening == 0) {
      return fail(Errc::Invalid, "descriptor " + std::to_string(socket) + " does not listen");
    }
    process::keep_on_exec(socket, false);
    sockets.push_back(socket);
  }
  return sockets;
}

}  // namespace

Result<ListeningSockets> ListeningSockets::open(const settings::Settings& settings, std::size_t shards) {
  ListeningSockets sockets;
  auto open_all = [&]() -> Result<> {
    const bool proxies = settings.role != settings::Role::ControlPlane;
    for (const settings::Listener& listener : proxies ? settings.proxy_listen : std::vector<settings::Listener>{}) {
      auto& group = sockets.proxy.emplace_back();
      for (std::size_t i = 0; i < shards; ++i) {
        TRY(int socket, open_one(listener, true));
        group.push_back(socket);
      }
    }
    TRY(open_group(settings.admin_listen, sockets.admin));
    TRY(open_group(settings.status_listen, sockets.status));
    if (has_platform(settings)) TRY(open_group(settings.admin_gui_listen, sockets.gui));
    if (has_cluster(settings)) TRY(open_group(settings.cluster_listen, sockets.cluster));
    return {};
  };
  if (auto opened = open_all(); !opened) {
    sockets.close();
    return std::unexpected(std::move(opened).error());
  }
  return sockets;
}

Result<ListeningSockets> ListeningSockets::inherited(const Json& json) {
  ListeningSockets sockets;
  const Json* proxy = json.find("proxy");
  if (proxy == nullptr || !proxy->is_array()) return fail(Errc::Invalid, "no list of proxy sockets");
  for (const Json& group : proxy->as_array()) {
    TRY(auto shards, read_numbers(&group));
    sockets.proxy.push_back(std::move(shards));
  }
  TRY(sockets.admin, read_numbers(json.find("admin")));
  TRY(sockets.status, read_numbers(json.find("status")));
  TRY(sockets.gui, read_numbers(json.find("gui")));
  TRY(sockets.cluster, read_numbers(json.find("cluster")));
  return sockets;
}

Json ListeningSockets::to_json() const {
  Json::Array groups;
  for (const auto& group : proxy) groups.push_back(numbers(group));
  return Json::Object{{"proxy", std::move(groups)},
                      {"admin", numbers(admin)},
                      {"status", numbers(status)},
                      {"gui", numbers(gui)},
                      {"cluster", numbers(cluster)}};
}

std::vector<int> ListeningSockets::all() const {
  std::vector<int> list;
  for (const auto& group : proxy) list.insert(list.end(), group.begin(), group.end());
  list.insert(list.end(), admin.begin(), admin.end());
  for (const auto* group : {&status, &gui, &cluster}) list.insert(list.end(), group->begin(), group->end());
  return list;
}

void ListeningSockets::close() {
  for (int socket : all()) ::close(socket);
  *this = {};
}

std::size_t shard_count(const settings::Settings& settings) {
  if (settings.role == settings::Role::ControlPlane) return 1;  // which only checks that what it keeps can be served
  const unsigned wanted = settings.nginx_worker_processes.count;
  return wanted != 0 ? wanted : std::max(1U, std::thread::hardware_concurrency());
}

}  // namespace sluice::apps
