// SPDX-License-Identifier: Apache-2.0
#include "control/cluster/notary.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/raised_flag.h"
#include "base/time.h"
#include "sync/digest.h"
#include "sync/snapshot_file.h"

namespace sluice::control::cluster {
namespace {

constexpr std::size_t kPortion = 500;  // rows: a millisecond or so, when they have to be rewritten
constexpr std::size_t kKept = 4;
/// From one to the next, so that nodes cannot keep this shard busy.
constexpr std::int64_t kPauseMs = 5'000;

std::string name_of(const Notary::Question& question) {
  return sync::wire::Projection::key(question.peer) + '\n' + question.standing.version + '\n' + question.standing.hash +
         '\n' + question.signer->certificate_pem();
}

}  // namespace

Task<Result<sync::wire::Certified>> Notary::certify(const Feed& feed, Question question) {
  if (question.standing.version != to_wire(feed.version()) || question.standing.hash != question.hash) {
    co_return fail(Errc::Conflict, "that is not what there is now", Blame::Client);
  }
  const std::string about = name_of(question);
  const auto known = std::ranges::find(signed_, about, &Signed::about);
  if (known != signed_.end()) co_return known->certified;
  if (busy_ || reactor_.clock().mono_ms() < not_before_ms_) {
    co_return fail(Errc::Unavailable, "another configuration is being signed; ask again", Blame::System);
  }
  const RaisedFlag busy(busy_);
  not_before_ms_ = reactor_.clock().mono_ms() + kPauseMs;

  const Feed::Options& options = feed.options();
  const sync::wire::Projection projection(feed.store().catalog(), question.peer, options.kong, options.sluice);
  sync::Snapshot header{.control_plane = question.control_plane,
                        .version = question.standing.version,
                        .hash = question.standing.hash,
                        .made_by = "sluice/" + to_string(options.sluice),
                        .made_at = static_cast<double>(unix_seconds()),
                        .rows = {}};
  std::vector<sync::EntityRow> all;
  feed.each_row([&](const sync::EntityRow& row) { all.push_back(row); });
  const auto pause = [this](std::size_t row) {
    return rt::Sleep(reactor_, row % kPortion == 0 ? reactor_.after_ms(1) : rt::Deadline{0});
  };
  std::vector<sync::EntityRow> rows;
  sync::Digest digest;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (auto projected = projection.row(all[i], nullptr)) {
      digest.add(*projected);
      rows.push_back(*std::move(projected));
    }
    co_await pause(i + 1);
  }
  // The rows are read row by row, the hash was kept up change by change: both have to agree on what is signed.
  if (digest.text() != question.hash) co_return fail(Errc::Internal, "rows and hash differ");
  sync::order_rows(rows);
  sync::SnapshotStatement statement(header, rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    statement.add(rows[i]);
    co_await pause(i + 1);
  }
  sync::wire::Certified certified{.made_by = header.made_by,
                                  .made_at = header.made_at,
                                  .signature = question.signer->sign(statement.finish()),
                                  .certificate = question.signer->certificate_pem()};
  signed_.push_front({about, certified});
  if (signed_.size() > kKept) signed_.pop_back();
  co_return certified;
}

}  // namespace sluice::control::cluster
