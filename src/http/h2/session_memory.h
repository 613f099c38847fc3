// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nghttp2/nghttp2.h>

namespace sluice::http::h2 {

/// Where nghttp2 takes memory for a session: from what the shard's coroutine frames are made of (rt/frame_pool.h),
/// since it asks some eighteen times for each request and libc's own cache is too small for many streams at a time. A
/// session stays on the thread that made it. Static, never null.
nghttp2_mem* session_memory();

}  // namespace sluice::http::h2
