#pragma once
#include <functional>
namespace troupe::worker { inline int run_guarded(std::function<int()> f) { return f(); } }
