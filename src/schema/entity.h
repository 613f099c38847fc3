// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/uuid.h"
#include "schema/record.h"

namespace sluice::schema {

/// The identity of a T.
template <class T>
struct Id {
  Uuid value;
  friend auto operator<=>(const Id&, const Id&) = default;
};

/// Names another entity by its id; nil when it names none.
template <class T>
struct Ref {
  Uuid id;
  [[nodiscard]] bool is_nil() const { return id.is_nil(); }
  explicit operator bool() const { return !id.is_nil(); }
  friend auto operator<=>(const Ref&, const Ref&) = default;
};

/// A validated UUID; nil for anything else.
Uuid read_uuid(const Json& value);
Json write_uuid(const Uuid& uuid);

template <>
struct Codec<Uuid> {
  static void shape(Field& field) {
    field.type = Type::String;
    field.add_rule(uuid());
  }
  static void read(const Field&, const Json& value, Uuid& out) { out = read_uuid(value); }
  static Json write(const Field&, const Uuid& value) { return write_uuid(value); }
};

template <class T>
struct Codec<Id<T>> {
  static void shape(Field& field) { Codec<Uuid>::shape(field); }
  static void read(const Field&, const Json& value, Id<T>& out) { out.value = read_uuid(value); }
  static Json write(const Field&, const Id<T>& value) { return write_uuid(value.value); }
};

template <class T>
struct Codec<Ref<T>> {
  static void shape(Field& field) {
    field.type = Type::Foreign;
    field.reference = T::kName;
  }
  static void read(const Field&, const Json& value, Ref<T>& out) {
    if (const Json* id = value.find("id")) out.id = read_uuid(*id);
  }
  static Json write(const Field&, const Ref<T>& value) {
    if (value.is_nil()) return nullptr;
    return Json::Object{{"id", write_uuid(value.id)}};
  }
};

/// What storage, the Admin API and declarative files know of an entity besides its fields.
class EntityBase : public RecordBase {
 public:
  /// `dao` names the entity in files, errors and storage ("keyauth_credentials").
  explicit EntityBase(std::string dao) : name_(std::move(dao)), url_(name_) {}

  /// The collection in URLs where it is not the name: "key-auths", and "key-auth" below its parent.
  EntityBase& plural(std::string url, std::string nested_url = {});
  /// A field that may stand for the id in URLs and references. Unique unless it is so only below a parent.
  EntityBase& endpoint_key(std::string field);
  /// Several fields that are unique together.
  EntityBase& cache_key(std::vector<std::string> fields);
  /// Rows may expire: `ttl` seconds after they were made.
  EntityBase& ttl();
  EntityBase& shared_by_workspaces();

  [[nodiscard]] const std::string& name() const { return name_; }
  /// "service" of "services".
  [[nodiscard]] std::string singular() const;
  [[nodiscard]] const std::string& url() const { return url_; }
  [[nodiscard]] const std::string& nested_url() const { return nested_url_.empty() ? url_ : nested_url_; }
  [[nodiscard]] const std::string& endpoint_key() const { return endpoint_key_; }  // empty: none
  [[nodiscard]] const std::vector<std::string>& cache_key() const { return cache_key_; }
  [[nodiscard]] bool has_ttl() const { return has_ttl_; }
  [[nodiscard]] bool workspaceable() const { return workspaceable_; }
  /// The fields that refer to other entities. Valid while the description is.
  [[nodiscard]] const std::vector<const Field*>& foreign_fields() const { return foreign_; }
  /// The fields of which no two rows may have the same value.
  [[nodiscard]] const std::vector<const Field*>& unique_fields() const { return unique_; }

  /// To be called once when the description is complete.
  void seal();

 private:
  std::string name_;
  std::string url_;
  std::string nested_url_;
  std::string endpoint_key_;
  std::vector<std::string> cache_key_;
  bool has_ttl_ = false;
  bool workspaceable_ = true;
  std::vector<const Field*> foreign_;
  std::vector<const Field*> unique_;
};

/// The description of T, whose `kName` is its DAO name. Neither copied nor moved: the catalog owns it.
template <class T>
class Entity : public Typed<T, EntityBase> {
 public:
  Entity() : Typed<T, EntityBase>(std::string(T::kName)) {}

  /// The id, and the field that may stand for it.
  template <auto Id, auto Name>
  FieldRef identity(std::string_view name, std::string_view doc = {}) {
    this->template field<Id>("id", "Identity.").auto_id();
    this->endpoint_key(std::string(name));
    return this->template field<Name>(name, doc).optional().unique();
  }
  template <auto Id>
  void identity() {
    this->template field<Id>("id", "Identity.").auto_id();
  }

  template <auto Member>
  FieldRef belongs_to(std::string_view name, OnDelete on_delete, std::string_view doc = {}) {
    FieldRef field = this->template field<Member>(name, doc).optional();
    field.field().on_delete = on_delete;
    return field;
  }

  template <auto Member>
  void created_at() {
    this->template field<Member>("created_at", "When it was made, Unix seconds.").auto_created_at();
  }
  template <auto Member>
  void updated_at() {
    this->template field<Member>("updated_at", "When it was last changed, Unix seconds.").auto_updated_at();
  }
  template <auto Member>
  void tags() {
    this->template field<Member>("tags", "Labels for grouping and filtering.").optional().as_set().each(tag());
  }
};

}  // namespace sluice::schema
