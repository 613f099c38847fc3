// SPDX-License-Identifier: Apache-2.0
#include "control/cluster/node_notes.h"

#include <algorithm>
#include <functional>
#include <optional>

#include "base/log.h"
#include "base/time.h"

namespace sluice::control::cluster {
namespace {

constexpr std::int64_t kTickMs = 1'000;
constexpr int kTicksOfAPass = 10;
constexpr std::size_t kRowsOfATick = 50;                  // written: each is a transaction of its own
constexpr std::size_t kRowsOfATurn = 256;                 // looked at before others on this shard have their turn
constexpr std::int64_t kReadMs = 10'000;                  // between two looks at other replicas' rows,
constexpr std::int64_t kReadMsForEachRow = 10;            // or more when there are many
constexpr std::int64_t kRollMs = 30'000;                  // the longest silence about nodes that are connected
constexpr std::string_view kRows = "cluster_node/";       // control plane/node/replica
constexpr std::string_view kRolls = "cluster_roll/";      // control plane/replica
constexpr std::string_view kOldNotes = "cluster_nodes/";  // control plane/replica: all nodes in one text

store::SysTime now() {
  return store::SysTime(Millis(unix_millis()));
}

std::optional<NodeRecord> read_row(const std::string& text) {
  const auto json = parse_json(text);
  auto node = json ? read_node(*json) : std::unexpected(json.error());
  if (node) return *std::move(node);
  log::warn("cluster.node_unreadable", {{"octets", text.size()}, {"error", node.error()}});
  return std::nullopt;
}

}  // namespace

std::string NodeNotes::row_prefix() const {
  return std::string(kRows) + parts_.control_plane.to_string() + "/";
}

std::string NodeNotes::roll_prefix() const {
  return std::string(kRolls) + parts_.control_plane.to_string() + "/";
}

std::string NodeNotes::row_name(const Uuid& node, std::string_view replica) const {
  return row_prefix() + node.to_string() + "/" + std::string(replica);
}

Task<void> NodeNotes::keep(const settings::Settings& settings) {
  co_await begin();
  for (int tick = 1;; ++tick) {
    co_await rt::Sleep(parts_.reactor, parts_.reactor.after_ms(kTickMs));
    co_await carry_out_erasures();
    if (tick % kTicksOfAPass == 0) {
      co_await purge(settings.cluster_data_plane_purge_delay);
      if (parts_.store.shared()) co_await follow();
      co_await look();
      co_await write_roll();
    }
    co_await write_some();
  }
}

// Reading
// -------------------------------------------------------------------------------------------------------------------

Task<void> NodeNotes::begin() {
  co_await import_old();
  co_await read_rolls();  // first: what rows say of nodes that were connected is made right with it
  co_await read_rows();
}

/// What earlier releases wrote: all nodes of a replica in one text.
Task<void> NodeNotes::import_old() {
  const auto notes = co_await parts_.store.metas(std::string(kOldNotes) + parts_.control_plane.to_string() + "/");
  if (!notes) co_return;
  for (const auto& [name, text] : *notes) {
    const auto list = parse_json(text);
    for (const Json& each : list && list->is_array() ? list->as_array() : Json::Array{}) {
      if (auto node = read_node(each)) nodes_.remember(*std::move(node));
    }
    co_await parts_.store.erase_meta(name);
  }
}

Task<void> NodeNotes::follow() {
  if (now_ms() >= next_read_ms_) co_await read_rows();
  co_await read_rolls();
}

Task<void> NodeNotes::read_rows() {
  const auto rows = co_await parts_.store.metas(row_prefix());
  if (!rows) co_return;
  co_await take_rows(*rows);
  next_read_ms_ = now_ms() + std::max(kReadMs, kReadMsForEachRow * static_cast<std::int64_t>(rows->size()));
}

Task<void> NodeNotes::take_rows(const Texts& rows) {
  const std::size_t before_name = row_prefix().size();
  std::set<NodeRegistry::Place> there;
  std::size_t looked_at = 0;
  for (const auto& [name, text] : rows) {
    if (++looked_at % kRowsOfATurn == 0) co_await rt::Sleep(parts_.reactor, parts_.reactor.after_ms(1));
    const std::string_view place = std::string_view(name).substr(before_name);
    const std::size_t slash = place.find('/');
    const auto node = Uuid::parse(place.substr(0, slash));
    if (!node || slash == place.npos) continue;
    const std::string replica(place.substr(slash + 1));
    there.emplace(*node, replica);
    for (const Uuid& id : nodes_.take_erased()) erasing_.insert(id);  // while this was read
    if (!erasing_.contains(*node)) take_row(*node, replica, text);
  }
  forget_missing(there);
}

void NodeNotes::take_row(const Uuid& node, const std::string& replica, const std::string& text) {
  const bool is_own = replica == parts_.replica;
  if (is_own && (written_.contains(node) || nodes_.here().contains(node))) return;
  const std::uint64_t said = std::hash<std::string>()(text);
  std::uint64_t& known = read_[{node, replica}];
  if (!is_own && std::exchange(known, said) == said) return;
  auto record = read_row(text);
  if (!record || record->peer.node_id != node) return;
  const auto found = rolls_.find(replica);
  const Roll* roll = found != rolls_.end() ? &found->second : nullptr;
  if (!is_own) return nodes_.take_over(replica, *std::move(record), roll, now());
  written_[node] = fingerprint_of(*record);
  nodes_.remember(*std::move(record), roll);
}

/// Rows that were there and are no more: somebody erased the node. One that is connected here is written down again.
void NodeNotes::forget_missing(const std::set<NodeRegistry::Place>& there) {
  std::erase_if(read_, [&](const auto& entry) {
    if (there.contains(entry.first)) return false;
    nodes_.let_go(entry.first.second, entry.first.first);
    return true;
  });
  std::erase_if(written_, [&](const auto& entry) {
    if (there.contains({entry.first, parts_.replica})) return false;
    const auto record = nodes_.here().find(entry.first);
    if (record != nodes_.here().end() && !record->second.connected) nodes_.here().erase(record);
    nodes_.touch();
    return true;
  });
}

Task<void> NodeNotes::read_rolls() {
  const std::string prefix = roll_prefix();
  const auto rolls = co_await parts_.store.metas(prefix);
  if (!rolls) co_return;
  for (const auto& [name, text] : *rolls) {
    const std::string replica = name.substr(prefix.size());
    const auto roll = read_roll(text);
    if (!roll) continue;
    rolls_[replica] = *roll;
    if (replica != parts_.replica) nodes_.take_roll(replica, *roll, now());
  }
}

// Writing
// -------------------------------------------------------------------------------------------------------------------

Task<void> NodeNotes::carry_out_erasures() {
  for (const Uuid& id : nodes_.take_erased()) erasing_.insert(id);
  const std::set<Uuid> all = erasing_;
  for (const Uuid& id : all) {
    const auto rows = co_await parts_.store.metas(row_name(id, ""));
    if (!rows) co_return;  // later, then
    bool gone = true;
    for (const auto& [name, text] : *rows) {
      const auto erased = co_await parts_.store.erase_meta(name);
      gone = gone && erased.has_value();
    }
    if (!gone) co_return;
    written_.erase(id);
    std::erase_if(read_, [&](const auto& entry) { return entry.first.first == id; });
    erasing_.erase(id);
  }
}

Task<void> NodeNotes::purge(Millis unseen, const NodeRegistry::Limits& limits) {
  const auto dropped = nodes_.purge(unseen, now(), limits);
  if (!dropped.empty()) log::notice("cluster.nodes_purged", {{"nodes", dropped.size()}});
  for (const auto& [node, replica] : dropped) {
    const std::string& by = replica.empty() ? parts_.replica : replica;
    if (replica.empty() && written_.erase(node) == 0) continue;
    co_await parts_.store.erase_meta(row_name(node, by));
  }
  for (auto at = rolls_.begin(); at != rolls_.end();) {
    const bool is_over = at->first != parts_.replica && now() - at->second.at > unseen;
    if (is_over) co_await parts_.store.erase_meta(roll_prefix() + at->first);
    at = is_over ? rolls_.erase(at) : std::next(at);
  }
}

Task<void> NodeNotes::look() {
  if (!nodes_.take_changed() || !to_write_.empty()) {
    if (!to_write_.empty()) nodes_.touch();
    co_return;
  }
  std::size_t looked_at = 0;
  // The map may change whenever this waits.
  std::optional<Uuid> last;
  for (auto at = nodes_.here().begin(); at != nodes_.here().end(); at = nodes_.here().upper_bound(*last)) {
    last = at->first;
    keep_small(at->second);
    const auto known = written_.find(at->first);
    if (known == written_.end() || known->second != fingerprint_of(at->second)) to_write_.push_back(at->first);
    if (++looked_at % kRowsOfATurn == 0) co_await rt::Sleep(parts_.reactor, parts_.reactor.after_ms(1));
  }
}

Task<void> NodeNotes::write_some() {
  for (std::size_t tried = 0; tried < kRowsOfATick && !to_write_.empty(); ++tried) {
    const Uuid id = to_write_.front();
    to_write_.pop_front();
    const auto record = nodes_.here().find(id);
    if (record == nodes_.here().end()) continue;
    const std::uint64_t says = fingerprint_of(record->second);
    const auto written =
        co_await parts_.store.set_meta(row_name(id, parts_.replica), to_json(to_json_value(record->second)));
    if (!written) {
      nodes_.touch();  // with the next look
      co_return;
    }
    ++rows_written_;
    written_[id] = says;
  }
}

Roll NodeNotes::make_roll() const {
  Roll roll{.at = now(), .version = nodes_.expected_version(), .hash = nodes_.expected_hash(), .behind = {}};
  roll.behind.emplace();
  for (const auto& [id, node] : nodes_.here()) {
    if (!node.connected || node.config_hash == roll.hash) continue;
    roll.behind->insert(id);
    if (roll.behind->size() <= Roll::kMostBehind) continue;
    roll.behind.reset();
    break;
  }
  return roll;
}

Task<void> NodeNotes::write_roll() {
  const bool is_needed = std::ranges::any_of(nodes_.here(), [](const auto& entry) { return entry.second.connected; });
  if (!is_needed) co_return;
  Roll roll = make_roll();
  const bool same = roll.version == told_.version && roll.hash == told_.hash && roll.behind == told_.behind;
  if (same && now_ms() - told_ms_ < kRollMs) co_return;
  const auto written = co_await parts_.store.set_meta(roll_prefix() + parts_.replica, to_text(roll));
  if (!written) co_return;
  told_ = std::move(roll);
  told_ms_ = now_ms();
}

}  // namespace sluice::control::cluster
