// Private to net/: how many connections a listener lets in. Counts all of them, and for each
// address those that have not said yet what they want; when an address has too many of these, its
// oldest one has to go, so that a crowd of silent connections can't keep a good peer of the same
// address out.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "net/io_pool.hpp"

namespace troupe::net {

// Thread-safe.
class admission : public std::enable_shared_from_this<admission> {
 public:
  // One connection. Leaves when destroyed.
  class ticket {
   public:
    ticket(std::shared_ptr<admission> gate, std::string address);
    ~ticket();
    ticket(const ticket&) = delete;
    ticket& operator=(const ticket&) = delete;
    // It has said what it wants.
    void settled();

   private:
    friend class admission;
    const std::shared_ptr<admission> gate_;
    const std::string address_;
    // Guarded by the gate's mutex.
    std::list<std::weak_ptr<stoppable>>::iterator place_, undecided_place_;
    bool watched_ = false, undecided_ = false;
  };

  admission(std::size_t max_connections, std::size_t max_undecided)
      : max_connections_(max_connections), max_undecided_(max_undecided) {}

  // Null if there are too many connections.
  std::shared_ptr<ticket> enter(const std::string& address);
  // `who` is stopped with all others, or as the oldest undecided one of an address that has too
  // many.
  void watch(ticket& t, std::weak_ptr<stoppable> who);
  void stop_all(const failure& why);
  std::size_t open() const;

 private:
  void leave(ticket& t);
  void decide(ticket& t);

  const std::size_t max_connections_, max_undecided_;
  mutable std::mutex mutex_;
  std::size_t open_ = 0;
  std::list<std::weak_ptr<stoppable>> present_;
  std::unordered_map<std::string, std::list<std::weak_ptr<stoppable>>> undecided_;
};

}  // namespace troupe::net
