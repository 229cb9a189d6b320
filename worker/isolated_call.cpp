#include "worker/isolated_call.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <cerrno>

#include "libruntime/units.hpp"
#include "worker/call_wire.hpp"
#include "worker/memory_group.hpp"
#include "worker/process_tree.hpp"
#include "worker/spawn.hpp"
#include "worker/stop_event.hpp"

namespace troupe::worker {
namespace {

using call_wire::kind;

std::string_view as_text(const value& v) {
  auto bytes = v.data();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// One byte with two descriptors: the first of a request.
bool send_descriptors(int socket, int out_fd, int err_fd) {
  char byte = 'd';
  iovec data{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(2 * sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  auto* rights = CMSG_FIRSTHDR(&message);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(2 * sizeof(int));
  std::array<int, 2> fds{out_fd, err_fd};
  std::memcpy(CMSG_DATA(rights), fds.data(), sizeof fds);
  return sendmsg(socket, &message, MSG_NOSIGNAL) == 1;
}

}  // namespace

struct isolated_calls::host {
  child_process child;
  unique_fd socket;
  std::vector<std::string> marks;     // in the environment of its descendants
  std::optional<memory_group> group;  // of the call it was made for

  bool has_children() const { return !children_of(child.pid()).empty(); }
};

// One call with one host: writes the request as the socket takes it, reads frames as they come, asks
// it to stop when the task is asked to, kills it after the grace.
class isolated_calls::conversation {
 public:
  conversation(host& h, const stop_control& stop, const task_settings& settings,
               progress_sink& sink)
      : host_(h), stop_(stop), settings_(settings), sink_(sink) {}

  // Nothing: the host died or was killed before it answered.
  std::optional<result<value>> talk(std::string request, const value& arguments);
  bool begun() const { return begun_; }  // the function was called

 private:
  bool write_some();
  bool read_some();
  std::optional<result<value>> take_frames();
  bool pending() const { return sent_ < out_.size() || !body_.empty(); }
  void ask_to_stop();
  void say_stop();

  host& host_;
  const stop_control& stop_;
  const task_settings& settings_;
  progress_sink& sink_;
  std::string out_;         // request, stop
  std::string_view body_;   // the arguments, not copied; sent when out_ is done
  std::size_t sent_ = 0;    // of out_
  std::string in_;
  time_point kill_at_ = time_point::max();
  bool stop_asked_ = false;  // by the worker
  bool stop_said_ = false;   // to the host: sent, or being sent
  bool begun_ = false;
};

struct isolated_calls::logs {
  log_file out, err;
};

std::optional<result<value>> isolated_calls::conversation::talk(std::string request,
                                                                const value& arguments) {
  out_ = std::move(request) + call_wire::pack_header(kind::arguments, arguments.size());
  body_ = as_text(arguments);
  stop_event asked{stop_};
  for (;;) {
    say_stop();
    short wanted = static_cast<short>(POLLIN | (pending() ? POLLOUT : 0));
    std::array<pollfd, 3> fds{pollfd{host_.socket.get(), wanted, 0},
                              pollfd{stop_asked_ ? -1 : asked.fd(), POLLIN, 0},
                              pollfd{host_.child.pidfd(), POLLIN, 0}};
    int limit = host_.child.pidfd() < 0 || kill_at_ != time_point::max() ? 20 : -1;
    if (poll(fds.data(), fds.size(), limit) < 0 && errno != EINTR) return std::nullopt;
    bool gone = fds[2].revents != 0 || (host_.child.pidfd() < 0 && host_.child.ended());
    bool open = true;
    if (fds[0].revents & (POLLIN | POLLHUP | POLLERR)) open = read_some();
    if (auto answer = take_frames()) return answer;
    if (!open || gone) return std::nullopt;
    if (fds[1].revents != 0) ask_to_stop();
    if (clock::now() >= kill_at_) host_.child.signal_group(SIGKILL);
    if ((fds[0].revents & POLLOUT) && !write_some()) return std::nullopt;
  }
}

void isolated_calls::conversation::ask_to_stop() {
  stop_asked_ = true;
  kill_at_ = clock::now() + settings_.cancel_grace;
}

// After the request, which may be on its way still: the host can't hear of a stop before.
void isolated_calls::conversation::say_stop() {
  if (!stop_asked_ || stop_said_ || pending()) return;
  stop_said_ = true;
  char reason = static_cast<char>(stop_.reason());
  out_ = call_wire::raw_frame(kind::stop, {&reason, 1});
  sent_ = 0;
}

bool isolated_calls::conversation::write_some() {
  while (pending()) {
    bool head = sent_ < out_.size();
    auto part = head ? std::string_view{out_}.substr(sent_) : body_;
    auto n = send(host_.socket.get(), part.data(), part.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno == EAGAIN || errno == EWOULDBLOCK;
    if (head) sent_ += static_cast<std::size_t>(n);
    else body_.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

// False at the end of the stream.
bool isolated_calls::conversation::read_some() {
  constexpr std::size_t piece = std::size_t{256} << 10;
  for (;;) {
    auto before = in_.size();
    in_.resize(before + piece);
    auto n = recv(host_.socket.get(), in_.data() + before, piece, MSG_DONTWAIT);
    in_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno == EAGAIN || errno == EWOULDBLOCK;
    if (n == 0) return false;
    if (static_cast<std::size_t>(n) < piece) return true;
  }
}

std::optional<result<value>> isolated_calls::conversation::take_frames() {
  while (in_.size() >= call_wire::header_size) {
    auto h = call_wire::unpack_header(in_.data());
    if (h.size > call_wire::max_body)
      return fail(errc::too_large, "the result of the call is larger than 16 GiB");
    if (in_.size() - call_wire::header_size < h.size) return std::nullopt;
    auto body = std::string_view{in_}.substr(call_wire::header_size, h.size);
    if (h.what == kind::success)
      return value::copy_of({reinterpret_cast<const std::byte*>(body.data()), body.size()});
    if (h.what == kind::failed) {
      auto [code, message, type] =
          call_wire::unpack<std::tuple<int, std::string, std::string>>(body);
      return tl::unexpected{failure{static_cast<errc>(code), message, type}};
    }
    if (h.what == kind::begun) begun_ = true;
    if (h.what == kind::progress) {
      auto [fraction, text] = call_wire::unpack<std::tuple<double, std::string>>(body);
      sink_.progress(fraction, text);
    }
    in_.erase(0, call_wire::header_size + h.size);
  }
  return std::nullopt;
}

isolated_calls::isolated_calls(const task_settings& settings, const task_environment& environment)
    : settings_(settings), environment_(environment) {}
isolated_calls::~isolated_calls() = default;

std::unique_ptr<isolated_calls::host> isolated_calls::idle_host() {
  std::lock_guard lock{mutex_};
  while (!idle_.empty()) {
    auto h = std::move(idle_.back());
    idle_.pop_back();
    if (!h->child.ended()) return h;
  }
  return nullptr;
}

result<std::unique_ptr<isolated_calls::host>> isolated_calls::start_host(const start_order& order,
                                                                        const logs& files) {
  static std::atomic<unsigned> serial{0};
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return fail(errc::io, "cannot make a socket pair: " + error_text(errno));
  unique_fd ours{ends[0]}, theirs{ends[1]};
  spawn_request request;
  request.argv = settings_.call_host;
  request.env = environment_.base();
  request.env.insert(request.env.end(), settings_.call_host_env.begin(),
                     settings_.call_host_env.end());
  auto mark = "TROUPE_CALL_HOST=" + std::to_string(getpid()) + "-" + std::to_string(++serial);
  request.env.push_back(mark);
  request.stdout_fd = files.out.fd.get();
  request.stderr_fd = files.err.fd.get();
  request.extra_fd = theirs.get();
  std::optional<memory_group> group;
  if (auto limit = order.spec->options.memory_limit; limit > 0) {
    group = memory_group::make(to_string(order.task), limit);
    if (group) request.cgroup_procs_fd = group->procs_fd();
    else request.data_limit = limit;
  }
  auto child = spawn(request);
  if (!child) return tl::unexpected{std::move(child.error())};
  return std::unique_ptr<host>{
      new host{std::move(*child), std::move(ours), {std::move(mark)}, std::move(group)}};
}

result<value> isolated_calls::run(const start_order& order, const value& arguments,
                                  const stop_control& stop, progress_sink& sink) {
  if (settings_.call_host.empty())
    return fail(errc::invalid_argument,
                "this worker cannot run calls in processes of their own: it is part of another "
                "program (provider threads)");
  auto out = open_log(settings_.log_dir, order.task, log_stream::out, order.attempt);
  if (!out) return tl::unexpected{std::move(out.error())};
  auto err = open_log(settings_.log_dir, order.task, log_stream::err, order.attempt);
  if (!err) return tl::unexpected{std::move(err.error())};
  logs files{std::move(*out), std::move(*err)};
  if (order.spec->options.memory_limit == 0)
    if (auto h = idle_host())
      if (auto answer = try_with(std::move(h), true, order, arguments, stop, sink, files))
        return std::move(*answer);
  auto h = start_host(order, files);
  if (!h) return tl::unexpected{std::move(h.error())};
  return *try_with(std::move(*h), false, order, arguments, stop, sink, files);
}

std::optional<result<value>> isolated_calls::try_with(std::unique_ptr<host> h, bool reused,
                                                      const start_order& order,
                                                      const value& arguments,
                                                      const stop_control& stop,
                                                      progress_sink& sink, const logs& files) {
  call_wire::call_request r{order.spec->function, order.task.job.value, order.task.index,
                            order.attempt,
                            scratch_folder(settings_.scratch, order.task, order.attempt).string(),
                            environment_.devices_of(*order.resources),
                            order.resources->amounts.entries(),
                            {order.resources->indexes.begin(), order.resources->indexes.end()}};
  std::optional<result<value>> answer;
  conversation c{*h, stop, settings_, sink};
  if (send_descriptors(h->socket.get(), files.out.fd.get(), files.err.fd.get()))
    answer = c.talk(call_wire::frame(kind::request, r), arguments);
  remove_folder(r.scratch);
  auto end_daemons = [this, &h] {
    if (settings_.guardian > 0)
      end_orphans(settings_.guardian, getpid(), h->marks, clock::now() + std::chrono::seconds{2});
  };
  auto limit = order.spec->options.memory_limit;
  if (answer && limit == 0 && stop.reason() == stop_reason::none && !h->has_children()) {
    end_daemons();
    std::lock_guard lock{mutex_};
    idle_.push_back(std::move(h));
    return answer;
  }
  h->child.signal_group(SIGKILL);
  auto status = h->child.reap();
  end_daemons();
  if (answer) return answer;
  if (reused && !c.begun() && stop.reason() == stop_reason::none) return std::nullopt;
  auto memory = about_memory(h->group, limit, status);
  auto text = "the process of the call " + to_string(status) + memory;
  if (memory.empty() && !c.begun())
    text += " before it could begin; see the task's log";
  return fail(errc::task_error, std::move(text));
}

}  // namespace troupe::worker
