// SPDX-License-Identifier: Apache-2.0
#include "keepsake.h"

#include <utility>

#include "apps/process/memory_file.h"
#include "base/strings.h"

namespace sluice::apps {
namespace {
constexpr std::string_view kMagic = "sluice-keepsake-1 ";
}

Result<int> write_keepsake(const store::MemoryStore& store) {
  TRY(auto file, process::MemoryWriter::make("sluice-keepsake"));
  TRY(file.append(std::string(kMagic) + store.hash() + "\n"));
  for (const store::Table& table : store.tables()) {
    for (const auto& [id, document] : table.rows()) {
      // Documents are compact JSON: a line feed or a tab in them would be escaped.
      TRY(file.append(std::string(table.type().name()) + "\t" + id.to_string() + "\t" + *document + "\n"));
    }
  }
  return file.finish();
}

std::expected<sync::Delta, std::string> delta_from_keepsake(const std::string& text) {
  std::string_view rest = text;
  auto next_line = [&rest] {
    const std::size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
    return line;
  };
  const std::string_view first = next_line();
  if (!first.starts_with(kMagic)) return std::unexpected("keepsake of another version\n");
  sync::Delta delta;
  delta.complete = true;
  delta.hash = first.substr(kMagic.size());
  while (!rest.empty()) {
    const std::string_view line = next_line();
    const std::size_t type = line.find('\t');
    const std::size_t id = type == line.npos ? line.npos : line.find('\t', type + 1);
    auto uuid =
        id == line.npos ? Result<Uuid>(fail(Errc::Invalid, "")) : Uuid::parse(line.substr(type + 1, id - type - 1));
    if (!uuid) return std::unexpected("damaged keepsake\n");
    delta.upserts.push_back({.type = std::string(line.substr(0, type)),
                             .id = *uuid,
                             .document = std::make_shared<const std::string>(line.substr(id + 1))});
  }
  return delta;
}

}  // namespace sluice::apps
