// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "dataplane/cache_records.h"
#include "dataplane/folder_lock.h"
#include "dataplane/key_ring.h"
#include "dataplane/record_file.h"
#include "dataplane/sealed_records.h"
#include "dataplane/standing.h"

namespace sluice::dataplane {

struct CacheOptions {
  std::string folder;  // made when it is missing
  std::string maker;   // this release and its plugins; documents of another one are validated again
  std::size_t fold_from = std::size_t{1} << 20;  // octets of a journal below which it is never folded
};

/// The last good configuration on disk: generations of a base (everything) with a journal (the changes since), of which
/// two are kept. The newest base that opens counts, with every journal from its own on as far as they follow; so a base
/// that is damaged costs nothing as long as the one before is there. One process writes there at a time; another one
/// only reads, and is told Errc::Conflict when it wants to write.
///
/// Every call blocks. Thread-safe; commit() and fold() may run side by side.
class CacheFiles {
 public:
  CacheFiles(CacheOptions options, CacheKey key);
  CacheFiles(const CacheFiles&) = delete;
  CacheFiles& operator=(const CacheFiles&) = delete;

  struct Loaded {
    State state;
    bool trusted = false;  // its documents were made canonical by this very release
    bool damaged = false;  // something could not be read; the log says what
    std::uint64_t sequence = 0;
  };
  /// What is there; nothing when nothing opens, which the log explains. To be called once, before anything is written.
  std::optional<Loaded> load();

  /// Keeps the change that led to `next`: durable when this returns. As a journal entry where that is possible and
  /// cheaper, else by writing everything.
  Result<> commit(const Step& step, const State& next);
  /// A change that is served without being kept: it takes too much to try again now.
  void skip();
  /// The number of the last change; for fold(), with the state that it led to.
  [[nodiscard]] std::uint64_t sequence() const;
  /// Whether everything should be written anew: the journal has grown, or something is amiss.
  [[nodiscard]] bool fold_due() const;
  /// Writes a new base. `state` is that of change number `sequence`; changes that come meanwhile are carried over.
  Result<> fold(const State& state, std::uint64_t sequence);
  /// From now on files are made under `key`; makes a fold due when it is another one. Until then, and when the fold
  /// fails, what is there opens under either. Goes on with the present one when it fails.
  Result<> use_key(CacheKey key);
  /// Leaves the folder to another process when what is being written has been. Nothing more is written before
  /// come_back(); then everything anew.
  /// Announced, it takes as long as what is being written; come_back() meanwhile calls it off.
  void announce_leaving() { going_ = true; }
  void leave();
  void come_back();

 private:
  struct Generation {
    std::uint64_t number = 0;
    bool base = false;
    bool journal = false;
  };
  [[nodiscard]] std::string path(std::uint64_t number, const char* kind) const;
  [[nodiscard]] std::vector<Generation> list() const;
  Result<Loaded> read_base(std::uint64_t number);
  void replay(std::uint64_t number, Loaded& loaded, bool last);
  Result<RecordWriter> write_base(std::uint64_t number, const State& state, std::uint64_t sequence,
                                  const CacheKey& key) const;
  Result<> begin_generation(std::uint64_t number, std::uint64_t from_sequence, const CacheKey& key,
                            std::uint64_t base_size);
  Result<> carry_over(RecordWriter& to, std::uint64_t from_sequence);
  void forget_older(std::uint64_t number);
  Result<> own();
  Result<> fail_to_keep(Error error);

  const CacheOptions options_;
  mutable std::mutex mutex_;  // of everything below; taken on blocking threads only
  KeyRing ring_;
  FolderLock lock_;
  std::atomic<bool> going_ = false;
  bool left_ = false;
  std::optional<RecordWriter> journal_;  // none: everything has to be written first
  std::uint64_t generation_ = 0;         // of the journal
  std::uint64_t next_generation_ = 1;
  std::uint64_t sequence_ = 0;
  std::uint64_t base_size_ = 0;
  bool rewrite_due_ = false;
  bool under_earlier_key_ = false;       // something that was read is
  std::vector<std::uint64_t> unusable_;  // generations that did not open
  std::mutex folding_;                   // one base is written at a time
};

}  // namespace sluice::dataplane
