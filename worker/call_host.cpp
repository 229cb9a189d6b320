#include "worker/call_host.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <iostream>
#include <mutex>
#include <optional>
#include <thread>

#include "worker/call_services.hpp"
#include "worker/call_wire.hpp"
#include "worker/unique_fd.hpp"

namespace troupe::worker {
namespace {

using call_wire::kind;

struct incoming_call {
  call_wire::call_request request;
  value arguments;
  unique_fd out, err;
  std::shared_ptr<stop_control> stop = std::make_shared<stop_control>();
};

// The socket's reading end, in a thread of its own: a stop must reach a function that is busy.
class reader {
 public:
  explicit reader(int socket) : socket_(socket) {}

  // Until the socket closes; `deliver` gets each call when it is whole.
  void run(const std::function<void(std::shared_ptr<incoming_call>)>& deliver);

 private:
  bool read_exactly(char* to, std::size_t size);
  bool read_descriptors(incoming_call& call);
  std::optional<std::string> read_body(const call_wire::header& h);
  std::optional<call_wire::header> read_header();

  int socket_;
};

bool reader::read_exactly(char* to, std::size_t size) {
  while (size > 0) {
    auto n = recv(socket_, to, size, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    to += n;
    size -= static_cast<std::size_t>(n);
  }
  return true;
}

bool reader::read_descriptors(incoming_call& call) {
  char byte = 0;
  iovec data{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(2 * sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t n;
  do n = recvmsg(socket_, &message, MSG_CMSG_CLOEXEC);
  while (n < 0 && errno == EINTR);
  auto* rights = n == 1 ? CMSG_FIRSTHDR(&message) : nullptr;
  if (!rights || rights->cmsg_type != SCM_RIGHTS || rights->cmsg_len != CMSG_LEN(2 * sizeof(int)))
    return false;
  std::array<int, 2> fds{};
  std::memcpy(fds.data(), CMSG_DATA(rights), sizeof fds);
  call.out = unique_fd{fds[0]};
  call.err = unique_fd{fds[1]};
  return true;
}

std::optional<call_wire::header> reader::read_header() {
  char bytes[call_wire::header_size];
  if (!read_exactly(bytes, sizeof bytes)) return std::nullopt;
  auto h = call_wire::unpack_header(bytes);
  if (h.size > call_wire::max_body) return std::nullopt;
  return h;
}

std::optional<std::string> reader::read_body(const call_wire::header& h) {
  std::string body(h.size, '\0');
  if (!read_exactly(body.data(), body.size())) return std::nullopt;
  return body;
}

void reader::run(const std::function<void(std::shared_ptr<incoming_call>)>& deliver) {
  std::shared_ptr<incoming_call> current;
  for (;;) {
    // A request is announced by its descriptors: the byte 'd'. A stop comes as a plain frame, whose
    // first byte is the low one of its size: 1.
    char first = 0;
    if (recv(socket_, &first, 1, MSG_PEEK) != 1) {
      if (errno == EINTR) continue;
      return;
    }
    if (first == 'd') {
      current = std::make_shared<incoming_call>();
      if (!read_descriptors(*current)) return;
    }
    auto h = read_header();
    if (!h || !current) return;
    auto body = read_body(*h);
    if (!body) return;
    if (h->what == kind::request) {
      current->request = call_wire::unpack<call_wire::call_request>(*body);
    } else if (h->what == kind::arguments) {
      current->arguments =
          value::copy_of({reinterpret_cast<const std::byte*>(body->data()), body->size()});
      deliver(current);
    } else if (h->what == kind::stop && body->size() == 1) {
      current->stop->request(static_cast<stop_reason>((*body)[0]));
    }
  }
}

class host_services final : public task_services {
 public:
  host_services(int socket, std::mutex& writing, const std::string& scratch)
      : socket_(socket), writing_(writing), scratch_(scratch) {}

  void log(log_level level, std::string_view text) override {
    write_all(STDERR_FILENO, log_line(level, text));
  }
  void progress(double fraction, std::string_view text) override {
    send(call_wire::frame(kind::progress, std::make_tuple(fraction, std::string{text})));
  }
  std::filesystem::path scratch() override {
    std::filesystem::create_directories(scratch_);  // the worker removes it
    return scratch_;
  }
  void send(std::string_view bytes) {
    std::lock_guard lock{writing_};
    while (!bytes.empty()) {
      auto n = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) _exit(1);  // the worker is gone
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }

 private:
  int socket_;
  std::mutex& writing_;
  const std::string& scratch_;
};

void serve(const function_registry& functions, int socket, std::mutex& writing,
           incoming_call& call) {
  dup2(call.out.get(), STDOUT_FILENO);
  dup2(call.err.get(), STDERR_FILENO);
  for (const auto& [name, text] : call.request.env) setenv(name.c_str(), text.c_str(), 1);
  assigned_resources held;
  for (const auto& [name, a] : call.request.amounts) held.amounts.set(name, a);
  held.indexes.insert(call.request.indexes.begin(), call.request.indexes.end());
  host_services services{socket, writing, call.request.scratch};
  services.send(call_wire::raw_frame(kind::begun, {}));
  task_id task{job_id{call.request.job}, call.request.index};
  task_context context{task, call.request.attempt, *call.stop, services, held};
  auto outcome = functions.invoke(call.request.function, context, call.arguments);
  std::cout.flush();
  std::fflush(nullptr);  // what it printed belongs to this task's log
  if (outcome) {
    auto bytes = outcome->data();
    services.send(call_wire::pack_header(kind::success, bytes.size()));
    services.send({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  } else {
    const auto& f = outcome.error();
    services.send(call_wire::frame(kind::failed,
                                   std::make_tuple(static_cast<int>(f.code), f.message, f.type)));
  }
}

}  // namespace

int run_call_host(const function_registry& functions, int socket) {
  fcntl(socket, F_SETFD, FD_CLOEXEC);
  std::mutex mutex, writing;
  std::condition_variable changed;
  std::shared_ptr<incoming_call> next;
  bool closed = false;
  std::thread listening{[&] {
    reader{socket}.run([&](std::shared_ptr<incoming_call> call) {
      std::lock_guard lock{mutex};
      next = std::move(call);
      changed.notify_one();
    });
    std::lock_guard lock{mutex};
    closed = true;
    changed.notify_one();
  }};
  for (;;) {
    std::unique_lock lock{mutex};
    changed.wait(lock, [&] { return next || closed; });
    if (closed) break;
    auto call = std::exchange(next, nullptr);
    lock.unlock();
    serve(functions, socket, writing, *call);
  }
  listening.join();
  return 0;
}

}  // namespace troupe::worker
