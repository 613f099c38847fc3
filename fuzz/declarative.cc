// SPDX-License-Identifier: Apache-2.0
#include "entity/declarative.h"

#include "base/yaml.h"
#include "gateway/plugin.h"
#include "input.h"
#include "plugins/all.h"

namespace {

using namespace sluice;

/// Every entity and every plugin that the program is built with.
struct Vocabulary {
  gateway::PluginRegistry plugins;
  entity::PluginSchemas schemas;
  std::unique_ptr<entity::Catalog> catalog;

  Vocabulary() {
    plugins::add_all(plugins);
    for (const gateway::PluginDescriptor* plugin : plugins.in_order()) {
      entity::PluginSchema schema;
      schema.name = plugin->name;
      schema.config = *plugin->config_schema;
      schema.protocols = plugin->protocols;
      schemas.add(std::move(schema));
    }
    catalog = std::make_unique<entity::Catalog>(schemas);
  }
};

}  // namespace

/// A configuration either loads, and then loads again from what it was exported to, or names what is wrong with it.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Vocabulary kVocabulary;
  const std::string_view text = fuzz::text_of(data, size);
  const Result<Json> document = text.starts_with('{') ? parse_json(text) : parse_yaml(text);
  if (!document) return 0;
  const entity::DeclarativeOptions options{.now = 1'700'000'000};
  const auto rows = entity::load_declarative(*kVocabulary.catalog, *document, options);
  if (!rows) {
    fuzz::expect(rows.error().body().is_object() && rows.error().flattened_body().is_object(), "says why");
    return 0;
  }
  for (const entity::Row& row : *rows)
    fuzz::expect(parse_json(row.document).has_value(), "canonical documents are JSON");
  const Json exported = entity::export_declarative(*kVocabulary.catalog, *rows);
  const auto again = entity::load_declarative(*kVocabulary.catalog, exported, options);
  fuzz::expect(again && again->size() == rows->size(), "what is exported can be loaded");
  return 0;
}
