// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"

// Files, folders, standard input and output, as commands name them.
namespace sluice::cli {

struct Input {
  std::string name;  // for messages
  std::string text;
};

/// The texts of files; `-` is standard input, a folder stands for every .yaml, .yml and .json file below it, in the
/// order of their names.
Result<std::vector<Input>> read_inputs(const std::vector<std::string>& paths);
Result<Input> read_input(const std::string& path);

/// JSON or YAML, by what the text begins with. Errors start with the input's name.
Result<Json> parse_input(const Input& input);
Result<Json> read_document(const std::string& path);

enum class Format : std::uint8_t { Yaml, Json };

/// With a line break at the end.
std::string print_document(const Json& document, Format format);
/// `-` is standard output. Files are replaced as a whole or not at all; only their owner may read them.
Result<> write_output(const std::string& path, std::string_view text);

/// Appends to the list under `_ignore` what made the file: `{"command": "merge", "input": [...]}`.
void append_history(Json& document, std::string_view command, Json::Object details);

}  // namespace sluice::cli
