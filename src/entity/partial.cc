// SPDX-License-Identifier: Apache-2.0
#include "entity/partial.h"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>

#include "base/secret.h"

namespace sluice::entity {
namespace {

using schema::Record;
using schema::RecordBase;

/// What both forms of Redis settings begin with.
template <class T>
void describe_login(Record<T>& r) {
  r.template field<&T::username>("username", "User of the access list; empty for plain AUTH.").referenceable();
  r.template field<&T::password>("password", "For AUTH; empty sends none.").encrypted().referenceable();
  r.template field<&T::database>("database", "Number of the database.").optional();
  r.template field<&T::ssl>("ssl", "Connect with TLS.").optional();
  r.template field<&T::ssl_verify>("ssl_verify", "Verify the server's certificate.").optional();
  r.template field<&T::server_name>("server_name", "Name sent as SNI and expected in the certificate.")
      .rule(schema::sni());
}

/// One Redis server.
struct RedisCe {
  std::optional<std::string> host;
  std::uint16_t port = 6379;
  int timeout = 2000;  // milliseconds
  std::optional<std::string> username;
  std::optional<Secret<std::string>> password;
  int database = 0;
  bool ssl = false;
  bool ssl_verify = false;
  std::optional<std::string> server_name;

  static void describe(Record<RedisCe>& r) {
    r.doc("One Redis server.");
    r.field<&RedisCe::host>("host", "Name or address.").rule(schema::host());
    r.field<&RedisCe::port>("port", "Port.").optional().rule(schema::port());
    r.field<&RedisCe::timeout>("timeout", "For connecting, sending and reading, in milliseconds.")
        .optional()
        .rule(schema::timeout());
    describe_login(r);
  }
};

struct ClusterNode {
  std::string ip = "127.0.0.1";
  std::uint16_t port = 6379;

  static void describe(Record<ClusterNode>& r) {
    r.field<&ClusterNode::ip>("ip", "Name or address.").optional().rule(schema::host());
    r.field<&ClusterNode::port>("port", "Port.").optional().rule(schema::port());
  }
};

struct SentinelNode {
  std::string host = "127.0.0.1";
  std::uint16_t port = 6379;

  static void describe(Record<SentinelNode>& r) {
    r.field<&SentinelNode::host>("host", "Name or address.").optional().rule(schema::host());
    r.field<&SentinelNode::port>("port", "Port.").optional().rule(schema::port());
  }
};

/// A Redis server, a cluster of them, or one that sentinels know.
struct RedisEe {
  std::string host = "127.0.0.1";
  std::uint16_t port = 6379;
  int connect_timeout = 2000;  // milliseconds, as the next two
  int send_timeout = 2000;
  int read_timeout = 2000;
  std::optional<std::string> username;
  std::optional<Secret<std::string>> password;
  int database = 0;
  bool ssl = false;
  bool ssl_verify = false;
  std::optional<std::string> server_name;
  int keepalive_pool_size = 256;
  std::optional<int> keepalive_backlog;
  bool connection_is_proxied = false;
  std::optional<std::vector<ClusterNode>> cluster_nodes;
  int cluster_max_redirections = 5;
  std::optional<std::string> sentinel_master;
  std::optional<std::string> sentinel_role;
  std::optional<std::vector<SentinelNode>> sentinel_nodes;
  std::optional<std::string> sentinel_username;
  std::optional<Secret<std::string>> sentinel_password;

  static void describe(Record<RedisEe>& r);
  static void describe_sentinel(Record<RedisEe>& r);
};

void RedisEe::describe(Record<RedisEe>& r) {
  constexpr double kMax = 2147483646;
  r.doc("A Redis server, a cluster of them, or one that sentinels know.");
  r.field<&RedisEe::host>("host", "Name or address.").optional().rule(schema::host());
  r.field<&RedisEe::port>("port", "Port.").optional().rule(schema::port());
  r.field<&RedisEe::connect_timeout>("connect_timeout", "In milliseconds.").optional().rule(schema::timeout());
  r.field<&RedisEe::send_timeout>("send_timeout", "In milliseconds.").optional().rule(schema::timeout());
  r.field<&RedisEe::read_timeout>("read_timeout", "In milliseconds.").optional().rule(schema::timeout());
  describe_login(r);
  r.field<&RedisEe::keepalive_pool_size>("keepalive_pool_size", "Connections kept for each server.")
      .optional()
      .rule(schema::between(1, kMax));
  r.field<&RedisEe::keepalive_backlog>("keepalive_backlog", "How many may wait for a connection.")
      .rule(schema::between(0, kMax));
  r.field<&RedisEe::connection_is_proxied>("connection_is_proxied", "Whether a proxy stands before the server.")
      .optional();
  r.field<&RedisEe::cluster_nodes>("cluster_nodes", "Servers of a cluster.").rule(schema::len_min(1));
  r.field<&RedisEe::cluster_max_redirections>("cluster_max_redirections", "How often a cluster may send elsewhere.")
      .optional();
  describe_sentinel(r);
  r.check(schema::mutually_required({"sentinel_role", "sentinel_master", "sentinel_nodes"}));
  r.check(schema::mutually_required({"host", "port"}));
  r.check(schema::mutually_required({"connect_timeout", "send_timeout", "read_timeout"}));
}

void RedisEe::describe_sentinel(Record<RedisEe>& r) {
  r.field<&RedisEe::sentinel_master>("sentinel_master", "The name by which sentinels know the server.");
  r.field<&RedisEe::sentinel_role>("sentinel_role", "Which of the servers that sentinels know.")
      .rule(schema::one_of({"master", "slave", "any"}));
  r.field<&RedisEe::sentinel_nodes>("sentinel_nodes", "The sentinels.").rule(schema::len_min(1));
  r.field<&RedisEe::sentinel_username>("sentinel_username", "User towards sentinels.").referenceable();
  r.field<&RedisEe::sentinel_password>("sentinel_password", "For AUTH towards sentinels.").encrypted().referenceable();
}

// These are kept as they are given: plugins that take them describe what they may hold. Until then nobody can tell the
// keys of their providers from the rest, and every text in them is a secret.
constexpr std::array<std::string_view, 3> kFreeForm = {"embeddings", "model", "vectordb"};
constexpr std::array<std::string_view, 5> kTypes = {"embeddings", "model", "redis-ce", "redis-ee", "vectordb"};

/// The partial whole, with `config` as its type has it.
schema::CaseSelector by_type(const RecordBase& general) {
  std::map<std::string, std::shared_ptr<const RecordBase>, std::less<>> cases;
  for (const std::string_view type : kTypes) {
    auto special = std::make_shared<RecordBase>();
    schema::Field config = *general.find_field("config");
    config.abstract = false;
    if (const RecordBase* shape = partial_config(type)) {
      config.type = schema::Type::Record;
      config.required = true;
      config.record = std::make_shared<const RecordBase>(*shape);
    } else {
      config.encrypted = true;
    }
    special->add_field(std::move(config));
    cases.emplace(type, std::move(special));
  }
  return [cases](const Json::Object& input, schema::Violations&) -> const RecordBase* {
    const Json* type = input.find("type");
    const auto found = type != nullptr && type->is_string() ? cases.find(type->as_string()) : cases.end();
    return found != cases.end() ? found->second.get() : nullptr;
  };
}

std::optional<std::string> free_form_is_an_object(const schema::CheckInput& input) {
  const Json* config = input.find("config");
  if (config == nullptr || config->is_object()) return std::nullopt;
  return "config: expected a record";
}

/// The type of partial that the record `field` of a plugin's configuration takes; empty: none.
std::string_view partial_type_of(const schema::Field& field) {
  if (field.name == "redis") return field.record->find_field("sentinel_nodes") != nullptr ? "redis-ee" : "redis-ce";
  const bool named_so = std::ranges::find(kFreeForm, field.name) != kFreeForm.end();
  return named_so ? std::string_view(field.name) : std::string_view();
}

void collect_places(const RecordBase& record, const std::string& path, PartialPlaces& places) {
  for (const schema::Field& field : record.fields()) {
    if (field.type != schema::Type::Record || !field.record) continue;
    const std::string below = path + "." + field.name;
    const std::string_view type = partial_type_of(field);
    if (type.empty()) {
      collect_places(*field.record, below, places);
    } else {
      places[std::string(type)].push_back(below);
    }
  }
}

}  // namespace

const RecordBase* partial_config(std::string_view type) {
  static const RecordBase kCe = schema::describe<RedisCe>();
  static const RecordBase kEe = schema::describe<RedisEe>();
  if (type == "redis-ce") return &kCe;
  return type == "redis-ee" ? &kEe : nullptr;
}

bool is_partial_type(std::string_view type) {
  return std::ranges::find(kTypes, type) != kTypes.end();
}

void Partial::describe(schema::Entity<Partial>& e) {
  e.doc("Settings that plugins share.");
  e.identity<&Partial::id, &Partial::name>("name", "Its name.").rule(schema::utf8_name());
  e.find_field("id")->since = {schema::kong(3, 10)};  // and with it the type
  e.created_at<&Partial::created_at>();
  e.updated_at<&Partial::updated_at>();
  e.field<&Partial::type>("type", "What the settings are of.")
      .required()
      .rule(schema::one_of(Json::Array(kTypes.begin(), kTypes.end())));
  e.field<&Partial::config>("config", "The settings.").abstract();
  e.tags<&Partial::tags>();
  e.check(schema::custom_check(free_form_is_an_object));
  e.cases(by_type(e));
}

PartialPlaces partial_places(const RecordBase& plugin_config) {
  PartialPlaces places;
  collect_places(plugin_config, "config", places);
  return places;
}

}  // namespace sluice::entity
