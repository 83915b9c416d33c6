package io.fulmar;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a run did. Counts are of changes, once per run however often one was tried. Immutable; shows
 * no row values, except in what a destination wrote into its messages.
 *
 * @param sync name of the sync
 * @param run number of the run; grows over all runs of a sync
 * @param status how the run ended
 * @param changeSet what was planned; null if the run ended before that
 * @param counts per operation; every operation is present
 * @param newlyQuarantined changes that reached the limit of attempts in this run and are now held
 * @param failures why changes failed: at most 100 groups by operation and code, the largest first
 * @param calls calls of {@link io.fulmar.spi.Writer#write} in this run, repeated ones included
 * @param abandonedCalls calls of the destination that passed their deadline, or the grace of a
 *     stopped run, did not heed the interrupt either, and were left behind with their threads
 * @param startedAt when the run began, by the clock of the JVM
 * @param times how long each step took
 * @param error what ended the run early; null for other statuses than FAILED and CANCELLED
 */
public record SyncReport(
    String sync,
    long run,
    RunStatus status,
    @Nullable ChangeSet changeSet,
    Map<Operation, Counts> counts,
    long newlyQuarantined,
    List<FailureGroup> failures,
    long calls,
    long abandonedCalls,
    Instant startedAt,
    Times times,
    @Nullable FulmarException error) {

  /** Copies the collections. */
  public SyncReport {
    Objects.requireNonNull(sync, "sync");
    Objects.requireNonNull(status, "status");
    Objects.requireNonNull(startedAt, "startedAt");
    Objects.requireNonNull(times, "times");
    counts = Map.copyOf(counts);
    failures = List.copyOf(failures);
  }

  /**
   * Changes of one operation. {@code planned >= attempted = succeeded + failed}.
   *
   * @param planned in the change set
   * @param accepted accepted by the destination
   * @param skipped answered by the destination as nothing to do
   * @param failed rejected, or of unknown outcome
   */
  public record Counts(long planned, long accepted, long skipped, long failed) {
    /** No changes. */
    public static final Counts NONE = new Counts(0, 0, 0, 0);

    /** Answered, or sent with an unknown outcome. */
    public long attempted() {
      return succeeded() + failed;
    }

    /** Accepted and skipped. */
    public long succeeded() {
      return accepted + skipped;
    }

    /** Never handed out, given up as not applied, or deferred; they stay due. */
    public long aborted() {
      return planned - attempted();
    }

    /** Both together. */
    public Counts plus(Counts other) {
      Objects.requireNonNull(other, "other");
      return new Counts(
          planned + other.planned,
          accepted + other.accepted,
          skipped + other.skipped,
          failed + other.failed);
    }
  }

  /**
   * Failed changes with the same operation and code.
   *
   * @param operation what was planned
   * @param code the destination's code, or one of {@link FailureCodes}
   * @param message the message of the first of them
   * @param count how many
   */
  public record FailureGroup(Operation operation, String code, String message, long count) {}

  /**
   * How long each step took.
   *
   * @param plan reading the source and comparing
   * @param deliver calling the destination
   * @param fold moving the state forward
   */
  public record Times(Duration plan, Duration deliver, Duration fold) {
    /** Nothing was timed. */
    public static final Times ZERO = new Times(Duration.ZERO, Duration.ZERO, Duration.ZERO);
  }

  /** The counts of one operation. */
  public Counts counts(Operation operation) {
    return counts.getOrDefault(Objects.requireNonNull(operation, "operation"), Counts.NONE);
  }

  /** The counts of all operations together. */
  public Counts total() {
    return counts.values().stream().reduce(Counts.NONE, Counts::plus);
  }

  /** How the changes were found, and why in this way; empty if the run ended before that. */
  public Optional<ChangeSet.Way> way() {
    return Optional.ofNullable(changeSet).map(ChangeSet::way);
  }

  /**
   * What went wrong and what to do about it, in a sentence or two; empty for SUCCEEDED and WARNING.
   */
  public Optional<String> problem() {
    if (status == RunStatus.SUCCEEDED || status == RunStatus.WARNING) {
      return Optional.empty();
    }
    ChangeSet set = changeSet;
    if (status == RunStatus.HELD && set != null) {
      return Optional.of(
          OneLine.of(
              ("Cannot deliver plan %s (added %s, changed %s, removed %s): %s. Approve it by engine.apply(sync, \"%s\"), or"
                      + " mend the source and run again. [sync=%s run=%s]")
                  .formatted(
                      set.id(),
                      set.planned(Operation.ADDED),
                      set.planned(Operation.CHANGED),
                      set.planned(Operation.REMOVED),
                      String.join("; ", set.guards()),
                      set.id(),
                      sync,
                      run)));
    }
    String message = error == null ? null : error.getMessage();
    return Optional.of(
        message != null
            ? message
            : "The run ended as %s. [sync=%s run=%s]".formatted(status, sync, run));
  }

  /**
   * This report, if the run is good enough for a scheduler to call it green: SUCCEEDED or WARNING.
   *
   * @throws RunFailedException on FAILED, HELD, CANCELLED and INTERRUPTED; the message of HELD
   *     names the plan, its counts and the call that approves it
   */
  public SyncReport throwIfFailed() {
    return switch (status) {
      case SUCCEEDED, WARNING -> this;
      case HELD, FAILED, CANCELLED, INTERRUPTED -> throw new RunFailedException(this);
    };
  }
}
