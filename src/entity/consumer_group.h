// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "entity/consumer.h"
#include "schema/entity.h"

namespace sluice::entity {

/// Consumers that plugins treat alike.
struct ConsumerGroup {
  static constexpr std::string_view kName = "consumer_groups";

  schema::Id<ConsumerGroup> id;
  std::int64_t created_at = 0;
  std::int64_t updated_at = 0;
  std::string name;
  std::vector<std::string> tags;

  static void describe(schema::Entity<ConsumerGroup>& e) {
    e.doc("Consumers that plugins treat alike.");
    e.identity<&ConsumerGroup::id, &ConsumerGroup::name>("name", "Its name.").required().rule(schema::utf8_name());
    e.created_at<&ConsumerGroup::created_at>();
    e.updated_at<&ConsumerGroup::updated_at>();
    e.tags<&ConsumerGroup::tags>();
  }
};

/// Says that a consumer belongs to a group.
struct ConsumerGroupConsumer {
  static constexpr std::string_view kName = "consumer_group_consumers";

  schema::Id<ConsumerGroupConsumer> id;
  std::int64_t created_at = 0;
  std::int64_t updated_at = 0;
  schema::Ref<ConsumerGroup> consumer_group;
  schema::Ref<Consumer> consumer;

  static void describe(schema::Entity<ConsumerGroupConsumer>& e) {
    using schema::OnDelete;
    e.doc("Says that a consumer belongs to a group.");
    e.cache_key({"consumer_group", "consumer"});
    e.identity<&ConsumerGroupConsumer::id>();
    e.created_at<&ConsumerGroupConsumer::created_at>();
    e.updated_at<&ConsumerGroupConsumer::updated_at>();
    e.belongs_to<&ConsumerGroupConsumer::consumer_group>("consumer_group", OnDelete::Cascade, "The group.").required();
    e.belongs_to<&ConsumerGroupConsumer::consumer>("consumer", OnDelete::Cascade, "The consumer.").required();
  }
};

}  // namespace sluice::entity
