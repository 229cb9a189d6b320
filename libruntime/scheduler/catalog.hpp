// Interned things that many tasks share, so that a record holds small numbers: templates (equal
// specs of all jobs), shapes, functions with their measured durations, and task classes: the pairs
// of shape and function, which are the unit of queueing, of eligibility and of the load snapshot.
//
// Entries are counted and reused; a reused template gets a higher `version`, by which the core
// knows which workers must be sent it again.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "libruntime/ids.hpp"
#include "libruntime/snapshot.hpp"
#include "libruntime/task_spec.hpp"

namespace troupe::scheduler {

struct function_stats {
  std::string key;
  bool measured = false;
  double mean_ns = 0;   // exponentially weighted
  double usual_ns = 0;  // the same, of what was counted of each
  duration expected{}, usual{};  // what these come to, once measured
  std::uint32_t refs = 0;
  function_view view;  // its name is `key`
};

struct task_class {
  std::uint32_t shape = 0;
  std::uint32_t function = 0;
  bool call = true;        // whether the worker must know the function
  duration hint{};         // task_options::expected, of the last template that had one
  std::uint32_t refs = 0;  // templates of this class; 0: the entry is free

  // Kept by the core as tasks move; `ready` counts those in queues, `suspects` those that wait for
  // an empty worker, `ahead` those in windows that aren't presumed to run, `running` the others.
  std::uint64_t ready = 0, suspects = 0, ahead = 0, running = 0;

  // Scratch of placement: see placement.cpp.
  bool blocked = false;             // no open worker fits, and none has since become free
  std::uint32_t active_index = UINT32_MAX;  // in ready_queues::active()
  std::uint64_t excluded = 0;       // the round in which the worker had no room left for it
  std::uint64_t slots_version = 0;  // of `slots`
  std::uint64_t slots = 0;          // of all workers that could run it, at once
};

struct template_entry {
  task_spec spec;
  std::uint32_t class_index = 0;
  std::uint32_t version = 0;
  std::uint32_t refs = 0;
};

class catalog {
 public:
  explicit catalog(duration default_duration) : default_duration_(default_duration) {}

  // Counted references: each intern is undone by one release.
  std::uint32_t intern_template(const task_spec& spec);
  // Returns the class that became free with it, or UINT32_MAX.
  std::uint32_t release_template(std::uint32_t index);

  const template_entry& spec(std::uint32_t index) const { return templates_[index]; }
  task_class& klass(std::uint32_t index) { return classes_[index]; }
  const task_class& klass(std::uint32_t index) const { return classes_[index]; }
  std::size_t class_count() const { return classes_.size(); }
  const shape& shape_of(const task_class& c) const { return shapes_[c.shape].what; }
  const function_stats& function_of(const task_class& c) const { return functions_[c.function]; }

  void measure(task_class& c, duration run_time);
  // Where a task's end is counted; valid until another function is interned.
  function_view& view_of(const task_class& c) { return functions_[c.function].view; }
  std::vector<function_view> function_views() const;
  // A task's duration: measured, else hinted, else the default. At least 1 ns.
  duration expected(const task_class& c) const {  // the mean, for sums
    const auto& f = functions_[c.function];
    return f.measured ? f.expected : hinted(c);
  }
  // What most take, for how many to give ahead: where workers share their cores with others, one of a few
  // hundred calls of a microsecond is interrupted for milliseconds, and the mean says little of the next.
  duration usual(const task_class& c) const {
    const auto& f = functions_[c.function];
    return f.measured ? f.usual : hinted(c);
  }

  // The shapes as a dense list, and where each is in it, for a snapshot.
  std::vector<shape> dense_shapes(std::vector<std::size_t>& position) const;

 private:
  struct shape_entry {
    shape what;
    std::uint32_t refs = 0;
  };
  duration hinted(const task_class& c) const;
  std::uint32_t intern_shape(const task_options& options);
  std::uint32_t intern_function(const std::string& key);
  std::uint32_t intern_class(const task_spec& spec);
  void forget_old_functions();

  duration default_duration_;
  std::vector<template_entry> templates_;
  std::vector<std::uint32_t> free_templates_;
  std::unordered_multimap<std::uint64_t, std::uint32_t> template_by_hash_;
  std::vector<shape_entry> shapes_;
  std::vector<function_stats> functions_;
  std::vector<std::uint32_t> free_functions_;
  std::unordered_map<std::string, std::uint32_t> function_by_key_;
  std::vector<task_class> classes_;
  std::map<std::tuple<std::uint32_t, std::uint32_t, bool>, std::uint32_t> class_by_key_;
};

}  // namespace troupe::scheduler
