// See log_follower.hpp.
#include "cli/log_follower.hpp"

#include <map>

#include "cli/commands.hpp"

namespace troupe::cli {
namespace {

constexpr std::uint64_t chunk_bytes = 256 << 10;
constexpr std::size_t page_size = 100;
constexpr std::size_t max_partial = 64 << 10;
constexpr auto poll_interval = std::chrono::milliseconds{200};

struct log_chunk {
  std::string data;
  std::uint64_t offset = 0, size = 0;
  bool done = false;
};

// Decoded by hand: the bytes of a log are not worth a detour through JSON.
log_chunk decode(const value& v) {
  log_chunk out;
  auto b = v.data();
  try {
    auto handle = msgpack::unpack(reinterpret_cast<const char*>(b.data()), b.size());
    auto fields = handle.get().as<std::map<std::string, msgpack::object>>();
    if (fields.count("data")) out.data = fields["data"].as<std::string>();
    if (fields.count("offset")) out.offset = fields["offset"].as<std::uint64_t>();
    if (fields.count("size")) out.size = fields["size"].as<std::uint64_t>();
    if (fields.count("done")) out.done = fields["done"].as<bool>();
  } catch (const std::bad_cast&) {  // msgpack::type_error
    request_failed("logs.read: the cluster's answer can't be understood");
  }
  return out;
}

bool has_run(const std::string& state) {
  return state == "running" || state == "finished" || state == "failed" || state == "cancelled";
}
bool is_over(const std::string& state) { return has_run(state) && state != "running"; }

}  // namespace

bool log_cursor::copy(context& c, bool prefixed) {
  json parameters{{"id", task_}, {"stream", err_ ? "err" : "out"}, {"limit", chunk_bytes}};
  if (attempt_) parameters["attempt"] = *attempt_;
  for (;;) {
    parameters["offset"] = offset_;
    auto answer = c.cluster().request("logs.read", to_value(parameters).value(),
                                      std::chrono::seconds{10});
    if (!answer) throw_failure(answer.error());
    auto chunk = decode(*answer);
    show(c, chunk.data, prefixed);
    offset_ = chunk.offset + chunk.data.size();
    if (chunk.data.empty() || offset_ >= chunk.size) return chunk.done;
  }
}

void log_cursor::show(context& c, std::string_view data, bool prefixed) {
  if (data.empty()) return;
  if (c.out.is_json()) {
    c.out.print_compact({{"task", task_}, {"stream", err_ ? "err" : "out"},
                         {"offset", offset_},
                         {"data", to_json(value::of(std::string{data}))}});
    return;
  }
  auto write = [&](std::string_view text) { err_ ? c.out.raw_error(text) : c.out.print(text); };
  if (!prefixed) return write(data);
  partial_ += data;
  std::string lines;
  std::size_t begin = 0;
  for (auto end = partial_.find('\n'); end != std::string::npos; end = partial_.find('\n', begin)) {
    lines += task_ + "| " + partial_.substr(begin, end + 1 - begin);
    begin = end + 1;
  }
  partial_.erase(0, begin);
  if (!lines.empty()) write(lines);
  if (partial_.size() > max_partial) flush(c, prefixed);
}

void log_cursor::flush(context& c, bool prefixed) {
  if (!prefixed || partial_.empty()) return;
  auto text = task_ + "| " + partial_ + '\n';
  partial_.clear();
  err_ ? c.out.raw_error(text) : c.out.print(text);
}

log_follower::log_follower(context& c, std::string job, log_streams streams)
    : c_(c), job_(std::move(job)), streams_(streams) {
  auto answer = c_.ask("job", {{"id", job_}});
  std::uint64_t tasks = 0;
  for (const auto& n : answer.value("tasks", json::object())) tasks += n.get<std::uint64_t>();
  prefixed_ = tasks > 1;
}

// Looks at the states of the page's tasks and drops those at its front that are done with.
void log_follower::load_page() {
  auto answer = c_.ask("tasks", {{"job", job_}, {"offset", offset_}, {"limit", page_size}});
  std::size_t i = 0;
  for (const auto& row : answer.value("tasks", json::array())) {
    if (i == page_.size()) page_.push_back({text_at(row, "id"), {}, {}, false});
    auto& t = page_[i++];
    auto state = text_at(row, "state");
    if (t.over || !has_run(state)) continue;
    if (!t.out && streams_ != log_streams::err) t.out.emplace(t.id, false, std::nullopt);
    if (!t.err && streams_ != log_streams::out) t.err.emplace(t.id, true, std::nullopt);
    copy(t);
    t.over = is_over(state);
  }
  while (!page_.empty() && page_.front().over) {
    page_.pop_front();
    ++offset_;
  }
}

void log_follower::copy(followed& t) {
  if (t.out && t.out->copy(c_, prefixed_)) t.out->flush(c_, prefixed_);
  if (t.err && t.err->copy(c_, prefixed_)) t.err->flush(c_, prefixed_);
}

void log_follower::poll() {
  auto now = std::chrono::steady_clock::now();
  if (now < next_poll_) return;
  load_page();
  next_poll_ = std::chrono::steady_clock::now() + poll_interval;
}

void log_follower::finish() {
  // Every page of a finished job is drained by one look at it.
  for (;;) {
    auto before = offset_;
    load_page();
    if (offset_ == before) return;
  }
}

}  // namespace troupe::cli
