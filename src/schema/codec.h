// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/secret.h"
#include "schema/field.h"
#include "schema/record_base.h"

namespace sluice::schema {

template <class T>
class Record;

/// A struct that says what its documents look like: `static void describe(schema::Record<T>&)`.
template <class T>
concept Described = requires(Record<T>& record) { T::describe(record); };

/// Names of an enumeration's values. Specialise for each enumeration that appears in a described struct:
/// `template <> struct schema::EnumNames<Policy> { static constexpr std::pair<std::string_view, Policy> kNames[] = ...`
template <class E>
struct EnumNames;

/// How a C++ type appears in documents: shape() describes it, read() takes a value that satisfies the description,
/// write() gives one. Specialise for further types.
template <class T>
struct Codec;

template <>
struct Codec<bool> {
  static void shape(Field& field) { field.type = Type::Boolean; }
  static void read(const Field&, const Json& value, bool& out) { out = value.as_bool(); }
  static Json write(const Field&, bool value) { return value; }
};

template <std::integral T>
struct Codec<T> {
  static void shape(Field& field) { field.type = Type::Integer; }
  static void read(const Field&, const Json& value, T& out) { out = static_cast<T>(value.as_int()); }
  static Json write(const Field&, T value) { return static_cast<std::int64_t>(value); }
};

/// A whole number is written without a fraction, as Kong does.
Json number_json(double value);

template <std::floating_point T>
struct Codec<T> {
  static void shape(Field& field) { field.type = Type::Number; }
  static void read(const Field&, const Json& value, T& out) { out = static_cast<T>(value.number()); }
  static Json write(const Field&, T value) { return number_json(static_cast<double>(value)); }
};

template <class Rep, class Period>
struct Codec<std::chrono::duration<Rep, Period>> {
  using Duration = std::chrono::duration<Rep, Period>;
  static void shape(Field& field) { Codec<Rep>::shape(field); }
  static void read(const Field& field, const Json& value, Duration& out) {
    Rep count{};
    Codec<Rep>::read(field, value, count);
    out = Duration(count);
  }
  static Json write(const Field& field, Duration value) { return Codec<Rep>::write(field, value.count()); }
};

template <>
struct Codec<std::string> {
  static void shape(Field& field) { field.type = Type::String; }
  static void read(const Field&, const Json& value, std::string& out) { out = value.as_string(); }
  static Json write(const Field&, const std::string& value) { return value; }
};

template <class T>
struct Codec<Secret<T>> {
  static void shape(Field& field) {
    Codec<T>::shape(field);
    field.secret = true;
  }
  static void read(const Field& field, const Json& value, Secret<T>& out) {
    T revealed{};
    Codec<T>::read(field, value, revealed);
    out = Secret<T>(std::move(revealed));
  }
  static Json write(const Field& field, const Secret<T>& value) { return Codec<T>::write(field, value.reveal()); }
};

template <>
struct Codec<Json> {
  static void shape(Field& field) { field.type = Type::Any; }
  static void read(const Field&, const Json& value, Json& out) { out = value; }
  static Json write(const Field&, const Json& value) { return value; }
};

template <class E>
  requires std::is_enum_v<E>
struct Codec<E> {
  static void shape(Field& field) {
    field.type = Type::String;
    Json::Array names;
    for (const auto& [name, value] : EnumNames<E>::kNames) names.emplace_back(name);
    field.add_rule(one_of(std::move(names)));
  }
  static void read(const Field&, const Json& value, E& out) {
    for (const auto& [name, candidate] : EnumNames<E>::kNames) {
      if (value.as_string() == name) out = candidate;
    }
  }
  static Json write(const Field&, E value) {
    for (const auto& [name, candidate] : EnumNames<E>::kNames) {
      if (candidate == value) return name;
    }
    return nullptr;
  }
};

template <class T>
struct Codec<std::optional<T>> {
  static void shape(Field& field) { Codec<T>::shape(field); }
  static void read(const Field& field, const Json& value, std::optional<T>& out) {
    Codec<T>::read(field, value, out.emplace());
  }
  static Json write(const Field& field, const std::optional<T>& value) {
    return value ? Codec<T>::write(field, *value) : Json();
  }
};

template <class T>
std::shared_ptr<Field> element_field() {
  auto field = std::make_shared<Field>();
  Codec<T>::shape(*field);
  field->required = true;
  return field;
}

template <class T>
struct Codec<std::vector<T>> {
  static void shape(Field& field) {
    field.type = Type::Array;
    field.element = element_field<T>();
  }
  static void read(const Field& field, const Json& value, std::vector<T>& out) {
    out.clear();
    out.reserve(value.as_array().size());
    for (const auto& item : value.as_array()) {
      T element{};
      Codec<T>::read(*field.element, item, element);
      out.push_back(std::move(element));
    }
  }
  static Json write(const Field& field, const std::vector<T>& value) {
    Json::Array items;
    for (const auto& item : value) items.push_back(Codec<T>::write(*field.element, item));
    return items;
  }
};

template <class T>
struct Codec<std::set<T>> {
  static void shape(Field& field) {
    field.type = Type::Set;
    field.element = element_field<T>();
  }
  static void read(const Field& field, const Json& value, std::set<T>& out) {
    out.clear();
    for (const auto& item : value.as_array()) {
      T element{};
      Codec<T>::read(*field.element, item, element);
      out.insert(std::move(element));
    }
  }
  static Json write(const Field& field, const std::set<T>& value) {
    Json::Array items;
    for (const auto& item : value) items.push_back(Codec<T>::write(*field.element, item));
    return items;
  }
};

template <class T>
struct Codec<std::map<std::string, T>> {
  static void shape(Field& field) {
    field.type = Type::Map;
    field.key = element_field<std::string>();
    field.element = element_field<T>();
  }
  static void read(const Field& field, const Json& value, std::map<std::string, T>& out) {
    out.clear();
    for (const auto& [name, item] : value.as_object()) Codec<T>::read(*field.element, item, out[name]);
  }
  static Json write(const Field& field, const std::map<std::string, T>& value) {
    Json::Object members;
    for (const auto& [name, item] : value) members.append(name, Codec<T>::write(*field.element, item));
    return members;
  }
};

template <Described T>
struct Codec<T> {
  static void shape(Field& field) {
    Record<T> record;
    T::describe(record);
    field.type = Type::Record;
    field.record = std::make_shared<const RecordBase>(std::move(record));
  }
  static void read(const Field& field, const Json& value, T& out) { field.record->read_into(value, &out); }
  static Json write(const Field& field, const T& value) { return field.record->write_from(&value); }
};

}  // namespace sluice::schema
