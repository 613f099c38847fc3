// SPDX-License-Identifier: Apache-2.0
#include "control/iam/records.h"

#include <memory>
#include <utility>

#include "base/json.h"
#include "control/row_reader.h"
#include "store/durable.h"

namespace sluice::control::iam {
namespace {

std::string text_of(const Uuid& id) {
  return id.is_nil() ? std::string() : id.to_string();
}

sync::EntityRow make_row(std::string_view type, const Uuid& id, Json::Object members) {
  members.append("format", RowReader::kFormat);
  return {std::string(type), id, std::make_shared<const std::string>(to_json(std::move(members)))};
}

Uuid event_id() {
  Uuid id;
  id.octets.back() = 1;
  return id;
}

}  // namespace

sync::EntityRow Organization::row() const {
  return make_row(kType, id,
                  {{"name", name}, {"owner", text_of(owner)}, {"created_ms", created_ms}, {"updated_ms", updated_ms}});
}

Result<Organization> Organization::parse(const Uuid& id, std::string_view text) {
  TRY(const RowReader reader, RowReader::open(text));
  Organization made;
  made.id = id;
  reader.take("name", made.name);
  TRY(reader.take_if_any("owner", made.owner));
  reader.take("created_ms", made.created_ms);
  reader.take("updated_ms", made.updated_ms);
  return made;
}

sync::EntityRow User::row() const {
  Json::Object members{{"email", email},
                       {"full_name", full_name},
                       {"preferred_name", preferred_name},
                       {"role", iam::to_string(role)},
                       {"active", active},
                       {"created_ms", created_ms},
                       {"updated_ms", updated_ms}};
  if (!password.empty()) members.append(std::string(store::kInternalSecret), password);
  return make_row(kType, id, std::move(members));
}

Result<User> User::parse(const Uuid& id, std::string_view text) {
  TRY(const RowReader reader, RowReader::open(text));
  User made;
  made.id = id;
  reader.take("email", made.email);
  reader.take("full_name", made.full_name);
  reader.take("preferred_name", made.preferred_name);
  std::string role;
  reader.take("role", role);
  TRY(made.role, parse_role(role));
  reader.take("active", made.active);
  reader.take(store::kInternalSecret, made.password);
  reader.take("created_ms", made.created_ms);
  reader.take("updated_ms", made.updated_ms);
  return made;
}

sync::EntityRow Session::row() const {
  return make_row(kType, id,
                  {{"user", text_of(user)},
                   {"sha256", digest},
                   {"epoch", epoch},
                   {"created_ms", created_ms},
                   {"used_ms", used_ms},
                   {"address", address},
                   {"agent", agent}});
}

Result<Session> Session::parse(const Uuid& id, std::string_view text) {
  TRY(const RowReader reader, RowReader::open(text));
  Session made;
  made.id = id;
  TRY(reader.take("user", made.user));
  reader.take("sha256", made.digest);
  std::int64_t epoch = 0;
  reader.take("epoch", epoch);
  made.epoch = static_cast<std::uint64_t>(epoch);
  reader.take("created_ms", made.created_ms);
  reader.take("used_ms", made.used_ms);
  reader.take("address", made.address);
  reader.take("agent", made.agent);
  return made;
}

sync::EntityRow AccessToken::row() const {
  return make_row(kType, id,
                  {{"user", text_of(user)},
                   {"name", name},
                   {"sha256", digest},
                   {"created_ms", created_ms},
                   {"updated_ms", updated_ms},
                   {"expires_ms", expires_ms},
                   {"used_ms", used_ms},
                   {"revoked_ms", revoked_ms},
                   {"revoked_by", text_of(revoked_by)}});
}

Result<AccessToken> AccessToken::parse(const Uuid& id, std::string_view text) {
  TRY(const RowReader reader, RowReader::open(text));
  AccessToken made;
  made.id = id;
  TRY(reader.take("user", made.user));
  reader.take("name", made.name);
  reader.take("sha256", made.digest);
  reader.take("created_ms", made.created_ms);
  reader.take("updated_ms", made.updated_ms);
  reader.take("expires_ms", made.expires_ms);
  reader.take("used_ms", made.used_ms);
  reader.take("revoked_ms", made.revoked_ms);
  TRY(reader.take_if_any("revoked_by", made.revoked_by));
  return made;
}

sync::EntityRow Link::row() const {
  return make_row(kType, id,
                  {{"user", text_of(user)},
                   {"sha256", digest},
                   {"epoch", epoch},
                   {"created_ms", created_ms},
                   {"expires_ms", expires_ms}});
}

Result<Link> Link::parse(const Uuid& id, std::string_view text) {
  TRY(const RowReader reader, RowReader::open(text));
  Link made;
  made.id = id;
  TRY(reader.take_if_any("user", made.user));
  reader.take("sha256", made.digest);
  std::int64_t epoch = 0;
  reader.take("epoch", epoch);
  made.epoch = static_cast<std::uint64_t>(epoch);
  reader.take("created_ms", made.created_ms);
  reader.take("expires_ms", made.expires_ms);
  return made;
}

sync::EntityRow Event::row() const {
  Json::Object members{{"what", what}, {"account", account}, {"address", address}};
  if (unsaid > 0) members.append("unsaid", unsaid);
  return make_row(kType, event_id(), std::move(members));
}

sync::EntityKey key_of(std::string_view type, const Uuid& id) {
  return {std::string(type), id};
}

}  // namespace sluice::control::iam
