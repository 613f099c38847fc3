// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "base/time.h"
#include "base/utf8.h"
#include "control/platform/endpoints.h"
#include "control/platform/plane_view.h"

namespace sluice::control::platform {
namespace {

using planes::ConfigSecret;
using planes::ConfigStore;
using planes::ConfigStores;

constexpr std::size_t kMaxName = 100;
constexpr std::size_t kMaxKey = 512;
constexpr std::size_t kMaxValue = 5120;

const ConfigStores& stores_of(const Parts& parts) {
  return parts.planes.book().config_stores();
}

/// Values are written and used, never shown.
Json show(const ConfigSecret& secret) {
  return Json::Object{{"key", secret.key},
                      {"created_at", format_rfc3339(secret.created_ms)},
                      {"updated_at", format_rfc3339(secret.updated_ms)}};
}

Json show(const ConfigStore& store) {
  return Json::Object{{"id", store.id.to_string()},
                      {"name", store.name},
                      {"created_at", format_rfc3339(store.created_ms)},
                      {"updated_at", format_rfc3339(store.updated_ms)}};
}

Reply not_found(std::string_view what) {
  return problem(404, "The requested " + std::string(what) + " was not found.");
}

/// The store that the path names.
std::expected<const ConfigStore*, Reply> store_of(const Parts& parts, const Request& request) {
  const auto profile = plane_of(parts, request);
  if (!profile) return std::unexpected(profile.error());
  const auto id = Uuid::parse(request.params[1]);
  const ConfigStore* store = id ? stores_of(parts).find((*profile)->id, *id) : nullptr;
  if (store == nullptr) return std::unexpected(not_found("config store"));
  return store;
}

// Bodies
// -------------------------------------------------------------------------------------------------------------------

/// The members of a body that are known; what is wrong is collected.
class Body {
 public:
  explicit Body(const Json& body) : body_(body) {
    if (!body.is_object()) wrong_.push_back({"body", "is_object", "must be an object"});
  }

  /// A text of one to `most` octets; empty when it is absent or wrong.
  std::string text(std::string_view name, std::size_t most, bool required) {
    known_.emplace_back(name);
    const Json* value = body_.find(name);
    if (value == nullptr) {
      if (required) wrong_.push_back({std::string(name), "required", "is a required field"});
      return {};
    }
    if (!value->is_string()) {
      wrong_.push_back({std::string(name), "is_string", "must be a string"});
      return {};
    }
    const std::size_t size = value->as_string().size();
    if (size == 0) wrong_.push_back(bounded(name, "min_length", "longer than or equal to ", 1));
    if (size > most) wrong_.push_back(bounded(name, "max_length", "shorter than or equal to ", most));
    return value->as_string();
  }

  /// Everything that is wrong, unknown members too.
  std::vector<InvalidParameter> take_wrong() {
    for (const auto& [name, value] : body_.is_object() ? body_.as_object() : Json::Object{}) {
      const bool known = std::ranges::find(known_, name) != known_.end();
      if (!known) wrong_.push_back({name, "unknown_property", "is not known"});
    }
    return std::move(wrong_);
  }

 private:
  static InvalidParameter bounded(std::string_view name, std::string_view rule, std::string_view how,
                                  std::size_t bound) {
    return {.field = std::string(name),
            .rule = std::string(rule),
            .reason = std::string(name) + " must be " + std::string(how) + std::to_string(bound) + " characters",
            .bound = static_cast<std::int64_t>(bound)};
  }

  const Json& body_;
  std::vector<std::string> known_;
  std::vector<InvalidParameter> wrong_;
};

std::expected<std::string, Reply> read_name(const Request& request) {
  const auto json = json_body(request);
  if (!json) return std::unexpected(json.error());
  Body body(*json);
  std::string name = body.text("name", kMaxName, false);
  const auto wrong = body.take_wrong();
  if (!wrong.empty()) return std::unexpected(invalid(wrong));
  return name;
}

/// `key` is that of the path; empty: the body names it.
std::expected<ConfigSecret, Reply> read_secret(const Request& request, const std::string& key) {
  const auto json = json_body(request);
  if (!json) return std::unexpected(json.error());
  Body body(*json);
  ConfigSecret secret;
  secret.key = key.empty() ? body.text("key", kMaxKey, true) : key;
  secret.value = Secret<std::string>(body.text("value", kMaxValue, true));
  auto wrong = body.take_wrong();
  if (secret.key.size() > kMaxKey && !key.empty()) wrong.push_back({"key", "max_length", "is too long", "path"});
  if (!is_utf8(secret.key) || secret.key.find('\0') != std::string::npos)
    wrong.push_back({"key", "invalid", "is not text in UTF-8", key.empty() ? "body" : "path"});
  if (!wrong.empty()) return std::unexpected(invalid(wrong));
  return secret;
}

// Lists
// -------------------------------------------------------------------------------------------------------------------

/// One page of `rows`, each of which has a mark by which the next page begins; `path` is where the list is.
template <class Rows, class Mark>
Reply page_of(const Rows& rows, const admin::Query& query, const std::string& path, const Mark& mark) {
  const auto page = PageAfter::parse(query);
  if (!page) return page.error();
  auto at = rows.begin();
  if (!page->after.empty()) {
    at = std::ranges::find_if(rows, [&](const auto& row) { return mark(row) == page->after; });
    if (at == rows.end()) {
      return invalid({.field = "page[after]", .rule = "invalid", .reason = "leads nowhere", .source = "query"});
    }
    ++at;
  }
  Json::Array data;
  std::string last;
  for (; at != rows.end() && data.size() < page->size; ++at) {
    data.push_back(show(**at));
    last = mark(*at);
  }
  Json next;
  if (at != rows.end()) next = path + "?page[size]=" + std::to_string(page->size) + "&page[after]=" + last;
  Json::Object numbers{{"size", page->size}, {"next", std::move(next)}, {"previous", nullptr}};
  return Reply::json(200,
                     Json::Object{{"meta", Json::Object{{"page", std::move(numbers)}}}, {"data", std::move(data)}});
}

Reply list_stores(const Parts& parts, const Request& request) {
  const auto profile = plane_of(parts, request);
  if (!profile) return profile.error();
  const std::string path = "/v2/control-planes/" + (*profile)->id.to_string() + "/config-stores";
  return page_of(stores_of(parts).of((*profile)->id), request.query, path,
                 [](const ConfigStore* store) { return store->id.to_string(); });
}

/// The mark is the id of the row, so that a key need not fit into a URL.
Reply list_secrets(const Parts& parts, const Request& request) {
  const auto store = store_of(parts, request);
  if (!store) return store.error();
  std::vector<const ConfigSecret*> secrets;
  for (const auto& [key, secret] : stores_of(parts).secrets((*store)->id)) secrets.push_back(&secret);
  const std::string path = "/v2/control-planes/" + (*store)->control_plane.to_string() + "/config-stores/" +
                           (*store)->id.to_string() + "/secrets";
  return page_of(secrets, request.query, path, [](const ConfigSecret* secret) { return secret->row_id().to_string(); });
}

// Stores
// -------------------------------------------------------------------------------------------------------------------

Task<Reply> create_store(const Parts& parts, const Request& request) {
  const auto profile = plane_of(parts, request);
  if (!profile) co_return profile.error();
  auto name = read_name(request);
  if (!name) co_return std::move(name).error();
  ConfigStore store{.id = Uuid::random(), .control_plane = (*profile)->id, .name = *std::move(name)};
  store.created_ms = store.updated_ms = unix_millis();
  const auto add = [&](const ConfigStores& stores) -> Result<store::Commit> {
    if (stores.of(store.control_plane).size() >= ConfigStores::kMaxStores) {
      return fail(Errc::TooLarge,
                  "a control plane has at most " + std::to_string(ConfigStores::kMaxStores) + " config stores",
                  Blame::Client);
    }
    store::Commit commit;
    commit.upserts.push_back(ConfigStores::row(store));
    return commit;
  };
  const auto done = co_await parts.planes.change_config_stores(store.control_plane, add, request.who.name);
  co_return done ? Reply::json(201, show(store)) : problem_of(done.error());
}

std::unexpected<Error> no_such_store() {
  return fail(Errc::NotFound, "The requested config store was not found.", Blame::Client);
}

Reply read_store(const Parts& parts, const Request& request) {
  const auto store = store_of(parts, request);
  return store ? Reply::json(200, show(**store)) : store.error();
}

Task<Reply> update_store(const Parts& parts, const Request& request) {
  const auto found = store_of(parts, request);
  if (!found) co_return found.error();
  ConfigStore store = **found;
  const auto name = read_name(request);
  if (!name) co_return name.error();
  const auto edit = [&](const ConfigStores& stores) -> Result<store::Commit> {
    const ConfigStore* now = stores.find(store.control_plane, store.id);
    if (now == nullptr) return no_such_store();
    store = *now;
    if (!name->empty()) store.name = *name;
    store.updated_ms = unix_millis();
    store::Commit commit;
    commit.upserts.push_back(ConfigStores::row(store));
    return commit;
  };
  const auto done = co_await parts.planes.change_config_stores(store.control_plane, edit, request.who.name);
  co_return done ? Reply::json(200, show(store)) : problem_of(done.error());
}

Task<Reply> remove_store(const Parts& parts, const Request& request) {
  const auto found = store_of(parts, request);
  if (!found) co_return found.error();
  const Uuid control_plane = (*found)->control_plane;
  const Uuid id = (*found)->id;
  const std::string* force = request.query.find("force");
  bool has_secrets = false;
  const auto strike = [&](const ConfigStores& stores) -> Result<store::Commit> {
    const ConfigStore* now = stores.find(control_plane, id);
    if (now == nullptr) return no_such_store();
    has_secrets = (force == nullptr || *force != "true") && !stores.secrets(id).empty();
    store::Commit commit;
    if (!has_secrets) commit.removals = stores.keys(*now);
    return commit;
  };
  const auto done = co_await parts.planes.change_config_stores(control_plane, strike, request.who.name);
  if (!done) co_return problem_of(done.error());
  if (!has_secrets) co_return Reply::empty(204);
  co_return invalid({.field = "force",
                     .rule = "invalid",
                     .reason = "must be true to delete a config store that has secrets",
                     .source = "query"});
}

// Secrets
// -------------------------------------------------------------------------------------------------------------------

/// Whether there may be one with that key already.
enum class Existing : std::uint8_t { Refuse, Replace };

Task<Reply> write_secret(const Parts& parts, const Request& request, Existing existing) {
  const auto found = store_of(parts, request);
  if (!found) co_return found.error();
  const Uuid control_plane = (*found)->control_plane;
  auto read = read_secret(request, existing == Existing::Replace ? request.params[2] : std::string());
  if (!read) co_return std::move(read).error();
  ConfigSecret secret = *std::move(read);
  secret.store = (*found)->id;
  secret.created_ms = secret.updated_ms = unix_millis();
  bool replaced = false;
  const auto put = [&](const ConfigStores& stores) -> Result<store::Commit> {
    if (stores.find(control_plane, secret.store) == nullptr) return no_such_store();
    const ConfigSecret* before = stores.find_secret(secret.store, secret.key);
    replaced = before != nullptr;
    if (replaced && existing == Existing::Refuse) {
      return fail(Errc::Conflict, "a secret with this key exists already", Blame::Client);
    }
    if (!replaced && stores.secrets(secret.store).size() >= ConfigStores::kMaxSecrets) {
      return fail(Errc::TooLarge,
                  "a config store has at most " + std::to_string(ConfigStores::kMaxSecrets) + " secrets",
                  Blame::Client);
    }
    if (replaced) secret.created_ms = before->created_ms;
    store::Commit commit;
    commit.upserts.push_back(ConfigStores::row(secret));
    return commit;
  };
  const auto done = co_await parts.planes.change_config_stores(control_plane, put, request.who.name);
  if (done) co_return Reply::json(replaced ? 200 : 201, show(secret));
  if (done.error().code != Errc::Conflict) co_return problem_of(done.error());
  co_return invalid({.field = "key", .rule = "invalid", .reason = done.error().what});  // no 409 in the contract
}

Reply read_secret_of(const Parts& parts, const Request& request) {
  const auto store = store_of(parts, request);
  if (!store) return store.error();
  const ConfigSecret* secret = stores_of(parts).find_secret((*store)->id, request.params[2]);
  return secret != nullptr ? Reply::json(200, show(*secret)) : not_found("secret");
}

Task<Reply> remove_secret(const Parts& parts, const Request& request) {
  const auto found = store_of(parts, request);
  if (!found) co_return found.error();
  const Uuid control_plane = (*found)->control_plane;
  const Uuid id = (*found)->id;
  const auto strike = [&](const ConfigStores& stores) -> Result<store::Commit> {
    const ConfigSecret* secret = stores.find_secret(id, request.params[2]);
    if (secret == nullptr) return fail(Errc::NotFound, "The requested secret was not found.", Blame::Client);
    store::Commit commit;
    commit.removals.push_back({std::string(ConfigStores::kSecretType), secret->row_id()});
    return commit;
  };
  const auto done = co_await parts.planes.change_config_stores(control_plane, strike, request.who.name);
  co_return done ? Reply::empty(204) : problem_of(done.error());
}

}  // namespace

void add_config_stores(admin::RouteTree& tree, const Parts& parts) {
  const std::string all = "/v2/control-planes/{id}/config-stores";
  const std::string one = all + "/{store}";
  const std::string secrets = one + "/secrets";
  const std::string secret = secrets + "/{key}";
  tree.add("GET", all, [&parts](const Request& request) { return list_stores(parts, request); });
  tree.add("POST", all, [&parts](const Request& request) { return create_store(parts, request); });
  tree.add("GET", one, [&parts](const Request& request) { return read_store(parts, request); });
  tree.add("PUT", one, [&parts](const Request& request) { return update_store(parts, request); });
  tree.add("DELETE", one, [&parts](const Request& request) { return remove_store(parts, request); });
  tree.add("GET", secrets, [&parts](const Request& request) { return list_secrets(parts, request); });
  tree.add("POST", secrets,
           [&parts](const Request& request) { return write_secret(parts, request, Existing::Refuse); });
  tree.add("GET", secret, [&parts](const Request& request) { return read_secret_of(parts, request); });
  tree.add("PUT", secret, [&parts](const Request& request) { return write_secret(parts, request, Existing::Replace); });
  tree.add("DELETE", secret, [&parts](const Request& request) { return remove_secret(parts, request); });
}

}  // namespace sluice::control::platform
