// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "schema/rule.h"

namespace sluice::schema {

class RecordBase;

enum class Type : std::uint8_t {
  Any,  // free-form JSON
  Boolean,
  Integer,
  Number,
  String,
  Array,
  Set,  // an array whose repeated elements are dropped
  Map,
  Record,
  Foreign,  // {"id": "<uuid>"} of another entity
};

/// "integer", "record", ... as `/schemas` prints it.
std::string_view type_name(Type type);

/// What fills a field that the input leaves out.
enum class Auto : std::uint8_t { None, Uuid, CreatedAt, UpdatedAt, RandomString };

/// What happens to an entity when the one it refers to is deleted.
enum class OnDelete : std::uint8_t { Refuse, Cascade, SetNull };

/// The first version that knows a field: of Kong's contract or of ours.
struct Since {
  enum class Axis : std::uint8_t { Kong, Sluice };
  Axis axis = Axis::Kong;
  int major = 0;
  int minor = 0;
};
constexpr Since kong(int major, int minor) {
  return {Since::Axis::Kong, major, minor};
}
constexpr Since sluice(int major, int minor) {
  return {Since::Axis::Sluice, major, minor};
}

struct Deprecation {
  std::string message;
  std::string removal_in_version;
  std::optional<Json> old_default = {};
};

/// Description of one field, of the elements of an array, or of the keys or values of a map.
struct Field {
  std::string name;
  std::string doc;
  Type type = Type::Any;
  bool required = false;           // null is refused
  std::optional<Json> preset;      // taken when the input leaves the field out
  std::vector<Rule> rules;         // in the order in which they run
  std::shared_ptr<Field> element;  // of an array or set; the values of a map
  std::shared_ptr<Field> key;      // of a map
  std::shared_ptr<const RecordBase> record;
  std::string reference;  // of a foreign field: the DAO name of the other entity
  OnDelete on_delete = OnDelete::Refuse;
  Auto automatic = Auto::None;

  bool secret = false;
  bool referenceable = false;
  bool encrypted = false;
  bool immutable = false;
  bool unique = false;
  bool unique_across_ws = false;
  bool abstract = false;     // a record that each case of the entity describes anew
  bool allow_empty = false;  // strings have a minimum length of 1 otherwise
  std::vector<Since> since;
  std::optional<Deprecation> deprecation;

  /// Typed access, null in a record built at run time. `owner` is the struct that the record describes.
  void (*read)(const Field&, const Json&, void* owner) = nullptr;
  Json (*write)(const Field&, const void* owner) = nullptr;

  /// Adds a rule at its place in Kong's order.
  void add_rule(Rule rule);
};

}  // namespace sluice::schema
