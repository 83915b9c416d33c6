package io.fulmar.lightning.internal.log;

import io.fulmar.RunStatus;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A run that has ended, as far as its sync knows it.
 *
 * @param run its number, unique over all syncs: the one that delivered, whichever run made the plan
 * @param startedAt when it began, by the clock of the server
 * @param endedAt when it ended, or was found to have died
 * @param status how it ended
 * @param problem why it ended early; null if it did not, or died
 */
public record LoggedRun(
    long run, Instant startedAt, Instant endedAt, RunStatus status, @Nullable String problem) {
  private static final int MOST_CHARS = 10_000;
  private static final String DIED =
      "The run ended as INTERRUPTED: its process died, or was cut off from the database. The next run has settled what was noted of it.";

  /** Whether dashboards count it as well. */
  boolean isGood() {
    return switch (status) {
      case SUCCEEDED, WARNING -> true;
      case HELD, FAILED, CANCELLED, INTERRUPTED -> false;
    };
  }

  /** Why it ended early, as text that the database takes; null if it did not. */
  @Nullable String error() {
    if (isGood()) {
      return null;
    }
    if (problem == null) {
      return status == RunStatus.INTERRUPTED ? DIED : null;
    }
    // What a destination says may hold anything.
    String text = problem.replace('\0', ' ');
    return text.length() <= MOST_CHARS ? text : text.substring(0, MOST_CHARS) + "...";
  }
}
