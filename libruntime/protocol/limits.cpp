#include "libruntime/protocol/limits.hpp"

#include <algorithm>
#include <string>

#include "libruntime/protocol/codec.hpp"
#include "libruntime/protocol/wire.hpp"

namespace troupe::protocol {
namespace {

// For what stands in a message beside the parts that are counted here. Specs and reasons go on to
// workers in other messages, whose ends differ by less.
constexpr std::size_t reserve = 256;
// At most, as encoded: a reference; the header of a string; the word that names a blob.
constexpr std::size_t reference_bytes = 20;
constexpr std::size_t header_bytes = 5;
constexpr std::size_t blob_name_bytes = 6;

std::string bytes_text(std::uint64_t n) {
  return std::to_string(n) + " bytes";
}

tl::unexpected<failure> too_long(const std::string& what, std::uint64_t size, std::uint64_t most) {
  return fail(errc::too_large, what + " " + bytes_text(size) +
                                   " of one message, which has at most " + bytes_text(most));
}

std::size_t encoded_size(const message& m, const session_settings& limits) {
  std::string bytes;
  blob_sink values{limits.inline_value, 1, {}};
  encode(m, bytes, &values);
  return bytes.size();
}

// Never less than its encoding takes; the exact size is only computed for what may be too much.
std::size_t bound(const task_spec& spec) {
  std::size_t n = reserve;
  auto text = [&n](const std::string& s) { n += s.size() + header_bytes; };
  text(spec.function);
  for (const auto& a : spec.command.argv) text(a);
  for (const auto& [name, v] : spec.command.env) text(name), text(v), ++n;
  text(spec.command.cwd);
  text(spec.command.stdin_data);
  text(spec.options.pool);
  for (const auto& [name, a] : spec.options.resources.entries()) text(name), n += 10;
  return n;
}

std::size_t list_items(const task_spec& spec) {
  return spec.command.argv.size() + spec.command.env.size() +
         spec.options.resources.entries().size();
}

}  // namespace

result<void> check_value(const value& v, const session_settings& limits) {
  if (v.size() > limits.max_blob)
    return fail(errc::too_large,
                "a value of " + bytes_text(v.size()) + "; at most " + bytes_text(limits.max_blob));
  if (v.size() <= wire::max_depth) return {};  // can't nest deeper than it has bytes
  if (auto fine = wire::check_object(v.data()); !fine)
    return fail(errc::invalid_argument, "a value that can't be sent: " + fine.error().message);
  return {};
}

result<void> check_spec(const task_spec& spec, const session_settings& limits) {
  const auto& resources = spec.options.resources.entries();
  if (resources.size() > max_resources)
    return fail(errc::too_large, "it asks for " + std::to_string(resources.size()) +
                                     " resources; at most " + std::to_string(max_resources));
  for (const auto& [name, a] : resources) {
    if (name.empty() || a < 0)
      return fail(errc::invalid_argument,
                  name.empty() ? "it asks for a resource without a name"
                               : "it asks for less than 0 of the resource \"" + name + '"');
  }
  auto most = limits.max_message - reserve;
  auto items = list_items(spec);
  if (items > limits.max_message_items - reserve)
    return fail(errc::too_large, "its command has " + std::to_string(items) +
                                     " words and variables; at most " +
                                     std::to_string(limits.max_message_items - reserve));
  if (bound(spec) <= limits.batch) return {};
  auto size = encoded_size(define_template{0, 0, spec}, limits);
  if (size > most) return too_long("its command and options take", size, most);
  return {};
}

bool is_small_task(const value& arguments, std::size_t references, std::size_t label_bytes,
                   const session_settings& limits) {
  if (arguments.size() > std::min<std::size_t>(wire::max_depth, limits.max_blob)) return false;
  if (references > limits.max_message_items - reserve) return false;
  return reserve + arguments.size() + references * reference_bytes + label_bytes <= limits.batch;
}

result<void> check_task(const new_task& task, const session_settings& limits) {
  if (is_small_task(task.arguments, task.inputs.size() + task.after.size(), task.label.size(), limits))
    return {};
  if (auto fine = check_value(task.arguments, limits); !fine)
    return fail(fine.error().code, "its arguments: " + fine.error().message);
  auto references = task.inputs.size() + task.after.size();
  if (references > limits.max_message_items - reserve)
    return fail(errc::too_large, "it has " + std::to_string(references) +
                                     " inputs and dependencies; at most " +
                                     std::to_string(limits.max_message_items - reserve));
  auto least = reserve + std::min(task.arguments.size(), limits.inline_value + blob_name_bytes) +
               references * reference_bytes + task.label.size();
  if (least <= limits.batch) return {};
  add_tasks alone{0, 0, 0, 0, {task}};
  auto most = limits.max_message - reserve;
  if (auto size = encoded_size(alone, limits); size > most)
    return too_long("its inputs, dependencies and label take", size, most);
  return {};
}

result<void> check_text(std::string_view what, std::string_view text,
                        const session_settings& limits) {
  auto most = limits.max_message - reserve;
  if (text.size() <= most) return {};
  return too_long(std::string{what} + " takes", text.size(), most);
}

}  // namespace troupe::protocol
