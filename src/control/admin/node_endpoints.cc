// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include <unistd.h>

#include "control/admin/endpoints.h"
#include "control/admin/memory_figures.h"
#include "entity/plugin.h"

namespace sluice::control::admin {
namespace {

// GET /
// -------------------------------------------------------------------------------------------------------------------

Json plugins_object(const Parts& parts) {
  Json::Object available;
  for (const auto& plugin : parts.plugins) {
    available.set(plugin.name, Json::Object{{"version", plugin.version}, {"priority", plugin.priority}});
  }
  std::vector<std::string> names;
  for (const auto& [workspace, space] : parts.store.spaces()) {
    for (const auto& [name, ids] : space.table(entity::Plugin::kName).entries("name")) names.push_back(name);
  }
  std::ranges::sort(names);
  const auto repeated = std::ranges::unique(names);
  names.erase(repeated.begin(), repeated.end());
  return Json::Object{{"available_on_server", std::move(available)},
                      {"enabled_in_cluster", Json::Array(names.begin(), names.end())}};
}

/// The settings in the terms of Kong's clients: what `database` and `role` say decides what they try.
Json configuration_object(const Parts& parts) {
  Json configuration = settings::to_json(parts.settings);
  Json::Object& members = configuration.as_object();
  Json::Object loaded;
  for (const auto& plugin : parts.plugins) loaded.set(plugin.name, true);
  members.set("loaded_plugins", std::move(loaded));
  members.set("stream_listeners", Json::array());
  // Clients know two kinds of nodes by these words: whether single entities can be written decides.
  members.set("database", parts.storage == Storage::None ? "off" : "postgres");
  if (parts.settings.role == settings::Role::All) members.set("role", "traditional");
  // The enterprise edition's clients read these two before they try `/rbac` and `/developers`.
  members.set("rbac", parts.settings.enforce_rbac ? "on" : "off");
  members.set("portal", false);
  return configuration;
}

std::string_view store_name(Storage storage) {
  if (storage == Storage::None) return "memory";
  return storage == Storage::Sqlite ? "sqlite" : "postgres";
}

/// The truth beside it.
Json sluice_object(const Parts& parts) {
  const Json role = settings::to_json(parts.settings);
  return Json::Object{
      {"version", parts.node.version}, {"store", store_name(parts.storage)}, {"role", *role.find("role")}};
}

Reply root(const Parts& parts) {
  const std::int64_t pid = ::getpid();
  const std::int64_t master = parts.node.supervisor_pid != 0 ? parts.node.supervisor_pid : pid;
  return Reply::json(200, Json::Object{
                              {"tagline", "Welcome to kong"},
                              {"version", parts.settings.compat_version},
                              {"edition", parts.settings.compat_edition},
                              {"hostname", parts.node.hostname},
                              {"node_id", parts.node.node_id},
                              {"timers", Json::Object{{"running", 0}, {"pending", 0}}},
                              {"plugins", plugins_object(parts)},
                              {"configuration", configuration_object(parts)},
                              {"pids", Json::Object{{"master", master}, {"workers", Json::Array{pid}}}},
                              {"sluice", sluice_object(parts)},
                          });
}

// GET /status
// -------------------------------------------------------------------------------------------------------------------

/// As nginx does, the total counts what came to the Admin API too.
Reply status(const Parts& parts, const Request& request, std::uint64_t own_requests) {
  const auto format = SizeFormat::parse(request.query);
  if (!format) return format.error();
  const sync::NodeStatus node = parts.gateway.status();
  Json::Object worker{{"pid", static_cast<std::int64_t>(::getpid())},
                      {"http_allocated_gc", format->write(resident_octets())}};
  Json::Object memory{{"workers_lua_vms", Json::Array{std::move(worker)}}, {"lua_shared_dicts", Json::object()}};
  Json::Object server{{"connections_accepted", node.connections_accepted},
                      {"connections_active", node.connections_active},
                      {"connections_handled", node.connections_accepted},
                      {"total_requests", node.total_requests + own_requests}};
  Json::Object body{{"memory", std::move(memory)}, {"server", std::move(server)}};
  if (parts.storage != Storage::None) {
    const bool reachable = !parts.database_reachable || parts.database_reachable();
    body.append("database", Json::Object{{"reachable", reachable}, {"version", to_string(parts.publisher.version())}});
  }
  body.append("configuration_hash", node.hash);
  return Reply::json(200, std::move(body));
}

Reply metrics(const Parts& parts) {
  std::string text = parts.gateway.metrics();
  if (parts.all_nodes) text += data_plane_metrics(parts.all_nodes());
  Reply reply = Reply::text(200, std::move(text));
  reply.content_type = "text/plain; charset=UTF-8";
  return reply;
}

// Smaller ones
// -------------------------------------------------------------------------------------------------------------------

Reply refuse_robots() {
  Reply reply = Reply::text(200, "User-agent: *\nDisallow: /\n");
  reply.content_type = "text/plain; charset=utf-8";
  return reply;
}

}  // namespace

void add_status(RouteTree& tree, const Parts& parts, const std::uint64_t& requests) {
  tree.add("GET", "/status", [&parts, &requests](const Request& request) { return status(parts, request, requests); });
  tree.add("GET", "/status/dns", [&parts](const Request&) { return Reply::json(200, parts.gateway.dns()); });
  tree.add("GET", "/metrics", [&parts](const Request&) { return metrics(parts); });
}

void add_node(RouteTree& tree, const Parts& parts, const std::uint64_t& requests) {
  add_status(tree, parts, requests);
  tree.add("GET", "/", [&parts](const Request&) { return root(parts); });
  tree.add("GET", "/robots.txt", [](const Request&) { return refuse_robots(); });
  tree.add("GET", "/endpoints", [&tree](const Request&) {
    const auto patterns = tree.patterns();
    return Reply::json(200, Json::Object{{"data", Json::Array(patterns.begin(), patterns.end())}});
  });
}

}  // namespace sluice::control::admin
