// SPDX-License-Identifier: Apache-2.0
// POST /batch and PATCH /config: many entities, one change. publish/batch.h has the form of the body.
#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "control/admin/batch_reply.h"
#include "control/admin/body.h"
#include "control/admin/endpoints.h"
#include "control/admin/entity_writes.h"
#include "control/publish/batch.h"

namespace sluice::control::admin {
namespace {

using publish::Batch;
using publish::Failure;
using publish::Refusal;

/// One failure as a single write would report it, and where its operation stands.
Json described(const Batch& batch, const Failure& failure) {
  Json error = parse_json(failed(failure).body).value_or(Json::object());
  const auto path = batch.path(failure.operation);
  if (path.size() == 3) {
    error.as_object().set("action", path[0].name);
    error.as_object().set("type", path[1].name);
    error.as_object().set("position", path[2].index);
  }
  return error;
}

Reply refuse(const Batch& batch, const Refusal& refusal, const Request& request) {
  if (auto reply = not_kept(refusal)) return *std::move(reply);
  const bool seen = refusal.failures.empty() || refusal.failures.front().kind != Failure::Kind::Precondition;
  if (!seen) return failed(refusal.failures.front());
  const entity::DeclarativeErrors errors = batch.errors(refusal.failures);
  Json body = request.query.enabled("flatten_errors") ? errors.flattened_body() : errors.body();
  Json::Array list;
  for (const Failure& failure : refusal.failures) list.push_back(described(batch, failure));
  body.as_object().set("errors", std::move(list));
  return Reply::json(400, body);
}

std::string secrets_hidden(const View& view, const sync::Delta& delta) {
  return view.redacted ? std::string("{}") : upserts_by_type(delta);
}

Reply done(const View& view, const publish::Done& made, bool planned) {
  std::string text = "{\"upserted\":" + secrets_hidden(view, made.delta) + ",\"deleted\":";
  append_json(text, removals_by_type(made.delta));
  if (planned) {
    text += ",\"dry_run\":true}";
    return Reply::text(200, std::move(text));
  }
  text += ",\"configuration_hash\":\"" + made.delta.hash + "\",\"version\":\"" + store::to_string(made.version) + "\"}";
  return Reply::text(200, std::move(text));
}

Json shown(const View& view, const Parts& parts, const std::string& type, const Uuid& id, const std::string& document) {
  std::string text;
  append_document(text, view, *parts.catalog.find(type), id, document);
  return parse_json(text).value_or(Json());
}

/// The entities that are what the batch wants them to be.
Json unchanged_by(const View& view, const Parts& parts, const Batch& batch, const publish::Done& planned) {
  std::set<std::pair<std::string_view, Uuid>> changed;
  for (const auto& row : planned.delta.upserts) changed.insert({row.type, row.id});
  Json::Array list;
  for (std::size_t i = 0; i < planned.effects.size(); ++i) {
    const publish::Effect& effect = planned.effects[i];
    const std::string& type = batch.operations()[i].type->name();
    if (effect.document == nullptr || changed.contains({type, effect.id})) continue;
    list.push_back(Json::Object{{"type", type},
                                {"id", effect.id.to_string()},
                                {"entity", shown(view, parts, type, effect.id, *effect.document)}});
  }
  return list;
}

/// What would happen: for each entity that changes, as it is and as it would be.
Json plan_of(const View& view, const Parts& parts, const sync::Delta& delta) {
  Json::Array steps;
  const auto add = [&](const std::string& type, const Uuid& id, const sync::Document* after) {
    const store::Space* space = parts.store.space_of(type, id);  // a change may reach beyond the request's workspace
    const sync::Document* before = space != nullptr ? space->table(type).find(id) : nullptr;
    const char* action = before == nullptr ? "create" : after == nullptr ? "delete" : "update";
    steps.push_back(Json::Object{{"action", action},
                                 {"type", type},
                                 {"id", id.to_string()},
                                 {"before", before != nullptr ? shown(view, parts, type, id, **before) : Json()},
                                 {"after", after != nullptr ? shown(view, parts, type, id, **after) : Json()}});
  };
  for (const auto& key : delta.removals) add(key.type, key.id, nullptr);
  for (const auto& row : delta.upserts) add(row.type, row.id, &row.document);
  return steps;
}

Task<Reply> plan(const Parts& parts, const Request& request, const Batch& batch) {
  const auto change = publish::transaction(parts.catalog, batch.operations(), request.if_match);
  const auto outcome = co_await parts.publisher.plan(*change);
  if (!outcome) co_return refuse(batch, outcome.error(), request);
  const View view(parts, request);
  Reply reply = done(view, *outcome, true);
  reply.body.pop_back();
  reply.body += ",\"plan\":" + to_json(plan_of(view, parts, outcome->delta)) +
                ",\"unchanged\":" + to_json(unchanged_by(view, parts, batch, *outcome)) + "}";
  co_return reply;
}

Task<Reply> carry_out_batch(const Parts& parts, const Request& request) {
  auto body = body_object(request);
  if (!body) co_return std::move(body).error();
  const auto ids = parts.storage == Storage::None ? publish::NewIds::FromNames : publish::NewIds::Random;
  const auto batch = Batch::read(parts.catalog, *body, request.workspace, ids);
  if (!batch) {
    const bool flat = request.query.enabled("flatten_errors");
    co_return Reply::json(400, flat ? batch.error().flattened_body() : batch.error().body());
  }
  if (request.query.enabled("dry_run")) {
    Reply planned = co_await plan(parts, request, *batch);
    co_return planned;
  }
  const auto outcome = co_await carry_out(parts, request, batch->operations(), request.if_match);
  if (!outcome) co_return refuse(*batch, outcome.error(), request);
  co_return done(View(parts, request), *outcome, false);
}

}  // namespace

std::string upserts_by_type(const sync::Delta& delta) {
  std::map<std::string_view, std::string> lists;
  for (const auto& row : delta.upserts) {
    std::string& list = lists[row.type];
    list += list.empty() ? "" : ",";
    append_json_string(list, row.id.to_string());
    list += ':';
    list += *row.document;
  }
  std::string text = "{";
  for (const auto& [type, list] : lists) {
    if (text.size() > 1) text += ',';
    append_json_string(text, type);
    text.append(":{").append(list).append("}");
  }
  return text + "}";
}

Json removals_by_type(const sync::Delta& delta) {
  Json removed = Json::object();
  for (const auto& key : delta.removals) {
    Json& list = removed.as_object()[key.type];
    if (!list.is_array()) list = Json::array();
    list.as_array().emplace_back(key.id.to_string());
  }
  return removed;
}

void add_batch(RouteTree& tree, const Parts& parts) {
  tree.add("POST", "/batch", [&parts](const Request& request) { return carry_out_batch(parts, request); });
  // The same for whoever knows nodes without a database by their one door for changes.
  tree.add("PATCH", "/config", [&parts](const Request& request) { return carry_out_batch(parts, request); });
}

}  // namespace sluice::control::admin
