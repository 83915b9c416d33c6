package io.fulmar.harness;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.RunEvent;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** What came of deaths: each life is held against what the dead had done. */
public final class Toll {
  private static final String KILLED = "exit code 137";

  private final int inFlight;
  private final Duration deadline;
  private int lives;
  private int deaths;
  private int repeats;
  private int mostRepeats;
  private final List<String> lost = new ArrayList<>();
  private final List<String> wrong = new ArrayList<>();
  private final List<String> problems = new ArrayList<>();

  /**
   * No lives yet.
   *
   * @param inFlight so many changes at most come again after each death
   * @param deadline for so long a call may act
   */
  public Toll(int inFlight, Duration deadline) {
    this.inFlight = inFlight;
    this.deadline = deadline;
  }

  /**
   * What is found of a life in the end.
   *
   * @param lost keys that the destination does not hold as the source does
   * @param wrong keys that were remembered as accepted and had not been, before anything was sent
   * @param recovered the interrupted runs that were taken in
   * @param left what lies about that nobody needs; empty for nothing
   */
  public record Found(
      List<Long> lost, List<Long> wrong, List<RunEvent.Recovered> recovered, String left) {}

  /**
   * Takes in a life.
   *
   * @param died how often somebody died in it
   * @param about where, for messages
   * @param before what the destination had been told when the last one died
   * @param after what it has been told in the end
   * @param found what else there is in the end
   */
  public void take(int died, String about, CrmLog before, CrmLog after, Found found) {
    int again = after.repeats();
    lives++;
    deaths += died;
    repeats += again;
    mostRepeats = Math.max(mostRepeats, again);
    found.lost().forEach(key -> lost.add(key + " after " + about));
    found.wrong().forEach(key -> wrong.add(key + " after " + about));
    List<String> seen = new ArrayList<>();
    if (again > died * inFlight) {
      seen.add(again + " repeats");
    }
    for (RunEvent.Recovered run : found.recovered()) {
      long accepted = before.acceptedSince(run.interruptedRun());
      if (run.accepted() > accepted || run.accepted() < accepted - inFlight) {
        seen.add(run.accepted() + " taken in, and " + accepted + " were accepted");
      }
      after
          .renamed(before, run.interruptedRun())
          .forEach(sent -> seen.add("another id for " + sent));
    }
    if (found.recovered().size() > 1) {
      seen.add(found.recovered().size() + " runs taken in");
    }
    after.early(deadline).forEach(sent -> seen.add("too early: " + sent));
    if (!found.left().isEmpty()) {
      seen.add("left behind: " + found.left());
    }
    seen.forEach(problem -> problems.add(problem + ", after " + about));
  }

  /** How many lives there were. */
  public int lives() {
    return lives;
  }

  /** How many deaths there were in them. */
  public int deaths() {
    return deaths;
  }

  /** How many changes were sent again. */
  public int repeats() {
    return repeats;
  }

  /** Fails if something was lost, or anything else is not as it must be. */
  public void assertNothingIsLost() {
    assertThat(lost).as("lost").isEmpty();
    assertThat(wrong).as("wrongly acknowledged").isEmpty();
    assertThat(problems).isEmpty();
  }

  /**
   * Waits for the end of a process; whether it was killed, or did not come to its point.
   *
   * @param alive what one says that has not died
   * @param about where it was to die, for messages
   */
  public static boolean isKilled(OtherProcess process, String alive, String about)
      throws Exception {
    try (process) {
      String end = process.rest();
      boolean lived = end.contains(alive) && end.endsWith("exit code 0");
      assertThat(lived || end.endsWith(KILLED)).as(about + ": " + end).isTrue();
      return !lived;
    }
  }

  @Override
  public String toString() {
    return "%d lives with %d deaths: %d lost, %d wrongly acknowledged, %d repeats, at most %d in a life"
        .formatted(lives, deaths, lost.size(), wrong.size(), repeats, mostRepeats);
  }
}
