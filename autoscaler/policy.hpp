// The autoscaling policy: one snapshot of the work and the state of the pools in, a decision with
// its reasons out. Pure: no clock, no I/O, the same inputs give the same decision.
//
// What it promises: no worker that has work is drained while an idle one of its pool could go; no
// more workers than tasks need slots; at least one where a feasible task waits; nothing for work
// that is blocked or that no pool can run; min is restored after losses; capacity that is requested
// or booting counts, so waiting for it never asks for more; a signal that is unavailable stops no
// worker; nothing above a pool's max, max_workers of all, or the budget is launched; an idle worker
// stays for its idle timeout, and longer where such workers were lately wanted again before a restart
// would have paid.
#pragma once

#include <vector>

#include "autoscaler/decision.hpp"
#include "autoscaler/history.hpp"
#include "autoscaler/settings.hpp"
#include "autoscaler/signals.hpp"
#include "libruntime/snapshot.hpp"

namespace troupe::autoscaler {

// Decides for every pool of `settings`; a pool without a status counts as empty. The decision is
// recorded in `past` (with its number) and returned. Call it at intervals and, when a ready task
// finds no home, in between: limits are in time, not in calls. Without `around`, signals from
// elsewhere are unavailable and schedules don't apply.
decision decide(time_point now, const load_snapshot& load, const std::vector<pool_status>& pools,
                history& past, const settings& s, const surroundings& around = {});

}  // namespace troupe::autoscaler
