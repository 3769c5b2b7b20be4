"""The sentences of a message in English."""

from __future__ import annotations

from pipeline.operations.alerts.sentences import BAD_STATES, Sentences
from pipeline.operations.freshness import Freshness


class English(Sentences):
    """An event in English."""

    units = (
        (86_400, " days"), (3_600, " hours"), (60, " minutes"), (1, " seconds"),
    )  # fmt: skip

    def title(self) -> str:
        """What it is, in one line."""
        trouble = self.facts.get("trouble")
        if self.event.kind == "refused":
            return f"Refresh {self.refresh} was refused"
        if self.event.kind == "failed":
            died = self.facts["state"] == "died"
            return f"Refresh {self.refresh} {'died' if died else 'failed'}"
        if self.event.kind == "recovered":
            return f"Recovered: release {self.facts['release_id']} is current"
        if self.event.kind == "copy":
            return f"The copy in {self.facts['target']} could not be made"
        if trouble == "no release":
            return "There is no release yet"
        if trouble == "clock":
            return "The clock was set back; the age of the release is not known"
        if trouble == "damaged":
            return "Readers find no whole release"
        return f"Release {self.facts['release_id']} is too old"

    def happened(self) -> list[str]:
        """What happened, and the reason where one is known."""
        facts = self.facts
        if self.event.kind == "recovered":
            over = ", ".join(
                f"{item['kind']} {item['refresh_id'] or ''}".strip()
                for item in facts["over"]
            )
            return [f"A good release is current again. Over: {over}."]
        if self.event.kind == "late":
            return self._late()
        if self.event.kind == "copy":
            has = facts["has"] or "nothing that is known of"
            return [
                f"Release {facts['release_id']} is current, and its copy in "
                f"{facts['target']} ({facts['copy_kind']}) could not be made. Whoever "
                f"reads that copy sees what it had: {has}.",
                facts["reason"],
            ]
        stage, as_of = facts["stage"], facts["as_of"]
        if self.event.kind == "refused":
            lines = [
                f"Stage `{stage}` refused the refresh of {as_of}. Nothing that readers "
                "see has changed."
            ]
        elif facts["state"] == "died":
            lines = [
                f"The refresh of {as_of} ended without a word in `{stage}`: it was "
                "killed, or the machine stopped."
            ]
        else:
            lines = [f"The refresh of {as_of} failed in `{stage}`."]
        if facts["reason"] and (facts["state"] != "died" or not stage):
            lines.append(facts["reason"])
        return lines

    def _late(self) -> list[str]:
        facts = self.facts
        if facts["trouble"] == "no release":
            line = "Refreshes were tried, and there is still no release."
        elif facts["trouble"] == "damaged":
            line = f"The current release cannot be read: {facts['problem']}."
        elif facts["trouble"] == "clock":
            behind = self.length(facts["clock_behind_seconds"])
            line = f"The clock of this machine is {behind} behind what was recorded."
        elif facts["trouble"] == "behind":
            line = (
                f"The release is new, but {facts['lag_days']} days have ended since "
                f"its as-of date {facts['release_as_of']}."
            )
        else:
            line = (
                f"The release was sealed {self.length(facts['age_seconds'])} ago; "
                f"{self.length(facts['max_age_seconds'])} are allowed."
            )
        if facts.get("newest_id") not in {None, facts["release_id"]}:
            line += (
                f" The newest attempt {facts['newest_id']}: {facts['newest_state']}."
            )
        return [line]

    def since(self) -> list[str]:
        """Since when it is so."""
        if self.event.kind == "late":
            old = self.facts["trouble"] == "old"
            return [self.late_since if old else self.raised()]
        if self.event.kind == "recovered":
            return [f"{self.raised()}; first told of at {self.at('since')}."]
        line = self.at("since")
        if self.facts.get("in_a_row", 1) > 1:
            line += f"; {self.facts['in_a_row']} attempts in a row published nothing"
        return [line]

    def readers(self, seen: Freshness) -> str:
        """What readers see at this moment."""
        if seen.trouble == "damaged":
            return "No whole release."
        if seen.release_id is None:
            return "Nothing: there is no release."
        return (
            f"Release {seen.release_id}, as of {seen.as_of_date}, sealed "
            f"{self.length(seen.age_seconds)} ago."
        )

    def checks(self) -> list[str]:
        """The checks that failed first."""
        lines = []
        for check in self.facts.get("checks", []):
            rows = check["failing_rows"]
            count = f", {rows:,} rows" if rows else ""
            lines.append(f"{self.check_id(check)} {check['outcome']}{count}")
        if more := self.facts.get("more_checks"):
            lines.append(f"and {more} more")
        return lines

    def todo(self) -> list[str]:
        """What to do next."""
        facts = self.facts
        if self.event.kind == "recovered":
            return ["Nothing."]
        if self.event.kind == "refused":
            return [
                "Mend the data at its source, or the model, and run `customer-tiers "
                "refresh`. A warning or a drift that is right can be accepted: "
                "`customer-tiers refresh --accept CHECK --reason TEXT --until DATE`."
            ]
        if self.event.kind == "late":
            if facts["trouble"] == "clock":
                return ["Set the clock right; then `customer-tiers status --check`."]
            if facts["trouble"] == "damaged":
                return [
                    "`customer-tiers rollback` goes back to an older release at once; "
                    "`customer-tiers refresh` makes a new one."
                ]
            if facts.get("newest_state") in BAD_STATES:
                return [
                    f"See why the newest attempt published nothing (`customer-tiers logs "
                    f"{facts['newest_id']}`), mend it, and run `customer-tiers refresh`."
                ]
            if facts.get("newest_state") == "running":
                return ["A refresh is running; wait for its end."]
            return [
                "See that the schedule is on and its daemon runs; `customer-tiers "
                "refresh` goes at once."
            ]
        if self.event.kind == "copy":
            return [f"Mend what stands in its way; `{self.export}` makes it again."]
        if facts["state"] == "died":
            return [
                "Look for what ended it (memory, disk, a restart). Nothing needs to be "
                "cleaned up: run `customer-tiers refresh`."
            ]
        if facts["exit_code"] == 5:
            return [
                "`customer-tiers check-sources` says which source cannot be read; when "
                "it can, `customer-tiers refresh`."
            ]
        return ["Read the log, mend what stopped it, and run `customer-tiers refresh`."]

    def delayed(self) -> str:
        """That it was found earlier than it is sent."""
        return f"This was found at {self.raised()} and could not be sent then."

    def repeated(self) -> str:
        """That it may have arrived before."""
        return f"This may be a repeat: whether {self.event.id} arrived is not known."
