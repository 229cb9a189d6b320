// Whether what a user hands over can travel at all. A link ends when it gets a message that no peer
// would take, and the same message sent again on the next link ends that one too; so whoever makes
// messages from what a user gave asks here first and refuses it in words.
//
// What a session cuts or moves by itself (lists of tasks, values that become blobs) needs no check;
// what is left is one value, one spec, one task and one text. Cheap for what is small: called once
// a task. Pure; errors by return: too_large, or invalid_argument for what no reader understands.
#pragma once

#include <string_view>

#include "libruntime/failure.hpp"
#include "libruntime/protocol/messages.hpp"
#include "libruntime/protocol/session_settings.hpp"

namespace troupe::protocol {

// Its bytes, and how deep it nests.
result<void> check_value(const value& v, const session_settings& limits = {});
// The command or function and the options that tasks have in common, in one message.
result<void> check_spec(const task_spec& spec, const session_settings& limits = {});
// Arguments, inputs, dependencies and label of one task.
result<void> check_task(const new_task& task, const session_settings& limits = {});
// Whether check_task() will find no fault with a task of these, as with most: for those who look before
// they make it.
bool is_small_task(const value& arguments, std::size_t references, std::size_t label_bytes,
                   const session_settings& limits = {});
// A name or a reason; `what` says which: "the job's name".
result<void> check_text(std::string_view what, std::string_view text,
                        const session_settings& limits = {});

}  // namespace troupe::protocol
