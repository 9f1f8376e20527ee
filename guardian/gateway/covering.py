"""One call's hold, which goes with it to other keys and models: each try is covered before it is made, or not made."""

from guardian.errors import BudgetExceeded, UnavailableError
from guardian.gateway.admission import Admission, Admitted
from guardian.gateway.holds import Hold, Holds
from guardian.gateway.outgoing import Route


class Covering:
    """`hold` is what covers the try that was made last."""

    def __init__(self, admission: Admission, holds: Holds, call: Admitted) -> None:
        self._admission, self._holds, self._call = admission, holds, call
        self.hold: Hold = call.hold

    async def covers(self, model: str | None, route: Route) -> bool:
        """Whether the budgets that apply to this model (None: the one asked for) and key have room for it.

        Those of the try before are given back what was held: it has failed, and is not billed.
        """
        call = self._call
        name = model or call.wanted.model
        try:
            self.hold = await self._holds.exchange(
                self.hold,
                call.caller,
                provider=call.asked.provider,
                model=name,
                tags=call.facts.tags,
                key_id=route.key.id,
                worst=self._admission.worst(call, call.wanted, name, route),
            )
        except (BudgetExceeded, UnavailableError):
            return False
        return True
