package io.fulmar.internal.run;

import io.fulmar.FailureCodes;
import io.fulmar.Operation;
import io.fulmar.SyncReport.Counts;
import io.fulmar.SyncReport.FailureGroup;
import io.fulmar.internal.store.Hold;
import io.fulmar.internal.store.Outcome;
import io.fulmar.internal.store.PlannedChange;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Counts the outcomes of a run, and groups failures. This class is threadsafe. */
final class Tally {
  private static final int MAX_GROUPS = 100;
  private static final String OTHER = "FULMAR_OTHER_CODES";

  private record Group(Operation operation, String code) {}

  private static final class Sample {
    private final String message;
    private long count;

    private Sample(String message) {
      this.message = message;
    }
  }

  private static final class Counter {
    private long accepted;
    private long skipped;
    private long failed;
  }

  private final Counter[] counters = new Counter[Operation.values().length];
  private final Map<Group, Sample> groups = new HashMap<>();
  private long calls;
  private long abandoned;
  private long done;

  Tally() {
    Arrays.setAll(counters, i -> new Counter());
  }

  synchronized void called() {
    calls++;
  }

  /** Counts a call that was left behind together with its thread. */
  synchronized void leftBehind() {
    abandoned++;
  }

  /** Counts the outcomes of a batch. */
  synchronized void add(List<PlannedChange> changes, List<Outcome> outcomes) {
    for (int i = 0; i < outcomes.size(); i++) {
      add(changes.get(i).change().operation(), outcomes.get(i));
    }
  }

  private void add(Operation operation, Outcome outcome) {
    Counter of = counters[operation.ordinal()];
    done++;
    switch (outcome.kind()) {
      case ACCEPTED -> of.accepted++;
      case SKIPPED -> of.skipped++;
      case REJECTED, REJECTED_TOGETHER, UNKNOWN, UNKNOWN_ALONE -> {
        of.failed++;
        group(operation, outcome);
      }
      case NOT_TRIED -> {
        if (outcome.unsure()) {
          of.failed++;
          group(operation, outcome);
        }
      }
    }
  }

  private void group(Operation operation, Outcome outcome) {
    Hold.Reason reason =
        outcome.reason() != null
            ? outcome.reason()
            : new Hold.Reason(FailureCodes.UNKNOWN_OUTCOME, "the call ended without an answer");
    Group group = new Group(operation, reason.code());
    String message = reason.message();
    if (!groups.containsKey(group) && groups.size() >= MAX_GROUPS - Operation.values().length) {
      group = new Group(operation, OTHER);
      message = "further codes";
    }
    Sample sample = groups.get(group);
    if (sample == null) {
      sample = new Sample(message);
      groups.put(group, sample);
    }
    sample.count++;
  }

  synchronized long done() {
    return done;
  }

  synchronized long calls() {
    return calls;
  }

  synchronized long abandoned() {
    return abandoned;
  }

  /**
   * Whether so many changes have failed that going on is of no use, in words; null if not.
   *
   * @param share of the changes that were attempted, 0 to 1; 1 for never
   * @param afterRows not before so many were attempted
   */
  synchronized @Nullable String tooManyFailed(double share, long afterRows) {
    long failed = 0;
    long attempted = 0;
    for (Counter of : counters) {
      failed += of.failed;
      attempted += of.failed + of.accepted + of.skipped;
    }
    if (attempted < afterRows || !Share.isExceeded(share, failed, attempted)) {
      return null;
    }
    String most = failures().stream().findFirst().map(group -> " as " + group.code()).orElse("");
    return "%s of %s changes failed, most%s: more than %s after %s (Sync.Builder.failFast)"
        .formatted(failed, attempted, most, Share.percent(share), afterRows);
  }

  synchronized Map<Operation, Counts> counts(Map<Operation, Long> planned) {
    Map<Operation, Counts> result = new EnumMap<>(Operation.class);
    for (Operation operation : Operation.values()) {
      Counter of = counters[operation.ordinal()];
      result.put(
          operation,
          new Counts(planned.getOrDefault(operation, 0L), of.accepted, of.skipped, of.failed));
    }
    return result;
  }

  synchronized List<FailureGroup> failures() {
    List<FailureGroup> result = new ArrayList<>();
    groups.forEach(
        (group, sample) ->
            result.add(
                new FailureGroup(group.operation(), group.code(), sample.message, sample.count)));
    result.sort(
        Comparator.comparingLong(FailureGroup::count)
            .reversed()
            .thenComparing(FailureGroup::code)
            .thenComparing(FailureGroup::operation));
    return result;
  }
}
