// SPDX-License-Identifier: Apache-2.0
#include "control/publish/draft.h"

#include <map>
#include <utility>

#include "crypto/hash.h"

namespace sluice::control::publish {
namespace {

/// Names what the configuration becomes, from what it was and what changes in it.
std::string next_hash(const std::string& before, const sync::Delta& delta) {
  crypto::Digest digest(crypto::Hash::Md5);
  digest.update(before);
  for (const auto& row : delta.upserts) digest.update(*row.document);
  for (const auto& key : delta.removals) digest.update(key.id.to_string());
  const std::string octets = digest.finish();
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const char octet : octets) {
    const auto value = static_cast<unsigned char>(octet);
    text += kDigits[value >> 4U];
    text += kDigits[value & 15U];
  }
  return text;
}

}  // namespace

sync::EntityRow Draft::current(const std::string& type, const Uuid& id) const {
  sync::EntityRow row{type, id, nullptr};
  if (const store::Space* space = store_.space_of(type, id)) {
    row.document = *space->table(type).find(id);
    row.workspace = space->id();
  }
  return row;
}

store::Version Draft::version_of(const Uuid& workspace) const {
  WorkspaceVersions latest = workspaces_;
  for (const Entry& entry : journal_) {
    latest.note(entry.row.type, entry.row.workspace, entry.version);
    if (entry.before.document != nullptr) latest.note(entry.row.type, entry.before.workspace, entry.version);
  }
  return latest.of(workspace);
}

void Draft::put(sync::EntityRow row) {
  Entry entry{row, current(row.type, row.id), version_.next()};
  store_.put(row);
  journal_.push_back(std::move(entry));
}

void Draft::erase(const std::string& type, const Uuid& id) {
  sync::EntityRow before = current(type, id);
  if (before.document == nullptr) return;
  store_.erase({type, id});
  const Uuid workspace = before.workspace;
  journal_.push_back({{type, id, nullptr, workspace}, std::move(before), version_.next()});
}

void Draft::roll_back(std::size_t mark) {
  while (journal_.size() > mark) {
    const Entry& last = journal_.back();
    if (last.before.document != nullptr) {
      store_.put(last.before);
    } else {
      store_.erase({last.before.type, last.before.id});
    }
    journal_.pop_back();
  }
  if (mark == 0) version_ = base_;
}

sync::Delta Draft::delta(std::size_t mark) const {
  if (whole_.complete) return whole_;
  struct Net {
    const sync::EntityRow* first;  // before everything
    const sync::EntityRow* last;
  };
  std::map<std::pair<std::string_view, Uuid>, std::size_t> places;
  std::vector<Net> net;
  for (std::size_t i = mark; i < journal_.size(); ++i) {
    const Entry& entry = journal_[i];
    const auto [at, fresh] = places.emplace(std::pair(std::string_view(entry.row.type), entry.row.id), net.size());
    if (fresh) net.push_back({&entry.before, &entry.row});
    net[at->second].last = &entry.row;
  }
  sync::Delta delta;
  for (const Net& one : net) {
    if (one.last->document != nullptr) {
      delta.upserts.push_back(*one.last);
    } else if (one.first->document != nullptr) {
      delta.removals.push_back({one.last->type, one.last->id});
    }
  }
  delta.hash = next_hash(store_.hash(), delta);
  return delta;
}

}  // namespace sluice::control::publish
