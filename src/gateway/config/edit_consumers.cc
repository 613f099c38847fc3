// SPDX-License-Identifier: Apache-2.0
// Consumers of a generation, their groups and credentials.
#include <algorithm>

#include "gateway/config/edit.h"
#include "gateway/config/secrets.h"

namespace sluice::gateway {

void Edit::consumer(const Change& change) {
  if (change.before != nullptr) {
    const std::string username = text(*change.before, "username");
    const ScopedNameView name{change.workspace_before, {}, username};
    const auto* holder = next_->consumers_by_username.find(name);
    if (holder != nullptr && (*holder)->id == change.id) next_->consumers_by_username.erase(name);
    const std::string custom_id = text(*change.before, "custom_id");
    const ScopedNameView custom{change.workspace_before, "custom_id", custom_id};
    const auto* owner = next_->consumers_by_custom_id.find(custom);
    if (owner != nullptr && (*owner)->id == change.id) next_->consumers_by_custom_id.erase(custom);
  }
  if (change.after == nullptr) {
    next_->consumers.erase(change.id);
  } else {
    auto consumer = Shared<ConsumerConfig>::make();
    consumer->id = change.id;
    consumer->workspace = change.workspace;
    consumer->id_text = change.id.to_string();
    consumer->username = text(*change.after, "username");
    consumer->custom_id = text(*change.after, "custom_id");
    consumer->document = current_;
    next_->consumers.insert(change.id, std::move(consumer));
    consumers_to_rebuild_.push_back(change.id);
  }
}

void Edit::consumer_group(const Change& change) {
  if (change.after == nullptr) {
    next_->group_names.erase(change.id);
  } else {
    next_->group_names.insert(change.id, std::make_shared<const std::string>(text(*change.after, "name")));
  }
  for (const auto& entry : next_->groups_by_consumer) {
    bool member = std::any_of(entry.value->begin(), entry.value->end(),
                              [&](const Membership& m) { return m.group == change.id; });
    if (member) consumers_to_rebuild_.push_back(entry.key);
  }
}

void Edit::change_membership(PersistentMap<Uuid, Memberships>& index, const Change& change,
                             const std::function<Membership(const Json&)>& make) {
  auto edit = [&](const Uuid& consumer, auto&& alter) {
    const Memberships* present = index.find(consumer);
    auto list = present != nullptr ? std::make_shared<std::vector<Membership>>(**present)
                                   : std::make_shared<std::vector<Membership>>();
    std::erase_if(*list, [&](const Membership& m) { return m.row == change.id; });
    alter(*list);
    if (list->empty()) {
      index.erase(consumer);
    } else {
      index.insert(consumer, std::move(list));
    }
    consumers_to_rebuild_.push_back(consumer);
  };
  if (change.before != nullptr) edit(reference(*change.before, "consumer"), [](auto&) {});
  if (change.after != nullptr) {
    edit(reference(*change.after, "consumer"), [&](auto& list) { list.push_back(make(*change.after)); });
  }
}

void Edit::membership(const Change& change) {
  change_membership(next_->groups_by_consumer, change, [&](const Json& document) {
    return Membership{change.id, reference(document, "consumer_group"), {}};
  });
}

void Edit::acl(const Change& change) {
  change_membership(next_->acls_by_consumer, change,
                    [&](const Json& document) { return Membership{change.id, {}, text(document, "group")}; });
}

/// Takes the credential out of the index under the identity that it has there: what a reference resolved to once, it
/// need not resolve to now.
void Edit::forget_credential(const Change& change, const CredentialKind& kind) {
  std::string known;
  if (const auto* resolved = next_->referring_credentials.find(change.id)) {
    known = (*resolved)->identity;
    next_->referring_credentials.erase(change.id);
  } else if (change.before != nullptr) {
    known = kind.qualified(*change.before, text(*change.before, kind.identity));
  }
  const ScopedNameView name{change.workspace_before, kind.collection, known};
  const auto* holder = next_->credentials.find(name);
  if (holder != nullptr && (*holder)->id == change.id) next_->credentials.erase(name);  // not another row's by now
}

std::string Edit::CredentialKind::qualified(const Json& document, std::string text) const {
  return within.empty() ? text : qualified_identity(reference(document, within), text);
}

void Edit::credential(const Change& change, const CredentialKind& kind) {
  forget_credential(change, kind);
  if (change.after == nullptr) return;
  auto secret_text = [&](std::string_view field) {
    const Json* value = change.after->find(field);
    if (value == nullptr || !value->is_string()) return std::string{};
    return resolve_secrets(*value, *next_, change.workspace).as_string();
  };
  auto credential = Shared<CredentialConfig>::make();
  const std::string identity = secret_text(kind.identity);
  // A reference that cannot be resolved is no key at all, least of all one that a client could spell.
  if (identity.empty()) return;
  credential->identity = kind.qualified(*change.after, identity);
  credential->id = change.id;
  credential->workspace = change.workspace;
  credential->collection = kind.collection;
  credential->id_text = change.id.to_string();
  credential->consumer_id = reference(*change.after, "consumer");
  if (!kind.secret.empty()) credential->secret = secret_text(kind.secret);
  if (const Json* ttl = change.after->find("ttl"); ttl != nullptr && ttl->is_int() && ttl->as_int() > 0) {
    const Json* created = change.after->find("created_at");
    credential->expires_at_s = (created != nullptr && created->is_int() ? created->as_int() : 0) + ttl->as_int();
  }
  Shared<const CredentialConfig> made(std::move(credential));
  if (text(*change.after, kind.identity) != identity) next_->referring_credentials.insert(change.id, made);
  next_->credentials.insert({made.get()}, made);
}

/// Group membership and ACL rows are put into the consumer, so that a request finds them without a look-up.
void Edit::rebuild_consumers() {
  std::ranges::sort(consumers_to_rebuild_);
  consumers_to_rebuild_.erase(std::ranges::unique(consumers_to_rebuild_).begin(), consumers_to_rebuild_.end());
  for (const Uuid& id : consumers_to_rebuild_) {
    const auto* present = next_->consumers.find(id);
    if (present == nullptr) continue;
    Shared<const ConsumerConfig> made = with_groups(*present);
    next_->consumers.insert(id, made);
    if (!made->username.empty()) next_->consumers_by_username.insert({made.get()}, made);
    if (!made->custom_id.empty()) next_->consumers_by_custom_id.insert({made.get()}, made);
  }
}

/// `consumer` with the groups that it has now; itself if that is none, as for most.
Shared<const ConsumerConfig> Edit::with_groups(const Shared<const ConsumerConfig>& consumer) const {
  const Memberships* acls = next_->acls_by_consumer.find(consumer->id);
  const Memberships* groups = next_->groups_by_consumer.find(consumer->id);
  const bool had_some = !consumer->acl_groups.empty() || !consumer->consumer_groups.empty();
  if (acls == nullptr && groups == nullptr && !had_some) return consumer;
  auto made = Shared<ConsumerConfig>::make(*consumer);
  made->acl_groups.clear();
  made->consumer_groups.clear();
  if (acls != nullptr) {
    for (const Membership& acl : **acls) made->acl_groups.push_back(acl.name);
  }
  if (groups != nullptr) {
    for (const Membership& group : **groups) made->consumer_groups.push_back(group.group);
    std::ranges::sort(made->consumer_groups, {}, [&](const Uuid& group) { return next_->consumer_group_name(group); });
  }
  return made;
}

}  // namespace sluice::gateway
