// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "entity/catalog.h"
#include "entity/workspace.h"
#include "input.h"
#include "sync/gzip.h"
#include "sync/snapshot_file.h"
#include "sync/wire/deltas.h"
#include "sync/wire/hello.h"
#include "sync/wire/reconfigure.h"
#include "sync/wire/rpc.h"

namespace {

using namespace sluice;
using namespace sluice::sync;
using namespace sluice::sync::wire;

constexpr std::size_t kLimit = std::size_t{4} << 20U;
constexpr double kNow = 1'800'000'000;

const entity::Catalog& catalog() {
  static const entity::Catalog kCatalog{entity::PluginSchemas()};
  return kCatalog;
}

Uuid default_workspace() {
  return *Uuid::parse(entity::Workspace::kDefaultId);
}

bool same(const EntityRow& a, const EntityRow& b) {
  return a.type == b.type && a.id == b.id && a.workspace == b.workspace && *a.document == *b.document;
}

/// Rows in whatever order, since a list is written parents first.
bool same_rows(const std::vector<EntityRow>& a, const std::vector<EntityRow>& b) {
  return a.size() == b.size() && std::ranges::all_of(a, [&](const EntityRow& row) {
           return std::ranges::any_of(b, [&](const EntityRow& other) { return same(row, other); });
         });
}

void check_deltas(const Json& json) {
  const auto read = read_deltas(json, default_workspace());
  if (!read) return;
  const std::string text = deltas_text(read->upserts, read->removals, read->version, read->default_workspace);
  const auto parsed = parse_json(text);
  if (!parsed) return;  // the deepest documents do not fit into a message
  const auto again = read_deltas(*parsed, read->default_workspace);
  fuzz::expect(again && again->removals.size() == read->removals.size(), "what was read can be written");
  // Whoever names a default workspace of its own in the list says who belongs to it.
  if (again->default_workspace != read->default_workspace) return;
  fuzz::expect(same_rows(read->upserts, again->upserts), "documents come back octet by octet");
}

void check_call(const RpcCall& call) {
  check_deltas(call.params);
  (void)read_get_delta_params(call.params);
  (void)read_new_version_params(call.params);
  (void)read_standing(call.params);
  if (const auto push = read_push(call.params)) {
    check_deltas(*push->deltas);
    const auto again = parse_json(push_params(push->push, "[]"));
    fuzz::expect(again && read_push(*again), "a push can be written");
  }
  if (const auto refused = read_refused_params(call.params)) {
    const auto again = parse_json(refused_params(*refused));
    fuzz::expect(again && read_refused_params(*again), "a refusal can be written");
  }
  if (const auto hello = parse_hello(call.params)) {
    const auto again = parse_json(to_text(*hello));
    fuzz::expect(again && parse_hello(*again), "a greeting can be written");
  }
}

void check_rpc(std::string_view text) {
  const auto messages = parse_rpc(text);
  if (!messages) return;
  for (const RpcMessage& message : *messages) {
    if (const auto* call = std::get_if<RpcCall>(&message)) {
      check_call(*call);
    } else if (const auto* result = std::get_if<Json>(&std::get<RpcReply>(message).outcome)) {
      (void)parse_hello_reply(*result);
      if (const auto deltas = read_get_delta_result(*result)) check_deltas(*deltas->deltas);
    }
  }
}

void check_block(std::string_view block) {
  const auto text = decompress(block, kLimit);
  if (!text) return;
  fuzz::expect(text->size() <= kLimit && decompress(compress(*text), kLimit) == *text, "Snappy there and back");
  check_rpc(*text);
}

void check_frame(std::string_view frame) {
  const auto read = read_reconfigure(catalog(), frame, kLimit);
  if (!read) return;
  fuzz::expect(read->delta.complete && read->delta.hash.size() == 32, "a whole configuration with a name");
  for (const EntityRow& row : read->delta.upserts) fuzz::expect(parse_json(*row.document).has_value(), "JSON");
}

std::string packed(std::string_view text) {
  Gzip gzip(1);
  gzip.add(text);
  return gzip.finish();
}

void check_snapshot(std::string_view file) {
  fuzz::expect(!read_snapshot(file, "", kNow, kLimit), "nobody is trusted, nothing is read");
}

void check_v1(std::string_view text) {
  if (const auto info = parse_basic_info(text)) {
    fuzz::expect(parse_basic_info(to_text(*info)).has_value(), "basic_info can be written");
  }
  if (const auto refused = read_refused_v1(text)) {
    fuzz::expect(read_refused_v1(refused_v1_text(*refused)).has_value(), "an error can be written");
  }
  if (const auto version = parse_wire_version(text)) {
    fuzz::expect(parse_wire_version(to_wire(*version)) == *version, "a version there and back");
  }
  (void)parse_product_version(text);
}

}  // namespace

/// What either side of a cluster link, or a file in its place, may send: it is refused, or says the same again.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = fuzz::text_of(data, size);
  switch (fuzz::choose(input, 7)) {
    case 0:
      check_rpc(input);
      break;
    case 1:
      check_block(input);
      break;
    case 2:
      check_frame(input);
      break;
    case 3:
      check_frame(packed(input));
      break;
    case 4:
      check_snapshot(input);
      break;
    case 5:
      check_snapshot(packed(input));
      break;
    default:
      check_v1(input);
  }
  return 0;
}
