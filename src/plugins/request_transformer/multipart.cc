// SPDX-License-Identifier: Apache-2.0
#include "plugins/request_transformer/multipart.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "base/strings.h"

namespace sluice::plugins {

namespace {

struct Part {
  std::string name;
  std::string text;  // head, empty line and content

  static Part simple(std::string_view name, std::string_view value) {
    std::string escaped;
    for (char c : name) {  // RFC 7578, 2: as browsers write names
      if (c == '"') {
        escaped += "%22";
      } else if (c == '\r' || c == '\n') {
        escaped += c == '\r' ? "%0D" : "%0A";
      } else {
        escaped += c;
      }
    }
    return {std::string(name), "Content-Disposition: form-data; name=\"" + escaped + "\"\r\n\r\n" + std::string(value)};
  }
  [[nodiscard]] std::string_view value() const {
    std::size_t end = text.find("\r\n\r\n");
    return end == text.npos ? std::string_view() : std::string_view(text).substr(end + 4);
  }
};

/// The value of `parameter` in a field such as `form-data; name="a"; filename="b"`.
std::optional<std::string_view> parameter(std::string_view field, std::string_view name) {
  while (true) {
    std::size_t semicolon = field.find(';');
    if (semicolon == field.npos) return std::nullopt;
    field = trim(field.substr(semicolon + 1));
    std::size_t equals = field.find('=');
    if (equals == field.npos) return std::nullopt;
    bool wanted = iequals(trim(field.substr(0, equals)), name);
    field.remove_prefix(equals + 1);
    bool quoted = field.starts_with('"');
    std::size_t end = quoted ? field.find('"', 1) : field.find(';');
    if (quoted && end == field.npos) return std::nullopt;
    if (wanted) return quoted ? field.substr(1, end - 1) : trim(field.substr(0, end));
    if (end == field.npos) return std::nullopt;
    field.remove_prefix(quoted ? end + 1 : end);
  }
}

std::string name_of(std::string_view part) {
  std::string_view head = part.substr(0, part.find("\r\n\r\n"));
  for (std::string_view line : split(head, '\n')) {
    if (!istarts_with(line, "content-disposition:")) continue;
    return std::string(parameter(line, "name").value_or(std::string_view()));
  }
  return {};
}

/// Nothing unless the content is well delimited from its first to its last boundary.
std::optional<std::vector<Part>> parse(std::string_view content, std::string_view boundary) {
  const std::string delimiter = "\r\n--" + std::string(boundary);
  std::vector<Part> parts;
  if (content.empty()) return parts;
  if (!content.starts_with(std::string_view(delimiter).substr(2))) return std::nullopt;
  content.remove_prefix(delimiter.size() - 2);
  while (!content.starts_with("--")) {
    if (!content.starts_with("\r\n")) return std::nullopt;
    content.remove_prefix(2);
    std::size_t end = content.find(delimiter);
    if (end == content.npos) return std::nullopt;
    std::string_view text = content.substr(0, end);
    parts.push_back({name_of(text), std::string(text)});
    content.remove_prefix(end + delimiter.size());
  }
  return parts;
}

class Parts {
 public:
  explicit Parts(std::vector<Part> parts) : parts_(std::move(parts)) {}

  void edit(const RenderedOperationsView& operations) {
    for (const auto& [name, new_name] : operations.rename) rename(name, new_name);
    for (std::string_view name : operations.remove) remove(name);
    for (const auto& [name, value] : operations.replace) {
      if (find(name) != parts_.end()) set(name, value);
    }
    for (const auto& [name, value] : operations.add) {
      if (find(name) == parts_.end()) set(name, value);
    }
  }
  [[nodiscard]] std::string text(std::string_view boundary) const {
    std::string out;
    for (const Part& part : parts_) out.append("--").append(boundary).append("\r\n").append(part.text).append("\r\n");
    return out.append("--").append(boundary).append("--\r\n");
  }

 private:
  using Place = std::vector<Part>::iterator;

  Place find(std::string_view name) {
    return std::find_if(parts_.begin(), parts_.end(), [&](const Part& part) { return part.name == name; });
  }
  void remove(std::string_view name) {
    std::erase_if(parts_, [&](const Part& part) { return part.name == name; });
  }
  void rename(std::string_view name, std::string_view new_name) {
    auto old = find(name);
    if (old == parts_.end() || name == new_name) return;
    std::string value(old->value());
    remove(name);
    set(new_name, value);
  }
  void set(std::string_view name, std::string_view value) {
    auto old = find(name);
    if (old == parts_.end()) {
      parts_.push_back(Part::simple(name, value));
    } else {
      *old = Part::simple(name, value);
    }
  }

  std::vector<Part> parts_;
};

}  // namespace

std::optional<std::string> edit_multipart(std::string_view content, std::string_view content_type,
                                          const RenderedOperationsView& operations) {
  auto boundary = parameter(content_type, "boundary");
  if (!boundary || boundary->empty()) return std::nullopt;
  if (content.empty() && operations.add.empty()) return std::nullopt;
  for (const auto* pairs : {&operations.replace, &operations.add}) {
    for (const auto& [name, value] : *pairs) {  // a value from a template must not forge parts
      if (value.find(*boundary) != value.npos) return std::nullopt;
    }
  }
  auto parsed = parse(content, *boundary);
  if (!parsed) return std::nullopt;
  Parts parts(std::move(*parsed));
  parts.edit(operations);
  return parts.text(*boundary);
}

}  // namespace sluice::plugins
