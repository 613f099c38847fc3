// SPDX-License-Identifier: Apache-2.0
#include "dataplane/cache_files.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <map>
#include <utility>

#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/strings.h"

namespace sluice::dataplane {
namespace {

namespace fs = std::filesystem;

constexpr const char* kBase = "base";
constexpr const char* kJournal = "journal";
constexpr const char* kDraft = "new";
constexpr int kKept = 2;
constexpr std::string_view kEnd = "end";

std::unexpected<Error> damaged(const std::string& file, const std::string& why) {
  return fail(Errc::Invalid, file + ": " + why, Blame::System);
}

}  // namespace

CacheFiles::CacheFiles(CacheOptions options, CacheKey key)
    : options_(std::move(options)), ring_(options_.folder, std::move(key)), lock_(options_.folder) {
  ::mkdir(options_.folder.c_str(), 0700);
}

std::string CacheFiles::path(std::uint64_t number, const char* kind) const {
  return fmt::format("{}/{:08}.{}", options_.folder, number, kind);
}

/// The newest first.
std::vector<CacheFiles::Generation> CacheFiles::list() const {
  std::map<std::uint64_t, Generation, std::greater<>> found;
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(options_.folder, failed)) {
    const auto number = parse_int<std::uint64_t>(entry.path().stem().string());
    if (!number) continue;
    Generation& generation = found[*number];
    generation.number = *number;
    if (entry.path().extension() == ".base") generation.base = true;
    if (entry.path().extension() == ".journal") generation.journal = true;
  }
  std::vector<Generation> generations;
  generations.reserve(found.size());
  for (const auto& [number, generation] : found) generations.push_back(generation);
  return generations;
}

Result<CacheFiles::Loaded> CacheFiles::read_base(std::uint64_t number) {
  const std::string file = path(number, kBase);
  TRY(RecordReader reader, RecordReader::open(ring_.keys(), file));
  under_earlier_key_ = under_earlier_key_ || reader.key() != 0;
  auto first = reader.next();
  if (!first) return damaged(file, "its beginning is " + first.error().what);
  if (first->kind != RecordKind::Header) return damaged(file, "does not begin with a header");
  TRY(const BaseHeader header, parse_base_header(first->content));
  Loaded loaded;
  for (;;) {
    auto record = reader.next();
    if (!record) return damaged(file, record.error().what + " behind octet " + std::to_string(reader.offset()));
    if (record->kind == RecordKind::End) break;
    if (record->kind != RecordKind::Rows) return damaged(file, "has a record that does not belong there");
    TRY(read_rows(record->content, loaded.state.rows));
  }
  if (loaded.state.rows.size() != header.rows || loaded.state.rows.digest() != header.digest) {
    return damaged(file, "does not hold what its header says");
  }
  loaded.state.standing = header.standing;
  loaded.sequence = header.sequence;
  loaded.trusted = header.maker == options_.maker;
  return loaded;
}

/// Adds the changes of one journal that follow on what is there. Goes on writing the last one where it ended well.
void CacheFiles::replay(std::uint64_t number, Loaded& loaded, bool last) {
  const std::string file = path(number, kJournal);
  const auto stop = [&](const std::string& why) {
    log::warn("cluster_cache.journal_damaged",
              {{"file", file}, {"error", why}, {"kept", loaded.state.standing.version}});
    loaded.damaged = true;
  };
  auto reader = RecordReader::open(ring_.keys(), file);
  if (!reader) return stop(reader.error().what);
  under_earlier_key_ = under_earlier_key_ || reader->key() != 0;
  for (;;) {
    auto record = reader->next();
    if (!record && record.error().code == Errc::NotFound) break;
    if (!record && record.error().code == Errc::Closed) {
      // A change that was being written when the process ended; it was never served.
      log::notice("cluster_cache.journal_cut_off", {{"file", file}, {"offset", reader->offset()}});
      break;
    }
    if (!record) return stop(record.error().what);
    auto read = parse_step(record->content);
    if (!read || record->kind != RecordKind::Change) return stop("a record that does not belong there");
    if (read->sequence <= loaded.sequence) continue;  // in the base already
    if (read->sequence != loaded.sequence + 1) return stop("a change is missing");
    State next = loaded.state;
    apply(read->step, next);
    if (next.rows.digest() != read->digest) return stop("a change does not fit");
    loaded.state = std::move(next);
    loaded.sequence = read->sequence;
  }
  // Of another process's journal the end may be under way.
  if (!last || loaded.damaged || !lock_.is_held()) return;
  auto writer = RecordWriter::resume(file, *std::move(reader));
  if (!writer) return stop(writer.error().what);
  journal_.emplace(*std::move(writer));
}

std::optional<CacheFiles::Loaded> CacheFiles::load() {
  const std::lock_guard lock(mutex_);
  static_cast<void>(own());  // without it, what is there is only read
  ring_.read();
  const std::vector<Generation> generations = list();
  if (generations.empty()) return std::nullopt;
  next_generation_ = generations.front().number + 1;
  for (const Generation& generation : generations) {
    if (!generation.base) continue;
    auto loaded = read_base(generation.number);
    if (!loaded) {
      log::error("cluster_cache.unreadable", {{"error", loaded.error()}});
      unusable_.push_back(generation.number);
      continue;
    }
    loaded->damaged = !unusable_.empty();
    for (auto later = generations.rbegin(); later != generations.rend(); ++later) {
      if (later->number >= generation.number && later->journal) {
        replay(later->number, *loaded, later->number == generation.number);
      }
    }
    generation_ = generation.number;
    sequence_ = loaded->sequence;
    std::error_code failed;
    base_size_ = fs::file_size(path(generation.number, kBase), failed);
    rewrite_due_ = loaded->damaged || !loaded->trusted || !journal_ || under_earlier_key_;
    if (loaded->damaged || !loaded->trusted) journal_.reset();
    return *std::move(loaded);
  }
  if (unusable_.empty()) return std::nullopt;
  log::error("cluster_cache.none_usable",
             {{"folder", options_.folder}, {"remedy", "the configuration comes from the control plane"}});
  rewrite_due_ = true;
  return std::nullopt;
}

Result<RecordWriter> CacheFiles::write_base(std::uint64_t number, const State& state, std::uint64_t sequence,
                                            const CacheKey& key) const {
  const std::string draft = path(number, kDraft);
  ::unlink(draft.c_str());
  const auto write = [&]() -> Result<RecordWriter> {
    TRY(RecordWriter writer, RecordWriter::create(key, draft));
    const BaseHeader header{sequence, state.standing, state.rows.digest(), state.rows.size(), options_.maker};
    TRY(writer.add(RecordKind::Header, to_text(header)));
    TRY(write_rows(state.rows, [&](std::string_view text) { return writer.add(RecordKind::Rows, text); }));
    TRY(writer.add(RecordKind::End, kEnd));
    TRY(writer.sync());
    return writer;
  };
  auto written = write();
  if (!written) ::unlink(draft.c_str());
  return written;
}

/// The draft of a base becomes a generation with a journal of its own. Nothing has changed when it fails.
Result<> CacheFiles::begin_generation(std::uint64_t number, std::uint64_t from_sequence, const CacheKey& key,
                                      std::uint64_t base_size) {
  const std::string journal = path(number, kJournal);
  const auto begin = [&]() -> Result<RecordWriter> {
    TRY(RecordWriter writer, RecordWriter::create(key, journal));
    TRY(carry_over(writer, from_sequence));
    TRY(writer.sync());
    if (::rename(path(number, kDraft).c_str(), path(number, kBase).c_str()) != 0)
      return system_failure("rename", journal);
    TRY(sync_folder(options_.folder));
    return writer;
  };
  ::unlink(journal.c_str());
  auto begun = begin();
  if (!begun) {
    for (const char* kind : {kDraft, kBase, kJournal}) ::unlink(path(number, kind).c_str());
    return std::unexpected(std::move(begun).error());
  }
  journal_.emplace(*std::move(begun));
  generation_ = number;
  base_size_ = base_size;
  rewrite_due_ = false;
  forget_older(number);
  return {};
}

/// Copies the changes behind `from_sequence` out of the present journal.
Result<> CacheFiles::carry_over(RecordWriter& to, std::uint64_t from_sequence) {
  if (sequence_ == from_sequence) return {};
  if (!journal_) return fail(Errc::Conflict, "changes came that are in no journal", Blame::System);
  TRY(RecordReader reader, RecordReader::open(ring_.keys(), path(generation_, kJournal)));
  std::uint64_t reached = from_sequence;
  while (reached < sequence_) {
    TRY(const RecordSeal::Opened record, reader.next());
    TRY(const ReadStep read, parse_step(record.content));
    if (read.sequence <= from_sequence) continue;
    TRY(to.add(RecordKind::Change, record.content));
    reached = read.sequence;
  }
  return {};
}

/// Keeps `number` and the one before that was usable.
void CacheFiles::forget_older(std::uint64_t number) {
  int kept = 0;
  for (const Generation& generation : list()) {
    const bool unusable = std::ranges::find(unusable_, generation.number) != unusable_.end();
    const bool whole = generation.base && !unusable && generation.number <= number;
    if (whole && kept++ < kKept) continue;
    if (generation.number > number && !unusable) continue;  // being written
    for (const char* kind : {kBase, kJournal, kDraft}) ::unlink(path(generation.number, kind).c_str());
  }
  unusable_.clear();
}

Result<> CacheFiles::commit(const Step& step, const State& next) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t sequence = ++sequence_;
  if (auto owned = own(); !owned) return fail_to_keep(std::move(owned).error());
  // A change that touches most of the configuration costs less as a new base than as an entry that is folded at once.
  const bool large =
      step.puts.size() + step.removals.size() > 64 && 2 * (step.puts.size() + step.removals.size()) > next.rows.size();
  if (journal_ && !large) {
    auto kept = journal_->add(RecordKind::Change, to_text(step, sequence, next.rows.digest()));
    if (kept) kept = journal_->sync();
    if (kept) return kept;
    return fail_to_keep(std::move(kept).error());
  }
  const std::uint64_t number = next_generation_++;
  const CacheKey& key = ring_.present();
  auto base = write_base(number, next, sequence, key);
  auto begun = base ? begin_generation(number, sequence, key, base->size()) : std::unexpected(base.error());
  if (!begun) return fail_to_keep(std::move(begun).error());
  return begun;
}

/// A change that is in no journal: whatever follows would be behind a gap.
Result<> CacheFiles::fail_to_keep(Error error) {
  journal_.reset();
  rewrite_due_ = true;
  return std::unexpected(std::move(error));
}

/// The folder is this process's to write. What another one did there meanwhile is not known here.
Result<> CacheFiles::own() {
  if (lock_.is_held()) return {};
  if (left_) return fail(Errc::Conflict, options_.folder + " is left to another process", Blame::System);
  TRY(lock_.take());
  const std::vector<Generation> generations = list();
  if (!generations.empty()) next_generation_ = std::max(next_generation_, generations.front().number + 1);
  journal_.reset();
  rewrite_due_ = sequence_ != 0;
  return {};
}

void CacheFiles::leave() {
  const std::lock_guard written(folding_);
  const std::lock_guard lock(mutex_);
  if (!going_) return;
  left_ = true;
  journal_.reset();
  lock_.release();
}

void CacheFiles::come_back() {
  going_ = false;
  const std::lock_guard lock(mutex_);
  left_ = false;
}

void CacheFiles::skip() {
  const std::lock_guard lock(mutex_);
  ++sequence_;
  journal_.reset();
  rewrite_due_ = true;
}

std::uint64_t CacheFiles::sequence() const {
  const std::lock_guard lock(mutex_);
  return sequence_;
}

bool CacheFiles::fold_due() const {
  const std::lock_guard lock(mutex_);
  if (rewrite_due_) return true;
  return journal_ && journal_->size() > std::max<std::uint64_t>(options_.fold_from, base_size_ / 2);
}

Result<> CacheFiles::fold(const State& state, std::uint64_t sequence) {
  const std::lock_guard one_at_a_time(folding_);
  std::uint64_t number = 0;
  std::optional<CacheKey> key;
  {
    const std::lock_guard lock(mutex_);
    TRY(own());
    number = next_generation_++;
    key = ring_.present();
  }
  TRY(const RecordWriter base, write_base(number, state, sequence, *key));
  const std::lock_guard lock(mutex_);
  if (generation_ > number) {  // everything was written meanwhile, and later
    ::unlink(path(number, kDraft).c_str());
    return {};
  }
  return begin_generation(number, sequence, *key, base.size());
}

Result<> CacheFiles::use_key(CacheKey key) {
  const std::lock_guard lock(mutex_);
  if (ring_.present() == key) return {};
  TRY(own());
  TRY(ring_.replace(std::move(key)));
  rewrite_due_ = true;
  return {};
}

}  // namespace sluice::dataplane
