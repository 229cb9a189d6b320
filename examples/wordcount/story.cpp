// The story of a cluster, see story.hpp.
#include "story.hpp"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <ostream>
#include <sstream>
#include <utility>

#include <msgpack.hpp>

namespace wordcount {

namespace {

using namespace std::chrono_literals;

constexpr auto interval = 50ms;
constexpr std::size_t chart_width = 60;

// The parts of the control answers that the story needs (docs/control.md).
struct status_answer {
  std::map<std::string, std::uint64_t> tasks;
  MSGPACK_DEFINE_MAP(tasks)
};
struct worker_row {
  std::string name;
  std::uint32_t pid = 0;
  MSGPACK_DEFINE_MAP(name, pid)
};
struct workers_answer {
  std::vector<worker_row> workers;
  MSGPACK_DEFINE_MAP(workers)
};
struct decision_row {
  std::uint64_t number = 0;
  double at = 0;
  std::string pool, reason;
  std::int64_t from = 0, to = 0;
  MSGPACK_DEFINE_MAP(number, at, pool, reason, from, to)
};
struct log_answer {
  std::vector<decision_row> decisions;
  MSGPACK_DEFINE_MAP(decisions)
};
struct log_question {
  std::uint64_t limit = 0, after = 0;
  MSGPACK_DEFINE_MAP(limit, after)
};

template <class Answer>
std::optional<Answer> ask_for(const troupe::client& client, const std::string& method,
                              const troupe::value& parameters = {}) {
  auto answer = client.request(method, parameters, 2s);
  if (!answer) return std::nullopt;
  return answer->as<Answer>();
}

// The largest value in each of `chart_width` equal spans of time, drawn as one character each. A span
// in which nothing was asked shows what was seen last.
template <class Value>
std::string chart(const std::vector<moment>& moments, double end, Value value_of) {
  static constexpr std::string_view ramp = " .:-=+*#@";
  std::vector<double> peak(chart_width, 0);
  double most = 0, last = 0;
  std::size_t column = 0;
  for (const auto& m : moments) {
    auto to = std::min(static_cast<std::size_t>(m.at / end * chart_width), chart_width - 1);
    while (column < to) peak[++column] = last;
    last = static_cast<double>(value_of(m));
    peak[column] = std::max(peak[column], last);
    most = std::max(most, last);
  }
  std::string line;
  for (double p : peak) {
    auto level = most > 0 ? std::ceil(p / most * static_cast<double>(ramp.size() - 1)) : 0;
    line += ramp[static_cast<std::size_t>(level)];
  }
  std::ostringstream out;
  out << '|' << line << "| at most " << most;
  return out.str();
}

}  // namespace

story::story(troupe::client client)
    : client_(std::move(client)), thread_([this] { record(); }) {}

story::~story() { end(); }

double story::now() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
}

void story::record() {
  std::unique_lock lock(mutex_);
  while (!ending_) {
    lock.unlock();
    ask();
    lock.lock();
    changed_.wait_for(lock, interval, [&] { return ending_; });
  }
}

void story::ask() {
  auto at = now();
  auto status = ask_for<status_answer>(client_, "status");
  auto present = ask_for<workers_answer>(client_, "workers");
  if (!status || !present) return;
  read_decisions();
  std::vector<std::pair<std::string, std::uint32_t>> seen;
  for (const auto& w : present->workers) seen.emplace_back(w.name, w.pid);

  std::lock_guard lock(mutex_);
  auto& tasks = status->tasks;
  moments_.push_back({at, tasks["ready"] + tasks["assigned"], tasks["running"], seen.size()});
  note_workers(at, seen);
  changed_.notify_all();
}

void story::read_decisions() {
  log_question question{100, 0};
  {
    std::lock_guard lock(mutex_);
    if (!decisions_.empty()) question.after = decisions_.rbegin()->first;
  }
  auto log = ask_for<log_answer>(client_, "autoscaler.log", troupe::value::of(question));
  if (!log) return;
  auto started = std::chrono::duration<double>(started_wall_.time_since_epoch()).count();
  std::lock_guard lock(mutex_);
  for (const auto& d : log->decisions) {
    if (d.from == d.to || d.at < started - 1) continue;
    auto change = d.pool + " " + std::to_string(d.from) + " -> " + std::to_string(d.to);
    decisions_[d.number] = {std::max(0.0, d.at - started), change + ": " + d.reason};
  }
}

// mutex_ is held.
void story::note_workers(double now,
                         const std::vector<std::pair<std::string, std::uint32_t>>& seen) {
  for (auto& life : workers_) {
    bool here = std::any_of(seen.begin(), seen.end(), [&](const auto& s) {
      return s.first == life.name && s.second == life.pid;
    });
    if (!life.over && !here) life.over = true;
    if (!life.over) life.to = now;
  }
  for (const auto& [name, pid] : seen) {
    bool known = std::any_of(workers_.begin(), workers_.end(), [&](const worker_life& life) {
      return !life.over && life.name == name && life.pid == pid;
    });
    if (!known) workers_.push_back({name, pid, now, now, false});
  }
}

moment story::latest() const {
  std::lock_guard lock(mutex_);
  return moments_.empty() ? moment{} : moments_.back();
}

std::vector<worker_life> story::workers() const {
  std::lock_guard lock(mutex_);
  return workers_;
}

bool story::wait_until_empty(std::chrono::seconds patience) {
  auto asked = now();
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, patience, [&] {
    return !moments_.empty() && moments_.back().at > asked && moments_.back().workers == 0;
  });
}

void story::end() {
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
    changed_.notify_all();
  }
  if (!thread_.joinable()) return;
  thread_.join();
  auto at = now();
  for (auto& life : workers_) {
    if (!life.over) life.to = at;
    life.over = true;
  }
}

void story::tell(std::ostream& out) const {
  std::lock_guard lock(mutex_);
  std::multimap<double, std::string> lines;
  double cost = 0;
  double end = 0.001;
  for (const auto& life : workers_) {
    std::ostringstream left;
    left << life.name << " left after " << std::fixed << std::setprecision(1)
         << life.to - life.from << " s";
    lines.emplace(life.from, life.name + " came");
    lines.emplace(life.to, left.str());
    cost += life.to - life.from;
    end = std::max(end, life.to);
  }
  for (const auto& [number, d] : decisions_) lines.emplace(d.at, "autoscaler: " + d.text);
  if (!moments_.empty()) end = std::max(end, moments_.back().at);

  out << "The story of the cluster\n" << std::fixed << std::setprecision(1);
  for (const auto& [at, text] : lines) out << std::setw(8) << at << " s  " << text << '\n';
  out << "  queued    " << chart(moments_, end, [](const moment& m) { return m.queued; }) << '\n'
      << "  running   " << chart(moments_, end, [](const moment& m) { return m.running; }) << '\n'
      << "  workers   " << chart(moments_, end, [](const moment& m) { return m.workers; }) << '\n'
      << "             0 s" << std::setw(static_cast<int>(chart_width) - 3) << end << " s\n"
      << "  cost      " << cost << " worker-seconds, the time of " << workers_.size()
      << (workers_.size() == 1 ? " worker\n" : " workers added up\n");
}

}  // namespace wordcount
