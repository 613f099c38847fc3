// SPDX-License-Identifier: Apache-2.0
#include "keepsake.h"

#include <utility>

#include <unistd.h>

#include "apps/process/memory_file.h"
#include "base/log.h"
#include "base/strings.h"

// One line: magic, length of the settings or "-", form, hash or "-", keys of session tickets in hexadecimal digits or
// nothing; then the settings; then the configuration, which has one row a line: type, id, document, with tabs between
// them.

namespace sluice::apps {
namespace {

constexpr std::string_view kMagic = "sluice-keepsake-2";
constexpr std::string_view kForms[] = {"none", "rows", "text"};

Result<process::MemoryWriter> begin(const std::optional<std::string>& settings, const Secret<std::string>& tickets,
                                    Keepsake::Form form, std::string_view hash) {
  TRY(auto file, process::MemoryWriter::make("sluice-keepsake"));
  const std::string length = settings ? std::to_string(settings->size()) : "-";
  std::string head(kMagic);
  head.append(" ").append(length).append(" ").append(kForms[static_cast<std::size_t>(form)]).append(" ");
  head.append(hash.empty() ? "-" : hash).append(" ").append(to_hex(tickets.reveal())).append("\n");
  head.append(settings.value_or(""));
  TRY(file.append(head));
  return file;
}

std::string_view next(std::string_view& rest, char end) {
  const std::size_t at = rest.find(end);
  const std::string_view piece = rest.substr(0, at);
  rest.remove_prefix(at == rest.npos ? rest.size() : at + 1);
  return piece;
}

std::expected<sync::Delta, std::string> read_rows(std::string_view hash, std::string_view rest) {
  sync::Delta delta;
  delta.complete = true;
  delta.hash = hash;
  while (!rest.empty()) {
    std::string_view document = next(rest, '\n');
    const std::string_view type = next(document, '\t');
    auto id = Uuid::parse(next(document, '\t'));
    if (!id || document.empty()) return std::unexpected("damaged keepsake\n");
    delta.upserts.push_back(
        {.type = std::string(type), .id = *id, .document = std::make_shared<const std::string>(document)});
  }
  return delta;
}

}  // namespace

Result<Keepsake> Keepsake::parse(std::string_view text) {
  std::string_view head = next(text, '\n');
  if (next(head, ' ') != kMagic) return fail(Errc::Unsupported, "keepsake of another version");
  Keepsake keepsake;
  if (const std::string_view length = next(head, ' '); length != "-") {
    TRY(const auto size, parse_int<std::size_t>(length));
    if (size > text.size()) return fail(Errc::Invalid, "damaged keepsake");
    keepsake.settings = text.substr(0, size);
    text.remove_prefix(size);
  }
  const std::string_view form = next(head, ' ');
  if (form == kForms[1]) keepsake.form = Form::Rows;
  if (form == kForms[2]) keepsake.form = Form::Text;
  keepsake.hash = next(head, ' ');
  if (auto tickets = from_hex(head)) keepsake.tickets = Secret<std::string>(*std::move(tickets));
  keepsake.content = text;
  return keepsake;
}

Keepsake Keepsake::take(int descriptor) {
  if (descriptor < 0) return {};
  auto text = process::read_whole(descriptor);
  ::close(descriptor);
  auto keepsake = text ? Keepsake::parse(*text) : std::unexpected(text.error());
  if (keepsake) return *std::move(keepsake);
  log::error("keepsake.unusable", {{"error", keepsake.error()}});
  return {};
}

Keepsake Keepsake::only_rows() && {
  Keepsake kept;
  if (form == Form::Rows) kept = *this;
  kept.settings.reset();
  kept.tickets = std::move(tickets);
  return kept;
}

std::expected<sync::Delta, std::string> Keepsake::load(const Vocabulary& vocabulary) const {
  if (form == Form::Rows) return read_rows(hash, content);
  return content.empty() ? sync::Delta{} : load_configuration(vocabulary, content);
}

Result<int> keepsake_of_store(const std::optional<std::string>& settings, const Secret<std::string>& tickets,
                              const store::MemoryStore* store) {
  if (store == nullptr) {
    TRY(auto file, begin(settings, tickets, Keepsake::Form::None, ""));
    return file.finish();
  }
  TRY(auto file, begin(settings, tickets, Keepsake::Form::Rows, store->hash()));
  for (const store::Table& table : store->tables()) {
    for (const auto& [id, document] : table.rows()) {
      // Documents are compact JSON: a line feed or a tab in them would be escaped.
      TRY(file.append(std::string(table.type().name()) + "\t" + id.to_string() + "\t" + *document + "\n"));
    }
  }
  return file.finish();
}

Result<int> keepsake_of_text(const std::optional<std::string>& settings, const Secret<std::string>& tickets,
                             std::string_view declarative) {
  TRY(auto file, begin(settings, tickets, Keepsake::Form::Text, ""));
  TRY(file.append(declarative));
  return file.finish();
}

}  // namespace sluice::apps
