"""How often a client may do what: policies, and where a client stands with one."""

from math import ceil

from attrs import frozen

STANDARD, STRICT, AUTH = "standard", "strict", "auth"
_QUARTER = 15 * 60


@frozen(cache_hash=True)
class Policy:
    """At most `limit` things of a client within a window of so many seconds.

    The window begins with the first thing that is counted. What ends well, or what does not, can be
    left uncounted. Workers that share the counts of an exact policy agree at once, for which they
    wait for one another; those of any other a moment later.
    """

    name: str
    limit: int
    window: int
    counts_successes: bool = True
    counts_failures: bool = True
    is_exact: bool = True

    def counts(self, *, success: bool) -> bool:
        """Whether what ended well, or did not, is counted."""
        return self.counts_successes if success else self.counts_failures


@frozen
class Standing:
    """What a client has used of a policy, and the seconds that are left of the window."""

    policy: Policy
    used: int
    left: float

    @property
    def remaining(self) -> int:
        """How many more there may be in this window."""
        return max(self.policy.limit - self.used, 0)

    @property
    def is_over(self) -> bool:
        """Whether the last of those used was one too many."""
        return self.used > self.policy.limit

    @property
    def seconds(self) -> int:
        """The whole seconds after which the window is over for sure."""
        return max(ceil(self.left), 1)

    def one_more(self) -> "Standing":
        """Return where the client would stand with one more."""
        return Standing(self.policy, self.used + 1, self.left)


def policies(limit: int, milliseconds: int) -> dict[str, Policy]:
    """Return the policies of the API, by name; the limit is the standard one's, 0 means none.

    Windows are told to clients in whole seconds, so they are whole seconds.
    """
    found = {
        STRICT: Policy(STRICT, 10, _QUARTER),
        AUTH: Policy(AUTH, 5, _QUARTER, counts_successes=False),
    }
    if limit:
        found[STANDARD] = Policy(STANDARD, limit, ceil(milliseconds / 1000), is_exact=False)
    return found
