// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "schema/entity_check.h"
#include "schema/field.h"
#include "schema/violations.h"

namespace sluice::schema {

enum class Mode : std::uint8_t {
  Insert,  // fills defaults, reports every violation
  Update,  // the input is a merged row (see merge_patch()); messages say "when updating"
  Select,  // a stored row: fills what a newer schema added, checks nothing
};

struct ProcessOptions {
  Mode mode = Mode::Insert;
  double now = 0;                  // Unix seconds for timestamps; 0 means the wall clock
  const Json* current = nullptr;   // Update: the row before, for immutable fields
  bool transform = true;           // false: values are already transformed (a password is a hash)
  bool ignore_unknown = false;     // from a newer control plane: fields nobody knows are left out and counted
  std::size_t* ignored = nullptr;  // where they are counted; may be null
};

/// Input that is rewritten before validation: `url` of a service, `redis_host` for `redis.host`.
struct Shorthand {
  Field field;  // its name, type, documentation and deprecation
  /// The members that the value stands for; nested objects merge into what the input has.
  std::function<std::expected<Json::Object, std::string>(const Json& value)> expand;
  std::vector<std::string> translated_to;  // path of the new field; also shown under the old name when read
};

/// Chooses by the input what a record's fields look like in this case (a plugin's config by its name). Null with a
/// violation when there is no such case, null without one when the record is to be taken as it is.
class RecordBase;
using CaseSelector = std::function<const RecordBase*(const Json::Object& input, Violations& violations)>;

/// Whether a field's value must not be stored in the clear: it is marked so, or made up as keys and secrets are.
[[nodiscard]] bool confidential(const Field& field);

/// Describes the documents of one kind: fields, defaults, rules. Untyped, so that it can be built at run time (a
/// plugin written in Lua); Record<T> is the typed shell. Immutable once described; then any thread may use it.
class RecordBase {
 public:
  RecordBase() = default;

  // Describing --------------------------------------------------------------------------------------------------------
  RecordBase& doc(std::string text);
  /// Adds a field; the name must be new. References stay valid.
  Field& add_field(Field field);
  RecordBase& check(EntityCheck check);
  /// A check of a plugin's configuration that Kong runs on the whole plugin: names start with "config." and what is
  /// wrong is reported for the plugin, not for its `config`.
  RecordBase& plugin_check(EntityCheck check);
  RecordBase& shorthand(Shorthand shorthand);
  /// A deprecated name of a field, `shorthand_for("redis_host", Type::String, {"redis", "host"})`: accepted as
  /// input, shown when read, and refused where both are given and differ.
  Shorthand& shorthand_for(std::string name, Type type, std::vector<std::string> path);
  using Transform = std::function<void(Json::Object& document, const Json* current, Violations& violations)>;
  /// Runs on valid documents, after defaults, and may run again on its own result: a port added, a digest computed.
  /// `current` is the row before an update, else null.
  RecordBase& normalize(Transform change);
  /// The same for changes that must happen once only: hashing a password. Left out by ProcessOptions::transform.
  RecordBase& transform(Transform change);
  RecordBase& cases(CaseSelector selector);

  // Reading the description -------------------------------------------------------------------------------------------
  [[nodiscard]] const std::string& documentation() const { return doc_; }
  [[nodiscard]] const std::deque<Field>& fields() const { return fields_; }
  [[nodiscard]] const Field* find_field(std::string_view name) const;
  [[nodiscard]] Field* find_field(std::string_view name);
  [[nodiscard]] const std::vector<EntityCheck>& checks() const { return checks_; }
  [[nodiscard]] const std::vector<EntityCheck>& plugin_checks() const { return plugin_checks_; }
  [[nodiscard]] const std::deque<Shorthand>& shorthands() const { return shorthands_; }

  // Documents ---------------------------------------------------------------------------------------------------------
  /// The canonical document: every field, defaults filled in, unset ones null, sets without repetitions; or everything
  /// that is wrong.
  [[nodiscard]] std::expected<Json, Violations> process(Json input, const ProcessOptions& options = {}) const;
  /// The same inside a larger document: `document` becomes canonical as far as it can.
  void process_at(Json& document, const PathView& path, const ProcessOptions& options, Violations& violations) const;
  /// `patch` over `current`: records merge, all else is replaced; shorthands of the patch are expanded where they are
  /// well-formed. Process the result with Mode::Update.
  [[nodiscard]] Json merge_patch(const Json& current, const Json& patch) const;
  /// Adds the old names of deprecated fields, as Kong shows them when an entity is read.
  void add_shorthands(Json& document) const;
  /// The value of every default, for documentation and forms: what processing `{}` gives, rules aside.
  [[nodiscard]] Json defaults() const;
  /// Calls `visit` with each text that is a secret reference in a referenceable field, to be replaced in place.
  void visit_references(Json& document, const std::function<void(std::string& reference)>& visit) const;
  /// Calls `visit` with each text of a confidential field, to be replaced in place; references are left out.
  void visit_secrets(Json& document, const std::function<void(std::string& secret)>& visit) const;
  /// Whether a document may have a confidential field at all; true where cases decide.
  [[nodiscard]] bool may_hold_secrets() const;
  /// Replaces the values of secret fields by "***", for logs and diffs.
  void redact(Json& document) const;
  /// Removes the fields that a peer of this version does not know.
  void downgrade(Json& document, Since::Axis axis, int major, int minor) const;

  /// Fills the struct that this record describes from a canonical document; fields that are null keep what they have.
  void read_into(const Json& document, void* object) const;
  [[nodiscard]] Json write_from(const void* object) const;

 private:
  friend class Processor;

  /// What describes this document's case, if anything does.
  [[nodiscard]] const RecordBase* special_case(const Json::Object& document) const;
  /// The field as the case has it, else as this record has it.
  [[nodiscard]] const Field* find_field(std::string_view name, const RecordBase* special) const;
  template <class Visit>
  void each_text(Json& document, const Visit& visit) const;
  template <class Visit>
  static void each_text(const Field& field, Json& value, const Visit& visit);
  static void each_secret(const Field& field, Json& value, bool marked,
                          const std::function<void(std::string& secret)>& visit);

  std::string doc_;
  std::deque<Field> fields_;
  std::vector<EntityCheck> checks_;
  std::vector<EntityCheck> plugin_checks_;
  std::deque<Shorthand> shorthands_;
  std::vector<Transform> normalizations_;
  std::vector<Transform> transforms_;
  CaseSelector cases_;
};

}  // namespace sluice::schema
