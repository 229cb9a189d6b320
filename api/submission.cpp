#include "api/submission.hpp"

#include <string>
#include <string_view>
#include <utility>

#include "libruntime/protocol/limits.hpp"

namespace troupe::detail {
namespace {

std::string quoted(std::string_view what, std::string_view name) {
  constexpr std::size_t enough = 80;
  return std::string{what} + " \"" + std::string{name.substr(0, enough)} +
         (name.size() > enough ? "…\"" : "\"");
}

std::string name_of(const task_spec& spec) {
  if (spec.kind == task_kind::call) return quoted("call of", spec.function);
  return quoted("command", spec.command.argv.empty() ? "" : spec.command.argv.front());
}

// `name` is called only when it is needed.
template <class Name>
void require(const result<void>& fine, const Name& name) {
  if (!fine) throw error({fine.error().code, name() + ": " + fine.error().message, {}});
}

}  // namespace

std::size_t about_bytes(const protocol::new_task& task) {
  constexpr std::size_t itself = 4, reference = 12;
  return itself + task.arguments.size() + task.label.size() +
         reference * (task.inputs.size() + task.after.size());
}

void task_sink::add(std::uint32_t template_number, protocol::new_task task) {
  auto size = about_bytes(task);
  if (current_.tasks.size() >= add_limit || bytes_ + size > add_bytes_limit ||
      current_.template_number != template_number)
    complete();
  if (current_.tasks.empty()) current_.tasks.reserve(usual_);
  current_.template_number = template_number;
  bytes_ += size;
  current_.tasks.push_back(std::move(task));
}

void task_sink::add(protocol::message m) {
  complete();
  complete_.push_back(std::move(m));
}

std::vector<protocol::message> task_sink::take() {
  complete();
  return std::exchange(complete_, {});
}

void task_sink::complete() {
  if (current_.tasks.empty()) return;
  usual_ = current_.tasks.size();
  auto next = current_.position + static_cast<std::uint32_t>(current_.tasks.size());
  current_.key = key_;
  complete_.emplace_back(std::move(current_));
  current_ = {};
  current_.position = next;
  bytes_ = 0;
}

std::size_t task_count(const protocol::message& m) {
  auto* add = std::get_if<protocol::add_tasks>(&m);
  if (!add) return 0;
  return add->tasks.empty() ? add->count : add->tasks.size();
}

protocol::new_task single_task(const task_spec& spec, value arguments,
                               std::vector<protocol::task_reference> inputs) {
  auto name = [&] { return name_of(spec); };
  protocol::new_task task{std::move(arguments), std::move(inputs), {}, {}};
  require(protocol::check_spec(spec), name);
  require(protocol::check_task(task), name);
  return task;
}

map_messages::map_messages(task_spec spec, std::uint64_t key)
    : spec_(std::move(spec)), key_(key), sink_(key) {
  require(protocol::check_spec(spec_), [&] { return name_of(spec_); });
  sink_.add(protocol::define_template{key, 0, spec_});
}

void map_messages::add(value arguments, std::vector<protocol::task_reference> inputs) {
  protocol::new_task task{std::move(arguments), std::move(inputs), {}, {}};
  require(protocol::check_task(task), [&] {
    return name_of(spec_) + ", element " + std::to_string(size_) + " of the map";
  });
  sink_.add(0, std::move(task));
  ++size_;
}

void map_messages::close() { sink_.add(protocol::close_job{key_}); }

job_messages::job_messages(job_draft draft, std::uint64_t key)
    : draft_(std::move(draft)), key_(key), sink_(key) {
  require(protocol::check_text("its name takes", draft_.name), [this] { return words(); });
  for (std::uint32_t i = 0; i < draft_.templates.size(); ++i) {
    auto& spec = draft_.templates[i];
    require(protocol::check_spec(spec), [&] { return words() + ", " + name_of(spec); });
    sink_.add(protocol::define_template{key, i, std::move(spec)});
  }
  check_tasks();
  if (draft_.tasks.empty() && draft_.count > 0)
    sink_.add(protocol::add_tasks{key, 0, 0, draft_.count, {}});
}

std::vector<protocol::message> job_messages::next() {
  if (closed_) return {};
  for (std::size_t n = 0; n < piece_ && next_ < draft_.tasks.size(); ++n) {
    auto task = std::exchange(draft_.tasks[next_++], {});
    auto template_number = task.template_number;
    sink_.add(template_number, make_task(std::move(task)));
  }
  piece_ = piece_after(piece_);
  closed_ = next_ == draft_.tasks.size();
  if (closed_) sink_.add(protocol::close_job{key_});
  return sink_.take();
}

protocol::new_task job_messages::make_task(task_draft draft) const {
  protocol::new_task task{std::move(draft.arguments), {}, {}, std::move(draft.label)};
  auto refer = [this](auto& to, const std::vector<task_index>& positions) {
    to.reserve(positions.size());
    for (auto p : positions) to.push_back({{}, key_, draft_.first_index + p});
  };
  refer(task.inputs, draft.inputs);
  refer(task.after, draft.after);
  return task;
}

void job_messages::check_tasks() const {
  for (std::size_t i = 0; i < draft_.tasks.size(); ++i) {
    const auto& t = draft_.tasks[i];
    if (protocol::is_small_task(t.arguments, t.inputs.size() + t.after.size(), t.label.size()))
      continue;
    require(protocol::check_task(make_task(t)), [&] { return words_of_task(i); });
  }
}

std::string job_messages::words() const {
  return draft_.name.empty() ? "a job" : quoted("job", draft_.name);
}

std::string job_messages::words_of_task(std::size_t position) const {
  auto name = words() + ", task " + std::to_string(draft_.first_index + position);
  const auto& label = draft_.tasks[position].label;
  return label.empty() ? name : quoted(name + ",", label);
}

}  // namespace troupe::detail
