// SPDX-License-Identifier: Apache-2.0
#include "admin.h"

#include <utility>

#include "control/admin/admin_server.h"
#include "control/admin/status_server.h"
#include "control/publish/publisher.h"
#include "http/h2/preface.h"
#include "http/server.h"
#include "net/proxy_protocol.h"
#include "net/tls/handshake.h"
#include "store/memory_store.h"

namespace sluice::apps {
namespace {

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
        store(*vocabulary.catalog),
        publisher(store, node),
        admin(make_parts(vocabulary, node, settings, store, publisher, node_parts.options)),
        status(make_parts(vocabulary, node, settings, store, publisher, node_parts.options)),
        admin_server(reactor, options, admin),
        status_server(reactor, options, status) {}

  void serve(http::Server& server, const std::vector<settings::Listener>& listeners, const std::vector<int>& sockets,
             const AdminTls::Context& http1, const AdminTls::Context& http2);
  Task<Result<>> prepare(const settings::Listener& listener, const AdminTls::Context& http1,
                         const AdminTls::Context& http2, net::Stream& stream, http::ConnectionInfo& info,
                         std::string& early);

  const settings::Settings& settings;
  gateway::Node& node;
  rt::Reactor& control;
  AdminTls tls;
  store::MemoryStore store;
  control::publish::Publisher publisher;
  http::ServerOptions options;
  control::admin::AdminServer admin;
  control::admin::StatusServer status;
  http::Server admin_server;
  http::Server status_server;
};

/// `http1` and `http2` are members, looked at anew for each connection: a reload replaces what they hold.
void Admin::Parts::serve(http::Server& server, const std::vector<settings::Listener>& listeners,
                         const std::vector<int>& sockets, const AdminTls::Context& http1,
                         const AdminTls::Context& http2) {
  for (std::size_t i = 0; i < listeners.size(); ++i) {
    const settings::Listener& listener = listeners[i];
    http::Preparation preparation;
    if (listener.ssl || listener.http2 || listener.proxy_protocol) {
      preparation = [this, listener, &http1, &http2](net::Stream& stream, http::ConnectionInfo& info,
                                                     std::string& early) {
        return prepare(listener, http1, http2, stream, info, early);
      };
    }
    server.listen(sockets[i], std::move(preparation));
  }
}

Task<Result<>> Admin::Parts::prepare(const settings::Listener& listener, const AdminTls::Context& http1,
                                     const AdminTls::Context& http2, net::Stream& stream, http::ConnectionInfo& info,
                                     std::string& early) {
  const rt::Deadline deadline = control.after_ms(settings.client_tls_timeout.count());
  if (listener.proxy_protocol) {
    CO_TRY(net::ProxyHeader header, co_await net::read_proxy_header(stream, deadline));
    if (header.source.is_set()) info.peer = header.source;
    if (header.destination.is_set()) info.local = header.destination;
  }
  if (listener.ssl) {
    CO_TRY(co_await net::tls::accept(stream, listener.http2 ? http2 : http1, nullptr, deadline));
    info.tls = true;
    info.tls_info = std::make_unique<const net::TlsInfo>(stream.layer()->info());
  } else if (listener.http2) {
    CO_TRY(co_await http::h2::sniff_preface(stream, early, deadline));
  }
  co_return Result<>{};
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
  co_return outcome ? std::string{} : outcome.error().text();
}

void Admin::listen(const std::vector<int>& admin, const std::vector<int>& status) {
  Parts& parts = *parts_;
  parts.serve(parts.admin_server, parts.settings.admin_listen, admin, parts.tls.admin, parts.tls.admin_http2);
  parts.serve(parts.status_server, parts.settings.status_listen, status, parts.tls.status, parts.tls.status_http2);
}

void Admin::reconfigure(AdminTls tls) {
  parts_->tls = std::move(tls);
}

const store::MemoryStore& Admin::store() const {
  return parts_->store;
}

}  // namespace sluice::apps
