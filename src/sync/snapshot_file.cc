// SPDX-License-Identifier: Apache-2.0
#include "sync/snapshot_file.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

#include "base/json.h"
#include "base/strings.h"
#include "crypto/hash.h"
#include "sync/digest.h"
#include "sync/gzip.h"
#include "sync/wire/json_member.h"

// {"format":"sluice-snapshot","format_version":1,"control_plane":..,"version":..,"hash":..,"made_by":..,"made_at":..,
//  "rows":2}
// {"type":"services","id":"..","document":{..}}
// {"type":"routes","id":"..","workspace":"..","document":{..}}
// {"signature":"..","certificate":"-----BEGIN .."}
namespace sluice::sync {
namespace {

using wire::optional_text;
using wire::text_member;

constexpr std::string_view kFormat = "sluice-snapshot";
constexpr std::int64_t kFormatVersion = 1;
constexpr int kLevel = 6;
constexpr std::size_t kMostCertificate = 65'536;

std::unexpected<Error> invalid(std::string why) {
  return fail(Errc::Invalid, "snapshot: " + std::move(why), Blame::Config);
}

std::string statement(crypto::Digest& digest) {
  // Apart from statement_of(): one must never pass for the other.
  return to_json(Json::Array{"sluice snapshot file", to_hex(digest.finish())});
}

std::string header_line(const Snapshot& snapshot, std::size_t rows) {
  return to_json(Json::Object{{"format", kFormat},
                              {"format_version", kFormatVersion},
                              {"control_plane", snapshot.control_plane},
                              {"version", snapshot.version},
                              {"hash", snapshot.hash},
                              {"made_by", snapshot.made_by},
                              {"made_at", snapshot.made_at},
                              {"rows", rows}}) +
         "\n";
}

std::string row_line(const EntityRow& row) {
  std::string line = "{\"type\":";
  append_json_string(line, row.type);
  line += ",\"id\":\"" + row.id.to_string() + '"';
  if (!row.workspace.is_nil()) line += ",\"workspace\":\"" + row.workspace.to_string() + '"';
  line += ",\"document\":" + *row.document;
  return line += "}\n";
}

/// Unpacks line by line.
class LineReader {
 public:
  LineReader(std::string_view octets, std::size_t limit) : gunzip_(octets, limit) {}

  /// Without its end; valid until the next call. Nothing behind the last one.
  Result<std::optional<std::string_view>> next() {
    line_.clear();
    for (;;) {
      const std::size_t end = piece_.find('\n');
      line_ += piece_.substr(0, end);
      if (end != piece_.npos) {
        piece_.remove_prefix(end + 1);
        return std::optional<std::string_view>(line_);
      }
      TRY(piece_, gunzip_.next());
      if (!piece_.empty()) continue;
      if (!line_.empty()) return invalid("the last line does not end");
      return std::optional<std::string_view>();
    }
  }

  /// The same where there must be one.
  Result<std::string_view> demand() {
    TRY(const auto line, next());
    if (!line) return invalid("it ends too early");
    return *line;
  }

 private:
  Gunzip gunzip_;
  std::string_view piece_;
  std::string line_;
};

struct Header {
  Snapshot snapshot;
  std::size_t rows = 0;
};

Result<Header> read_header(std::string_view line) {
  TRY(const Json json, parse_json(line));
  const Json* format = json.find("format");
  if (format == nullptr || !(*format == Json(kFormat))) return invalid("another kind of file");
  const Json* version = json.find("format_version");
  if (version == nullptr || !(*version == Json(kFormatVersion))) {
    return fail(Errc::Unsupported, "snapshot: made by a newer release, in another format");
  }
  Header header;
  TRY(header.snapshot.control_plane, text_member(json, "control_plane"));
  TRY(header.snapshot.version, text_member(json, "version"));
  TRY(header.snapshot.hash, text_member(json, "hash"));
  TRY(header.snapshot.made_by, text_member(json, "made_by"));
  const Json* made_at = json.find("made_at");
  const Json* rows = json.find("rows");
  if (made_at == nullptr || !made_at->is_number() || rows == nullptr || !rows->is_int() || rows->as_int() < 0) {
    return invalid("the header lacks made_at or rows");
  }
  header.snapshot.made_at = made_at->number();
  header.snapshot.rows.complete = true;
  header.snapshot.rows.hash = header.snapshot.hash;
  header.rows = static_cast<std::size_t>(rows->as_int());
  return header;
}

Result<EntityRow> read_row(std::string_view line) {
  TRY(const Json json, parse_json(line));
  EntityRow row;
  TRY(row.type, text_member(json, "type"));
  TRY(const std::string id, text_member(json, "id"));
  TRY(row.id, Uuid::parse(id));
  TRY(const std::string workspace, optional_text(json, "workspace"));
  if (!workspace.empty()) {
    TRY(row.workspace, Uuid::parse(workspace));
  }
  const Json* document = json.find("document");
  if (document == nullptr || !document->is_object()) return invalid("a row without a document");
  row.document = std::make_shared<const std::string>(to_json(*document));
  return row;
}

Result<> check_signature(std::string_view line, const std::string& signed_statement, std::string_view trusted_pem,
                         double now, std::string_view server_name) {
  TRY(const Json json, parse_json(line));
  const Json* signature = json.find("signature");
  const Json* certificate = json.find("certificate");
  if (signature == nullptr || !signature->is_string() || certificate == nullptr || !certificate->is_string() ||
      certificate->as_string().size() > kMostCertificate) {
    return invalid("no signature");
  }
  TRY(verify_issuer(certificate->as_string(), trusted_pem, now, server_name));
  return verify(signed_statement, signature->as_string(), certificate->as_string());
}

}  // namespace

void order_rows(std::vector<EntityRow>& rows) {
  const auto name = [](const EntityRow& row) { return std::tie(row.type, row.id); };
  if (!std::ranges::is_sorted(rows, {}, name)) std::ranges::sort(rows, {}, name);
}

SnapshotStatement::SnapshotStatement(const Snapshot& header, std::size_t count) {
  digest_.update(header_line(header, count));
}

void SnapshotStatement::add(const EntityRow& row) {
  digest_.update(row_line(row));
}

std::string SnapshotStatement::finish() {
  return statement(digest_);
}

std::string write_snapshot(const Snapshot& snapshot, std::string_view signature, std::string_view certificate_pem) {
  Gzip out(kLevel);
  out.add(header_line(snapshot, snapshot.rows.upserts.size()));
  for (const EntityRow& row : snapshot.rows.upserts) out.add(row_line(row));
  out.add(to_json(Json::Object{{"signature", signature}, {"certificate", certificate_pem}}) + "\n");
  return out.finish();
}

std::string write_snapshot(const Snapshot& snapshot, const Signer& signer) {
  SnapshotStatement signed_text(snapshot, snapshot.rows.upserts.size());
  for (const EntityRow& row : snapshot.rows.upserts) signed_text.add(row);
  return write_snapshot(snapshot, signer.sign(signed_text.finish()), signer.certificate_pem());
}

Result<Snapshot> peek_snapshot(std::string_view beginning) {
  const std::string text = gunzip_beginning(beginning.substr(0, kSnapshotHead), kSnapshotHead);
  const std::size_t end = text.find('\n');
  if (end == text.npos) return invalid("it has no header");
  TRY(Header header, read_header(std::string_view(text).substr(0, end)));
  return std::move(header.snapshot);
}

Result<Snapshot> read_snapshot(std::string_view octets, std::string_view trusted_pem, double now, std::size_t limit,
                               std::string_view server_name) {
  LineReader lines(octets, limit);
  crypto::Digest digest(crypto::Hash::Sha256);
  const auto demand = [&]() -> Result<std::string_view> {
    TRY(const std::string_view line, lines.demand());
    digest.update(line).update("\n");
    return line;
  };
  TRY(const std::string_view first, demand());
  TRY(Header header, read_header(first));
  Digest rows;
  for (std::size_t i = 0; i < header.rows; ++i) {
    TRY(const std::string_view line, demand());
    auto row = read_row(line);
    if (!row) return fail("snapshot, row " + std::to_string(i) + ": ", std::move(row).error());
    rows.add(*row);
    header.snapshot.rows.upserts.push_back(*std::move(row));
  }
  TRY(const std::string_view last, lines.demand());
  TRY(check_signature(last, statement(digest), trusted_pem, now, server_name));
  TRY(const auto behind, lines.next());
  if (behind) return invalid("it goes on behind its signature");
  if (rows.text() != header.snapshot.hash) return invalid("the rows are not those that its hash names");
  return std::move(header.snapshot);
}

}  // namespace sluice::sync
