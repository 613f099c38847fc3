// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/uuid.h"
#include "entity/declarative.h"
#include "schema/entity.h"
#include "store/version.h"
#include "sync/delta.h"

namespace sluice::control::publish {

enum class Verb : std::uint8_t {
  Create,   // there must be none with its id or its unique columns
  Put,      // the entity that `key` names becomes this one, or is made
  Patch,    // the entity that `key` names changes where `document` says so
  Replace,  // as Put; the entity is the one with the document's id, else its endpoint key, else its other unique
            // columns
  Remove,   // the entity that `key` names goes; one that is not there is no error
};

/// What somebody wants to be done with one entity.
struct Operation {
  Verb verb = Verb::Create;
  const schema::EntityBase* type = nullptr;  // of the catalog
  Uuid workspace = {};
  std::string key = {};                 // an id or an endpoint key
  const schema::Field* link = nullptr;  // the entity stands below `parent`, to which this field of it refers
  Uuid parent = {};
  Json document = Json::object();  // as it was sent
  Uuid id_if_new = {};             // nil: the document's, or a random one
  bool names_refer = false;        // references may be plain strings, names or ids
  bool transform = true;           // false: the document is as the store keeps it, passwords hashed
  std::string if_match = {};       // the field If-Match; empty: whatever is there
  bool only_if_new = false;        // If-None-Match: *
};

/// What became of an operation.
struct Effect {
  Uuid id;                  // nil: nothing was done
  sync::Document document;  // null: removed
  bool created = false;
};

/// Why one operation cannot be carried out, by Kong's kinds.
struct Failure {
  enum class Kind : std::uint8_t {
    Schema,        // `violations` says what is wrong with the document
    PrimaryKey,    // `key`: the id is taken
    Unique,        // `key`: the columns that another entity has
    ForeignKey,    // `field` refers by `key` to an entity of `other` that does not exist
    Unresolved,    // the same, by a name
    Restricted,    // an entity of `other` refers to the one of `type` that was to go
    Referenced,    // the same for certificate authorities, which are named in lists; `key` is what refers
    NotFound,      // nothing has that key
    Precondition,  // it is not what the client has seen
  };
  Kind kind = Kind::Schema;
  std::size_t operation = 0;  // its position in the change
  schema::Violations violations = {};
  std::string type = {};  // DAO names
  std::string other = {};
  std::string field = {};
  Json key = {};
};

/// Why a change was not made. Nothing has changed then, but for Unknown.
struct Refusal {
  enum class Cause : std::uint8_t {
    Invalid,      // `failures`, or `declarative` for a whole configuration
    Unavailable,  // it could not be kept; trying again later may help
    Full,         // no space is left to keep it
    Unknown,      // the storage went away while it was kept: it may have been or not
    Gone,         // the control plane was deleted meanwhile, and all it had
    Internal,     // a bug of ours
  };
  Cause cause = Cause::Invalid;
  std::vector<Failure> failures = {};
  entity::DeclarativeErrors declarative = {};
  std::string what = {};  // of all but Invalid: for the log

  /// For people, one problem a line.
  [[nodiscard]] std::string text() const;
};

/// What a client that sees a document, or a list, may show again in If-Match.
[[nodiscard]] std::string etag_of(std::string_view document);
[[nodiscard]] std::string etag_of(const store::Version& version);
/// Whether one of the tags in the field is `etag`, or it is `*`. RFC 9110, 13.1.1.
[[nodiscard]] bool names_etag(std::string_view field, std::string_view etag);

}  // namespace sluice::control::publish
