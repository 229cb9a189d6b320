// Every message of Troupe's protocol. The same structs travel between actors of one process and,
// encoded by codec.hpp, over links between processes; docs/protocol.md describes the encoding.
//
// Who sends what:
//   both ways      hello → welcome | refused, first on every link; ping and pong
//   client → head  open_job, define_template, add_tasks, close_job, release_results, cancel, request
//   head → client  job_opened, job_refused, submit_credit, results, job_finished, response, events
//   head → worker  worker_registered, worker_template, assign, recall, cancel_attempts, ack, drain,
//                  stop, request
//   worker → head  register_worker, started, finished, recalled, heartbeat, response, goodbye
// A message says what one side knows; the other may know better: everything about a task carries its
// attempt, everything about a worker its incarnation (by the link it came on), and stale ones are
// counted and ignored.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <variant>
#include <vector>

#include "libruntime/boxed.hpp"
#include "libruntime/failure.hpp"
#include "libruntime/fields.hpp"
#include "libruntime/ids.hpp"
#include "libruntime/protocol/role.hpp"
#include "libruntime/task_spec.hpp"
#include "libruntime/value.hpp"

namespace troupe::protocol {

inline constexpr std::uint16_t version = 1;

// ---- the start of every link ------------------------------------------------------------------

struct hello {
  std::uint16_t protocol_version = version;
  protocol::role role{};
  std::string software;           // "troupe/0.1.0", for people
  std::uint64_t incarnation = 0;  // of the worker or client process: random, kept over reconnects
  epoch_id epoch;                 // of the head it last spoke to; 0 on the first link
  std::string token;              // a worker's launch token; else empty
  TROUPE_FIELDS(protocol_version, role, software, incarnation, epoch, token)
};

struct welcome {
  std::uint16_t protocol_version = version;
  std::string software;
  std::string cluster_id;
  std::string cluster_name;
  epoch_id epoch;
  duration heartbeat_interval{};
  TROUPE_FIELDS(protocol_version, software, cluster_id, cluster_name, epoch, heartbeat_interval)
};

// The link is closed after it.
struct refused {
  failure why;
  TROUPE_FIELDS(why)
};

struct ping {
  std::uint64_t number = 0;
  TROUPE_FIELDS(number)
};
struct pong {
  std::uint64_t number = 0;
  TROUPE_FIELDS(number)
};

// ---- submitting -------------------------------------------------------------------------------
// A job is named by its client with a `key`: a number that the client never uses again within its
// incarnation. Sending open_job with a known key again is harmless and answered the same way.

enum class lifetime : std::uint8_t {
  client,    // ends when its client has been gone for a grace
  detached,  // lives on, until retention
};

struct open_job {
  std::uint64_t key = 0;
  std::string name;
  protocol::lifetime lifetime = protocol::lifetime::client;
  bool want_results = true;    // push results to this client as they come
  bool hold = false;           // start nothing before close_job: a graph is taken whole or refused
  task_index first_index = 0;  // of the first task
  // Tasks that were submitted one by one: one that can't be taken (an input that is no longer kept,
  // no room for its arguments) fails alone, with the reason. Without it, or with `hold`, it has the
  // whole job refused.
  bool independent = false;
  TROUPE_FIELDS(key, name, lifetime, want_results, hold, first_index, independent)
};

struct define_template {
  std::uint64_t key = 0;
  std::uint32_t number = 0;  // 0, 1, 2 … within the job
  task_spec spec;
  TROUPE_FIELDS(key, number, spec)
};

// Another task, named in a submission: by job id, or, for jobs of the same client that it has no id
// for yet, by key.
struct task_reference {
  job_id job;  // 0: use `key`
  std::uint64_t key = 0;
  task_index index = 0;
  TROUPE_FIELDS(job, key, index)
};

struct new_task {
  value arguments;
  boxed_vector<task_reference> inputs;  // results named in `arguments` by position
  boxed_vector<task_reference> after;   // for order only
  std::string label;                    // of a graph's task; else empty
  TROUPE_FIELDS(arguments, inputs, after, label)
};

// Appends tasks: those listed, or, if `tasks` is empty, `count` tasks without arguments.
// `position` is how many tasks of the job the client has sent before: repeats are recognised by it.
struct add_tasks {
  std::uint64_t key = 0;
  std::uint32_t template_number = 0;
  std::uint32_t position = 0;
  std::uint32_t count = 0;
  std::vector<new_task> tasks;
  TROUPE_FIELDS(key, template_number, position, count, tasks)
};

// No more tasks. Only now can the job finish; a held one is checked for cycles and starts.
struct close_job {
  std::uint64_t key = 0;
  TROUPE_FIELDS(key)
};

struct job_opened {
  std::uint64_t key = 0;
  job_id job;
  TROUPE_FIELDS(key, job)
};

// The whole job is refused; nothing of it runs any more.
struct job_refused {
  std::uint64_t key = 0;
  failure why;
  TROUPE_FIELDS(key, why)
};

// The client may send this many tasks more. The first one comes unasked after the welcome.
// `received`: how many of this link's tasks have been taken in so far. Credit alone says nothing of
// that: there may be more of it because others' tasks have ended.
struct submit_credit {
  std::uint32_t tasks = 0;
  std::uint64_t received = 0;
  TROUPE_FIELDS(tasks, received)
};

// ---- results ----------------------------------------------------------------------------------

enum class outcome : std::uint8_t { succeeded, failed, cancelled };

struct task_result {
  task_index index = 0;
  protocol::outcome outcome{};
  value result;          // of a success
  boxed<failure> error;  // of the others
  TROUPE_FIELDS(index, outcome, result, error)
};

struct results {
  std::uint64_t key = 0;
  job_id job;
  std::vector<task_result> items;
  TROUPE_FIELDS(key, job, items)
};

struct job_finished {
  std::uint64_t key = 0;
  job_id job;
  std::uint64_t succeeded = 0, failed = 0, cancelled = 0;
  TROUPE_FIELDS(key, job, succeeded, failed, cancelled)
};

struct index_range {
  task_index begin = 0, end = 0;  // half open
  TROUPE_FIELDS(begin, end)
  friend bool operator==(const index_range&, const index_range&) = default;
};

// The client's futures for these tasks are gone.
struct release_results {
  job_id job;
  std::vector<index_range> tasks;
  TROUPE_FIELDS(job, tasks)
};

struct cancel {
  job_id job;
  std::vector<index_range> tasks;  // empty: the whole job
  std::string reason;
  TROUPE_FIELDS(job, tasks, reason)
};

// ---- workers ----------------------------------------------------------------------------------

struct held_task {
  task_id task;
  attempt_number attempt = 0;
  bool running = false;
  TROUPE_FIELDS(task, attempt, running)
};

struct register_worker {
  std::string name;  // of the instance; empty: the head makes one
  std::string pool;
  std::string host;
  std::uint32_t pid = 0;
  std::uint64_t incarnation = 0;
  std::uint32_t slots = 1;
  resource_set resources;    // "cpus" among them
  std::uint64_t memory = 0;  // limit, bytes; 0: none
  std::vector<std::string> functions;
  std::string log_dir;
  std::vector<held_task> held;  // after a reconnect: everything it still has to report on
  TROUPE_FIELDS(name, pool, host, pid, incarnation, slots, resources, memory, functions, log_dir,
                held)
};

struct worker_registered {
  worker_id worker;
  epoch_id epoch;
  std::string name;
  TROUPE_FIELDS(worker, epoch, name)
};

struct worker_template {
  template_id id;
  task_spec spec;
  TROUPE_FIELDS(id, spec)
};

struct assignment {
  task_id task;
  attempt_number attempt = 0;
  template_id spec;  // sent before in a worker_template
  value arguments;
  boxed_vector<value> inputs;  // for splice_inputs
  bool exclusive = false;      // runs alone on the worker (a crash suspect)
  TROUPE_FIELDS(task, attempt, spec, arguments, inputs, exclusive)
};

// In the order in which the worker should start them (priority of the spec first).
struct assign {
  std::vector<assignment> items;
  TROUPE_FIELDS(items)
};

struct attempt_reference {
  task_id task;
  attempt_number attempt = 0;
  TROUPE_FIELDS(task, attempt)
  friend bool operator==(const attempt_reference&, const attempt_reference&) = default;
};

// Give these back unless they have started. The answer, `recalled`, names those given back.
struct recall {
  std::vector<attempt_reference> items;
  TROUPE_FIELDS(items)
};
struct recalled {
  std::vector<attempt_reference> items;  // given back: they will not run here
  std::vector<attempt_reference> kept;   // started, or already finished
  TROUPE_FIELDS(items, kept)
};

// End these, started or not. Each is answered in `finished` with outcome cancelled (or with
// whatever it came to, if it was faster).
struct cancel_attempts {
  std::vector<attempt_reference> items;
  std::string reason;
  TROUPE_FIELDS(items, reason)
};

// Sent for tasks that have been running for a moment; short ones are only ever `finished`.
struct started {
  std::vector<attempt_reference> items;
  TROUPE_FIELDS(items)
};

struct finished_task {
  task_id task;
  attempt_number attempt = 0;
  protocol::outcome outcome{};
  duration run_time{};
  value result;
  boxed<failure> error;
  TROUPE_FIELDS(task, attempt, outcome, run_time, result, error)
};

struct finished {
  std::uint64_t number = 0;  // 1, 2, 3 … by incarnation; kept by the worker until acknowledged
  std::vector<finished_task> items;
  TROUPE_FIELDS(number, items)
};

// Everything up to and including `number` has arrived.
struct ack {
  std::uint64_t number = 0;
  TROUPE_FIELDS(number)
};

struct heartbeat {
  std::uint32_t running = 0;
  std::uint32_t queued = 0;
  std::uint64_t memory_used = 0;  // bytes, of the worker and its tasks
  std::uint64_t disk_free = 0;    // bytes, where its scratch folder is
  double load = 0;                // of the machine, one minute
  TROUPE_FIELDS(running, queued, memory_used, disk_free, load)
};

// Take nothing new; what has started may finish. (What hasn't is recalled by the head.)
struct drain {
  std::string reason;
  TROUPE_FIELDS(reason)
};

// End now: running tasks are cancelled, `goodbye` is the last message.
struct stop {
  std::string reason;
  TROUPE_FIELDS(reason)
};

struct goodbye {
  std::string reason;
  TROUPE_FIELDS(reason)
};

// ---- control ----------------------------------------------------------------------------------
// Everything that isn't hot: `method` is such as "status", "jobs", "why", "scale", "logs.read";
// parameters and answer are MessagePack maps. gateway/ offers the same methods over HTTP.

// Requests overtake tasks on their way, except one of this method, which is answered when everything
// that was sent before it has been looked at.
inline constexpr std::string_view ordered_request = "sync";

struct request {
  std::uint64_t number = 0;
  std::string method;
  value parameters;
  TROUPE_FIELDS(number, method, parameters)
};

struct response {
  std::uint64_t number = 0;
  std::optional<failure> error;
  value body;
  TROUPE_FIELDS(number, error, body)
};

// One entry of the cluster's story, numbered without gaps within an epoch.
enum class event_kind : std::uint8_t {
  job_opened,
  job_finished,
  task_ready,
  task_started,
  task_finished,
  task_retried,
  worker_joined,
  worker_lost,
  worker_draining,
  worker_gone,
  pool_changed,
  decision,
  configuration,
};

struct event_record {
  std::uint64_t number = 0;
  std::int64_t at_us = 0;  // Unix time
  event_kind kind{};
  job_id job;
  task_index index = 0;
  worker_id worker;
  std::string pool;
  std::string text;  // in words
  TROUPE_FIELDS(number, at_us, kind, job, index, worker, pool, text)
};

// Answers a request "events": everything from the number asked for, as far as it is still kept,
// then what comes.
struct events {
  std::vector<event_record> items;
  TROUPE_FIELDS(items)
};

// The position of a message in this list is its number on the wire: only append.
using message =
    std::variant<hello, welcome, refused, ping, pong,                                        // 0-4
                 open_job, define_template, add_tasks, close_job, job_opened, job_refused,   // 5-10
                 submit_credit, results, job_finished, release_results, cancel,              // 11-15
                 register_worker, worker_registered, worker_template, assign, recall,        // 16-20
                 recalled, cancel_attempts, started, finished, ack, heartbeat, drain, stop,  // 21-28
                 goodbye, request, response, events>;                                        // 29-32

}  // namespace troupe::protocol
