"""Holds: what calls under way may cost is kept free in the hard budgets that apply to them, before they go out.

What is guaranteed, for each hard budget and period, while Redis answers:

- A call goes out only when spent + held + its own worst case <= limit, checked and taken in one step. What is settled
  never passes the limit, as long as no call costs more than its worst case (its maximum output is known) and no
  process goes on after it was silent for longer than the lease (30 s).
- A call is refused only when spent + held + its worst case > limit. Where only what is held stands in its way, it waits
  up to 2 s for calls under way to be settled, since most cost far less than they might.
- A call that goes on with another model or key is held anew for that, in the budgets that apply to that, or not tried.
- A call that fits is never made to wait behind one that does not.
- Holds of a dead process stop counting when their lease ends. Running calls renew theirs, streams of hours too.
- When Redis has lost a counter, it is rebuilt from the ledger, once this process's settled calls are in it (those that
  are not after 5 s are added, and may count twice), and from its calls under way. Other processes add theirs with their
  next call, at most a third of the lease (10 s) later: until then, and for what they shipped in between, the counter
  can be short by what they have under way.
- While Redis is away a closed budget refuses every call. An open one lets all through, and is passed by what they cost
  beyond what was left of it; they count with the first call after Redis is back, which is noticed within a second,
  those that are still under way then when they are settled.
- Events and imports count as of the last minute.
- A budget that looks back over days forgets what leaves its window within two minutes; a raised limit holds to the
  moment at which it ends (counters.py, HardBudget.limit_at).

Amounts in Redis are whole ten-billionths of a dollar, the last digit of the ledger, added and compared by Redis as
64-bit integers and never by Lua, whose numbers are exact to 2^53 only ($900,719). The highest is $922,337,203.
"""

from guardian.gateway.holds.holding import NOTHING, Hold
from guardian.gateway.holds.service import Holds

__all__ = ["NOTHING", "Hold", "Holds"]
