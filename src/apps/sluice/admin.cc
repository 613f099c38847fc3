// SPDX-License-Identifier: Apache-2.0
#include "admin.h"

#include <utility>

#include "control/admin/admin_server.h"
#include "control/admin/status_server.h"
#include "control/publish/publisher.h"
#include "http/server.h"
#include "net/listener.h"
#include "net/tls/handshake.h"
#include "store/memory_store.h"

namespace sluice::apps {
namespace {

constexpr std::int64_t kHandshakeMs = 10'000;

std::string to_lines(const std::vector<sync::ConfigProblem>& problems) {
  std::string lines;
  for (const sync::ConfigProblem& problem : problems) {
    lines.append(problem.type).append(" ").append(problem.id.to_string()).append(": ");
    if (!problem.field.empty()) lines.append(problem.field).append(": ");
    lines.append(problem.message).append("\n");
  }
  return lines;
}

control::admin::Parts make_parts(const Vocabulary& vocabulary, gateway::Node& node, const settings::Settings& settings,
                                 store::MemoryStore& store, control::publish::Publisher& publisher,
                                 const gateway::GatewayOptions& options) {
  control::admin::Parts parts{.catalog = *vocabulary.catalog,
                              .gateway = node,
                              .settings = settings,
                              .store = store,
                              .publisher = publisher,
                              .plugins = {},
                              .node = {options.node_id, options.hostname, SLUICE_VERSION}};
  for (const gateway::PluginDescriptor* plugin : vocabulary.plugins.in_order()) {
    parts.plugins.push_back({plugin->name, plugin->version, plugin->priority});
  }
  return parts;
}

}  // namespace

struct Admin::Parts {
  Parts(const settings::Settings& s, const Vocabulary& vocabulary, gateway::Node& n, rt::Reactor& reactor,
        const gateway::NodeParts& node_parts)
      : settings(s),
        node(n),
        control(reactor),
        tls(node_parts.tls),
        store(*vocabulary.catalog),
        publisher(store, node),
        admin(make_parts(vocabulary, node, settings, store, publisher, node_parts.options)),
        status(make_parts(vocabulary, node, settings, store, publisher, node_parts.options)),
        admin_server(reactor, options, admin),
        status_server(reactor, options, status) {}

  Result<> open(const std::vector<settings::Listener>& listeners, http::Server& server);

  const settings::Settings& settings;
  gateway::Node& node;
  rt::Reactor& control;
  std::shared_ptr<const net::tls::ServerContext> tls;
  store::MemoryStore store;
  control::publish::Publisher publisher;
  http::ServerOptions options;
  control::admin::AdminServer admin;
  control::admin::StatusServer status;
  http::Server admin_server;
  http::Server status_server;
};

Result<> Admin::Parts::open(const std::vector<settings::Listener>& listeners, http::Server& server) {
  for (const settings::Listener& listener : listeners) {
    net::ListenOptions listen;
    listen.reuse_port = false;  // one shard: a second process on the port is a mistake
    TRY(int socket, net::listen_on(net::Address(listener.ip, listener.port), listen));
    http::Preparation preparation;
    if (listener.ssl) {
      preparation = [this](net::Stream& stream, http::ConnectionInfo& info, std::string&) -> Task<Result<>> {
        info.tls = true;
        return net::tls::accept(stream, tls, nullptr, control.after_ms(kHandshakeMs));
      };
    }
    server.listen(socket, std::move(preparation));
  }
  return {};
}

Admin::Admin(const settings::Settings& settings, const Vocabulary& vocabulary, gateway::Node& node,
             rt::Reactor& control, const gateway::NodeParts& parts)
    : parts_(std::make_unique<Parts>(settings, vocabulary, node, control, parts)) {}

Admin::~Admin() = default;

bool Admin::take_first(sync::Delta delta, std::string& problems) {
  sync::Delta kept = delta;  // documents are shared, not copied
  auto applied = parts_->node.apply_now(std::move(delta));
  if (!applied) {
    problems = to_lines(applied.error());
    return false;
  }
  parts_->store.apply(kept);
  return true;
}

Task<std::string> Admin::replace(sync::Delta delta) {
  auto outcome = co_await parts_->publisher.load(control::publish::ready_made(std::move(delta)));
  co_return outcome ? std::string{} : outcome.error().all.text();
}

Result<> Admin::listen() {
  TRY(parts_->open(parts_->settings.admin_listen, parts_->admin_server));
  return parts_->open(parts_->settings.status_listen, parts_->status_server);
}

}  // namespace sluice::apps
