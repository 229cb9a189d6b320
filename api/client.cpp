// The public classes: thin handles on client_session and job_handle.
#include "troupe/client.hpp"

#include "api/client_session.hpp"

namespace troupe {
namespace detail {

holder::holder(std::shared_ptr<client_session> s, std::shared_ptr<job_handle> j, task_index b,
               task_index e)
    : session(std::move(s)), job(std::move(j)), begin(b), end(e) {}

holder::~holder() {
  if (begin != end) session->release(*job, begin, end);
}

void holder::wait(task_index first, task_index last) const { job->wait(first, last); }

void holder::cancel(task_index first, task_index last, std::string reason) const {
  session->cancel(*job, {{first, last}}, std::move(reason));
}

void argument_packer::input(const task_handle& t) {
  auto position = static_cast<std::uint32_t>(inputs_.size());
  const char body[4] = {static_cast<char>(position >> 24), static_cast<char>(position >> 16),
                        static_cast<char>(position >> 8), static_cast<char>(position)};
  packer_.pack_ext(sizeof body, input_extension);
  packer_.pack_ext_body(body, sizeof body);
  inputs_.push_back(t);
}

bool task_handle::done() const {
  std::lock_guard lock(holder_->job->mutex);
  return holder_->job->slots[index_].at != result_slot::state::pending;
}

void task_handle::wait() const {
  auto& job = *holder_->job;
  std::unique_lock lock(job.mutex);
  job.wait(lock, index_);
}

bool task_handle::wait_until(std::chrono::steady_clock::time_point deadline) const {
  auto& job = *holder_->job;
  std::unique_lock lock(job.mutex);
  return job.wait_until(lock, index_, deadline);
}

result<troupe::value> task_handle::outcome() const {
  auto& job = *holder_->job;
  std::unique_lock lock(job.mutex);
  job.wait(lock, index_);
  const auto& slot = job.slots[index_];
  if (slot.at == result_slot::state::failed) return tl::unexpected(*slot.error);
  return slot.result;
}

void task_handle::on_done(std::function<void(const result<troupe::value>&)> callback) const {
  auto& job = *holder_->job;
  {
    std::lock_guard lock(job.mutex);
    if (job.slots[index_].at == result_slot::state::pending) {
      job.callbacks[index_].push_back(std::move(callback));
      return;
    }
  }
  callback(outcome());
}

void task_handle::cancel(std::string reason) const {
  holder_->cancel(index_, index_ + 1, std::move(reason));
}

task_id task_handle::id() const {
  auto id = value_or_throw(holder_->job->wait_id());
  return {id, holder_->job->first_index + index_};
}

}  // namespace detail

// ---- job

job_id job::id() const { return value_or_throw(holder_->job->wait_id()); }

future<value> job::operator[](std::size_t position) const {
  return future<value>(detail::task_handle(holder_, static_cast<task_index>(position)));
}

std::size_t job::ended() const {
  std::lock_guard lock(holder_->job->mutex);
  return holder_->job->ended;
}

std::size_t job::failed() const {
  std::lock_guard lock(holder_->job->mutex);
  return holder_->job->failed;
}

bool job::wait_for(std::chrono::nanoseconds d) const {
  auto& j = *holder_->job;
  std::unique_lock lock(j.mutex);
  return j.changed.wait_for(lock, d, [&] { return j.ended == j.slots.size(); });
}

void job::cancel(std::string reason) const {
  holder_->session->cancel(*holder_->job, {}, std::move(reason));
}

// ---- client

client client::connect(const connect_options& options) {
  return value_or_throw(try_connect(options));
}

result<client> client::try_connect(const connect_options& options) {
  auto session = detail::connect_over_link(options);
  if (!session) return tl::unexpected(session.error());
  return client(std::move(*session));
}

future<exec_result> client::exec(const exec_spec& command, const task_options& options) const {
  task_spec spec;
  spec.kind = task_kind::exec;
  spec.command = command;
  spec.options = options;
  return future<exec_result>(session_->submit(spec, {}, {}));
}

job client::submit_job(job_draft draft) const {
  auto n = draft.tasks.empty() ? draft.count : draft.tasks.size();
  return job(session_->submit_job(std::move(draft)), n);
}

result<value> client::request(const std::string& method, const value& parameters,
                              std::chrono::nanoseconds timeout) const {
  return session_->request(method, parameters, timeout);
}

void client::flush(std::chrono::nanoseconds timeout) const {
  if (auto done = session_->flush(timeout); !done) throw error(done.error());
}

const std::string& client::address() const { return session_->address(); }

void client::close() const { session_->close(); }

detail::task_handle client::submit_call(const task_options& options, const std::string& function,
                                        value arguments,
                                        std::vector<detail::task_handle> inputs) const {
  return session_->submit(call_of(function, options), std::move(arguments), std::move(inputs));
}

task_spec client::call_of(const std::string& function, const task_options& options) {
  task_spec spec;
  spec.function = function;
  spec.options = options;
  return spec;
}

namespace {

// Of the answer to a "job" request: how many tasks there are, and the first one's index.
struct job_extent {
  std::size_t size = 0;
  task_index first = 0;
};

job_extent extent_of(const value& v) {
  job_extent out;
  auto b = v.data();
  auto handle = msgpack::unpack(reinterpret_cast<const char*>(b.data()), b.size());
  auto fields = handle.get().as<std::map<std::string, msgpack::object>>();
  for (const auto& [state, n] : fields.at("tasks").as<std::map<std::string, std::uint64_t>>())
    out.size += n;
  out.first = fields.at("first_index").as<task_index>();
  return out;
}

}  // namespace

job client::watch(job_id id, bool values) const {
  auto parameters = value::of(std::map<std::string, std::string>{{"id", std::to_string(id.value)}});
  auto extent = extent_of(value_or_throw(request("job", parameters)));
  return job(value_or_throw(session_->watch(id, extent.first, extent.size, values)), extent.size);
}

}  // namespace troupe
