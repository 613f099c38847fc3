// SPDX-License-Identifier: Apache-2.0
#include "cli/gateway/session.h"

#include <map>
#include <utility>

#include "base/strings.h"
#include "cli/cluster/platform.h"
#include "cli/gateway/admin_target.h"

namespace sluice::cli {
namespace {

constexpr int kMaxReads = 3;

entity::RouterFlavor flavor_of(const Json& root) {
  const Json* configuration = root.find("configuration");
  const Json* flavor = configuration != nullptr ? configuration->find("router_flavor") : nullptr;
  const std::string name = flavor != nullptr && flavor->is_string() ? flavor->as_string() : "";
  if (name == "expressions") return entity::RouterFlavor::Expressions;
  if (name == "traditional") return entity::RouterFlavor::Traditional;
  return entity::RouterFlavor::TraditionalCompatible;
}

void collect_messages(const Json& fields, const std::string& path, std::string& out) {
  const auto below = [&](const std::string& name) { return path.empty() ? name : path + "." + name; };
  if (fields.is_string()) {
    out += "\n  " + (path.empty() ? "" : path + ": ") + fields.as_string();
  } else if (fields.is_object()) {
    for (const auto& [name, value] : fields.as_object()) {
      collect_messages(value, name == "@entity" ? path : below(name), out);
    }
  } else if (fields.is_array()) {
    for (std::size_t i = 0; i < fields.as_array().size(); ++i) {
      const Json& entry = fields.as_array()[i];
      collect_messages(entry, entry.is_string() ? path : path + "[" + std::to_string(i) + "]", out);
    }
  }
}

/// "service billing: " for what stands at the position that a batch's error names; else nothing.
std::string named_change(const Plan& plan, const Json& error) {
  const Json* action = error.find("action");
  const Json* type = error.find("type");
  const Json* position = error.find("position");
  if (action == nullptr || type == nullptr || position == nullptr || !position->is_int()) return {};
  const bool removal = *action == Json("delete");
  std::int64_t left = position->as_int();
  for (const Change& change : plan.changes) {
    const bool listed = (change.action == Action::Delete) == removal && Json(change.type->name()) == *type;
    if (!listed || (removal && change.id.is_nil())) continue;
    if (left-- == 0) return change.kind + " " + change.name + ": ";
  }
  return {};
}

}  // namespace

std::string error_text(const AdminReply& reply, const Plan& plan) {
  std::string text;
  const Json* errors = reply.body.find("errors");
  if (errors != nullptr && errors->is_array() && !errors->as_array().empty()) {
    for (const Json& error : errors->as_array()) {
      const Json* message = error.find("message");
      text += "\n  " + named_change(plan, error);
      if (message != nullptr && message->is_string()) text += message->as_string();
    }
  } else if (const Json* fields = reply.body.find("fields")) {
    collect_messages(*fields, {}, text);
  }
  return (text.empty() ? reply.message() : "the Admin API refuses the change:") + text;
}

/// Its Admin API knows no node, so nobody says which release it is like: ours.
Result<> Session::connect_to_control_plane() {
  PlatformArguments wanted{.where = arguments_, .control_plane = arguments_.control_plane};
  wanted.where.address = arguments_.platform_address;
  TRY(const Platform platform, Platform::open(wanted));
  AdminTarget target = platform.target();
  target.what = "control plane";
  target.url += "/v2/control-planes/" + platform.plane().id + "/core-entities";
  client_ = std::make_unique<AdminClient>(std::move(target));
  catalog_ = make_catalog_(Dialect{});
  root_ = Json::Object{};
  return {};
}

Result<> Session::connect() {
  if (!arguments_.control_plane.empty()) return connect_to_control_plane();
  TRY(AdminTarget target, admin_target(arguments_));
  client_ = std::make_unique<AdminClient>(std::move(target));
  TRY(AdminReply reply, client_->send_above("GET", "/"));
  if (reply.status == 401 || reply.status == 403) {
    return refused_by(client_->target(), reply);
  }
  const Json* version = reply.body.find("version");
  if (reply.status != 200 || version == nullptr || !version->is_string()) {
    return fail(Errc::Refused, client_->target().url + " does not answer as an Admin API: " + reply.message());
  }
  const Dialect dialect{.flavor = flavor_of(reply.body), .version = version->as_string()};
  root_ = std::move(reply.body);
  catalog_ = make_catalog_(dialect);
  return {};
}

Result<> Session::choose_workspace(const std::string& from_file) {
  const std::string& workspace = !arguments_.workspace.empty() ? arguments_.workspace : from_file;
  if (workspace.empty() || workspace == "default") return {};
  TRY(const AdminReply reply, client_->send_above("GET", "/workspaces/" + percent_encode(workspace)));
  if (reply.status != 200 && reply.status != 404)
    return fail(Errc::Refused, "workspace " + workspace + ": " + reply.message());
  create_workspace_ = reply.status == 404;
  AdminTarget target = client_->target();
  target.workspace = workspace;
  client_ = std::make_unique<AdminClient>(std::move(target));
  return {};
}

Result<CurrentState> Session::read(ReadOptions options) {
  options.skip_consumers = arguments_.skip_consumers;
  if (create_workspace_) {
    CurrentState nothing;
    nothing.without_consumers = options.skip_consumers;
    return nothing;
  }
  for (int tries = 1;; ++tries) {
    TRY(CurrentState state, read_current(*client_, *catalog_, options));
    if (state.versions.size() <= 1 || tries == kMaxReads) return state;
  }
}

Result<> Session::apply(Plan& plan, const CurrentState& seen, bool dry_run) {
  if (plan.empty()) return {};
  if (create_workspace_) {
    if (dry_run) return {};
    const std::string body = to_json(Json::Object{{"name", client_->target().workspace}});
    TRY(const AdminReply made, client_->send_above("POST", "/workspaces", body));
    if (made.status != 201) return fail(Errc::Refused, "cannot create the workspace: " + made.message());
    create_workspace_ = false;
  }
  client_->progress().begin(dry_run ? "checking" : "applying");
  TRY(find_memberships(plan));
  const auto changed = [] { return fail(Errc::Conflict, "somebody else changes the configuration at the same time"); };
  if (!dry_run && seen.versions.size() > 1) return changed();
  // A check changes nothing, and tells more about what is there now.
  const std::string version = dry_run || seen.versions.empty() ? std::string() : *seen.versions.begin();
  TRY(const AdminReply reply, send_batch(batch_body(plan), dry_run, version));
  if (reply.status == 412) return changed();
  if (reply.status == 403) {
    return fail(Errc::Forbidden,
                "the Admin API refuses the change: " + reply.message() + "; is the token read-only? (see --token)");
  }
  if (reply.status / 100 != 2) return fail(Errc::Refused, error_text(reply, plan));
  return {};
}

/// No list tells the ids of memberships; a batch that would put them again does.
Result<> Session::find_memberships(Plan& plan) {
  const auto reference = [](const Json& document, std::string_view member) {
    const Json* owner = document.find(member);
    const Json* id = owner != nullptr ? owner->find("id") : nullptr;
    return id != nullptr && id->is_string() ? id->as_string() : std::string();
  };
  std::map<std::pair<std::string, std::string>, Change*> wanted;
  Json::Array puts;
  for (Change& change : plan.changes) {
    if (change.action != Action::Delete || !change.id.is_nil()) continue;
    const std::string group = reference(change.before, "consumer_group");
    const std::string consumer = reference(change.before, "consumer");
    wanted.emplace(std::pair(group, consumer), &change);
    puts.push_back(
        Json::Object{{"consumer_group", Json::Object{{"id", group}}}, {"consumer", Json::Object{{"id", consumer}}}});
  }
  if (puts.empty()) return {};
  const Json batch = Json::Object{{"upsert", Json::Object{{"consumer_group_consumers", std::move(puts)}}}};
  TRY(const AdminReply reply, send_batch(to_json(batch), true));
  if (reply.status != 200) return fail(Errc::Refused, "memberships of consumer groups: " + error_text(reply));
  const Json* there = reply.body.find("unchanged");
  if (there == nullptr || !there->is_array()) return fail(Errc::Invalid, "the Admin API answers without a plan");
  for (const Json& membership : there->as_array()) {  // those that would be made are gone already
    const Json* entity = membership.find("entity");
    const Json* id = membership.find("id");
    if (entity == nullptr || !entity->is_object() || id == nullptr || !id->is_string()) continue;
    const auto at = wanted.find({reference(*entity, "consumer_group"), reference(*entity, "consumer")});
    if (at != wanted.end()) at->second->id = Uuid::parse(id->as_string()).value_or(Uuid{});
  }
  return {};
}

Result<AdminReply> Session::send_batch(std::string body, bool dry_run, std::string if_match) {
  if (body == "{}") return AdminReply{200, {}, {}};
  TRY(AdminReply reply,
      client_->send("POST", dry_run ? "/batch?dry_run=1" : "/batch", std::move(body), std::move(if_match)));
  if (reply.status == 404 || reply.status == 405) {
    return fail(Errc::Unsupported, "this Admin API takes no batches (POST /batch): it is not Sluice");
  }
  return reply;
}

}  // namespace sluice::cli
