// SPDX-License-Identifier: Apache-2.0
#include "sync/wire/projection.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/core.h>

#include "base/assert.h"
#include "base/json.h"
#include "crypto/hash.h"
#include "entity/catalog.h"
#include "entity/consumer_group.h"
#include "entity/partial.h"
#include "sync/wire/peer_knowledge.h"

namespace sluice::sync::wire {
namespace {

using schema::Since;
using Severity = CompatibilityIssue::Severity;

/// A value of a field, or an element of its list, that is newer than the field. Without something to take instead, the
/// entity cannot be served.
struct ValueRule {
  std::string_view type;
  std::string_view field;
  std::string_view value;
  std::vector<Since> since;
  std::string_view instead;

  [[nodiscard]] std::string path() const { return fmt::format("{}.{}={}", type, field, value); }
  [[nodiscard]] bool concerns(const Json& document) const {
    const Json* found = document.find(field);
    if (found == nullptr) return false;
    const auto matches = [&](const Json& one) { return one.is_string() && one.as_string() == value; };
    return found->is_array() ? std::ranges::any_of(found->as_array(), matches) : matches(*found);
  }
};

const std::vector<ValueRule>& value_rules() {
  static const std::vector<ValueRule> kRules = {
      {"upstreams", "algorithm", "latency", {schema::kong(3, 2)}, "round-robin"},
      {"upstreams", "algorithm", "sticky-sessions", {schema::kong(3, 11)}, "round-robin"},
      {"services", "protocol", "ws", {}, {}},
      {"services", "protocol", "wss", {}, {}},
      {"routes", "protocols", "ws", {}, {}},
      {"routes", "protocols", "wss", {}, {}},
  };
  return kRules;
}

/// What the configuration of a plugin or partial would change in meaning without: whom it concerns, what it takes.
bool is_indispensable(std::string_view type, const schema::Field& field) {
  return type == entity::Plugin::kName && (field.type == schema::Type::Foreign || field.name == "partials");
}

std::string name_in(const Json& document, std::string_view member) {
  const Json* name = document.find(member);
  return name != nullptr && name->is_string() ? name->as_string() : std::string();
}

bool is_disabled(const Json& document) {
  const Json* enabled = document.find("enabled");
  return enabled != nullptr && enabled->is_bool() && !enabled->as_bool();
}

}  // namespace

struct Projection::Plan {
  /// What happens to the rows of one type.
  struct Type {
    const schema::EntityBase* description = nullptr;
    bool known = true;
    bool whole = true;                     // rows pass as they are
    bool cases = false;                    // something in it is described by cases only
    bool nameless = false;                 // its rows have no id there
    std::vector<const ValueRule*> values;  // that the peer does not know
  };

  const entity::Catalog& catalog;
  PeerKnowledge knowledge;
  std::optional<std::set<std::string, std::less<>>> plugins;  // that the peer has; nothing: it did not say
  std::map<std::string, Type, std::less<>> types;

  Plan(const entity::Catalog& described, const Peer& peer, const ProductVersion& sluice)
      : catalog(described), knowledge(peer, sluice) {
    if (peer.plugins) {
      plugins.emplace();
      for (const auto& [name, version] : *peer.plugins) plugins->insert(name);
    }
    for (const auto& type : catalog.types()) types.emplace(type->name(), plan(*type));
  }

  [[nodiscard]] Type plan(const schema::EntityBase& description) const {
    Type type;
    type.description = &description;
    type.known = knowledge.knows(description);
    if (knowledge.is_kong()) {
      type.nameless = description.name() == entity::ConsumerGroupConsumer::kName;
      for (const ValueRule& rule : value_rules()) {
        if (rule.type == description.name() && !knowledge.knows(rule.path(), rule.since)) type.values.push_back(&rule);
      }
    }
    if (description.name() == entity::Plugin::kName) {
      type.whole = knows_all_plugins();
    } else {
      type.cases = std::ranges::any_of(description.fields(), &schema::Field::abstract);
    }
    type.whole = type.whole && !type.nameless && type.values.empty() &&
                 (knowledge.is_complete() || (!type.cases && knowledge.knows_all(description, description.name())));
    return type;
  }

  [[nodiscard]] bool knows_all_plugins() const {
    return std::ranges::all_of(catalog.plugins(), [&](const auto& plugin) {
      if (plugins && !plugins->contains(plugin.first)) return false;
      return knowledge.is_complete() ||
             knowledge.knows_all(*catalog.plugin_config(plugin.first), "plugins." + plugin.first + ".config");
    });
  }
};

/// One row on its way to the peer.
class Projection::Passage {
 public:
  Passage(const Plan& plan, const Plan::Type& type, const EntityRow& row, std::vector<CompatibilityIssue>* issues)
      : plan_(plan), type_(type), row_(row), issues_(issues) {}

  /// Nothing: the peer must not have it.
  std::optional<EntityRow> run() {
    if (!type_.known) return unknown_type();
    if (type_.whole) return row_;
    auto document = parse_json(*row_.document);
    if (SLUICE_BUG(!document || !document->is_object())) return row_;
    document_ = *std::move(document);
    if (lacks_plugin()) return unknown_plugin();
    strip_fields();
    replace_values();
    if (blocked_) return std::nullopt;
    if (type_.nameless) document_.as_object().erase("id");
    if (type_.cases) knowledge().strip_cases(*type_.description, document_);
    std::string text = to_json(document_);
    if (text == *row_.document) return row_;
    return EntityRow{row_.type, row_.id, std::make_shared<const std::string>(std::move(text)), row_.workspace};
  }

 private:
  [[nodiscard]] const PeerKnowledge& knowledge() const { return plan_.knowledge; }
  [[nodiscard]] bool is_plugin() const { return row_.type == entity::Plugin::kName; }
  [[nodiscard]] bool lacks_plugin() const {
    return is_plugin() && plan_.plugins && !plan_.plugins->contains(name_in(document_, "name"));
  }

  /// What describes the part that depends on what the row is: the `config` of a plugin or partial.
  [[nodiscard]] const schema::RecordBase* config_description() const {
    if (is_plugin()) return plan_.catalog.plugin_config(name_in(document_, "name"));
    if (row_.type == entity::Partial::kName) return entity::partial_config(name_in(document_, "type"));
    return nullptr;
  }

  void strip_fields() {
    std::vector<PeerKnowledge::Loss> losses;
    knowledge().strip(*type_.description, document_, row_.type, losses);
    const schema::RecordBase* described = config_description();
    Json* config = document_.find("config");
    if (described != nullptr && config != nullptr) {
      const std::string path =
          fmt::format("{}.{}.config", row_.type, name_in(document_, is_plugin() ? "name" : "type"));
      knowledge().strip(*described, *config, path, losses);
    }
    for (const auto& loss : losses) tell_loss(loss);
  }

  void replace_values() {
    for (const ValueRule* rule : type_.values) {
      if (!rule->concerns(document_)) continue;
      tell_value(*rule);
      if (!rule->instead.empty()) document_.as_object().set(rule->field, rule->instead);
    }
  }

  std::nullopt_t unknown_type() {
    const schema::Field* id = type_.description->find_field("id");
    tell("TYPE_UNKNOWN:" + row_.type, Severity::Warning,
         fmt::format("{} does not know {}; they are left out.", knowledge().name(), row_.type),
         fmt::format("Upgrade the data plane to {} or later.", knowledge().least(row_.type, id->since)));
    return std::nullopt;
  }

  std::nullopt_t unknown_plugin() {
    const std::string name = name_in(document_, "name");
    tell("PLUGIN_UNKNOWN:" + name, is_disabled(document_) ? Severity::Warning : Severity::Error,
         fmt::format("The data plane ({}) does not have the plugin {}.", knowledge().name(), name),
         "Install the plugin on the data plane, or remove it from the configuration.");
    return std::nullopt;
  }

  void tell_loss(const PeerKnowledge::Loss& loss) {
    const bool needed = is_indispensable(row_.type, *loss.field);
    blocked_ = blocked_ || needed;
    tell("FIELD_UNKNOWN:" + loss.path, needed ? Severity::Error : Severity::Warning,
         fmt::format("{} does not know the field {}, {}.", knowledge().name(), loss.path,
                     needed ? "without which the entity would mean something else" : "which is left out"),
         fmt::format("Upgrade the data plane to {} or later, or unset the field.",
                     knowledge().least(loss.path, loss.field->since)));
  }

  void tell_value(const ValueRule& rule) {
    const bool needed = rule.instead.empty();
    blocked_ = blocked_ || needed;
    const std::string path = rule.path();
    tell("VALUE_UNKNOWN:" + path, needed ? Severity::Error : Severity::Warning,
         needed ? fmt::format("{} does not know {}.", knowledge().name(), path)
                : fmt::format("{} does not know {}; it gets {} instead.", knowledge().name(), path, rule.instead),
         fmt::format("Upgrade the data plane to {} or later, or choose another value.",
                     knowledge().least(path, rule.since)));
  }

  void tell(std::string code, Severity severity, std::string description, std::string resolution) {
    if (issues_ == nullptr) return;
    CompatibilityIssue issue;
    issue.code = std::move(code);
    issue.severity = severity;
    issue.description = std::move(description);
    issue.resolution = std::move(resolution);
    issue.affected.emplace_back(row_.type, row_.id);
    issues_->push_back(std::move(issue));
  }

  const Plan& plan_;
  const Plan::Type& type_;
  const EntityRow& row_;
  std::vector<CompatibilityIssue>* issues_;
  Json document_;
  bool blocked_ = false;
};

Projection::Projection(const entity::Catalog& catalog, const Peer& peer, const ProductVersion& /*kong*/,
                       const ProductVersion& sluice)
    : plan_(std::make_shared<const Plan>(catalog, peer, sluice)) {
  whole_ = std::ranges::all_of(plan_->types, [](const auto& type) { return type.second.known && type.second.whole; });
}

std::string Projection::key(const Peer& peer) {
  std::string key = PeerKnowledge(peer, {}).key();
  if (!peer.plugins) return key;
  std::string names;
  for (const auto& [name, version] : *peer.plugins) names += name + '\n';
  return key + ' ' + crypto::sha256_hex(names);
}

std::optional<EntityRow> Projection::row(const EntityRow& row, std::vector<CompatibilityIssue>* issues) const {
  if (whole_) return row;
  const auto type = plan_->types.find(row.type);
  if (type == plan_->types.end()) return row;
  return Passage(*plan_, type->second, row, issues).run();
}

}  // namespace sluice::sync::wire
