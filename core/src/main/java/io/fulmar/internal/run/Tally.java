package io.fulmar.internal.run;

import io.fulmar.FailureCodes;
import io.fulmar.Operation;
import io.fulmar.SyncReport.Counts;
import io.fulmar.SyncReport.FailureGroup;
import io.fulmar.internal.store.Hold;
import io.fulmar.internal.store.Outcome;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Counts the outcomes of a run, and groups failures. This class is threadsafe. */
final class Tally {
  private static final int MAX_GROUPS = 100;
  private static final String OTHER = "FULMAR_OTHER_CODES";

  private record Group(Operation operation, String code) {}

  private record Sample(String message, long[] count) {}

  private final Map<Operation, long[]> counts = new EnumMap<>(Operation.class);
  private final Map<Group, Sample> groups = new HashMap<>();
  private long calls;
  private long done;

  Tally() {
    for (Operation operation : Operation.values()) {
      counts.put(operation, new long[3]);
    }
  }

  synchronized void called() {
    calls++;
  }

  synchronized void add(Operation operation, Outcome outcome) {
    long[] of = counts.get(operation);
    done++;
    switch (outcome.kind()) {
      case ACCEPTED -> of[0]++;
      case SKIPPED -> of[1]++;
      case REJECTED, REJECTED_TOGETHER, UNKNOWN, UNKNOWN_ALONE -> {
        of[2]++;
        group(operation, outcome);
      }
      case NOT_TRIED -> {
        if (outcome.unsure()) {
          of[2]++;
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
    Sample sample = new Sample(message, new long[1]);
    groups.computeIfAbsent(group, g -> sample).count()[0]++;
  }

  synchronized long done() {
    return done;
  }

  synchronized long calls() {
    return calls;
  }

  synchronized Map<Operation, Counts> counts(Map<Operation, Long> planned) {
    Map<Operation, Counts> result = new EnumMap<>(Operation.class);
    counts.forEach(
        (operation, of) ->
            result.put(
                operation, new Counts(planned.getOrDefault(operation, 0L), of[0], of[1], of[2])));
    return result;
  }

  synchronized List<FailureGroup> failures() {
    List<FailureGroup> result = new ArrayList<>();
    groups.forEach(
        (group, sample) ->
            result.add(
                new FailureGroup(
                    group.operation(), group.code(), sample.message(), sample.count()[0])));
    result.sort(
        Comparator.comparingLong(FailureGroup::count).reversed().thenComparing(FailureGroup::code));
    return result;
  }
}
