// SPDX-License-Identifier: Apache-2.0
#include "control/cluster/parcel.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/assert.h"
#include "entity/workspace.h"
#include "sync/wire/deltas.h"
#include "sync/wire/hello.h"
#include "sync/wire/reconfigure.h"
#include "sync/wire/rpc.h"

namespace sluice::control::cluster {
namespace {

// A part of a whole configuration, before compression: small beside what either side buffers for one message.
constexpr std::size_t kPartOctets = 1 << 20;

Uuid default_workspace() {
  return *Uuid::parse(entity::Workspace::kDefaultId);
}

std::string to_deltas(const Step& step) {
  return sync::wire::deltas_text(step.upserts, step.removals, to_wire(step.to), default_workspace());
}

std::string push_frame(const sync::wire::Push& push, std::string_view deltas) {
  const std::string method = std::string(sync::wire::kSluiceSync) + ".push";
  return sync::wire::compress(sync::wire::call_text(method, push_params(push, deltas)));
}

/// Rows in parts of bounded size, in their order.
std::vector<std::vector<sync::EntityRow>> in_parts(std::vector<sync::EntityRow> rows) {
  std::vector<std::vector<sync::EntityRow>> parts(1);
  std::size_t octets = 0;
  for (sync::EntityRow& row : rows) {
    if (octets + row.document->size() > kPartOctets && !parts.back().empty()) {
      parts.emplace_back();
      octets = 0;
    }
    octets += row.document->size();
    parts.back().push_back(std::move(row));
  }
  return parts;
}

std::vector<std::string> one(std::string frame) {
  std::vector<std::string> frames;
  frames.push_back(std::move(frame));
  return frames;
}

/// A Snappy block begins with the size of its text, seven bits to an octet, the lowest first; the rest is a list of
/// elements that refer to what is before them.
std::size_t take_size(std::string_view& block) {
  std::size_t size = 0;
  for (unsigned shift = 0; !block.empty(); shift += 7) {
    const auto octet = static_cast<unsigned char>(block.front());
    block.remove_prefix(1);
    size |= static_cast<std::size_t>(octet & 0x7FU) << shift;
    if ((octet & 0x80U) == 0) break;
  }
  return size;
}

void put_size(std::string& block, std::size_t size) {
  for (; size >= 0x80; size >>= 7U) block += static_cast<char>((size & 0x7FU) | 0x80U);
  block += static_cast<char>(size);
}

}  // namespace

std::size_t Cargo::octets() const {
  constexpr std::size_t kAroundARow = 200;
  std::size_t octets = kAroundARow * (step.upserts.size() + step.removals.size());
  for (const sync::EntityRow& row : step.upserts) octets += row.document->size();
  return octets;
}

void Cargo::project() {
  if (projection.is_whole()) return;
  std::vector<sync::EntityRow> kept;
  kept.reserve(step.upserts.size());
  for (const sync::EntityRow& row : step.upserts) {
    if (auto projected = projection.row(row, nullptr)) {
      kept.push_back(*std::move(projected));
    } else {
      step.removals.push_back({row.type, row.id});
    }
  }
  step.upserts = std::move(kept);
}

std::vector<std::string> push_of_change(Cargo cargo) {
  cargo.project();
  sync::wire::Push push;
  push.from = to_wire(cargo.step.from);
  push.to = to_wire(cargo.step.to);
  push.hash = std::move(cargo.hash);
  return one(push_frame(push, to_deltas(cargo.step)));
}

std::vector<std::string> push_of_everything(Cargo cargo, const sync::Signer& signer, const std::string& control_plane) {
  cargo.project();
  auto parts = in_parts(std::move(cargo.step.upserts));
  sync::wire::Push push;
  push.to = to_wire(cargo.step.to);
  push.full = true;
  push.parts = parts.size();
  std::vector<std::string> frames;
  for (push.part = 0; push.part < parts.size(); ++push.part) {
    if (push.part + 1 == parts.size()) {
      push.hash = cargo.hash;
      push.signature = signer.sign(sync::statement_of(control_plane, push.to, push.hash));
    }
    const Step step{.from = {}, .to = cargo.step.to, .upserts = std::move(parts[push.part]), .removals = {}};
    frames.push_back(push_frame(push, to_deltas(step)));
  }
  return frames;
}

std::vector<std::string> answer_of(Cargo cargo, bool full) {
  constexpr std::string_view kEnd = R"(,"id":null})";
  cargo.project();
  if (full) cargo.step.removals.clear();
  std::string text = sync::wire::result_text(nullptr, sync::wire::get_delta_result(to_deltas(cargo.step), full));
  SLUICE_ASSERT(text.ends_with(kEnd));
  text.resize(text.size() - kEnd.size());
  return one(sync::wire::compress(text));
}

std::string answer_to(const Json& id, std::string_view answer) {
  std::string end = ",\"id\":";
  append_json(end, id);
  end += '}';
  const std::string end_block = sync::wire::compress(end);
  std::string_view rest = end_block;
  const std::size_t size = take_size(answer) + take_size(rest);
  std::string block;
  block.reserve(answer.size() + end_block.size() + sizeof(std::uint64_t));
  put_size(block, size);
  block += answer;
  block += rest;
  return block;
}

std::vector<std::string> reconfigure_of(const entity::Catalog& catalog, Cargo cargo, const sync::Digest& digest,
                                        double now) {
  cargo.project();
  const sync::wire::PartHashes hashes{.config = std::move(cargo.hash),
                                      .routes = digest.text_of("routes"),
                                      .services = digest.text_of("services"),
                                      .plugins = digest.text_of("plugins"),
                                      .upstreams = digest.text_of("upstreams"),
                                      .targets = digest.text_of("targets")};
  return one(sync::wire::reconfigure_frame(catalog, cargo.step.upserts, default_workspace(), hashes, now));
}

}  // namespace sluice::control::cluster
