// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "http/body.h"

namespace sluice::plugins {

/// What is to be done to the members of a JSON object in a response. Built once from the configuration.
struct JsonEdit {
  using Value = std::pair<std::string, Json>;
  std::vector<std::string> remove;
  std::vector<std::pair<std::string, std::string>> rename;
  std::vector<Value> replace;
  std::vector<Value> add;
  std::vector<Value> append;

  [[nodiscard]] bool empty() const {
    return remove.empty() && rename.empty() && replace.empty() && add.empty() && append.empty();
  }
  void apply(Json::Object& members) const;
};

/// The value that a text stands for: `type` is "number", "boolean" or anything else for a string. Nothing when it is no
/// number; only "true" is true.
std::optional<Json> typed_value(std::string_view text, std::string_view type);

/// Reads a response's content to its end and edits it. What is no JSON object, or longer than `limit` octets, passes
/// unchanged. `edit` outlives the reader.
class JsonEditReader final : public http::BodyReader {
 public:
  JsonEditReader(http::BodyReader& inner, const JsonEdit& edit, std::size_t limit)
      : inner_(inner), edit_(edit), limit_(limit) {}

  Task<Result<http::Chunk>> read() override;
  [[nodiscard]] const http::Headers* trailers() const override { return inner_.trailers(); }

 private:
  Task<Result<http::Chunk>> read_whole();
  void transform();

  http::BodyReader& inner_;
  const JsonEdit& edit_;
  const std::size_t limit_;
  std::string content_;
  bool too_long_ = false;
};

}  // namespace sluice::plugins
