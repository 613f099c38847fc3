// SPDX-License-Identifier: Apache-2.0
#include "dataplane/cache_records.h"

#include <memory>
#include <utility>

#include "base/json.h"
#include "dataplane/octets.h"
#include "sync/wire/rpc.h"

namespace sluice::dataplane {
namespace {

constexpr std::size_t kPiece = 1 << 20;
constexpr std::size_t kMostUnpacked = std::size_t{1} << 30;
constexpr int kFormat = 1;

// Of a row, in one octet.
constexpr unsigned kServed = 1;
constexpr unsigned kServedAsReceived = 2;

std::unexpected<Error> damaged(const char* what) {
  return fail(Errc::Invalid, std::string("damaged cache: ") + what, Blame::System);
}

Json::Object to_json_object(const Standing& standing) {
  return {{"control_plane", standing.control_plane},
          {"version", standing.version},
          {"hash", standing.hash},
          {"since_ms", standing.since_ms},
          {"default_workspace", standing.default_workspace.to_string()}};
}

Result<std::string> text_member(const Json& object, std::string_view name) {
  const Json* value = object.find(name);
  if (value == nullptr || !value->is_string()) return damaged("a header lacks a text");
  return value->as_string();
}
Result<std::int64_t> number_member(const Json& object, std::string_view name) {
  const Json* value = object.find(name);
  if (value == nullptr || !value->is_int()) return damaged("a header lacks a number");
  return value->as_int();
}

Result<Standing> read_standing(const Json& object) {
  Standing standing;
  TRY(standing.control_plane, text_member(object, "control_plane"));
  TRY(standing.version, text_member(object, "version"));
  TRY(standing.hash, text_member(object, "hash"));
  TRY(standing.since_ms, number_member(object, "since_ms"));
  TRY(const std::string workspace, text_member(object, "default_workspace"));
  TRY(standing.default_workspace, Uuid::parse(workspace));
  return standing;
}

void put_uuid(std::string& out, const Uuid& id) {
  out.append(reinterpret_cast<const char*>(id.octets.data()), id.octets.size());
}
Result<Uuid> take_uuid(OctetReader& reader) {
  Uuid id;
  TRY(const std::string_view octets, reader.take(id.octets.size()));
  for (std::size_t i = 0; i < id.octets.size(); ++i) id.octets[i] = static_cast<std::uint8_t>(octets[i]);
  return id;
}

void put_row(std::string& out, std::string_view type, const Uuid& id, const HeldRow& row) {
  const bool same = row.served == row.received;
  put_text(out, type);
  put_uuid(out, id);
  put_uuid(out, row.workspace);
  out.push_back(static_cast<char>(same ? kServed | kServedAsReceived : row.served ? kServed : 0));
  put_text(out, *row.received);
  if (row.served && !same) put_text(out, *row.served);
}

Result<Step::Put> take_row(OctetReader& reader) {
  Step::Put put;
  TRY(const std::string_view type, reader.text());
  put.type = type;
  TRY(put.id, take_uuid(reader));
  TRY(put.row.workspace, take_uuid(reader));
  TRY(const std::string_view flags, reader.take(1));
  TRY(const std::string_view received, reader.text());
  put.row.received = std::make_shared<const std::string>(received);
  if ((static_cast<unsigned char>(flags[0]) & kServedAsReceived) != 0) {
    put.row.served = put.row.received;
  } else if ((static_cast<unsigned char>(flags[0]) & kServed) != 0) {
    TRY(const std::string_view served, reader.text());
    put.row.served = std::make_shared<const std::string>(served);
  }
  return put;
}

}  // namespace

std::string to_text(const BaseHeader& header) {
  Json::Object object = to_json_object(header.standing);
  object.set("format", kFormat);
  object.set("sequence", header.sequence);
  object.set("digest", header.digest);
  object.set("rows", header.rows);
  object.set("maker", header.maker);
  return to_json(object);
}

Result<BaseHeader> parse_base_header(std::string_view text) {
  TRY(const Json json, parse_json(text));
  TRY(const std::int64_t format, number_member(json, "format"));
  if (format != kFormat) return fail(Errc::Unsupported, "a cache of another release", Blame::System);
  BaseHeader header;
  TRY(const std::int64_t sequence, number_member(json, "sequence"));
  TRY(const std::int64_t rows, number_member(json, "rows"));
  header.sequence = static_cast<std::uint64_t>(sequence);
  header.rows = static_cast<std::size_t>(rows);
  TRY(header.standing, read_standing(json));
  TRY(header.digest, text_member(json, "digest"));
  TRY(header.maker, text_member(json, "maker"));
  return header;
}

Result<> write_rows(const RowTable& table, const std::function<Result<>(std::string_view)>& write) {
  std::string piece;
  for (const auto& [type, rows] : table.types()) {
    for (const auto& entry : rows) {
      put_row(piece, type, entry.key, entry.value);
      if (piece.size() < kPiece) continue;
      TRY(write(sync::wire::compress(piece)));
      piece.clear();
    }
  }
  if (!piece.empty()) TRY(write(sync::wire::compress(piece)));
  return {};
}

Result<> read_rows(std::string_view text, RowTable& rows) {
  TRY(const std::string plain, sync::wire::decompress(text, kMostUnpacked));
  OctetReader reader(plain);
  while (!reader.at_end()) {
    TRY(Step::Put put, take_row(reader));
    rows.put(put.type, put.id, std::move(put.row));
  }
  return {};
}

std::string to_text(const Step& step, std::uint64_t sequence, std::string_view digest) {
  Json::Object header = to_json_object(step.to);
  header.set("sequence", sequence);
  header.set("digest", digest);
  std::string out;
  put_text(out, to_json(header));
  put_u32(out, step.removals.size());
  for (const sync::EntityKey& key : step.removals) {
    put_text(out, key.type);
    put_uuid(out, key.id);
  }
  for (const Step::Put& put : step.puts) put_row(out, put.type, put.id, put.row);
  return sync::wire::compress(out);
}

Result<ReadStep> parse_step(std::string_view text) {
  TRY(const std::string plain, sync::wire::decompress(text, kMostUnpacked));
  OctetReader reader(plain);
  TRY(const std::string_view header_text, reader.text());
  TRY(const Json header, parse_json(header_text));
  ReadStep read;
  TRY(const std::int64_t sequence, number_member(header, "sequence"));
  read.sequence = static_cast<std::uint64_t>(sequence);
  TRY(read.digest, text_member(header, "digest"));
  TRY(read.step.to, read_standing(header));
  TRY(const std::uint32_t removals, reader.u32());
  for (std::uint32_t i = 0; i < removals; ++i) {
    TRY(const std::string_view type, reader.text());
    TRY(const Uuid id, take_uuid(reader));
    read.step.removals.push_back({std::string(type), id});
  }
  while (!reader.at_end()) {
    TRY(Step::Put put, take_row(reader));
    read.step.puts.push_back(std::move(put));
  }
  return read;
}

void apply(const Step& step, State& state) {
  for (const sync::EntityKey& key : step.removals) state.rows.erase(key.type, key.id);
  for (const Step::Put& put : step.puts) state.rows.put(put.type, put.id, put.row);
  state.standing = step.to;
}

}  // namespace sluice::dataplane
