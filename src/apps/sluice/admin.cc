// SPDX-License-Identifier: Apache-2.0
#include "admin.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include <unistd.h>

#include "compiling_gateway.h"
#include "console_folder.h"
#include "control/admin/admin_server.h"
#include "control/admin/status_server.h"
#include "control/planes/control_planes.h"
#include "control/platform/platform_server.h"
#include "control/publish/publisher.h"
#include "control/publish/store_ledger.h"
#include "crypto/hash.h"
#include "first_account.h"
#include "http/accept_connection.h"
#include "http/server.h"
#include "logged_handler.h"
#include "outside_client.h"
#include "store/async_store.h"
#include "store/memory_store.h"
#include "store_upkeep.h"
#include "whole_gateway.h"

namespace sluice::apps {
namespace {

// The end of a process whose place another one takes
constexpr std::int64_t kLastRequestMs = 100;  // longer than a request takes to arrive
constexpr std::int64_t kFinishMs = 10'000;    // longer than a change takes
constexpr std::int64_t kLookAgainMs = 5;

std::string to_lines(const std::vector<sync::ConfigProblem>& problems) {
  std::string lines;
  for (const sync::ConfigProblem& problem : problems) {
    lines.append(problem.type).append(" ").append(problem.id.to_string()).append(": ");
    if (!problem.field.empty()) lines.append(problem.field).append(": ");
    lines.append(problem.message).append("\n");
  }
  return lines;
}

control::admin::Storage storage_of(settings::Database database) {
  switch (database) {
    case settings::Database::Sqlite:
      return control::admin::Storage::Sqlite;
    case settings::Database::Postgres:
      return control::admin::Storage::Postgres;
    case settings::Database::Off:
      break;
  }
  return control::admin::Storage::None;
}

std::string hash_of(const store::Version& version) {
  return crypto::md5_hex("version " + to_string(version));
}

/// The durable side: what only a node with a store has.
struct Keeping {
  Keeping(StoredState stored, rt::Reactor& control, const settings::Settings& settings)
      : keyring(std::move(stored.open.keyring)),
        at_start(std::move(stored.contents)),
        durable(std::move(stored.open.store), control),
        accounts(durable, control, settings) {}

  const std::unique_ptr<store::Keyring> keyring;
  store::Contents at_start;  // its rows go to take_stored()
  store::AsyncStore durable;
  control::publish::StoreLedger ledger{durable};
  control::iam::Accounts accounts;
};

}  // namespace

struct Admin::Parts {
  Parts(const settings::Settings& s, const Vocabulary& v, gateway::Node& n, rt::Reactor& reactor,
        const gateway::NodeParts& node_parts, StoredState stored, bool supervised);
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;
  ~Parts();

  struct Platform;

  [[nodiscard]] control::publish::Publisher::Options publishing();
  [[nodiscard]] control::admin::Parts make_parts(const gateway::GatewayOptions& options, bool supervised);
  /// The nodes of all control planes that are open; `of` may be null.
  [[nodiscard]] static control::admin::NodeBooks node_books(Platform* of);

  void serve(http::Server& server, const std::vector<settings::Listener>& listeners, const std::vector<int>& sockets,
             const AdminTls::Context& http1, const AdminTls::Context& http2);

  void start_upkeep();

  const settings::Settings& settings;
  const Vocabulary& vocabulary;
  gateway::Node& node;
  rt::Reactor& control;
  AdminTls tls;
  const std::unique_ptr<Keeping> keeping;  // null with database=off
  store::MemoryStore store;
  WholeGateway gateway;
  control::planes::MemberGuard guard;
  control::planes::ChangeRelay changes;
  control::iam::TokenBook tokens;
  control::publish::Publisher publisher;
  http::ServerOptions options;
  control::admin::AdminServer admin;
  control::admin::StatusServer status;
  LoggedHandler logged_admin;
  LoggedHandler logged_status;
  http::Server admin_server;
  http::Server status_server;
  std::unique_ptr<Platform> platform;   // null with database=off
  std::unique_ptr<StoreUpkeep> upkeep;  // last: it uses much of the above
};

/// The control planes, and the platform API over them.
struct Admin::Parts::Platform {
  Platform(Parts& parts, const gateway::NodeParts& node, bool supervised)
      : compiler(*parts.vocabulary.catalog, parts.vocabulary.plugins, parts.vocabulary.flavor, parts.control),
        planes(*parts.vocabulary.catalog,
               {parts.store, parts.publisher, parts.gateway, parts.changes, parts.guard, parts.keeping->durable,
                parts.control},
               [this](const store::MemoryStore& rows) { return compiler.make(rows); }),
        outside(parts.control, parts.settings),
        handler(make_parts(parts, node.options, supervised), parts.control),
        logged(parts.control, node.files, handler),
        server(parts.control, parts.options, logged) {}

  [[nodiscard]] control::platform::Parts make_parts(Parts& parts, const gateway::GatewayOptions& own, bool supervised) {
    control::admin::Parts base = parts.make_parts(own, supervised);
    return {.planes = planes,
            .catalog = base.catalog,
            .settings = base.settings,
            .plugins = std::move(base.plugins),
            .node = std::move(base.node),
            .storage = base.storage,
            .tokens = base.tokens,
            .accounts = &parts.keeping->accounts,
            .durable = &parts.keeping->durable,
            .database_reachable = std::move(base.database_reachable),
            .console = console_folder(parts.settings),
            .outside = &outside.client()};
  }

  Compiler compiler;
  control::planes::ControlPlanes planes;
  OutsideClient outside;
  control::platform::PlatformServer handler;
  LoggedHandler logged;
  http::Server server;
};

Admin::Parts::Parts(const settings::Settings& s, const Vocabulary& v, gateway::Node& n, rt::Reactor& reactor,
                    const gateway::NodeParts& node_parts, StoredState stored, bool supervised)
    : settings(s),
      vocabulary(v),
      node(n),
      control(reactor),
      keeping(stored.open.store != nullptr ? std::make_unique<Keeping>(std::move(stored), reactor, s) : nullptr),
      store(*vocabulary.catalog),
      gateway(node, store),
      guard(gateway),
      publisher(store, &guard, publishing()),
      admin(make_parts(node_parts.options, supervised)),
      status(make_parts(node_parts.options, supervised)),
      logged_admin(reactor, node_parts.files, admin),
      logged_status(reactor, node_parts.files, status),
      admin_server(reactor, options, logged_admin),
      status_server(reactor, options, logged_status) {
  if (keeping != nullptr) platform = std::make_unique<Platform>(*this, node_parts, supervised);
}

Admin::Parts::~Parts() = default;

void Admin::Parts::start_upkeep() {
  upkeep = std::make_unique<StoreUpkeep>(settings, keeping->durable, publisher, tokens, control);
  upkeep->start();
}

control::publish::Publisher::Options Admin::Parts::publishing() {
  if (keeping == nullptr) return {.control = &control, .observer = &changes};
  return {.ledger = &keeping->ledger,
          .wait_until_live = settings.admin_wait_until_live,
          .version = keeping->at_start.version,
          .control = &control,
          .touched = keeping->at_start.touched,
          .observer = &changes};
}

control::admin::NodeBooks Admin::Parts::node_books(Platform* of) {
  control::admin::NodeBooks books;
  if (of == nullptr) return books;
  for (control::planes::ControlPlane* plane : of->planes.open_planes()) {
    if (plane->nodes() != nullptr) books.emplace_back(plane->profile().name, plane->nodes());
  }
  return books;
}

control::admin::Parts Admin::Parts::make_parts(const gateway::GatewayOptions& own, bool supervised) {
  control::admin::Parts parts{.catalog = *vocabulary.catalog,
                              .gateway = gateway,
                              .settings = settings,
                              .store = store,
                              .publisher = publisher,
                              .plugins = {},
                              .node = {own.node_id, own.hostname, SLUICE_VERSION, supervised ? ::getppid() : 0},
                              .storage = storage_of(settings.database),
                              .tokens = &tokens,
                              .accounts = keeping != nullptr ? &keeping->accounts : nullptr,
                              .nodes = [this]() -> const control::cluster::NodeBook* {
                                return platform != nullptr ? platform->planes.local().nodes() : nullptr;
                              },
                              .database_reachable = [this] { return upkeep == nullptr || upkeep->reachable(); },
                              .all_nodes = [this] { return node_books(platform.get()); }};
  for (const gateway::PluginDescriptor* plugin : vocabulary.plugins.in_order()) {
    if (vocabulary.catalog->plugin(plugin->name) == nullptr) continue;  // the setting `plugins` leaves it out
    parts.plugins.push_back({plugin->name, plugin->version, plugin->priority});
  }
  return parts;
}

/// `http1` and `http2` are members, looked at anew for each connection: a reload replaces what they hold.
void Admin::Parts::serve(http::Server& server, const std::vector<settings::Listener>& listeners,
                         const std::vector<int>& sockets, const AdminTls::Context& http1,
                         const AdminTls::Context& http2) {
  for (std::size_t i = 0; i < listeners.size(); ++i) {
    const settings::Listener& listener = listeners[i];
    http::Preparation preparation;
    if (listener.ssl || listener.http2 || listener.proxy_protocol) {
      preparation = [this, listener, &http1, &http2](net::Stream& stream, http::ConnectionInfo& info,
                                                     std::string& early, const http::Admit&) {
        http::AcceptTerms terms{
            .proxy_protocol = listener.proxy_protocol, .http2 = listener.http2, .tls = listener.ssl};
        terms.context = listener.http2 ? http2 : http1;
        return http::accept_connection(stream, info, early, std::move(terms),
                                       control.after_ms(settings.client_tls_timeout.count()));
      };
    }
    server.listen(sockets[i], std::move(preparation));
  }
}

Admin::Admin(const settings::Settings& settings, const Vocabulary& vocabulary, gateway::Node& node,
             rt::Reactor& control, const gateway::NodeParts& parts, StoredState stored, bool supervised)
    : parts_(std::make_unique<Parts>(settings, vocabulary, node, control, parts, std::move(stored), supervised)) {}

Admin::~Admin() = default;

bool Admin::take_first(sync::Delta delta, std::string& problems) {
  sync::Delta kept = delta;  // documents are shared, not copied
  auto applied = parts_->node.apply_now(std::move(delta));
  if (!applied) {
    problems = to_lines(applied.error());
    return false;
  }
  parts_->store.apply(kept);
  parts_->publisher.index_ahead();
  return true;
}

void Admin::take_stored() {
  Parts& parts = *parts_;
  sync::Delta delta;
  delta.complete = true;
  delta.hash = hash_of(parts.publisher.version());
  delta.upserts = std::exchange(parts.keeping->at_start.rows, {});
  parts.store.apply(delta);
  parts.publisher.index_ahead();
  auto applied = parts.node.apply_now(std::move(delta));
  if (!applied) parts.gateway.fall_behind(applied.error());
  if (auto opened = parts.platform->planes.open_now(); !opened) throw std::runtime_error(opened.error().what);
  if (auto opened = parts.keeping->accounts.open_now(); !opened) throw std::runtime_error(opened.error().what);
}

void Admin::keep_store() {
  Parts& parts = *parts_;
  if (parts.keeping == nullptr) return;
  parts.start_upkeep();
  parts.platform->planes.start();
  offer_first_account(parts.settings, parts.keeping->accounts);
  parts.keeping->accounts.start();
}

Task<std::string> Admin::replace(sync::Delta delta) {
  auto outcome = co_await parts_->publisher.load(control::publish::ready_made(std::move(delta)));
  co_return outcome ? std::string{} : outcome.error().text();
}

void Admin::listen(const ListeningSockets& sockets) {
  Parts& parts = *parts_;
  const settings::Settings& from = parts.settings;
  parts.serve(parts.admin_server, from.admin_listen, sockets.admin, parts.tls.admin, parts.tls.admin_http2);
  parts.serve(parts.status_server, from.status_listen, sockets.status, parts.tls.status, parts.tls.status_http2);
  if (sockets.gui.empty()) return;
  parts.serve(parts.platform->server, from.admin_gui_listen, sockets.gui, parts.tls.gui, parts.tls.gui_http2);
}

Task<void> Admin::release() {
  Parts& parts = *parts_;
  const auto servers = [&parts] {
    std::vector<http::Server*> list = {&parts.admin_server};
    if (parts.platform != nullptr) list.push_back(&parts.platform->server);
    return list;
  };
  for (http::Server* server : servers()) server->drain(http::Idle::Keep);
  co_await rt::Sleep(parts.control, parts.control.after_ms(kLastRequestMs));  // it may be on its way
  for (http::Server* server : servers()) server->drain(http::Idle::Close);
  const rt::Deadline deadline = parts.control.after_ms(kFinishMs);
  const auto busy = [](const http::Server* server) { return server->open_connections() != 0; };
  while (std::ranges::any_of(servers(), busy) && !deadline.passed(parts.control.clock())) {
    co_await rt::Sleep(parts.control, parts.control.after_ms(kLookAgainMs));
  }
  // What is cut off has not been acknowledged.
  for (http::Server* server : servers()) server->cut();
  parts.upkeep.reset();
  // Work on the store is done in order: whatever was begun before this question is done when it is answered.
  if (parts.keeping != nullptr) static_cast<void>(co_await parts.keeping->durable.head());
}

void Admin::resume(const ListeningSockets& sockets) {
  Parts& parts = *parts_;
  parts.admin_server.resume();
  if (parts.platform != nullptr) parts.platform->server.resume();
  parts.serve(parts.admin_server, parts.settings.admin_listen, sockets.admin, parts.tls.admin, parts.tls.admin_http2);
  if (!sockets.gui.empty()) {
    parts.serve(parts.platform->server, parts.settings.admin_gui_listen, sockets.gui, parts.tls.gui,
                parts.tls.gui_http2);
  }
  if (parts.keeping != nullptr) parts.start_upkeep();
}

void Admin::leave_status() {
  parts_->status_server.drain(http::Idle::Keep);
}

void Admin::reconfigure(AdminTls tls) {
  Parts& parts = *parts_;
  parts.tls = std::move(tls);
  const auto path = [&](const std::string& setting) {
    return setting == "off" ? std::string() : settings::below_prefix(parts.settings, setting);
  };
  parts.logged_admin.log_to(path(parts.settings.admin_access_log));
  parts.logged_status.log_to(path(parts.settings.status_access_log));
  if (parts.platform != nullptr) parts.platform->logged.log_to(path(parts.settings.admin_access_log));
}

store::AsyncStore* Admin::durable() {
  return parts_->keeping != nullptr ? &parts_->keeping->durable : nullptr;
}

control::planes::ControlPlanes* Admin::planes() {
  return parts_->platform != nullptr ? &parts_->platform->planes : nullptr;
}

Task<void> Admin::serve_ingress(http::ServerStream& stream) {
  return parts_->platform->handler.handle_ingress(stream);
}

const store::MemoryStore& Admin::store() const {
  return parts_->store;
}

}  // namespace sluice::apps
