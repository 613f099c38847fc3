// SPDX-License-Identifier: Apache-2.0
#include <unordered_map>

#include <yaml.h>

#include "base/hash.h"
#include "base/text_position.h"
#include "base/unique_names.h"
#include "base/yaml.h"

namespace sluice {
namespace {

constexpr std::size_t kMaxDepth = 128;
constexpr std::size_t kMaxCopied = std::size_t{256} << 20U;

/// One libyaml event, released with its owner.
class Event {
 public:
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() { clear(); }

  void clear() {
    yaml_event_delete(&event_);
    event_ = {};
  }
  yaml_event_t* get() { return &event_; }
  const yaml_event_t* operator->() const { return &event_; }

  [[nodiscard]] std::string_view scalar() const {
    return {reinterpret_cast<const char*>(event_.data.scalar.value), event_.data.scalar.length};
  }

 private:
  yaml_event_t event_{};
};

std::string_view text_of(const yaml_char_t* text) {
  return text == nullptr ? std::string_view() : std::string_view(reinterpret_cast<const char*>(text));
}

/// The name after "tag:yaml.org,2002:", "!" for the non-specific tag, empty when untagged, the whole tag otherwise.
std::string_view short_tag(const yaml_char_t* tag) {
  constexpr std::string_view kCore = "tag:yaml.org,2002:";
  const std::string_view name = text_of(tag);
  return name.starts_with(kCore) ? name.substr(kCore.size()) : name;
}

/// Depth and rough memory of a value; what a copy of it costs.
struct Weight {
  std::size_t octets = 0;
  std::size_t depth = 0;
};

Weight weigh(const Json& value) {
  Weight weight{sizeof(JsonObject::Member), 0};
  const auto add = [&weight](const Json& child) {
    const Weight inner = weigh(child);
    weight.octets += inner.octets;
    weight.depth = std::max(weight.depth, inner.depth + 1);
  };
  if (value.is_string()) {
    weight.octets += value.as_string().size();
  } else if (value.is_array()) {
    for (const Json& child : value.as_array()) add(child);
  } else if (value.is_object()) {
    for (const auto& [name, child] : value.as_object()) {
      weight.octets += name.size();
      add(child);
    }
  }
  return weight;
}

/// Recursive descent over libyaml's events. Every step returns false after it has recorded an error.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {
    yaml_parser_initialize(&parser_);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  ~Reader() { yaml_parser_delete(&parser_); }

  Result<Json> read() {
    Json value;
    if (!read_stream(value)) return fail(Errc::Invalid, std::move(error_));
    return value;
  }

 private:
  struct Anchor {
    Json value;
    Weight weight;
  };

  bool read_stream(Json& value) {
    if (!next() || !next()) return false;  // start of the stream, start of the document
    if (event_->type == YAML_STREAM_END_EVENT) return true;
    if (!next() || !read_node(value, 0)) return false;
    if (!next() || !next()) return false;  // end of the document
    return event_->type == YAML_STREAM_END_EVENT || refuse("only one document is allowed");
  }

  bool next() {
    event_.clear();
    return yaml_parser_parse(&parser_, event_.get()) != 0 || refuse_syntax();
  }

  /// Reads the node that the current event begins.
  bool read_node(Json& out, std::size_t depth) {
    if (depth > kMaxDepth) return refuse("nested more than 128 levels deep");
    std::string anchor;
    switch (event_->type) {
      case YAML_ALIAS_EVENT:
        return read_alias(out, depth);
      case YAML_SCALAR_EVENT:
        anchor = text_of(event_->data.scalar.anchor);
        if (!read_scalar(out)) return false;
        break;
      case YAML_SEQUENCE_START_EVENT:
        anchor = text_of(event_->data.sequence_start.anchor);
        if (!read_sequence(out, depth)) return false;
        break;
      case YAML_MAPPING_START_EVENT:
        anchor = text_of(event_->data.mapping_start.anchor);
        if (!read_mapping(out, depth)) return false;
        break;
      default:
        return refuse("unexpected end");
    }
    return anchor.empty() || define_anchor(std::move(anchor), out);
  }

  bool read_scalar(Json& out) {
    const std::string_view text = event_.scalar();
    const std::string_view tag = short_tag(event_->data.scalar.tag);
    const bool plain = event_->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (tag == "str" || tag == "!" || (tag.empty() && !plain)) {
      out = Json(text);
      return true;
    }
    auto resolved = resolve_yaml_scalar(text);
    if (!resolved) return refuse(resolved.error().what);
    out = std::move(*resolved);
    if (tag.empty()) return true;
    if (tag == "float" && out.is_number()) {
      out = Json(out.number());
      return true;
    }
    const bool fits =
        (tag == "int" && out.is_int()) || (tag == "bool" && out.is_bool()) || (tag == "null" && out.is_null());
    return fits || refuse("the value does not fit the tag " + std::string(tag));
  }

  bool read_sequence(Json& out, std::size_t depth) {
    const std::string_view tag = short_tag(event_->data.sequence_start.tag);
    if (!tag.empty() && tag != "seq" && tag != "!") return refuse("unsupported tag " + std::string(tag));
    Json::Array items;
    while (true) {
      if (!next()) return false;
      if (event_->type == YAML_SEQUENCE_END_EVENT) break;
      if (!read_node(items.emplace_back(), depth + 1)) return false;
    }
    items.shrink_to_fit();
    out = Json(std::move(items));
    return true;
  }

  bool read_mapping(Json& out, std::size_t depth) {
    const std::string_view tag = short_tag(event_->data.mapping_start.tag);
    if (!tag.empty() && tag != "map" && tag != "!") return refuse("unsupported tag " + std::string(tag));
    std::vector<JsonObject::Member> members;
    std::vector<Json> merges;
    UniqueNames names;
    const auto nth = [&](std::size_t i) -> std::string_view { return members[i].first; };
    while (true) {
      if (!next()) return false;
      if (event_->type == YAML_MAPPING_END_EVENT) break;
      if (event_->type != YAML_SCALAR_EVENT) return refuse("a key must be a string");
      if (is_merge_key()) {
        if (!next() || !read_merge(merges, depth + 1)) return false;
        continue;
      }
      const std::string_view key = event_.scalar();
      if (!names.add(key, members.size(), nth)) return refuse("duplicate key " + to_json(Json(key)));
      Json& value = members.emplace_back(std::string(key), Json()).second;
      if (!next() || !read_node(value, depth + 1)) return false;
    }
    merge(members, merges, names);
    members.shrink_to_fit();
    out = Json(JsonObject(std::move(members)));
    return true;
  }

  [[nodiscard]] bool is_merge_key() const {
    const std::string_view tag = short_tag(event_->data.scalar.tag);
    const bool plain = event_->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    return event_.scalar() == "<<" && (tag == "merge" || (tag.empty() && plain));
  }

  bool read_merge(std::vector<Json>& merges, std::size_t depth) {
    const yaml_mark_t start = event_->start_mark;
    Json source;
    if (!read_node(source, depth)) return false;
    if (source.is_object()) {
      merges.push_back(std::move(source));
      return true;
    }
    constexpr std::string_view kWrong = "a merge key takes a mapping or a list of mappings";
    if (!source.is_array()) return refuse_at(start, kWrong);
    for (Json& item : source.as_array()) {
      if (!item.is_object()) return refuse_at(start, kWrong);
      merges.push_back(std::move(item));
    }
    return true;
  }

  static void merge(std::vector<JsonObject::Member>& members, std::vector<Json>& merges, UniqueNames& names) {
    const auto nth = [&](std::size_t i) -> std::string_view { return members[i].first; };
    for (Json& source : merges) {
      for (auto& [name, value] : source.as_object()) {
        if (names.add(name, members.size(), nth)) members.emplace_back(std::move(name), std::move(value));
      }
    }
  }

  bool define_anchor(std::string name, const Json& value) {
    const Weight weight = weigh(value);
    if (!spend(weight)) return false;
    anchors_.insert_or_assign(std::move(name), Anchor{value, weight});
    return true;
  }

  bool read_alias(Json& out, std::size_t depth) {
    const std::string name(text_of(event_->data.alias.anchor));
    const auto found = anchors_.find(name);
    if (found == anchors_.end()) return refuse("unknown alias " + name);
    const Anchor& anchor = found->second;
    if (depth + anchor.weight.depth > kMaxDepth) return refuse("nested more than 128 levels deep");
    if (!spend(anchor.weight)) return false;
    out = anchor.value;
    return true;
  }

  bool spend(const Weight& weight) {
    copied_ += weight.octets;
    return copied_ <= kMaxCopied || refuse("aliases expand to more than 256 MiB");
  }

  bool refuse(std::string_view why) { return refuse_at(event_->start_mark, why); }

  bool refuse_at(const yaml_mark_t& mark, std::string_view why) {
    error_ = "line " + std::to_string(mark.line + 1) + ", column " + std::to_string(mark.column + 1) + ": ";
    error_ += why;
    return false;
  }

  bool refuse_syntax() {
    const std::string_view problem = parser_.problem == nullptr ? "malformed" : parser_.problem;
    if (parser_.error == YAML_READER_ERROR) {  // the only kind without a mark
      error_ = text_position(text_, parser_.problem_offset) + ": " + std::string(problem);
      return false;
    }
    std::string why(problem);
    if (parser_.context != nullptr) why += std::string(" (") + parser_.context + ")";
    return refuse_at(parser_.problem_mark, why);
  }

  std::string_view text_;
  yaml_parser_t parser_{};
  Event event_;
  std::unordered_map<std::string, Anchor, StringHash, std::equal_to<>> anchors_;
  std::size_t copied_ = 0;
  std::string error_;
};

}  // namespace

Result<Json> parse_yaml(std::string_view text) {
  return Reader(text).read();
}

}  // namespace sluice
