// What users submit, as messages: templates, tasks in pieces, the end. Refuses what no link would
// carry, in words that name it, before anything of it is sent. Pure: no locks, no session.
#pragma once

#include <cstdint>
#include <vector>

#include "libruntime/protocol/messages.hpp"
#include "troupe/client.hpp"

namespace troupe::detail {

// Of one add_tasks message: tasks, and bytes of arguments before the next message begins.
inline constexpr std::size_t add_limit = 4096;
inline constexpr std::size_t add_bytes_limit = 256 << 10;

// What follows the open_job of `key`, close_job included. Throw troupe::error: too_large,
// invalid_argument; the message names the job and the task.
std::vector<protocol::message> messages_of(job_draft draft, std::uint64_t key);
// `references` are the inputs of each call; empty where it has none.
std::vector<protocol::message> messages_of(
    const task_spec& spec, std::vector<packed_call> calls,
    std::vector<std::vector<protocol::task_reference>> references, std::uint64_t key);
// One call or command; throws likewise.
protocol::new_task single_task(const task_spec& spec, value arguments,
                               std::vector<protocol::task_reference> inputs);

// How many tasks the message adds.
std::size_t task_count(const protocol::message& m);

}  // namespace troupe::detail
