// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "schema/codec.h"
#include "schema/entity_check.h"
#include "schema/field.h"
#include "schema/record_base.h"
#include "schema/rule.h"

namespace sluice::schema {

/// Adds marks and rules to a field while its record is described. Borrows the field; do not keep it.
class FieldRef {
 public:
  explicit FieldRef(Field& field) : field_(&field) {}

  FieldRef& rule(Rule rule);
  /// A rule for every element of an array or set, or for every value of a map.
  FieldRef& each(Rule rule);
  /// A rule for the keys of a map.
  FieldRef& keys(Rule rule);
  /// The elements of an array or set, or the values of a map, to mark them further.
  [[nodiscard]] FieldRef element() const { return FieldRef(*field_->element); }
  [[nodiscard]] FieldRef key() const { return FieldRef(*field_->key); }

  /// The input must give it: no default, null is refused.
  FieldRef& required();
  /// May be null. The default stays what the member is initialised with; an empty string, array or map is none.
  FieldRef& optional();
  FieldRef& preset(Json value);
  FieldRef& no_default();
  FieldRef& as_set();
  FieldRef& abstract();     // free-form here; each case of the entity describes it as a record
  FieldRef& allow_empty();  // strings: accept ""
  FieldRef& doc(std::string text);

  FieldRef& secret();
  FieldRef& referenceable();
  FieldRef& encrypted();
  FieldRef& immutable();
  FieldRef& unique();
  FieldRef& unique_across_ws();
  FieldRef& since(Since version);
  FieldRef& deprecated(std::string message, std::string removal_in_version = {});
  FieldRef& auto_id();          // a random UUID
  FieldRef& auto_random();      // 32 random letters and digits
  FieldRef& auto_created_at();  // Unix seconds; with a fraction where the field is a number
  FieldRef& auto_updated_at();

  [[nodiscard]] Field& field() const { return *field_; }

 private:
  Field* field_;
};

namespace detail {
template <class M>
struct MemberTraits;
template <class C, class V>
struct MemberTraits<V C::*> {
  using Owner = C;
  using Value = V;
};
template <class T>
inline constexpr bool kIsOptional = false;
template <class T>
inline constexpr bool kIsOptional<std::optional<T>> = true;

/// Sets `required` and the default from what the member is initialised with.
void take_initial(Field& field, Json initial, bool optional);
}  // namespace detail

/// Typed descriptions on top of Base, which is RecordBase or EntityBase.
template <class T, class Base>
class Typed : public Base {
 public:
  using Base::Base;

  /// Describes one member. A plain member refuses null and has its initialiser as default (an empty string is no
  /// default: the input must give one); std::optional may be null.
  template <auto Member>
  FieldRef field(std::string_view name, std::string_view doc = {}) {
    using Value = typename detail::MemberTraits<decltype(Member)>::Value;
    Field field;
    field.name = name;
    field.doc = doc;
    Codec<Value>::shape(field);
    field.read = [](const Field& self, const Json& value, void* owner) {
      Codec<Value>::read(self, value, static_cast<T*>(owner)->*Member);
    };
    field.write = [](const Field& self, const void* owner) {
      return Codec<Value>::write(self, static_cast<const T*>(owner)->*Member);
    };
    detail::take_initial(field, Codec<Value>::write(field, prototype_.*Member), detail::kIsOptional<Value>);
    return FieldRef(this->add_field(std::move(field)));
  }

  /// The typed view of a canonical document, that is, of one that process() returned.
  [[nodiscard]] T read(const Json& document) const {
    T object{};
    this->read_into(document, &object);
    return object;
  }
  [[nodiscard]] Json write(const T& object) const { return this->write_from(&object); }

 private:
  T prototype_{};
};

/// The description of T's documents. `Record<T>` adds no state that matters to RecordBase: copying one into a
/// RecordBase loses nothing but the types.
template <class T>
class Record : public Typed<T, RecordBase> {};

/// A described record.
template <class T>
Record<T> describe() {
  Record<T> record;
  T::describe(record);
  return record;
}

}  // namespace sluice::schema
