#include "net/admission.hpp"

#include <vector>

namespace troupe::net {

admission::ticket::ticket(std::shared_ptr<admission> gate, std::string address)
    : gate_(std::move(gate)), address_(std::move(address)) {}

admission::ticket::~ticket() {
  gate_->leave(*this);
}

void admission::ticket::settled() {
  std::lock_guard lock(gate_->mutex_);
  gate_->decide(*this);
}

std::shared_ptr<admission::ticket> admission::enter(const std::string& address) {
  std::lock_guard lock(mutex_);
  if (open_ >= max_connections_) return nullptr;
  auto t = std::make_shared<ticket>(shared_from_this(), address);
  ++open_;
  return t;
}

void admission::watch(ticket& t, std::weak_ptr<stoppable> who) {
  std::shared_ptr<stoppable> oldest;
  {
    std::lock_guard lock(mutex_);
    auto& list = undecided_[t.address_];
    // A place is left by its ticket only; one that was told to go already is passed over.
    if (list.size() >= max_undecided_) {
      for (auto& place : list) {
        oldest = place.lock();
        place.reset();
        if (oldest) break;
      }
    }
    t.undecided_place_ = list.insert(list.end(), who);
    t.place_ = present_.insert(present_.end(), std::move(who));
    t.watched_ = t.undecided_ = true;
  }
  if (oldest)
    oldest->stop_now(
        failure{errc::overloaded,
                "too many connections from " + t.address_ + " have not said what they want",
                {}});
}

void admission::stop_all(const failure& why) {
  std::vector<std::shared_ptr<stoppable>> all;
  {
    std::lock_guard lock(mutex_);
    for (const auto& place : present_)
      if (auto who = place.lock()) all.push_back(std::move(who));
  }
  for (const auto& who : all) who->stop_now(why);
}

std::size_t admission::open() const {
  std::lock_guard lock(mutex_);
  return open_;
}

void admission::leave(ticket& t) {
  std::lock_guard lock(mutex_);
  decide(t);
  if (t.watched_) present_.erase(t.place_);
  --open_;
}

void admission::decide(ticket& t) {
  if (!t.undecided_) return;
  t.undecided_ = false;
  const auto list = undecided_.find(t.address_);
  list->second.erase(t.undecided_place_);
  if (list->second.empty()) undecided_.erase(list);
}

}  // namespace troupe::net
