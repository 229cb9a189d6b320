// What users submit, as messages: templates, tasks in pieces, the end. Refuses what no link would
// carry, in words that name it, before anything of it is sent. Pure: no locks, no session.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "libruntime/protocol/messages.hpp"
#include "troupe/client.hpp"

namespace troupe::detail {

// Of one add_tasks message: tasks, and about how many bytes of them, some below what a session sends in one
// piece: a longer one would be encoded again for each cut. A task that takes more is alone.
inline constexpr std::size_t add_limit = 4096;
inline constexpr std::size_t add_bytes_limit = 240 << 10;
std::size_t about_bytes(const protocol::new_task& task);

// How many tasks of a job leave at once. Few at first, so that the head and the workers begin while the
// rest is being made, then ever more: each piece costs a wake-up and messages of its own.
inline constexpr std::size_t first_piece = 1024;
constexpr std::size_t piece_after(std::size_t piece) { return std::min(2 * piece, add_limit); }

// Cuts the tasks of one job into messages of a comfortable size.
class task_sink {
 public:
  explicit task_sink(std::uint64_t key) : key_(key) {}

  void add(std::uint32_t template_number, protocol::new_task task);
  // Goes between the tasks before it and those after it.
  void add(protocol::message m);
  // All that was added.
  std::vector<protocol::message> take();

 private:
  void complete();

  std::uint64_t key_;
  std::vector<protocol::message> complete_;
  protocol::add_tasks current_;
  std::size_t bytes_ = 0;
  std::size_t usual_ = 0;  // tasks of the last message: room to reserve
};

// What follows the open_job of `key`, close_job included, in pieces: the head takes the first while the next
// is made.
class job_messages {
 public:
  // Throws troupe::error: too_large, invalid_argument; the message names the job and the task. All of
  // the draft is looked at here, so that nothing of a faulty one is sent.
  job_messages(job_draft draft, std::uint64_t key);

  // The messages of the next piece; none when that was all.
  std::vector<protocol::message> next();
  bool done() const { return closed_; }

 private:
  std::string words() const;
  std::string words_of_task(std::size_t position) const;
  protocol::new_task make_task(task_draft draft) const;
  void check_tasks() const;

  job_draft draft_;
  std::uint64_t key_;
  task_sink sink_;
  std::size_t next_ = 0;  // the first task that is in no message yet
  std::size_t piece_ = first_piece;
  bool closed_ = false;
};

// The same of a map, call by call; add() throws likewise.
class map_messages {
 public:
  map_messages(task_spec spec, std::uint64_t key);

  void add(value arguments, std::vector<protocol::task_reference> inputs);
  void close();
  task_index size() const { return size_; }
  task_sink& sink() { return sink_; }

 private:
  task_spec spec_;
  std::uint64_t key_;
  task_index size_ = 0;
  task_sink sink_;
};

// One call or command; throws likewise.
protocol::new_task single_task(const task_spec& spec, value arguments,
                               std::vector<protocol::task_reference> inputs);

// How many tasks the message adds.
std::size_t task_count(const protocol::message& m);

}  // namespace troupe::detail
