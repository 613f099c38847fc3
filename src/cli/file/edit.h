// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "cli/json_path.h"

// What the `file` commands do to a state file, without any input or output. reference/cloudnative.md, 6.3.
namespace sluice::cli {

/// Lists at the top are concatenated, of everything else the later document wins. Duplicates are not looked for; only
/// versions and `_transform` must go together. `names` are those of the documents, for messages.
Result<Json> merge_documents(std::vector<Json> documents, const std::vector<std::string>& names);

/// The places that the selectors name, each once. A selector that selects nothing is no error.
Result<std::vector<PathMatch>> select_all(Json& document, const std::vector<std::string>& selectors);

/// What is done to each selected value: members are set and removed where it is an object, elements appended where it
/// is an array.
struct Patch {
  std::vector<std::string> selectors;
  Json::Object values;
  std::vector<std::string> remove;
  Json::Array append;
};
/// Of a patch file: `{"_format_version": "1.0", "patches": [{"selectors": [...], "values": ..., "remove": [...]}]}`.
Result<std::vector<Patch>> read_patches(const Json& file);
/// Of the command line: `key:json`, `key:` removes, `[json, ...]` appends.
Result<Patch> patch_of(std::vector<std::string> selectors, const std::vector<std::string>& values);
Result<> apply_patch(Json& document, const Patch& patch);

enum class TagEdit : std::uint8_t { Add, Remove };
struct TagChange {
  TagEdit edit = TagEdit::Add;
  std::vector<std::string> selectors;  // none: every entity that can have tags
  std::vector<std::string> tags;       // Remove without any removes all
  bool all_but = false;                // Remove those that are not listed
  bool keep_empty = false;             // leave an empty list where the last tag is removed
};
Result<> change_tags(Json& document, const TagChange& change);
/// Sorted, each once.
Result<std::vector<std::string>> list_tags(Json& document, const std::vector<std::string>& selectors);

/// Plugins to put into the `plugins` of each selected value; `$` means those at the top.
struct PluginAddition {
  std::vector<std::string> selectors;
  Json::Array plugins;
  bool overwrite = false;  // replace one of the same name instead of leaving it alone
};
/// Of a plugin file: `{"add-plugins": [{"selectors": [...], "plugins": [...], "overwrite": false}]}`.
Result<std::vector<PluginAddition>> read_plugin_additions(const Json& file);
Result<> add_plugins(Json& document, const PluginAddition& addition);

/// What a file of one Kong release must become to mean the same in a later one.
struct Conversion {
  Json document;
  std::vector<std::string> warnings;  // what a person has to look at
};
Result<Conversion> convert_document(Json document, std::string_view from, std::string_view to);

}  // namespace sluice::cli
